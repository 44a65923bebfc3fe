"""Fleets: one network for all and one each, beside a loop of single fits (`make bench-fleet`).

All times are of one run on one machine, wall and processor: of 1,000 series x 5,000 rows, a sample
of which stands for all where it says so. Then one and two workers of a Ray cluster, and VUS-PR on
whole collections (`fleet_accuracy`). What was measured is kept in `out/fleet/`; delete a file there
to measure it again. Writes `benchmarks/results/fleet.md`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import numpy as np
import polars as pl
import torch

import fleet_accuracy
from jobs import keep
from offbeat import LSTMDetector, Series, Training
from offbeat.fleet import Failure, Fleet, SharedLSTM, learn_own, score_each
from offbeat.fleet.foreseeing import Question, answers
from ray_cluster import QUIET, ray_cluster

ROOT = Path(__file__).resolve().parents[1]
KEPT, RESULTS = ROOT / "out" / "fleet", ROOT / "benchmarks" / "results"
N_SERIES, N_ROWS = 1_000, 5_000
N_LOOP, N_ADMITTED, N_OWN, N_OWN_FRESH, N_SCORED = 10, 100, 16, 8, 50
"""Series that the loop, the admission and the own models are timed on, scaled to all; and different
ones that are scored, each twenty times under another key."""
BARS = {"shared": 20.0, "own from shared": 5.0}
POINTS_A_SECOND = 1_000_000
WAYS = {
    "loop of single fits": ("loop",),
    "shared": ("shared-fit", "shared-admit"),
    "own from shared": ("shared-fit", "own-start"),
    "own": ("own",),
}
RAY_SERIES, RAY_ROWS, RAY_BAR = 64, 3_000, 1.6
Figures = dict[str, float]


def main() -> None:
    """Measure what is not measured yet, then make the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60.0, help="for VUS-PR of each mode")
    parser.add_argument("--only", choices=("speed", "accuracy", "page"), help="one part")
    options = parser.parse_args()
    KEPT.mkdir(parents=True, exist_ok=True)
    if options.only in (None, "speed"):
        measure_speed()
        measure_ray()
    if options.only in (None, "accuracy"):
        for collection in fleet_accuracy.COLLECTIONS:
            for mode in fleet_accuracy.MODES:
                fleet_accuracy.measure(collection, mode, options.minutes)
            fleet_accuracy.choose(collection)
    write_page()


def made_series(number: int, n_rows: int = N_ROWS) -> Series:
    """A periodic series with noise, its own period, height and shape."""
    draw, rows, period = np.random.default_rng(number), np.arange(n_rows), period_of(number)
    draw.integers(20, 100)
    angle = 2 * np.pi * rows / period
    wave = np.sin(angle) + draw.uniform(0, 0.5) * np.sin(2 * angle + draw.uniform(0, 6))
    values = draw.uniform(1, 100) * (wave + draw.normal(0, 0.1, n_rows))
    return Series(values[:, None], rows, ("value",), name=f"s{number}")


def measure_speed() -> None:
    """Every time that is not kept yet."""
    fleet = {f"s{i}": made_series(i) for i in range(N_SERIES)}
    template = LSTMDetector()
    shared = SharedLSTM(template)
    timed("loop", N_LOOP, lambda: [template.fresh().fit(s) for s in some(fleet, N_LOOP).values()])
    path = KEPT / "speed.shared"
    if not path.exists():
        timed("shared-fit", N_SERIES, lambda: shared.fit(fleet))
        shared.save(path)
    shared = SharedLSTM.load(path)
    known = some(fleet, N_ADMITTED)
    timed("shared-admit", N_ADMITTED, lambda: shared.admit_all(known))
    part = neighbours(fleet, N_OWN)
    timed("own-start", N_OWN, lambda: learn_own(part, template, start=shared))
    fresh = neighbours(fleet, N_OWN_FRESH)
    timed("own", N_OWN_FRESH, lambda: learn_own(fresh, template))
    measure_scoring(fleet)


def some(fleet: dict[str, Series], n_series: int) -> dict[str, Series]:
    """The first of the fleet: they were drawn at random."""
    return dict(list(fleet.items())[:n_series])


def neighbours(fleet: dict[str, Series], n_series: int) -> dict[str, Series]:
    """So many with the most usual periods: of a thousand, those trained in step are so alike."""
    keys = sorted(fleet, key=lambda key: period_of(int(key[1:])))[N_SERIES // 2 :]
    return {key: fleet[key] for key in keys[:n_series]}


def period_of(number: int) -> int:
    """Rows after which a series repeats."""
    return int(np.random.default_rng(number).integers(20, 100))


def timed(name: str, n_series: int, work: Callable[[], object]) -> None:
    """Do it if it was not done before, and keep what it took a series."""
    path = KEPT / f"speed-{name}.json"
    if path.exists():
        return
    figures: Figures = {"n": n_series}
    with clocked(figures):
        work()
    keep(figures, path)
    print(name, figures, flush=True)


@contextmanager
def clocked(figures: Figures) -> Iterator[None]:
    """Wall and processor seconds of what is inside."""
    wall, processor = time.perf_counter(), time.process_time()
    yield
    figures["wall"] = time.perf_counter() - wall
    figures["processor"] = time.process_time() - processor
    figures["load"] = os.getloadavg()[0]


def measure_scoring(fleet: dict[str, Series]) -> None:
    """Points a second at hidden size 32: the network's steps, whole detections, plain products."""
    if (KEPT / "speed-scoring.json").exists():
        return
    quick = Training(max_epochs=1)
    shared = SharedLSTM(LSTMDetector(hidden_size=32, training=quick), training=quick)
    keys = list(fleet)
    known = shared.learn(some(fleet, N_SCORED))
    detectors = {key: known[keys[i % N_SCORED]] for i, key in enumerate(keys)}
    fleet = {key: fleet[keys[i % N_SCORED]] for i, key in enumerate(keys)}
    ready = [d for d in detectors.values() if not isinstance(d, Failure)]
    questions = []
    for detector, series in zip(ready, fleet.values(), strict=True):
        _, grid = detector._scored_grid(series)
        prepared = detector.prepared_by_.prepare(grid, causal=True)
        questions.append(Question(detector, prepared, detector.limit_))
    figures: dict[str, Figures] = {"steps": {}, "whole": {}, "products": {}}
    with clocked(figures["steps"]):
        for _ in answers(questions):
            pass
    with clocked(figures["whole"]):
        for _ in score_each(detectors, fleet):
            pass
    with clocked(figures["products"]):
        plain_products(N_SERIES // 2, 2 * N_ROWS)
    keep(figures, KEPT / "speed-scoring.json")
    print("scoring", figures, flush=True)


def measure_ray() -> None:
    """The same fleet with one worker of a Ray cluster and with two."""
    path = KEPT / "speed-ray.json"
    if path.exists():
        return
    figures: dict[str, Figures] = {}
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as temp:
        series = [made_series(i, RAY_ROWS) for i in range(RAY_SERIES)]
        frames = [pl.DataFrame({"key": s.name, "value": s.values[:, 0]}) for s in series]
        data = f"{folder}/fleet.parquet"
        pl.concat(frames).write_parquet(data)
        os.environ |= QUIET
        for n_workers in (1, 2):
            with ray_cluster(Path(temp)) as address:  # a new one: nobody is warm
                fleet = Fleet(data, key="key", workers=n_workers, ray=address, shard_series=4)
                figures[str(n_workers)] = {}
                with clocked(figures[str(n_workers)]):
                    fleet.train(f"{folder}/models{n_workers}")
    keep(figures, path)
    print("ray", figures, flush=True)


def plain_products(n_lanes: int, n_steps: int, size: int = 32) -> None:
    """Only the matrix products of two layers and a head, for as many points."""
    shapes = ((1 + size, 4 * size), (2 * size, 4 * size), (size + 1, 16))
    weights = [torch.randn(shape) for shape in shapes]
    read = [torch.randn(n_lanes, len(weight)) for weight in weights]
    out = [torch.empty(n_lanes, weight.shape[1]) for weight in weights]
    for _ in range(n_steps):
        for one, weight, made in zip(read, weights, out, strict=True):
            torch.mm(one, weight, out=made)


def kept_speed(name: str) -> Figures | None:
    """What a way took."""
    path = KEPT / f"speed-{name}.json"
    found: Figures | None = json.loads(path.read_text()) if path.exists() else None
    return found


def write_page() -> None:
    """The page, as far as measured."""
    note = Path(__file__).with_name("fleet_notes.md").read_text().strip()
    lines = ["# Fleets", "", heading(), "", *speed_lines(), "", *scoring_lines(), "", *ray_lines()]
    accuracy, _ = fleet_accuracy.table()
    lines += ["## VUS-PR", "", fleet_accuracy.__doc__.split("\n\n")[1].replace("\n", " "), ""]
    lines += ["Means over the series that all modes of a line were measured on.", "", *accuracy]
    lines += ["", 'What `mode="auto"` chooses, from forecasts and without labels:', ""]
    lines += fleet_accuracy.choices()
    (RESULTS / "fleet.md").write_text("\n".join([*lines, "", note]) + "\n")
    print("\n".join(lines))


def heading() -> str:
    """What it was measured on."""
    return (
        f"offbeat {version('offbeat')}, torch {torch.__version__}, NumPy {np.__version__}, "
        f"{platform.machine()}, {os.cpu_count()} cores; the load at the end "
        "of each part stands beside it, and processor seconds beside the wall. Made by "
        "`make bench-fleet`."
    )


def speed_lines() -> list[str]:
    """Learning, beside the loop."""
    lines = [
        f"## Learning {N_SERIES:,} series of {N_ROWS:,} rows",
        "",
        "Default options (two layers of 64). Seconds a series; a sample stands for all where "
        "fewer were timed. `shared` is training and admitting; `own from shared` counts `shared`'s "
        "training, which it starts from.",
        "",
        "| | series timed | wall, s | times as fast | processor, s | times as fast | load |",
        "|---|---|---|---|---|---|---|",
    ]
    loop = kept_speed("loop")
    for title, parts in WAYS.items():
        found = [kept_speed(part) for part in parts]
        known = [each for each in found if each is not None]
        if loop is None or len(known) < len(parts):
            lines.append(f"| {title} | not measured | | | | | |")
            continue
        wall, processor = (sum(one[k] / one["n"] for one in known) for k in ("wall", "processor"))
        quicker = loop["wall"] / loop["n"] / wall
        leaner = loop["processor"] / loop["n"] / processor
        counts = " + ".join(f"{one['n']:,.0f}" for one in known)
        loads = " + ".join(f"{one['load']:.0f}" for one in known)
        lines.append(
            f"| {title} | {counts} | {wall:.3f} | {quicker:.1f} | {processor:.3f} | {leaner:.1f} "
            f"| {loads} |"
        )
    return [
        *lines,
        "",
        f"Bars, by the wall: shared {BARS['shared']:g}, own {BARS['own from shared']:g}.",
    ]


def scoring_lines() -> list[str]:
    """Scoring, beside plain products."""
    path = KEPT / "speed-scoring.json"
    if not path.exists():
        return []
    found = json.loads(path.read_text())
    points = N_SERIES * N_ROWS
    lines = [
        f"## Scoring {points:,} points at hidden size 32",
        "",
        "One network. `steps` are the forecasts of every row, limited as it is read; "
        "`whole` is from series to detections with events and bands; `products` are the network's "
        f"matrix products alone. The bar is {POINTS_A_SECOND:,} on two cores.",
        "",
        "| | points a second, wall | points a processor second | load |",
        "|---|---|---|---|",
    ]
    for name, one in found.items():
        rates = f"{points / one['wall']:,.0f} | {points / one['processor']:,.0f}"
        lines.append(f"| {name} | {rates} | {one['load']:.1f} |")
    return lines


def ray_lines() -> list[str]:
    """Two workers beside one."""
    path = KEPT / "speed-ray.json"
    if not path.exists():
        return []
    one, two = (json.loads(path.read_text())[n] for n in "12")
    return [
        f"## A Ray cluster: {RAY_SERIES} series of {RAY_ROWS:,} rows, one network each",
        "",
        f"From a cluster that has just begun to the last model. Bar: {RAY_BAR:g} times as fast.",
        "",
        "| workers | wall, s | load | times as fast |",
        "|---|---|---|---|",
        f"| 1 | {one['wall']:.1f} | {one['load']:.1f} | 1 |",
        f"| 2 | {two['wall']:.1f} | {two['load']:.1f} | {one['wall'] / two['wall']:.2f} |",
        "",
    ]


if __name__ == "__main__":
    main()
