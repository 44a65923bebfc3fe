"""Fleets as tables and words: what came of a run, and the worst series first."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Column, Table

from offbeat import wording
from offbeat.terminal.writing import plain_console, written

if TYPE_CHECKING:
    from offbeat.fleet import FleetRanking, FleetRun

__all__ = ["show_fleet_run", "show_ranking"]

SHOWN_FAILURES = 5
SHOWN_NAMES = 4


def show_fleet_run(run: FleetRun, what: str) -> None:
    """How many series went well, and a line for the first that did not."""
    speed = ""
    if run.fresh:
        speed = f" in {wording.duration(run.seconds)}"
    before = run.shards - run.fresh
    kept = f", {before:,} of {run.shards:,} shards were done before" if before else ""
    failed = f", {run.failed:,} failed" if run.failed else ""
    print(f"{what}: {run.out} ({run.succeeded:,} series{failed}{speed}{kept})")
    for key, reason in run.failures.head(SHOWN_FAILURES).iter_rows():
        print(f"offbeat: {key}: {reason}", file=sys.stderr)
    if len(run.failures) > SHOWN_FAILURES:
        print(
            f"offbeat: {len(run.failures) - SHOWN_FAILURES:,} more in {run.out}/failures",
            file=sys.stderr,
        )


def show_ranking(ranking: FleetRanking, top: int, out: Path | None, format_: str | None) -> None:
    """The worst series, then what went off together."""
    if written(ranking.series, out, format_, "ranking"):
        return
    console = plain_console()
    console.print(_series_table(ranking, top))
    if len(ranking.incidents):
        console.print(_incidents_table(ranking, top))
    for row in ranking.groups.head(top).iter_rows(named=True):
        times = wording.plural(row["n_incidents"], "time")
        console.print(escape(f"together {times}: {_names(row['keys'])}"))
    failed = f"; {len(ranking.failures):,} without a result" if len(ranking.failures) else ""
    off, known = ranking.n_off, len(ranking.series)
    console.print(f"{off:,} of {known:,} series went off; severity 1 is the limit{failed}")


def _series_table(ranking: FleetRanking, top: int) -> Table:
    table = Table("series", "worst", "when", "channel", "alarms", "off")
    for row in ranking.series.head(top).iter_rows(named=True):
        share = wording.percent(row["flagged"] / row["scored"]) if row["scored"] else ""
        table.add_row(
            escape(row["key"]),
            wording.number(row["worst"], 3),
            _moment(row["worst_time"]),
            escape(row["worst_channel"] or ""),
            f"{row['events']:,}",
            share,
        )
    return table


def _incidents_table(ranking: FleetRanking, top: int) -> Table:
    table = Table("together from", "to", Column("series", justify="right"), "worst", "which")
    for row in ranking.incidents.head(top).iter_rows(named=True):
        table.add_row(
            _moment(row["start_time"]),
            _moment(row["end_time"]),
            f"{row['n_series']:,}",
            wording.number(row["worst"], 3),
            escape(_names(row["keys"])),
        )
    return table


def _names(keys: list[str]) -> str:
    more = f" and {len(keys) - SHOWN_NAMES:,} more" if len(keys) > SHOWN_NAMES else ""
    return ", ".join(keys[:SHOWN_NAMES]) + more


def _moment(time: object) -> str:
    return "" if time is None else f"{time:%Y-%m-%d %H:%M:%S}"
