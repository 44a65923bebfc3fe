"""What the tests of the live side share: rows with everything that can be wrong, models, cuts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise

import numpy as np

from offbeat import (
    ARDetector,
    Detector,
    EnsembleDetector,
    LSTMDetector,
    Preparation,
    Readings,
    Scoring,
    Series,
    ShapeMemoryDetector,
    StreamDetector,
    Training,
)
from offbeat.series import FloatArray

QUICK = Training(max_epochs=2)
CHANNELS = ("pressure", "flow", "level", "valve")
START, STEP = np.datetime64("2026-03-01T00:00:00", "ns"), np.timedelta64(3600, "s")
N_TRAIN = 480


def rows(n_rows: int, seed: int = 0) -> FloatArray:
    """Two channels with a daily period, one that wanders, and a switch, (T, 4)."""
    draw = np.random.default_rng(seed)
    at = np.arange(n_rows)[:, None]
    waves = np.sin(2 * np.pi * at / 24 + np.arange(2)) + draw.normal(0, 0.05, (n_rows, 2))
    walk = np.cumsum(draw.normal(0, 0.1, (n_rows, 1)), axis=0)
    return np.hstack([waves, walk, at % 50 < 5])


def clocked(values: FloatArray, kept: np.ndarray | None = None) -> Series:
    """A series at one row an hour, of which the rows `kept` were measured."""
    time = (START + STEP * np.arange(len(values))).astype("datetime64[ns]")
    kept = np.ones(len(values), dtype=bool) if kept is None else kept
    return Series(values[kept], time[kept], CHANNELS)


def trouble(n_rows: int, seed: int) -> Series:
    """Rows with spikes, a shift, holes in channels, and short and long gaps, at random."""
    draw = np.random.default_rng(seed)
    values = rows(n_rows, seed + 1000)
    values[draw.random(values.shape) < draw.choice([0.0, 0.02, 0.1])] = np.nan
    for _ in range(int(draw.integers(1, 5))):
        at, length = int(draw.integers(5, n_rows - 40)), int(draw.integers(1, 35))
        kind, channel = int(draw.integers(0, 4)), int(draw.integers(0, 3))
        if kind == 0:
            values[at, channel] += draw.choice([-1, 1]) * 20
        elif kind == 1:
            values[at : at + length, channel] += 3
        elif kind == 2:
            values[at : at + length, channel] = np.nan
        else:
            values[at : at + length] = np.nan
    kept = draw.random(n_rows) > draw.choice([0.0, 0.03])
    gap = int(draw.integers(5, n_rows - 40))
    kept[gap : gap + int(draw.integers(0, 35))] = False
    kept[0] = kept[-1] = True
    return clocked(values, kept)


MAKERS: dict[str, Callable[[], Detector]] = {
    "lstm": lambda: LSTMDetector(window=16, hidden_size=8, training=QUICK),
    "calendar": lambda: LSTMDetector(hidden_size=8, n_layers=1, training=QUICK),
    "point": lambda: LSTMDetector(
        window=12,
        hidden_size=8,
        loss="mse",
        horizon=3,
        training=QUICK,
        scoring=Scoring(rate_of_change=0.5, skewness=0.5, kurtosis=0.2, aggregate="rms"),
        preparation=Preparation(impute="median", max_gap=3, scaling="robust"),
    ),
    "neighbours": lambda: LSTMDetector(
        window=12, hidden_size=8, training=QUICK, preparation=Preparation(impute="knn", max_gap=4)
    ),
    "memory": ShapeMemoryDetector,
    "linear": ARDetector,
    "flagship": lambda: EnsembleDetector(
        members=(LSTMDetector(window=16, hidden_size=8, training=QUICK), ShapeMemoryDetector()),
        witnesses=(ARDetector(),),
    ),
}


@cache
def trained(name: str) -> Detector:
    """A detector of `MAKERS`, trained once."""
    return MAKERS[name]().fit(clocked(rows(N_TRAIN)))


def streamed(
    stream: StreamDetector, series: Series, cuts: Sequence[int] = (), name: str = "series"
) -> list[Readings]:
    """What a stream says of a series, cut into calls at these rows."""
    edges = [0, *sorted({cut for cut in cuts if 0 < cut < len(series)}), len(series)]
    return [
        stream.update_many(series.time[start:end], series.values[start:end], [name] * (end - start))
        for start, end in pairwise(edges)
    ]


def joined(parts: Sequence[Readings], name: str) -> np.ndarray:
    """One array of all readings."""
    return np.concatenate([getattr(part, name) for part in parts])
