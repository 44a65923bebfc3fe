"""Heading: what all views of one series have on top."""

from __future__ import annotations

from urllib.parse import urlencode

import numpy as np
from nicegui import ui

from offbeat.server.page.frame import head_line, tabs
from offbeat.server.page.pieces import hint, link, option_list, tag, words
from offbeat.server.page.standing import Pair
from offbeat.server.page.visit import Visit
from offbeat.server.records import SeriesRecord
from offbeat.server.workbench.moments import moment_number
from offbeat.stamps import local_time
from offbeat.wording import cut_middle, plural

__all__ = ["address", "series_heading"]

VIEWS = (
    ("Detection", ""),
    ("Data check", "/check"),
    ("Train", "/train"),
    ("Versions", "/versions"),
    ("Labels", "/labels"),
    ("Quiet times", "/quiet"),
)


def address(series_id: str, view: str = "", **query: object) -> str:
    """The address of a view of a series; None leaves a word out."""
    words_ = {name: value for name, value in query.items() if value is not None}
    return f"/series/{series_id}{view}" + (f"?{urlencode(words_)}" if words_ else "")


def series_heading(visit: Visit, series: SeriesRecord, pair: Pair | None, chosen: str) -> None:
    """Name, size, the model, exports, and the views beside this one."""
    model = visit.query.get("model")
    lead = f"{series.n_rows:,} rows, {plural(len(series.channels), 'channel')}{_span(series)}"
    tools = head_line(cut_middle(series.name, 90), crumbs=(("All series", "/"),), lead=lead)
    with tools:
        if pair is not None:
            if visit.version not in (None, pair.model.active.number):
                words("span", f"version {visit.version}, not in use", "tag plan")
            _models(visit, pair)
            if pair.detection is not None:
                _exports(pair.detection.id)
    version = visit.query.get("version")
    views = VIEWS if visit.may_act else tuple(v for v in VIEWS if v[0] != "Train")
    tabs(
        chosen,
        tuple((name, address(series.id, at, model=model, version=version)) for name, at in views),
    )


def _models(visit: Visit, pair: Pair) -> None:
    """Which model judges; others that scored this series can be looked through."""
    bench, series_id = visit.bench, pair.series.id
    found = {each.model_id for each in bench.detections.find(series_id=series_id)}
    if len(found) < 2:  # noqa: PLR2004 - nothing to choose from
        return
    choices = [(each, cut_middle(bench.models.get(each).name, 40)) for each in sorted(found)]
    chosen = option_list(choices, pair.model.id, aria_label="Model").style("width: auto")
    chosen.on(
        "change",
        lambda event: ui.navigate.to(visit.with_query(model=event.args, version=None)),
        js_handler="(e) => emit(e.target.value)",
    )


def _exports(detection_id: str) -> None:
    """What goes out, as the command line writes it."""
    with tag("details", "menu"):
        words("summary", "Export", "button")
        with tag("div", "card"):
            for name, path in (
                ("Events as CSV", "events/file?format=csv"),
                ("Events as JSON", "events/file?format=json"),
                ("Scores as CSV", "scores?format=csv"),
                ("Scores as Parquet", "scores?format=parquet"),
                ("Report in one HTML file", "report"),
            ):
                link(name, f"/api/v1/detections/{detection_id}/{path}", download=True)
            hint("Under the cut in force.")


def _span(series: SeriesRecord) -> str:
    """From when to when, on the clock of the series; within a day with the time."""
    if not isinstance(series.start, str) or not isinstance(series.end, str):
        return ""
    stamps = np.array([moment_number(series.start), moment_number(series.end)])
    first, last = local_time(stamps.view("datetime64[ns]"), series.zone).astype("datetime64[m]")
    day, end_day = str(first)[:10], str(last)[:10]
    if day != end_day:
        return f", {day} to {end_day}"
    return f", {day} {str(first)[11:]} to {str(last)[11:]}"
