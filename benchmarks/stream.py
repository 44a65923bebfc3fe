"""Points a second of the live engine, and of others called point by point (`make bench-stream`).

Every measurement is a process of its own on one thread; every peer has an environment of its own.
Writes `benchmarks/results/stream.md`. What was measured before is kept in `out/stream/`; delete a
file there to measure it again.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from offbeat import Detector, EnsembleDetector, LSTMDetector, Training
from speed_runs import ROOT, SCRIPTS, calm, environment, python_of
from speed_tables import Bar

KEPT, RESULTS = ROOT / "out" / "stream", ROOT / "benchmarks" / "results"
N_TRAIN, N_ROWS, PERIOD = 300, 60_000, 24
N_LEARNED = 2_000
QUICK = Training(max_epochs=2)  # the cost of a row does not depend on what was learned
MODELS = {
    "LSTM, hidden size 64": (lambda: LSTMDetector(hidden_size=64, training=QUICK), 1),
    "LSTM, hidden size 32": (lambda: LSTMDetector(hidden_size=32, training=QUICK), 1),
    "LSTM, hidden size 64, 5 channels": (lambda: LSTMDetector(hidden_size=64, training=QUICK), 5),
    "flagship": (EnsembleDetector, 1),
}
SIZES = (1, 100, 10_000, 100_000)
LEFT_OUT = {("flagship", 100_000), ("LSTM, hidden size 64, 5 channels", 100_000)}
PEERS = {
    "tutorial's model, `predict` of one window": ("tutorial", "tutorial_window", "predict"),
    "tutorial's model, called with one window": ("tutorial", "tutorial_window", "call"),
    "tutorial's model, `predict` of 1,000 windows": ("tutorial", "tutorial_window", "many"),
    "river HalfSpaceTrees": ("river", "river_trees", ""),
    "PyOD IForest, a window a point": ("pyod", "pyod_window", "iforest"),
    "PyOD HBOS, a window a point": ("pyod", "pyod_window", "hbos"),
}
OURS, ONE_WINDOW = "LSTM, hidden size 64", tuple(PEERS)[:2]
TIMES_TUTORIAL, LONGEST_MS, LARGE_RATIO = 100.0, 1.0, 10.0

RETRAINING = {"calm": "none", "thread": "in a thread", "process": "in a process, as in a watch"}

Found = dict[str, Any]


def main() -> None:
    """Measure what was not measured yet, then make the tables."""
    options = arguments()
    KEPT.mkdir(parents=True, exist_ok=True)
    data = KEPT / "series.npz"
    np.savez(data, values=series(1), n_train=N_TRAIN)
    load_before = os.getloadavg()[0]
    engine, alarm = dict[tuple[str, int], Found](), dict[tuple[str, int], Found]()
    for name, n_series in cases(options.largest):
        engine[name, n_series] = ours(name, n_series, "usual")
    for n_series in (100, 10_000):
        alarm[OURS, n_series] = ours(OURS, n_series, "alarm")
    memory = ours(OURS, 10_000, "flat")
    trained = {how: retraining(OURS, how) for how in RETRAINING}
    peers = {name: peer(name, data) for name in PEERS}
    lines = heading(load_before) + bars_table(bars(engine, peers))
    lines += engine_table(engine, alarm) + memory_line(memory)
    lines += latency_table(engine) + retraining_table(trained) + peers_table(engine, peers)
    (RESULTS / "stream.md").write_text("\n".join(lines).rstrip() + "\n")
    print("\n".join(lines))


def arguments() -> argparse.Namespace:
    """What can be asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--largest", type=int, default=SIZES[-1], help="most series at once")
    return parser.parse_args()


def cases(largest: int) -> list[tuple[str, int]]:
    """Models and numbers of series."""
    every = [(name, size) for name in MODELS for size in SIZES if size <= largest]
    return [case for case in every if case not in LEFT_OUT]


def series(n_channels: int) -> np.ndarray:
    """A wave with noise, (T, C)."""
    at = np.arange(N_ROWS)[:, None]
    noise = np.random.default_rng(0).normal(0, 0.1, (N_ROWS, n_channels))
    return np.sin(2 * np.pi * at / PERIOD + np.arange(n_channels)) + noise


def model(name: str) -> Path:
    """A trained model's file; it is trained where there is none."""
    path = KEPT / f"{slug(name)}.offbeat"
    if not path.exists():
        make, n_channels = MODELS[name]
        detector: Detector = make()
        detector.fit(series(n_channels)[:N_LEARNED]).save(path)
    return path


def ours(name: str, n_series: int, how: str) -> Found:
    """One measurement of the engine."""
    kept = KEPT / f"{slug(name)}_{n_series}_{how}"
    script = Path(__file__).with_name("stream_engine.py")
    command = [sys.executable, str(script), str(model(name)), str(kept), str(n_series), how]
    return measured(command, kept)


def retraining(name: str, how: str) -> Found:
    """Delay of `update` while a model is trained again."""
    kept = KEPT / f"{slug(name)}_retraining_{how}"
    script = Path(__file__).with_name("stream_retraining.py")
    return measured([sys.executable, str(script), str(model(name)), str(kept), how], kept)


def peer(name: str, data: Path) -> Found:
    """One measurement of somebody else's."""
    place, script, way = PEERS[name]
    trouble = environment(place)
    if trouble:
        return {"trouble": trouble}
    kept = KEPT / slug(name)
    command = [str(python_of(place)), str(SCRIPTS / f"{script}.py"), str(data), str(kept), way]
    return measured(command, kept)


def measured(command: list[str], kept: Path) -> Found:
    """Run a process on one thread, or read what an earlier one left."""
    record = kept.with_suffix(".json")
    if not record.exists():
        ones = {name: "1" for name in calm() if name.endswith(("NUM_THREADS", "_THREADS"))}
        source = {"PYTHONPATH": str(ROOT / "src")} if command[0] == sys.executable else {}
        print("measuring", kept.name, flush=True)
        done = subprocess.run(
            command, env={**calm(), **ones, **source}, capture_output=True, text=True, check=False
        )
        if done.returncode:
            last = (done.stderr.strip() or "no message").splitlines()[-1]
            return {"trouble": f"failed: {last[:100]}"}
        load = {"load": os.getloadavg()[0]}
        record.write_text(json.dumps(json.loads(record.read_text()) | load))
    found: Found = json.loads(record.read_text())
    return found


def slug(name: str) -> str:
    """A name as part of a file name."""
    return "".join(c if c.isalnum() else "_" for c in name)


# ---------------------------------------------------------------- the page


def heading(load_before: float) -> list[str]:
    """What the machine was."""
    return [
        "# Streams",
        "",
        f"{platform.machine()}, {os.cpu_count()} cores, shared with other work: load "
        f"{load_before:.1f} at the beginning, {os.getloadavg()[0]:.1f} at the end. Python "
        f"{platform.python_version()}, NumPy {np.__version__}, one thread each; medians of calls. "
        f"Made by `make bench-stream`.",
        "",
    ]


def bars(engine: dict[tuple[str, int], Found], peers: dict[str, Found]) -> list[Bar]:
    """What should hold, as ratios in one run where there is something to hold it against."""
    found, one = list[Bar](), engine[OURS, 1]
    speeds = [peers[name]["points_s"] for name in ONE_WINDOW if "points_s" in peers[name]]
    most = max((n for name, n in engine if name == OURS), default=1)
    many = min(10_000, most)
    if speeds:
        times = engine[OURS, many]["points_s"] / max(speeds)
        what = f"{many:,} series: {TIMES_TUTORIAL:g} x the points a second of the tutorial's model"
        what += ", one window a point, whichever way of calling it is faster"
        found.append(Bar(what, times >= TIMES_TUTORIAL, f"{times:,.0f} x"))
    p99 = 1000 * one["p99"]
    what = f"p99 of `update` under {LONGEST_MS:g} ms, hidden size 64"
    found.append(Bar(what, p99 < LONGEST_MS, f"{p99:.2f} ms"))
    return found


def bars_table(held: list[Bar]) -> list[str]:
    """The table of bars."""
    return ["| bar | holds | found |", "|---|---|---|", *(bar.line() for bar in held), ""]


def table(
    columns: Sequence[str],
    found: Iterable[tuple[Sequence[str], Found]],
    cells: Callable[[Found], Sequence[str]],
) -> list[str]:
    """A line each, of its first cells and its figures, or why there are none."""
    lines = [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
    for first, each in found:
        line = [*first, *([each["trouble"]] if "trouble" in each else cells(each))]
        line += [""] * (len(columns) - len(line))
        lines.append(f"| {' | '.join(line)} |")
    return [*lines, ""]


def engine_table(
    engine: dict[tuple[str, int], Found], alarm: dict[tuple[str, int], Found]
) -> list[str]:
    """Points a second by number of series, beside the products alone."""
    columns = ("model", "series", "points/s", "products alone, points/s", "share", "peak, MB")

    def cells(found: Found) -> list[str]:
        plain, speed = found.get("product_points_s"), found["points_s"]
        beside = ["", ""] if plain is None else [f"{plain:,.0f}", f"{speed / plain:.0%}"]
        return [f"{speed:,.0f}", *beside, f"{found['peak_mb']:,.0f}", f"{found['load']:.1f}"]

    usual = [((name, f"{n_series:,}"), found) for (name, n_series), found in engine.items()]
    loud = [((f"{name}, all alarm", f"{n:,}"), found) for (name, n), found in alarm.items()]
    return [
        "## Points a second, by number of series",
        "",
        "One row each in one `update_many`, Python call included. The products are the plain",
        "matrix products of the same shapes, of network and memory, and nothing else. The load is",
        "that of the machine right after.",
        "",
        *table((*columns, "load"), [*usual, *loud], cells),
    ]


def memory_line(found: Found) -> list[str]:
    """Whether memory grows with the rows."""
    if "trouble" in found:
        return [f"Ten million rows of 10,000 series: {found['trouble']}.", ""]
    return [
        f"Ten million rows of 10,000 series, {OURS}: {found['first_mb']:,.1f} MB after the first "
        f"million, {found['last_mb']:,.1f} MB at the end, {found['most_mb']:,.1f} MB at most; "
        f"{found['seconds']:,.0f} s (load {found['load']:.1f}).",
        "",
    ]


def retraining_table(trained: dict[str, Found]) -> list[str]:
    """One call every 10 ms, calm and while a model is trained again."""
    columns = ("training", "p50, ms", "p99, ms", "longest, ms", "calls", "load")

    def cells(found: Found) -> list[str]:
        took = [f"{1000 * found[each]:.2f}" for each in ("p50", "p99", "longest")]
        return [*took, str(found["n"]), f"{found['load']:.1f}"]

    return [
        "## `update` while a model is trained again",
        "",
        "A call every 10 ms; the model learns 20,000 rows meanwhile. `offbeat watch --retrain` has",
        "a process of its own for that, which stands back behind the stream (nice 10).",
        "",
        *table(columns, [((RETRAINING[how],), found) for how, found in trained.items()], cells),
    ]


def latency_table(engine: dict[tuple[str, int], Found]) -> list[str]:
    """One series, one call a point."""

    def cells(found: Found) -> list[str]:
        return [*(f"{1000 * found[each]:.2f}" for each in ("p50", "p99")), f"{found['load']:.1f}"]

    single = [((name,), found) for (name, n_series), found in engine.items() if n_series == 1]
    lines = ["## One series, `update` by `update`", ""]
    return lines + table(("model", "p50, ms", "p99, ms", "load"), single, cells)


def peers_table(engine: dict[tuple[str, int], Found], peers: dict[str, Found]) -> list[str]:
    """Others, point by point, beside our single `update` and our 10,000 series at once."""
    one = engine[OURS, 1]
    many = engine.get((OURS, 10_000))
    columns = ("", "points/s", "p50, ms", "p99, ms", "ours, one series", "ours, 10,000 series")

    def cells(found: Found) -> list[str]:
        speed = found["points_s"]
        took = [f"{1000 * found['p50']:.2f}", f"{1000 * found['p99']:.2f}"]
        beside = [times(1 / one["p50"] / speed)]
        beside.append("" if many is None else times(many["points_s"] / speed))
        return [f"{speed:,.0f}", *took, *beside, f"{found['load']:.1f}"]

    return [
        "## Others, point by point",
        "",
        "One channel. The tutorial's model and PyOD read the last 50 rows with every call, River",
        "learns from the row too. Of theirs the score alone is timed; ours is the whole reading:",
        "score, cut, expected band, channels, events. River and PyOD's histograms cost less a",
        "point than one `update` of ours; many series at once cost less than either.",
        "",
        *table((*columns, "load"), [((name,), found) for name, found in peers.items()], cells),
    ]


def times(ratio: float) -> str:
    """`0.05 x`, `12,400 x`."""
    return f"{ratio:,.0f} x" if ratio >= LARGE_RATIO else f"{ratio:.2g} x"


if __name__ == "__main__":
    main()
