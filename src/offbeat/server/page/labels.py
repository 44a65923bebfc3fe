"""Labels: what people said, in and out as files, and what it would change."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import numpy as np
from nicegui import ui

from offbeat.figures.canvas import shown_time
from offbeat.server.page.eventlist import LOOKS
from offbeat.server.page.heading import series_heading
from offbeat.server.page.pieces import button, card, cell, hint, link, table, tag, words
from offbeat.server.page.recalibrating import RecalibrationCard
from offbeat.server.page.series import asked_pair
from offbeat.server.page.visit import Visit
from offbeat.server.page.when import ago
from offbeat.server.records import LabelRecord, SeriesRecord
from offbeat.stamps import read_stamp
from offbeat.wording import cut_middle, plural

__all__ = ["labels_view"]

SHOWN = 300


async def labels_view(visit: Visit) -> None:
    """The labels of a series."""
    series_id = visit.params["series_id"]
    pair = await asked_pair(visit)
    series = await visit.ask(visit.bench.series.get, series_id)
    series_heading(visit, series, pair, "Labels")
    found = await visit.ask(visit.bench.labels.find, series_id)
    with tag("div", "split wide-side"):
        with tag("div", "stack"), card():
            _files(visit, series, found)
            _list(visit, series, found)
        with tag("div", "stack"):
            if pair is not None and pair.detection is not None:
                RecalibrationCard(visit, pair, found).build()
            else:
                with card("Labels act"):
                    hint("Once a model has scored this series, labels can move its cut.")


def _files(visit: Visit, series: SeriesRecord, found: list[LabelRecord]) -> None:
    path = f"/api/v1/series/{series.id}/labels/file"
    with tag("div", "top"):
        words("h2", plural(len(found), "label").capitalize())
        with tag("div", "tools"):
            if found:
                link("CSV", f"{path}?format=csv", "button", download="labels.csv")
                link("JSON", f"{path}?format=json", "button", download="labels.json")
            if visit.may_act:
                with tag("label", "button", data_key="I", data_does="labels from a file"):
                    words("span", "From a file")
                    chosen = tag(
                        "input", "veil", type="file", accept=".csv,.json", id="labels-file",
                        aria_label="File with labels",
                    )  # fmt: skip
                chosen.on("change", js_handler=TAKE % path)
    if series.has_label:
        hint("The file has a label column too. Where people said otherwise, their word counts.")


def _list(visit: Visit, series: SeriesRecord, found: list[LabelRecord]) -> None:
    if not found:
        hint(
            "Nobody has said anything yet. Open an event and press A, F or M; or press S over the "
            "chart, drag over what was missed, and press X."
        )
        return
    with table(("From", "To", "Verdict", "By", "")):
        for each in found[:SHOWN]:
            with tag("tr"):
                cell(shown(each.start, series.zone))
                cell(shown(each.end, series.zone))
                with tag("td"):
                    words("span", each.verdict, f"tag {LOOKS[each.verdict]}")
                    if each.channels:
                        names = ", ".join(each.channels)
                        words("span", cut_middle(names, 60), "sub", title=names)
                    if each.note:
                        words("span", cut_middle(each.note, 120), "sub", title=each.note)
                with tag("td"):
                    words("span", cut_middle(each.who, 24))
                    words("span", ago(each.when), "sub whole")
                with tag("td"):
                    if visit.may_act:
                        button("Take back", _remover(visit, each), look="plain")
    if len(found) > SHOWN:
        hint(f"The first {SHOWN} are listed; the files have all of them.")


def _remover(visit: Visit, label: LabelRecord) -> Callable[[], Awaitable[None]]:
    async def removed() -> None:
        if await visit.change(visit.bench.labels.remove, label.id) is not None:
            ui.navigate.reload()

    return removed


def shown(moment: str | int, zone: str | None) -> str:
    """A moment of a label on the clock of its series."""
    if isinstance(moment, int):
        return f"row {moment:,}"
    stamp = read_stamp(moment, None).astype("datetime64[ns]")
    return str(shown_time(np.array([stamp]), zone)[0]).replace("T", " ")


TAKE = """(e) => {
  const file = e.target.files[0];
  if (!file) return;
  const kind = file.name.toLowerCase().endsWith(".json") ? "json" : "csv";
  offbeat.sendFile("%s?format=" + kind, file, () => location.reload());
  e.target.value = "";
}"""
