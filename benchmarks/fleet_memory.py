"""What a fleet takes: bytes a value, bytes a process, and a data set larger than its memory.

    make bench-memory-fleet          # 10 GB through 1 GB
    python benchmarks/fleet_memory.py --gigabytes 2 --order time

Peak memory is the sum of what driver and workers hold for themselves (private pages), looked at ten
times a second. Writes `results/fleet_memory.md`.
"""

from __future__ import annotations

import argparse
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from fleet_kills import OFFBEAT, local_workers

N_CHANNELS, N_ROWS, VALUE = 16, 40_000, 8
SETTINGS = ("hidden_size=8", "n_layers=1", "training.max_epochs=1", "window=32", "calendar=no")
ONE = """
import resource, sys
import numpy as np
from offbeat import LSTMDetector
from offbeat.fleet import learn_own, score_many
from offbeat.series import Series
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
draw, n = np.random.default_rng(0), {rows}
values = np.sin(np.arange(n)[:, None] / 9) + 0.1 * draw.standard_normal((n, {channels}))
series = {{"a": Series(values, np.arange(n), tuple(f"c{{i}}" for i in range({channels})))}}
before = peak()
made = learn_own(series, LSTMDetector(hidden_size=8, n_layers=1, window=32))
score_many(made, series)
print(before, (peak() - before) / values.size)
"""


def bytes_a_value(rows: int, channels: int) -> tuple[float, float]:
    """Of a process before it holds a series, and a value while it is learned and judged."""
    code = ONE.format(rows=rows, channels=channels)
    said = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout
    process, value = (float(each) for each in said.split())
    return process, value


def make_table(path: Path, gigabytes: float, order: str) -> int:
    """A long Parquet table; how many series it has.

    Parameters
    ----------
    path, gigabytes
        Where, and how large in memory.
    order
        "key": one series after the other. "time": every part of it holds every series.
    """
    n_series = max(1, round(gigabytes * 1e9 / (N_ROWS * N_CHANNELS * VALUE)))
    keys = [f"sensor {n:05d}" for n in range(n_series)]
    draw, step = np.random.default_rng(0), 100 if order == "time" else N_ROWS
    parts = [(keys, at) for at in range(0, N_ROWS, step)]
    if order == "key":
        parts = [([key], 0) for key in keys]
    writer = None
    for held, at in parts:
        row = np.tile(np.arange(at, at + step), len(held))
        time_of = np.datetime64("2026-01-01", "us") + row.astype("timedelta64[m]")
        columns = {"time": time_of, "sensor": np.repeat(held, step)}
        for channel in range(N_CHANNELS):
            noise = 0.1 * draw.standard_normal(len(row))
            columns[f"c{channel}"] = np.sin(row / 9 + channel) + noise
        table = pl.DataFrame(columns).to_arrow()
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    assert writer is not None
    writer.close()
    return n_series


def private(pid: int) -> int:
    """Bytes that a process holds for itself alone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Private_"))


def run(data: Path, out: Path, memory: str) -> tuple[float, int, str]:
    """Seconds, peak bytes of all processes, and what was said at the end."""
    command = ["fleet", "train", str(data), "--key", "sensor", "--out", str(out)]
    command += ["--train", "0.05", "--memory", memory]
    for each in SETTINGS:
        command += ["--set", each]
    began, peak = time.monotonic(), 0
    running = subprocess.Popen([*OFFBEAT, *command], stdout=subprocess.PIPE, text=True)
    while running.poll() is None:
        peak = max(peak, sum(private(pid) for pid in (running.pid, *local_workers(running.pid))))
        time.sleep(0.1)
    assert running.stdout is not None
    said = running.stdout.read().strip()
    if running.returncode:
        raise SystemExit(said)
    return time.monotonic() - began, peak, said.partition("(")[2].rstrip(")")


def main() -> None:
    """Measure, print and keep the table."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--gigabytes", type=float, default=10.0)
    asked.add_argument("--memory", default="1GB")
    asked.add_argument("--order", choices=("key", "time"), default="key", help="of the rows")
    given = asked.parse_args()
    lines = ["| channels | rows | a process, MB | bytes a value |", "|---|---|---|---|"]
    for rows, channels in ((40_000, 1), (40_000, 4), (20_000, 16)):
        process, value = bytes_a_value(rows, channels)
        lines.append(f"| {channels} | {rows:,} | {process / 1e6:.0f} | {value:.0f} |")
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "fleet.parquet"
        n_series = make_table(data, given.gigabytes, given.order)
        seconds, peak, said = run(data, Path(folder) / "models", given.memory)
        on_disk = data.stat().st_size
    swelled = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    lines += [
        "",
        "| data, in memory | ordered by | on disk | series | --memory | peak | seconds | result |",
        "|---|---|---|---|---|---|---|---|",
        f"| {given.gigabytes:g} GB | {given.order} | {on_disk / 1e9:.2f} GB | {n_series:,} "
        f"| {given.memory} | {peak / 1e6:,.0f} MB | {seconds:,.0f} | {said} |",
        "",
        f"Largest single process: {swelled / 1e6:,.0f} MB, shared libraries counted in. "
        f"{platform.machine()}, Python {platform.python_version()}, polars {pl.__version__}.",
    ]
    text = "\n".join(lines)
    print(text)
    target = Path(__file__).parent / "results" / "fleet_memory.md"
    target.write_text(f"# Memory of a fleet\n\n{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
