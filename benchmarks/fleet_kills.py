"""What is left of a fleet when driver and workers are killed: SIGKILL, twenty times.

    make bench-kills-fleet

A fleet is trained and scored once undisturbed, and once while the driver or one of its workers is
killed at random moments; a killed driver is started again with the same command. Then the same on a
Ray cluster of this machine. Compared are the results, and whether a shard that was done was ever
done again. Writes `results/fleet_kills.md`.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from ray_cluster import QUIET, ray_cluster, ray_workers

N_SERIES, N_ROWS, N_KILLS, PAUSE = 240, 700, 20, 4.5
SETTINGS = ("--set", "hidden_size=8", "--set", "n_layers=1", "--set", "training.max_epochs=6")
OFFBEAT = (sys.executable, "-c", "from offbeat.cli import main; main()")
KEYS = ["key", "row"]
FindWorkers = Callable[[int], list[int]]
"""Processes of the workers, by the process of their driver."""


@dataclass
class Tally:
    """What happened in a disturbed run.

    Parameters
    ----------
    drivers, workers
        Killed.
    again
        Shards that were done again though they were done.
    """

    drivers: int = 0
    workers: int = 0
    again: int = 0
    seen: dict[Path, int] = field(default_factory=dict)

    @property
    def kills(self) -> int:
        """All."""
        return self.drivers + self.workers

    def look(self, out: Path) -> None:
        """Note which shards are done; one whose mark is newer than noted was done again."""
        for mark in (out / "done").glob("*.json"):
            written = mark.stat().st_mtime_ns
            self.again += self.seen.setdefault(mark, written) != written


def make_fleet(path: Path, n_series: int, n_rows: int, seed: int = 0) -> None:
    """A long table in the order of time; every third series has a fault, one never moves."""
    draw = np.random.default_rng(seed)
    row = np.arange(n_rows)
    time_of = np.datetime64("2026-01-01", "us") + row.astype("timedelta64[m]")
    frames = []
    for number in range(n_series):
        value = np.sin(2 * np.pi * row / 24 + number) + 0.1 * draw.standard_normal(n_rows)
        if number % 3 == 0:
            value[-60:-50] += 3
        if number == 1:
            value[:] = 4.0
        key = [f"sensor {number:04d}"] * n_rows
        frames.append(pl.DataFrame({"time": time_of, "sensor": key, "value": value}))
    pl.concat(frames).sort("time", maintain_order=True).write_csv(path)


def local_workers(pid: int) -> list[int]:
    """The worker processes of a driver."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        lines = {int(each): Path(f"/proc/{each}/cmdline").read_text() for each in children}
    except OSError:
        return []
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    for each in threads:
        try:
            for child in each.read_text().split():
                lines[int(child)] = Path(f"/proc/{child}/cmdline").read_text()
        except OSError:
            continue
    return [child for child, line in lines.items() if "spawn_main" in line]


def undisturbed(command: Sequence[str]) -> None:
    """One run to its end."""
    subprocess.run([*OFFBEAT, *command], check=True, capture_output=True)


def disturbed(
    command: Sequence[str],
    out: Path,
    kills: int,
    seed: int,
    pause: float,
    workers_of: FindWorkers = local_workers,
) -> Tally:
    """Kill so many times, then let it come to its end.

    Parameters
    ----------
    command
        Arguments of offbeat.
    out
        Where it writes.
    kills, seed
        How many, and of what is random.
    pause
        Seconds between two kills, at most.
    workers_of
        The workers of a driver.
    """
    draw, tally = random.Random(seed), Tally()
    running = start(command)
    for number in range(kills):
        over_worker = number % 2 == 0
        workers = wait_for_workers(running, workers_of) if over_worker or number % 4 == 1 else []
        time.sleep(draw.uniform(0.0, pause))
        tally.look(out)
        if running.poll() is not None:
            break  # it was quicker
        if over_worker and workers:
            tally.workers += end_a_worker(running, workers_of, draw)
            continue
        running.kill()
        running.communicate()
        tally.drivers += 1
        running = start(command)
    _, said = running.communicate(timeout=600)
    if running.returncode != 0:
        raise SystemExit(f"the run ended with {running.returncode}: {said.decode()}")
    tally.look(out)
    return tally


def end_a_worker(
    running: subprocess.Popen[bytes], workers_of: FindWorkers, draw: random.Random
) -> bool:
    """Whether one was ended; one may have ended by itself since it was looked for."""
    while workers := wait_for_workers(running, workers_of):
        with suppress(ProcessLookupError):
            os.kill(draw.choice(workers), signal.SIGKILL)
            return True
    return False


def wait_for_workers(running: subprocess.Popen[bytes], workers_of: FindWorkers) -> list[int]:
    """The workers of a driver as soon as it has some; none if it ends before."""
    while running.poll() is None:
        if found := workers_of(running.pid):
            return found
        time.sleep(0.05)
    return []


def start(command: Sequence[str]) -> subprocess.Popen[bytes]:
    """The command in a process of its own."""
    return subprocess.Popen([*OFFBEAT, *command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def difference(one: Path, other: Path) -> float:
    """The largest difference of two results; infinite if rows or keys differ."""
    worst = 0.0
    for table, order in (("scores", KEYS), ("series", ["key"]), ("failures", ["key"])):
        a, b = (pl.read_parquet(each / table / "*.parquet").sort(order) for each in (one, other))
        spared = (*[n for n, kind in a.schema.items() if kind.is_float()], "reason")
        texts = [name for name in a.columns if name not in spared]  # a reason names the folder
        if not a.select(texts).equals(b.select(texts)):
            return np.inf
        for name in a.columns:
            if a[name].dtype.is_float():
                gap = (a[name] - b[name]).abs().max()
                worst = max(worst, float(gap or 0.0))
    return worst


def measure(
    folder: Path,
    n_series: int,
    n_rows: int,
    kills: int,
    pause: float,
    ray: str | None = None,
) -> dict[str, object]:
    """Both runs, in a folder; figures by name. The disturbed one on Ray if there is an address."""
    data = folder / "fleet.csv"
    make_fleet(data, n_series, n_rows)
    per_phase = (kills - kills // 2, kills // 2)
    who, workers_of = ([], local_workers) if ray is None else (["--ray", ray], ray_workers)
    for name in ("calm", "wild"):
        models, scores = folder / f"{name}_models", folder / f"{name}_scores"
        shared = [str(data), "--key", "sensor", "--shard-series", "8", "--workers", "2"]
        train = ["fleet", "train", *shared, "--out", str(models), *SETTINGS]
        score = ["fleet", "score", *shared, "--models", str(models), "--out", str(scores)]
        if name == "calm":
            undisturbed(train)
            undisturbed(score)
            continue
        first = disturbed([*train, *who], models, per_phase[0], 1, pause, workers_of)
        second = disturbed([*score, *who], scores, per_phase[1], 2, pause, workers_of)
    marks = len(list((folder / "wild_scores" / "done").glob("shard-*.json")))
    return {
        "kills of the driver": first.drivers + second.drivers,
        "kills of a worker": first.workers + second.workers,
        "shards": marks,
        "shards done twice": first.again + second.again,
        "series": len(pl.read_parquet(folder / "wild_scores" / "series" / "*.parquet")),
        "largest difference": difference(folder / "calm_scores", folder / "wild_scores"),
    }


def main() -> None:
    """Measure, print and keep the table."""
    with tempfile.TemporaryDirectory() as folder:
        local = measure(Path(folder), N_SERIES, N_ROWS, N_KILLS, pause=PAUSE)
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as temp:
        os.environ |= QUIET
        with ray_cluster(Path(temp)) as address:
            on_ray = measure(Path(folder), N_SERIES, N_ROWS, N_KILLS, pause=PAUSE, ray=address)
    title = f"a fleet of {N_SERIES} series, killed {N_KILLS} times"
    lines = [f"| {title} | this machine's workers | a Ray cluster |", "|---|---|---|"]
    lines += [f"| {name} | {value} | {on_ray[name]} |" for name, value in local.items()]
    text = "\n".join(lines)
    print(text)
    target = Path(__file__).parent / "results" / "fleet_kills.md"
    target.write_text(f"# Kills\n\n{text}\n", encoding="utf-8")
    for found in (local, on_ray):
        assert found["shards done twice"] == 0
        assert found["largest difference"] < 1e-5


if __name__ == "__main__":
    main()
