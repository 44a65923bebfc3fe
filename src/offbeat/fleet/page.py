"""The report of a fleet: one HTML file that opens offline, however many series there are.

The list of series is data from which a small script draws fifty at a time.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from offbeat.report.shell import Page, template_part, tiles
from offbeat.report.tables import Cell, table
from offbeat.wording import duration, number, percent, plural

if TYPE_CHECKING:
    from offbeat.fleet.ranking import FleetRanking

__all__ = ["write_fleet_report"]

TEMPLATES = "offbeat.fleet"
BINS = 160
"""Bars of the strip over time."""
HEIGHT = 100
MOST_ALARMS, ALARMS_OF_ONE = 20_000, 20
"""Alarms that the file holds, the worst first, and those shown of one series."""
MOST_ROWS = 200
"""Rows of the other tables."""
NAMED, MOST_NAMES = 4, 500
COLUMNS = ("Series", "Worst", "When", "Channel", "Alarms", "Off", "Rows")
NUMERIC = (False, True, False, False, True, True, True)
UNITS = ("", "\u2009\N{MULTIPLICATION SIGN}", "", "", "", "\u2009%", "")


def write_fleet_report(ranking: FleetRanking, path: str | Path, title: str | None = None) -> Path:
    """Write one HTML file that opens offline.

    Parameters
    ----------
    ranking
        What to report on.
    path
        Where to; an existing file is replaced, and only by a complete one.
    title
        Heading; None takes the name of the results.

    Returns
    -------
    The path of the file.
    """
    return Page(
        brand="Offbeat fleet",
        title=title or ranking.scores.rstrip("/").rpartition("/")[2],
        span=_span(ranking),
        summary=html.escape(_summary(ranking)),
        tiles=_tiles(ranking),
        without_script=(
            "The list of series needs JavaScript. The other tables are complete without it."
        ),
        sections=_sections(ranking),
        data=_data(ranking),
        scripts=(template_part("fleet.js", TEMPLATES),),
        style=template_part("fleet.css", TEMPLATES),
    ).write(path)


# ---------------------------------------------------------------- head


def _span(ranking: FleetRanking) -> str:
    series = ranking.series
    rows = plural(int(series["rows"].sum()), "row")
    count = f"{len(series):,}" if len(series) else "no"
    text = f"{count} series \N{MIDDLE DOT} {rows}"
    first, last = series["first_time"].min(), series["last_time"].max()
    return (
        text if first is None else f"{_moment(first)} to {_moment(last)} UTC \N{MIDDLE DOT} {text}"
    )


def _summary(ranking: FleetRanking) -> str:
    series, incidents, off = ranking.series, ranking.incidents, ranking.n_off
    if not off:
        return "No series went off."
    worst = series.row(0, named=True)
    text = (
        f"{off:,} of {len(series):,} series went off, {plural(len(ranking.events), 'alarm')} in "
        f"all. The worst is {worst['key']}, {number(worst['worst'], 3)} times its limit."
    )
    if len(incidents):
        largest = incidents.row(0, named=True)
        together = plural(len(incidents), "time")
        text += (
            f" Several went off together {together}; the most at once were "
            f"{largest['n_series']:,}, from {_moment(largest['start_time'])}."
        )
    return text


def _tiles(ranking: FleetRanking) -> str:
    series, off = ranking.series, ranking.n_off
    share = percent(off / len(series)) if len(series) else ""
    within = f"begun within {duration(ranking.within)}"
    return tiles(
        (
            ("Series", f"{len(series):,}", "with a result"),
            ("Went off", f"{off:,}", f"{share} of them" if share else ""),
            ("Alarms", f"{len(ranking.events):,}", "severity 1 is the limit"),
            ("Off together", f"{len(ranking.incidents):,}", within),
            ("Without a result", f"{len(ranking.failures):,}", "the reasons stand below"),
        )
    )


# ---------------------------------------------------------------- sections


def _sections(ranking: FleetRanking) -> dict[str, tuple[str, str]]:
    """Heading and body of each section, by anchor."""
    sections = {}
    timed = ranking.events.filter(pl.col("start_time").is_not_null())
    if len(timed):
        sections["when"] = ("When", _strip(ranking, timed))
    sections["series"] = ("Which series", _series_section())
    if len(ranking.incidents):
        sections["together"] = ("Off together", _incidents_section(ranking))
    if len(ranking.groups):
        sections["groups"] = ("Again and again together", _groups_section(ranking))
    if len(ranking.failures):
        sections["failures"] = ("Without a result", _failures_section(ranking))
    return sections


def _series_section() -> str:
    heads = "".join(
        f'<th scope="col"{" class=number" if numeric else ""}>'
        f'<button type="button">{name}</button></th>'
        for name, numeric in zip(COLUMNS, NUMERIC, strict=True)
    )
    return (
        '<p class="caption">The worst first. A click on a name shows its alarms, one on a column '
        'sorts.</p><div class="tools"><input type="search" id="fleet-search" '
        'placeholder="Find a series" aria-label="Find a series">'
        '<button type="button" id="fleet-previous">Previous</button>'
        '<button type="button" id="fleet-next">Next</button>'
        '<span class="count" id="fleet-count" role="status"></span></div>'
        f'<table class="stack" id="fleet-series"><thead><tr>{heads}</tr></thead>'
        "<tbody></tbody></table>"
    )


def _strip(ranking: FleetRanking, timed: pl.DataFrame) -> str:
    """How many series were off, over time; the bars of incidents in the colour of alarms."""
    starts = timed["start_time"].dt.epoch("ns").to_numpy().astype(np.int64)
    ends = timed["end_time"].dt.epoch("ns").to_numpy().astype(np.int64)
    first, last = int(starts.min()), max(int(ends.max()), int(starts.min()) + 1)
    width = (last - first) / BINS
    at = np.minimum((starts - first) / width, BINS - 1).astype(int)
    to = np.minimum((ends - first) / width, BINS - 1).astype(int)
    off = np.cumsum(np.bincount(at, minlength=BINS + 1) - np.bincount(to + 1, minlength=BINS + 1))
    off = off[:BINS]
    together = np.zeros(BINS, dtype=bool)
    for begin in ranking.incidents["start_time"].dt.epoch("ns"):
        together[min(int((begin - first) / width), BINS - 1)] = True
    most = max(int(off.max()), 1)
    bars = "".join(
        f'<rect x="{place}" y="{HEIGHT - high:.1f}" width="0.9" height="{high:.1f}"'
        f"{' class=together' if together[place] else ''}></rect>"
        for place, high in enumerate(HEIGHT * off / most)
        if high
    )
    middle = [_moment(np.datetime64(int(first + (last - first) * x), "ns")) for x in (0, 1)]
    return (
        f'<p class="caption">Series that were off at a time, at most {most:,}; <span class="key '
        'together"></span> several went off together.</p>'
        f'<svg class="strip" viewBox="0 0 {BINS} {HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="Series that were off, over time">{bars}</svg>'
        f'<div class="axis"><span>{middle[0]}</span><span>{middle[1]}</span></div>'
    )


def _incidents_section(ranking: FleetRanking) -> str:
    head = ["Began", "Ended", "Series", "Worst", "Which"]
    rows = [
        [
            Cell(_moment(row["start_time"]), str(row["start_time"])),
            Cell(_moment(row["end_time"]), str(row["end_time"])),
            Cell(f"{row['n_series']:,}", row["n_series"], is_number=True),
            Cell(number(row["worst"], 3), row["worst"] or 0.0, is_number=True),
            Cell(_names(row["keys"])),
        ]
        for row in ranking.incidents.head(MOST_ROWS).iter_rows(named=True)
    ]
    caption = (
        f"More alarms began within {duration(ranking.within)} of each other than chance explains."
        f"{_cut(len(ranking.incidents))}"
    )
    return table(caption, head, rows)


def _groups_section(ranking: FleetRanking) -> str:
    rows = [
        [
            Cell(f"{row['n_series']:,}", row["n_series"], is_number=True),
            Cell(f"{row['n_incidents']:,}", row["n_incidents"], is_number=True),
            Cell(_names(row["keys"])),
        ]
        for row in ranking.groups.head(MOST_ROWS).iter_rows(named=True)
    ]
    caption = f"Series that were off together at least twice.{_cut(len(ranking.groups))}"
    return table(caption, ["Series", "Times", "Which"], rows)


def _failures_section(ranking: FleetRanking) -> str:
    """Reasons that differ in figures only are one."""
    kinds: dict[str, list[str]] = {}
    for key, reason in ranking.failures.iter_rows():
        kind = re.sub(r"\d[\d,.]*", "…", reason.replace(repr(key), "…").replace(key, "…"))
        kinds.setdefault(kind, []).append(key)
    usual = sorted(kinds.items(), key=lambda each: -len(each[1]))
    rows = [
        [
            Cell(f"{len(keys):,}", len(keys), is_number=True),
            Cell(html.escape(kind)),
            Cell(_names(keys)),
        ]
        for kind, keys in usual[:MOST_ROWS]
    ]
    return table(f"Why there is none.{_cut(len(kinds))}", ["Series", "Reason", "Which"], rows)


# ---------------------------------------------------------------- pieces


def _cut(count: int) -> str:
    return f" The first {MOST_ROWS} of {count:,}." if count > MOST_ROWS else ""


def _names(keys: Sequence[str]) -> str:
    """The first names, the others behind a click."""
    first = html.escape(", ".join(keys[:NAMED]))
    if len(keys) <= NAMED:
        return first
    rest = html.escape(", ".join(keys[NAMED:MOST_NAMES]))
    beyond = f" and {len(keys) - MOST_NAMES:,} more" if len(keys) > MOST_NAMES else ""
    return (
        f"{first}<details><summary>{len(keys) - NAMED:,} more</summary>"
        f'<p class="names">{rest}{beyond}</p></details>'
    )


def _moment(time: object) -> str:
    """To the second, without the zone: all are UTC."""
    if isinstance(time, datetime):
        return time.strftime("%Y-%m-%d %H:%M:%S")
    return str(np.datetime_as_string(np.datetime64(time, "s"))).replace("T", " ")  # type: ignore[call-overload]


def _data(ranking: FleetRanking) -> dict[str, object]:
    """What the script needs."""
    rows = []
    for row in ranking.series.iter_rows(named=True):
        when = "" if row["worst_time"] is None else _moment(row["worst_time"])
        share = 100 * row["flagged"] / row["scored"] if row["scored"] else 0.0
        worst = None if row["worst"] is None else round(row["worst"], 2)
        what = (row["worst_channel"], row["events"], round(share, 2), row["rows"])
        rows.append([row["key"], worst, when, *what])
    return {
        "columns": COLUMNS,
        "numeric": NUMERIC,
        "units": UNITS,
        "series": rows,
        "alarms": _alarms(ranking),
    }


def _alarms(ranking: FleetRanking) -> dict[str, list[str]]:
    """Lines about the worst alarms, by the place of their series in the ranking."""
    places = {key: str(place) for place, key in enumerate(ranking.series["key"])}
    lines: dict[str, list[str]] = {}
    for row in ranking.events.head(MOST_ALARMS).iter_rows(named=True):
        held = lines.setdefault(places[row["key"]], [])
        if len(held) < ALARMS_OF_ONE:
            held.append(_line(row))
    return lines


def _line(row: dict[str, object]) -> str:
    when = f"row {row['start']} to {row['end']}"
    if row["start_time"] is not None:
        when = f"{_moment(row['start_time'])} to {_moment(row['end_time'])}"
    severity = row["severity"]
    assert isinstance(severity, float)  # as the schema says
    size = f"{number(severity, 3)} \N{MULTIPLICATION SIGN}"
    return f"{when}: {size}, {row['channel']} {row['direction']}"
