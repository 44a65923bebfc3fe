"""The ranking of a fleet: its worst series and spans first, and what went off together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from offbeat.durations import parse_duration
from offbeat.errors import DataError
from offbeat.fleet.frames import read_table
from offbeat.fleet.places import Place
from offbeat.fleet.plan import FAILURES
from offbeat.fleet.results import EVENTS, SERIES, Columns
from offbeat.fleet.together import Incident, find_groups, find_incidents

__all__ = ["FleetRanking", "rank_fleet"]

STEPS_APART = 10
"""Alarms that begin within so many usual steps may belong together, where nobody says how far."""
SECOND = 10**9


@dataclass(frozen=True, eq=False)
class FleetRanking:
    """The worst of a fleet first.

    Parameters
    ----------
    scores
        Where the results lie.
    series
        A row a series: key, worst, events, flagged, scored, rows, ...
    events
        All alarms, by severity.
    incidents
        start_time, end_time, n_series, n_events, worst, by_chance, keys: alarms of several series
        that began together; the largest first.
    groups
        n_series, n_incidents, keys: series that shared at least two incidents.
    failures
        key, reason: series without a result.
    within
        How far apart alarms that belong together may begin, in seconds.
    """

    scores: str
    series: pl.DataFrame
    events: pl.DataFrame
    incidents: pl.DataFrame
    groups: pl.DataFrame
    failures: pl.DataFrame
    within: float

    @property
    def n_off(self) -> int:
        """Series with an alarm."""
        return int((self.series["events"] > 0).sum())

    def report(self, path: str | Path, title: str | None = None) -> Path:
        """Write one HTML file of the whole fleet that opens offline."""
        from offbeat.fleet.page import write_fleet_report

        return write_fleet_report(self, path, title)


def rank_fleet(scores: str, *, within: str | None = None) -> FleetRanking:
    """Rank what a scoring wrote.

    Parameters
    ----------
    scores
        Its folder or URL.
    within
        How far apart alarms that belong together may begin, such as "5min"; None takes ten steps
        of the usual series.

    Raises
    ------
    DataError
        If there are no results.
    """
    place = Place(scores)
    if not (place / "finished.json").exists():
        begun = (place / "job.json").exists()
        raise DataError(
            f"{scores} is not finished: give its offbeat fleet score once more"
            if begun
            else f"{scores} holds no results: name the --out of offbeat fleet score"
        )
    series = read_table(place, "series", SERIES)
    events = read_table(place, "events", EVENTS).sort("severity", descending=True, nulls_last=True)
    failures = read_table(place, "failures", FAILURES).sort("key")
    order = ["worst", "flagged", "key"]
    ranked = series.sort(order, descending=[True, True, False], nulls_last=True)
    span = _span(series, within)
    incidents = _incidents(
        events.filter(pl.col("start_time").is_not_null()), span, _watched(series)
    )
    groups = [
        (len(group.keys), len(group.incidents), list(group.keys))
        for group in find_groups(incidents["keys"])
    ]
    shown = pl.DataFrame(
        groups,
        schema={"n_series": pl.Int64, "n_incidents": pl.Int64, "keys": pl.List(pl.String)},
        orient="row",
    )
    return FleetRanking(scores, ranked, events, incidents, shown, failures, span / SECOND)


def _span(series: pl.DataFrame, within: str | None) -> int:
    """How far apart, in nanoseconds."""
    if within is not None:
        return max(1, int(parse_duration(within).astype(np.int64)))
    step = series["step_s"].median()
    return max(1, int(STEPS_APART * SECOND * (step if isinstance(step, float) else 1.0)))


def _watched(series: pl.DataFrame) -> int:
    """From the first row of any series to the last, in nanoseconds; 0 without a clock."""
    first, last = (
        series["first_time"].dt.epoch("ns").min(),
        series["last_time"].dt.epoch("ns").max(),
    )
    return int(last) - int(first) if isinstance(first, int) and isinstance(last, int) else 0


def _incidents(events: pl.DataFrame, within: int, watched: int) -> pl.DataFrame:
    """The alarms that began together, as a table."""
    begins = events["start_time"].dt.epoch("ns").to_numpy().astype(np.int64)
    keys = events["key"].to_list()
    rows = [_row(events, found) for found in find_incidents(begins, keys, within, watched)]
    schema: Columns = {
        "start_time": EVENTS["start_time"],
        "end_time": EVENTS["end_time"],
        "n_series": pl.Int64,
        "n_events": pl.Int64,
        "worst": pl.Float64,
        "by_chance": pl.Float64,
        "keys": pl.List(pl.String),
    }
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.sort(["n_series", "worst"], descending=True)


def _row(events: pl.DataFrame, found: Incident) -> tuple[object, ...]:
    held = events[list(found.members)]  # by severity, as the events are
    keys = held["key"].unique(maintain_order=True).to_list()
    return (
        held["start_time"].min(),
        held["end_time"].max(),
        len(keys),
        len(held),
        held["severity"].max(),
        found.by_chance,
        keys,
    )
