"""Whole process, fit, scoring, memory and VUS-PR beside other LSTM detectors (`make bench-speed`).

Every peer runs in an environment of its own, in a process of its own, by its own documented usage.
Writes `benchmarks/results/speed.md` and `speed.csv`. What was measured before is kept in
`out/speed/`; delete a file there to measure it again.
"""

from __future__ import annotations

import argparse
import os
import platform
from pathlib import Path

import numpy as np

import speed_flops
import speed_linear
import speed_vus
from speed_runs import OURS, PEERS, ROOT, THREADS, run
from speed_series import timed_series
from speed_tables import Bar, peer_bars, series_table, write_csv

RESULTS = ROOT / "benchmarks" / "results"
LIMIT = 900.0
"""Seconds a run may take."""


def main() -> None:
    """Run what was not run yet, then make the tables."""
    options = arguments()
    RESULTS.mkdir(parents=True, exist_ok=True)
    lines, bars, runs = [], list[Bar](), []
    for series in timed_series():
        if options.series and series.name not in options.series:
            continue
        done = []
        for peer in (*OURS, *PEERS):
            done.append(run(peer, series, options.limit))
            print(done[-1], flush=True)
        shape = f"{len(series.values):,} x {series.values.shape[1]}"
        title = f"{shape}: {series.what}, {series.n_train:,} rows for training"
        lines += series_table(f"{title}, VUS buffer {series.buffer}", done)
        bars += peer_bars(series.name, done)
        runs += done
    for part in (speed_linear, speed_flops, speed_vus):
        made, held = part.table()
        lines += made
        bars += held
    write_csv(RESULTS / "speed.csv", runs)
    write(RESULTS / "speed.md", lines, bars, options.limit)


def arguments() -> argparse.Namespace:
    """What can be asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds a run may take")
    parser.add_argument("--series", nargs="*", help="only these")
    return parser.parse_args()


def write(path: Path, lines: list[str], bars: list[Bar], limit: float) -> None:
    """The page, with what the machine was and which bars hold."""
    machine = (
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"NumPy {np.__version__}; {THREADS} threads each, threads that wait sleep; "
        f"load of the machine at the end {os.getloadavg()[0]:.1f}; limit of a run {limit:g} s."
    )
    note = Path(__file__).with_name("speed_notes.md")
    table = ["| bar | holds | found |", "|---|---|---|", *(bar.line() for bar in bars), ""]
    text = ["# Speed", "", machine, "", note.read_text().strip(), "", "## Bars", "", *table]
    path.write_text(
        "\n".join([*text, "## Beside other LSTM detectors", "", *lines]).rstrip() + "\n"
    )
    print("\n".join(table))
    print(f"{sum(bar.holds for bar in bars)} of {len(bars)} bars hold; see {path}")


if __name__ == "__main__":
    main()
