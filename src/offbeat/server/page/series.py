"""Series: what was measured, what was expected, and the cut that decides what counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
from nicegui import ui

from offbeat.detection import Detection
from offbeat.figures import cut_figure, leading_channels
from offbeat.server.page.chart import Chart
from offbeat.server.page.cutting import CutPanel
from offbeat.server.page.eventlist import EventList
from offbeat.server.page.frame import honest
from offbeat.server.page.heading import address, series_heading
from offbeat.server.page.history import CutHistory
from offbeat.server.page.marking import SpanDesk
from offbeat.server.page.methods import MethodTable
from offbeat.server.page.pieces import button, card, hint, link, tag, words
from offbeat.server.page.standing import Pair, chosen_pair
from offbeat.server.page.visit import Visit
from offbeat.server.page.waiting import follow_job, wait_for_scores
from offbeat.server.workbench.thresholds import Preview
from offbeat.thresholds import StaticThreshold, Threshold

__all__ = ["asked_pair", "opened", "series_view"]

SHOWN = 2
"""Channels shown where nobody chose: the most involved."""
HEIGHT_PX, LANE_PX = 590, 110
"""Low enough that the score and its line are on the first screen of a notebook."""


async def asked_pair(visit: Visit) -> Pair | None:
    """Series, model and version that the address names."""
    return await visit.ask(
        chosen_pair,
        visit.bench,
        visit.params["series_id"],
        visit.query.get("model"),
        visit.version,
    )


async def series_view(visit: Visit) -> None:
    """One series with its cut."""
    pair = await asked_pair(visit)
    series = await visit.ask(visit.bench.series.get, visit.params["series_id"])
    series_heading(visit, series, pair, "Detection")
    if pair is None:
        jobs = await visit.ask(visit.bench.jobs.find, series_id=series.id, limit=1)
        if jobs and not jobs[0].ended:
            follow_job(visit, jobs[0], "A model learns this series")
            return
        _untrained(visit, series.id)
        return
    if pair.detection is None:
        await wait_for_scores(visit, pair)
        return
    detection = await opened(visit, pair)
    await _Desk(visit, pair, detection).build()


async def opened(visit: Visit, pair: Pair) -> Detection:
    """The detection under the cut in force."""
    version = None if pair.detection is None else pair.detection.version
    return await visit.ask(
        visit.bench.detections.open, pair.series.id, pair.model.id, version=version
    )


def _untrained(visit: Visit, series_id: str) -> None:
    with honest(
        "No model has learned this series yet",
        "A model learns what is normal from a part of it, and then says what is off in the rest.",
    ):
        if visit.may_act:
            link("Train a model", address(series_id, "/train"), "button main", data_key="T")
        link("Look at the data first", address(series_id, "/check"), "button")


class _Desk:
    """Chart, cut, methods, history and events of one series."""

    def __init__(self, visit: Visit, pair: Pair, detection: Detection) -> None:
        self.visit, self.pair = visit, pair
        self.cut = CutPanel(visit, pair, detection)
        self.methods = MethodTable(self.cut)
        self.history = CutHistory(self.cut)
        self.events = EventList(visit, pair, self.cut)
        self.curved = False

    async def build(self) -> None:
        figure = await self.visit.ask(self._figure, None)
        with tag("div", "desk"):
            with tag("div", "stack desk-chart"), card():
                with tag("div", "top"):
                    words("h2", "Measured, expected, and how far off")
                    self._modes()
                self.chart = Chart(
                    figure,
                    "Values with their expected band, events, and the score with its cut",
                    mode="select" if self.visit.query.get("drag") == "mark" else None,
                    look=self._look(),
                )
                self.chart.on("view", self._zoomed)
                self.spans = SpanDesk(self.visit, self.pair, self._labelled)
                self.chart.on("span", self.spans.take)
                self.spans.build()
                self._channels()
            with tag("div", "stack desk-side"):
                self.cut.build()
                self.methods.build()
                self.history.build()
            with tag("div", "stack desk-events"):
                self.events.build()
        self.cut.listen_to(self.chart)
        self.cut.listeners += [self._cut_moved, self.events.follow, self.methods.follow]
        self.cut.on_kept += [self._redraw, self.methods.load, self.history.load]
        ui.timer(0.01, self._begin, once=True)

    async def _begin(self) -> None:
        await self.cut.begin()
        await self.methods.load()
        await self.history.load()

    def _look(self) -> tuple[Any, Any] | None:
        start, end = self.visit.query.get("since"), self.visit.query.get("until")
        if start is None or end is None:
            return None
        if self.cut.detection.series.has_clock:
            return start, end
        return float(start), float(end)

    def _figure(self, threshold: Threshold | None) -> go.Figure:
        detection = self.cut.detection
        if threshold is not None:
            detection = detection.with_threshold(threshold)
        shown = self._shown(detection)
        figure = cut_figure(detection, shown)
        room = HEIGHT_PX + LANE_PX * max(0, len(shown) - SHOWN)
        return figure.update_layout(height=min(figure.layout.height, room))

    def _shown(self, detection: Detection) -> Sequence[str]:
        names = detection.series.channels
        chosen = [int(each) for each in self.visit.query.get("ch", "").split(",") if each.isdigit()]
        shown = [names[i] for i in chosen if i < len(names)]
        return shown or leading_channels(detection)[:SHOWN]

    async def _redraw(self) -> None:
        tried = self.cut.tried
        curve = tried if tried is not None and not isinstance(tried, StaticThreshold) else None
        self.curved = not isinstance(self.cut.threshold, StaticThreshold)
        mode = "select" if self.visit.query.get("drag") == "mark" else None
        self.chart.show(await self.visit.ask(self._figure, curve), mode)

    async def _cut_moved(self, _preview: Preview, threshold: Threshold) -> None:
        """A cut that changes with time is drawn as a curve; a fixed one moves the line only."""
        if self.curved or not isinstance(threshold, StaticThreshold):
            await self._redraw()

    async def _labelled(self) -> None:
        await self.cut.reload()

    def _zoomed(self, event: Any) -> None:
        start, end = event.args["start"], event.args["end"]
        self.visit.remember(since=start, until=end)

    def _modes(self) -> None:
        marking = self.visit.query.get("drag") == "mark"
        with tag("div", "tools"):
            self.zooms = button(
                "Zoom", self._zoom_mode, key="Z", aria_pressed=str(not marking).lower()
            )
            self.marks = button(
                "Mark a span", self._mark_mode, key="S", aria_pressed=str(marking).lower()
            )
            button("All", self._all, key="0", look="plain")

    def _zoom_mode(self) -> None:
        self._mode("zoom")

    def _mark_mode(self) -> None:
        self._mode("select")

    def _mode(self, mode: str) -> None:
        self.chart.set_mode(mode)
        self.visit.remember(drag="mark" if mode == "select" else None)
        for each, own in ((self.zooms, "zoom"), (self.marks, "select")):
            each.props["aria-pressed"] = str(own == mode).lower()
            each.update()

    def _all(self) -> None:
        self.chart.zoom(None, None)
        self.visit.remember(since=None, until=None)

    def _channels(self) -> None:
        names = self.cut.detection.series.channels
        if len(names) == 1:
            return
        shown = set(self._shown(self.cut.detection))
        with tag("details", "channels"):
            words("summary", f"Channels shown: {len(shown)} of {len(names)}")
            with tag("div", "pick"):
                for i, name in enumerate(names):
                    with tag("label", title=name):
                        box = tag("input", type="checkbox", value=i, checked=name in shown)
                        words("span", name)
                    box.on("change", self._chosen, js_handler=CHECKED)
            hint("The most involved are shown until you choose.")

    async def _chosen(self, event: Any) -> None:
        self.visit.remember(ch=",".join(event.args) or None)
        await self._redraw()


CHECKED = (
    "(e) => emit(Array.from(e.target.closest('.pick').querySelectorAll('input:checked'))"
    ".map(each => each.value))"
)
