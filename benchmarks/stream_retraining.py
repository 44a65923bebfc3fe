"""Delay of `update` while a model is trained again, in a process of its own; `stream.py` starts it.

Called as `python stream_retraining.py MODEL.offbeat OUT HOW`; writes `OUT.json`. HOW is "calm",
"thread" (`StreamDetector.retrain_aside`) or "process" (as `offbeat watch --retrain` does).
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from offbeat import StreamDetector, StreamOptions, load
from offbeat.stream import Aside, Journal, RetrainOrder
from stream_engine import rows_of

N_HISTORY, N_CALLS, EVERY = 20_000, 2_000, 0.01
"""Rows that are learned; calls that are timed, and seconds from one to the next."""


def main() -> None:
    """Measure and keep it."""
    path, out, how = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        found = delays(Path(path), Path(folder), how)
    Path(f"{out}.json").write_text(json.dumps(found))


def delays(model: Path, folder: Path, how: str) -> dict[str, float]:
    """Percentiles of the delay of one `update`, in seconds, and how many came while it trained."""
    stream = StreamDetector(load(model), StreamOptions(history=N_HISTORY))
    journal = Journal(folder / "rows")
    journal.open(None)
    stream.record = recorder = journal.recorder("*")
    draw, n_channels = np.random.default_rng(0), len(stream.detector.channels_)
    table = [rows_of(step, 1, n_channels, draw)[0] for step in range(N_HISTORY + N_CALLS)]
    stream.update_many(np.arange(N_HISTORY), np.array(table[:N_HISTORY]), ["s"] * N_HISTORY)
    journal.flush()
    is_over: Callable[[], bool] = lambda: False  # noqa: E731
    aside = None
    if how == "thread":
        is_over = stream.retrain_aside("s").done
    elif how == "process":
        numbers = tuple(recorder.numbers(("s",)).tolist())
        new = folder / "new.offbeat", folder / "new.state"
        aside = Aside(
            RetrainOrder(model, stream.options, journal.folder, ("s",), numbers, N_HISTORY, *new)
        )
        is_over = lambda: aside.answer() is not None  # noqa: E731
    took = list[float]()
    begin = time.perf_counter()
    for number in range(N_CALLS):
        time.sleep(max(0.0, begin + number * EVERY - time.perf_counter()))
        if is_over():
            break
        start = time.perf_counter()
        stream.update(N_HISTORY + number, table[N_HISTORY + number], "s")
        took.append(time.perf_counter() - start)
    if aside is not None and len(took) == N_CALLS:
        aside.close()
    journal.close()
    p50, p99 = np.percentile(took, [50, 99]).tolist()
    return {"p50": p50, "p99": p99, "longest": max(took), "n": len(took)}


if __name__ == "__main__":
    main()
