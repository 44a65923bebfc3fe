"""One measurement of the live engine, in a process of its own; `stream.py` starts it.

Called as `python stream_engine.py MODEL.offbeat OUT N_SERIES HOW`; writes `OUT.json`. HOW is
"usual", "alarm": every row of every series alarms, or "flat": memory over ten million rows.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from offbeat import Detector, EnsembleDetector, StreamDetector, load
from offbeat.memory import ShapeMemory
from offbeat.windowed import ShapeMemoryDetector

__all__ = ["engine", "latency", "products"]

SECONDS, FEWEST, CALLS = 4.0, 5, 4000
"""A batch is repeated so long, at least so often; one series is called so often."""
N_FLAT = 10_000_000
JUMP = 40.0
"""Far outside of what the model has learned."""


def rows_of(step: int, n_series: int, n_channels: int, draw: np.random.Generator) -> np.ndarray:
    """The next row of every series: the wave that the model has learned, (S, C)."""
    wave = np.sin(2 * np.pi * step / 24 + np.arange(n_channels))
    return wave + draw.normal(0, 0.1, (n_series, n_channels))


def engine(detector: Detector, n_series: int, jump: float) -> list[float]:
    """Seconds of every `update_many` of one row each, after the warm-up."""
    stream, draw = StreamDetector(detector), np.random.default_rng(0)
    names, took = [f"s{i}" for i in range(n_series)], list[float]()
    n_channels, warm_up = len(detector.channels_), detector.warm_up_ + 2
    for step in range(10**9):
        values = rows_of(step, n_series, n_channels, draw) + (jump if step >= warm_up else 0.0)
        start = time.perf_counter()
        stream.update_many(step, values, names)
        if step > warm_up:
            took.append(time.perf_counter() - start)
        if len(took) >= FEWEST and sum(took) > SECONDS:
            return took
    raise AssertionError


def latency(detector: Detector) -> list[float]:
    """Seconds of every `update` of one series."""
    stream, draw = StreamDetector(detector), np.random.default_rng(0)
    took = list[float]()
    for step in range(CALLS + 200):
        values = rows_of(step, 1, len(detector.channels_), draw)[0]
        start = time.perf_counter()
        stream.update(step, values)
        took.append(time.perf_counter() - start)
    return took[200:]


def flat(detector: Detector, n_series: int) -> dict[str, float]:
    """Memory after each tenth of ten million rows, in MB."""
    stream, draw = StreamDetector(detector), np.random.default_rng(0)
    names, found = [f"s{i}" for i in range(n_series)], list[float]()
    start, n_channels = time.perf_counter(), len(detector.channels_)
    for step in range(N_FLAT // n_series):
        stream.update_many(step, rows_of(step, n_series, n_channels, draw), names)
        if (step + 1) % (N_FLAT // n_series // 10) == 0:
            found.append(memory_now())
    seconds = time.perf_counter() - start
    return {"first_mb": found[0], "last_mb": found[-1], "most_mb": max(found), "seconds": seconds}


def memory_now() -> float:
    """Resident, in MB."""
    status = Path("/proc/self/statm").read_text().split()
    return int(status[1]) * resource.getpagesize() / 2**20


def products(detector: Detector, n_series: int) -> float:
    """Seconds of the plain matrix products of one step of so many series, the median."""
    draw = np.random.default_rng(0)
    pairs = [
        (draw.random((n_series, n_in), dtype), draw.random((n_in, n_out), dtype))
        for n_in, n_out, dtype in shapes(detector)
    ]
    outs = [np.empty((len(a), b.shape[1]), a.dtype) for a, b in pairs]

    def work() -> None:
        for (a, b), out in zip(pairs, outs, strict=True):
            np.matmul(a, b, out=out)

    return float(np.median(repeated(work)))


def shapes(detector: Detector) -> list[tuple[int, int, type]]:
    """Rows and columns of the matrices that a row of a series is multiplied with."""
    members = (*detector.members_,) if isinstance(detector, EnsembleDetector) else (detector,)
    found = list[tuple[int, int, type]]()
    for each in members:
        if isinstance(each, ShapeMemoryDetector):
            found += [memory_shape(memory) for memory in each.memories_]
        else:
            lstm, head = each.network_.lstm, each.network_.head
            size, n_in = lstm.hidden_size, lstm.input_size
            found += [(n_in + size, 4 * size, np.float32)]
            found += [(2 * size, 4 * size, np.float32)] * (lstm.num_layers - 1)
            found += [(head.in_features, head.out_features, np.float32)]
    return found


def memory_shape(memory: ShapeMemory) -> tuple[int, int, type]:
    """Of a window with all that are remembered."""
    n_windows, n_rows = memory.windows.shape
    return n_rows, n_windows, np.float64


def repeated(work: Callable[[], None], seconds: float = 2.0) -> list[float]:
    """Seconds of every repetition."""
    took = list[float]()
    work()
    while len(took) < FEWEST or sum(took) < seconds:
        start = time.perf_counter()
        work()
        took.append(time.perf_counter() - start)
    return took


def main() -> None:
    """Measure and keep it."""
    path, out, n_series, how = sys.argv[1:]
    detector, many = load(path), int(n_series)
    if how == "flat":
        Path(f"{out}.json").write_text(json.dumps(flat(detector, many)))
        return
    took = engine(detector, many, JUMP if how == "alarm" else 0.0)
    found = {"points_s": many / float(np.median(took)), "n": len(took)}
    found["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if many == 1:
        found["p50"], found["p99"] = np.percentile(latency(detector), [50, 99]).tolist()
    if how == "usual":
        found["product_points_s"] = many / products(detector, many)
    Path(f"{out}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main()
