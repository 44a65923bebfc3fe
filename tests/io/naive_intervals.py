"""The slow, obviously right twin of `aggregate_events`."""

from __future__ import annotations

import numpy as np

EPOCH = np.datetime64(0, "ns")


def aggregate(
    time: np.ndarray, amount: np.ndarray, every: np.timedelta64
) -> tuple[np.ndarray, np.ndarray]:
    """Start, and (count, sum, mean), of every interval that is covered as a whole."""
    every = every.astype("timedelta64[ns]")  # a tenth of 7 whole seconds would be 0
    start = EPOCH + ((time.min() - EPOCH) // every) * every
    starts, rows = [], []
    while start <= time.max():
        inside = amount[(time >= start) & (time < start + every)]
        mean = inside.mean() if len(inside) else np.nan
        starts.append(start)
        rows.append((len(inside), inside.sum(), mean))
        start = start + every
    first = int(time.min() - starts[0] > every / 10)
    last = len(starts) - int(starts[-1] + every - time.max() > every / 10)
    return np.array(starts[first:last]), np.array(rows[first:last])
