"""What a million series a minute costs, from measured constants, and a simulation of the scheduler.

    make bench-scale-fleet

Constants are seconds of one core (CPU time, so that other work on the machine does not count) and
bytes. The simulation hands out shards of series of skewed lengths to many workers, in several ways.
Writes `results/fleet_scheduler.md`.
"""

from __future__ import annotations

import argparse
import heapq
import json
import platform
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from offbeat import LSTMDetector, OffbeatError, Training
from offbeat.fleet import Fleet
from offbeat.fleet import runs as runs_module
from offbeat.fleet.driver import Limits, run_job
from offbeat.fleet.engine import Answer
from offbeat.fleet.job import Job
from offbeat.fleet.plan import cut_shards
from offbeat.fleet.work import do_task
from offbeat.processes import Message

SERIES_OF_A_SHARD, MOST_VALUES = 64, 1_000_000
MEASURED = 16
"""Series of the shard whose tasks are measured."""
SHORT, LONG = 1_000, 5_000
MILLION = 1_000_000


@dataclass(frozen=True)
class Constants:
    """Seconds of a core, and bytes.

    Parameters
    ----------
    row, series, fit, admit
        Scoring a row; scoring a series besides its rows, its share of the shard's files included;
        training one of `SHORT` rows; admitting one to a shared network.
    task
        The driver's, a shard.
    model, result
        Bytes of a model of its own, and of the scores of a row.
    """

    row: float
    series: float
    fit: float
    admit: float
    task: float
    model: float
    result: float


class Timed:
    """An engine in this process that adds up what the tasks take."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def run(self, tasks: Sequence[Message]) -> Iterator[Answer]:
        """See `Engine`."""
        for task in tasks:
            began = time.process_time()
            result = do_task(task)
            spent = time.process_time() - began
            self.seconds[task["do"]] = self.seconds.get(task["do"], 0.0) + spent
            yield Answer(task, result)

    def close(self) -> None:
        """Nothing runs on."""


class Idle(Timed):
    """An engine that says at once that all is done: what is left is the driver."""

    def run(self, tasks: Sequence[Message]) -> Iterator[Answer]:
        """See `Engine`."""
        for task in tasks:
            yield Answer(task, {"name": task["name"], "succeeded": 1, "failed": 0})


def write_series(folder: Path, n_series: int, n_rows: int) -> None:
    """Parquet files of one channel, a day of minutes as a period."""
    folder.mkdir()
    draw, row = np.random.default_rng(0), np.arange(n_rows)
    stamps = np.datetime64("2026-01-01", "us") + row.astype("timedelta64[m]")
    for number in range(n_series):
        value = np.sin(2 * np.pi * row / 48 + number) + 0.1 * draw.standard_normal(n_rows)
        frame = pl.DataFrame({"time": stamps, "value": value})
        frame.write_parquet(folder / f"{number:04d}.parquet")


def timed(folder: Path, models: Path, out: Path, mode: str | None) -> float:
    """CPU seconds of the shards of a training (`mode`) or a scoring."""
    engine, made = Timed(), Fleet(str(folder), workers=0)
    before, runs_module.Inline = runs_module.Inline, lambda: engine  # type: ignore[assignment,misc]
    try:
        if mode is None:
            made.score(str(models), str(out))
        else:
            template = LSTMDetector(training=Training(max_epochs=30))
            made.train(str(models), template, mode=mode)  # type: ignore[arg-type]
    finally:
        runs_module.Inline = before  # type: ignore[misc]
    return engine.seconds["shard"]


def driver_seconds(folder: Path) -> float:
    """What the driver takes for a shard, of a plan of many."""
    n_series, made = 64_000, folder / "driver"
    made.mkdir()
    rows = [(f"s{n:06d}", f"/nowhere/{n}.csv", 1) for n in range(n_series)]
    schema = {"url": pl.String, "name": pl.String, "size": pl.Int64}
    job = Job("train", "nowhere")
    (made / "plan").mkdir()
    listed = pl.DataFrame([(u, f"{k}.csv", s) for k, u, s in rows], schema=schema, orient="row")
    listed.write_parquet(made / "plan" / "files.parquet")
    entry = {"fingerprint": job.fingerprint, **job.to_dict()}
    (made / "job.json").write_text(json.dumps(entry))
    began = time.process_time()
    with suppress(OffbeatError):  # it sees that nothing was done
        run_job(job, str(made), Idle(), Limits())
    return (time.process_time() - began) / (n_series / SERIES_OF_A_SHARD)


def size_of(folder: Path) -> int:
    """Bytes below a folder."""
    return sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())


def measure(folder: Path) -> Constants:
    """All constants, from shards as a worker does them."""
    n = MEASURED
    for name, rows in (("short", SHORT), ("long", LONG)):
        write_series(folder / name, n, rows)
    own, shared = folder / "own", folder / "shared"
    fit = timed(folder / "short", own, own, "own")
    admit = timed(folder / "short", shared, shared, "shared")
    seconds = [
        timed(folder / name, shared, folder / f"{name}_scores", None) for name in ("short", "long")
    ]
    row = (seconds[1] - seconds[0]) / (n * (LONG - SHORT))
    return Constants(
        row=row,
        series=max(seconds[0] / n - row * SHORT, 0.0),
        fit=fit / n,
        admit=admit / n,
        task=driver_seconds(folder),
        model=size_of(own / "packs") / n,
        result=size_of(folder / "long_scores" / "scores") / (n * LONG),
    )


# ---------------------------------------------------------------- the simulation


def lengths(kind: str, n_series: int) -> np.ndarray:
    """Rows of each series, `SHORT` in the mean or about, in an order that means nothing."""
    draw = np.random.default_rng(1)
    if kind == "all alike":
        return np.full(n_series, SHORT)
    if kind == "lognormal, sigma 1.5":
        made = draw.lognormal(0, 1.5, n_series)
    elif kind == "Pareto, 1.2":
        made = 1 + draw.pareto(1.2, n_series)
    else:  # one giant among small ones
        made = np.ones(n_series)
    made = np.maximum(1, made * SHORT / made.mean()).astype(np.int64)
    if kind == "one giant":
        made[-1] = 2_000_000
    return np.minimum(made, 2_000_000)


def makespan(costs: Sequence[float], n_workers: int) -> float:
    """When the last worker is done, if each takes the next task as soon as it is free."""
    free = [0.0] * n_workers
    for cost in costs:
        heapq.heappush(free, heapq.heappop(free) + cost)
    return max(free)


def simulate(known: Constants, n_series: int, n_workers: int) -> list[tuple[str, ...]]:
    """Time over the ideal, for each kind of lengths and each way of handing out."""
    rows = []
    for kind in ("all alike", "lognormal, sigma 1.5", "Pareto, 1.2", "one giant"):
        length = lengths(kind, n_series)
        each = known.series + known.row * length
        ideal = max(each.sum() / n_workers, 0.0)
        thirds = np.array_split(each, n_workers)
        shards = np.bincount(
            cut_shards(length.tolist(), SERIES_OF_A_SHARD, MOST_VALUES), weights=each
        )
        by_count = [part.sum() for part in np.array_split(each, -(-n_series // SERIES_OF_A_SHARD))]
        found = (
            max(part.sum() for part in thirds),
            makespan(by_count, n_workers),
            makespan(shards.tolist(), n_workers),
            makespan(np.sort(shards)[::-1].tolist(), n_workers),
        )
        floor = max(ideal, each.max())
        cells = [f"{time_of / ideal:.2f}" for time_of in (*found, floor)]
        rows.append((kind, f"{n_workers:,}", f"{len(shards):,}", *cells))
    return rows


def cost_table(known: Constants, price: float) -> list[str]:
    """Cores, memory, bytes and money of a million series scored each minute, by rows of each."""
    lines = [
        "| rows of each series | core-seconds | cores for one minute | tasks a second | "
        "driver, s | results, GB | money a run |",
        "|---|---|---|---|---|---|---|",
    ]
    for rows in (1, 60, 1_000):
        seconds = MILLION * (known.series + known.row * rows)
        tasks = MILLION / SERIES_OF_A_SHARD
        lines.append(
            f"| {rows:,} | {seconds:,.0f} | {seconds / 60:,.0f} | {tasks / 60:,.0f} | "
            f"{tasks * known.task:.1f} | {MILLION * rows * known.result / 1e9:.2f} | "
            f"{seconds / 3600 * price:.2f} |"
        )
    return lines


def report(known: Constants, price: float, n_series: int) -> str:
    """The page."""
    constants = [
        ("scoring a row, one channel, hidden size 64", f"{known.row * 1e6:.1f} microseconds"),
        ("scoring a series besides its rows, files included", f"{known.series * 1e3:.1f} ms"),
        (f"training a network of its own on {SHORT:,} rows", f"{known.fit:.2f} s"),
        (f"admitting {SHORT:,} rows to a shared network", f"{known.admit * 1e3:.0f} ms"),
        ("the driver, for a shard of 64 series", f"{known.task * 1e3:.2f} ms"),
        ("a model of its own", f"{known.model / 1e3:.0f} kB"),
        ("the scores of a row", f"{known.result:.1f} bytes"),
    ]
    lines = ["## Constants", "", "| of one core | |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in constants]
    lines += ["", "## A million series a minute", ""]
    lines += [f"At {price} a core-hour; put in your own price with `--price`.", ""]
    lines += cost_table(known, price)
    lines += ["", "## The scheduler", ""]
    lines += [
        f"{n_series:,} series; time until the last worker is done, over that of perfectly shared "
        "work. The floor is the longest series: no order is better than it.",
        "",
        "| lengths | workers | shards | a fixed part each | 64 series each, as they come | "
        "bounded shards, as they come | bounded shards, dearest first | floor |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for n_workers in (16, 256, 2_048):
        for row in simulate(known, n_series, n_workers):
            lines.append("| " + " | ".join(row) + " |")
    lines += ["", f"{platform.machine()}, Python {platform.python_version()}; CPU seconds."]
    return "\n".join(lines)


def main() -> None:
    """Measure, simulate, print and keep the tables."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--price", type=float, default=0.04)
    asked.add_argument("--series", type=int, default=MILLION)
    given = asked.parse_args()
    import torch

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        known = measure(Path(folder))
    text = report(known, given.price, given.series)
    print(text)
    target = Path(__file__).parent / "results" / "fleet_scheduler.md"
    target.write_text(f"# Scale of a fleet\n\n{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
