"""Data check: what a person should know before anything is learned."""

from __future__ import annotations

from typing import Any

from offbeat.figures import values_figure
from offbeat.server.page.chart import Chart
from offbeat.server.page.heading import address, series_heading
from offbeat.server.page.pieces import Kind, card, cell, hint, link, table, tag, tiles, words
from offbeat.server.page.series import asked_pair
from offbeat.server.page.visit import Visit
from offbeat.wording import cut_middle, number, percent, plural

__all__ = ["check_view", "findings"]

LEVELS: dict[str, tuple[str, Kind]] = {
    "ok": ("good", "good"),
    "note": ("note", "blank"),
    "warning": ("look first", "plan"),
    "error": ("cannot train", "alert"),
}
SHOWN, FEW = 300, 4


async def check_view(visit: Visit) -> None:
    """The check of one series."""
    series_id = visit.params["series_id"]
    pair = await asked_pair(visit)
    series = await visit.ask(visit.bench.series.get, series_id)
    series_heading(visit, series, pair, "Data check")
    report = await visit.ask(visit.bench.series.check, series_id)
    loaded = await visit.ask(visit.bench.series.load, series_id)
    with tag("div", "half"):
        with card("What was found"):
            findings(report)
            for note in series.notes:
                hint(note)
            if visit.may_act:
                link("Train a model", address(series_id, "/train"), "button main", data_key="T")
        with card("The data"):
            tiles(
                (
                    ("Rows", f"{report['rows']:,}", ""),
                    ("Step", report["step"], ""),
                    ("Gaps", f"{len(report['gaps']):,}", ""),
                )
            )
            Chart(await visit.ask(values_figure, loaded), "The first channels as they came")
    with card("Channels"):
        headings = ("Channel", "Missing", "Lowest", "Mean", "Highest", "Values", "Spikes")
        with table(headings, range(1, 7)):
            for channel in report["channels"][:SHOWN]:
                _line(channel)


def findings(report: dict[str, Any]) -> None:
    """One line each, errors first; notes are folded where there are many."""
    notes = [each for each in report["findings"] if each["level"] == "note"]
    _lines([each for each in report["findings"] if each["level"] != "note"])
    if notes:
        with tag("details", open=len(notes) <= FEW):
            words("summary", plural(len(notes), "note").capitalize(), "more")
            _lines(notes[:SHOWN])


def _lines(found: list[dict[str, Any]]) -> None:
    with tag("ul", "findings"):
        for each in found:
            text, kind = LEVELS[each["level"]]
            with tag("li"):
                words("span", text, f"tag {kind}")
                words("span", each["text"])


def _line(channel: dict[str, Any]) -> None:
    with tag("tr"):
        with tag("td", title=channel["channel"]):
            words("span", cut_middle(channel["channel"], 60))
            if channel["looks_like_command"]:
                words("span", "looks like a switch: read, not judged", "sub")
        cell(percent(channel["missing"]), number=True)
        for name in ("minimum", "mean", "maximum"):
            cell(number(channel[name]), number=True)
        cell(f"{channel['n_distinct']:,}", number=True)
        cell(f"{channel['n_spikes']:,}", number=True)
