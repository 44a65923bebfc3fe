"""Cutting: the cut that is tried, what it would do, and keeping it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
from nicegui import ui

from offbeat.detection import Detection
from offbeat.errors import OffbeatError
from offbeat.figures import cut_histogram_figure
from offbeat.figures.movable import cut_range
from offbeat.figures.shading import run_boxes
from offbeat.server.page.chart import Chart
from offbeat.server.page.pieces import button, card, hint, tag, tiles, words
from offbeat.server.page.standing import Pair
from offbeat.server.page.visit import Visit, say
from offbeat.server.workbench.thresholds import Preview
from offbeat.thresholds import FixedThreshold, Threshold, parse_threshold, threshold_text
from offbeat.wording import number, percent

__all__ = ["CutPanel"]

EVERY = 0.05
"""Seconds between two moves that the slider tells of."""
Listener = Callable[[Preview, Threshold], Awaitable[None]]


class CutPanel:
    """A slider, the keys and the lines of two charts move one cut; nothing is kept until "apply".

    Parameters
    ----------
    visit, pair
        Who tries, and what is cut.
    detection
        Under the cut in force.
    """

    def __init__(self, visit: Visit, pair: Pair, detection: Detection) -> None:
        self.visit, self.pair, self.detection = visit, pair, detection
        self.version = None if pair.detection is None else pair.detection.version
        self.tried: Threshold | None = None
        self.charts: list[Chart] = []
        self.listeners: list[Listener] = []
        self.on_kept: list[Callable[[], Awaitable[None]]] = []
        self._wanted: tuple[Threshold, bool] | None = None
        self._working = False

    @property
    def threshold(self) -> Threshold:
        """The cut that is looked at."""
        return self.tried or self.detection.threshold

    def build(self) -> None:
        """The panel."""
        with card(classes="cut"):
            with tag("div", "top"):
                words("h2", "The cut")
                self.state = words("span", "in force", "tag good")
            self.title = words("p", "", "method")
            self.tiles = tiles(_figures_of(None, labelled=self._labelled))
            self._slider()
            try:
                histogram = Chart(
                    cut_histogram_figure(self.detection),
                    "Histogram and density of the scores of the training part, with the cut",
                )
            except OffbeatError as problem:
                hint(str(problem))
            else:
                histogram.on("cut", self._dragged)
            if self.visit.may_act:
                with tag("div", "tools"):
                    self.apply = button("Apply", self.keep, look="main", key="P")
                    self.reset = button("Put back", self.put_back, key="R")
            hint("Moving the cut trains nothing. Drag a line, or use the slider or ← and →.")
        self._show_state()

    async def begin(self) -> None:
        """Show the cut in force, or the one that the address names."""
        text = self.visit.query.get("cut")
        if text:
            try:
                self.tried = parse_threshold(text)
            except OffbeatError as problem:
                say(f"The cut in the address cannot be used. {problem}", alert=True)
                self.visit.remember(cut=None)
        await self.follow(self.threshold, remember=False)

    async def follow(
        self, threshold: Threshold, *, remember: bool = True, from_line: bool = False
    ) -> None:
        """Look at a cut; while one is being worked out, only the latest of the next ones counts.

        Parameters
        ----------
        threshold
            The cut.
        remember
            Whether it goes into the address.
        from_line
            Whether a line or the slider said so: then they need not be told.
        """
        if remember:
            self.tried = None if threshold == self.detection.threshold else threshold
            text = None if self.tried is None else threshold_text(self.tried)
            self.visit.remember(cut=text)
        self._wanted = threshold, not from_line
        if self._working:
            return
        self._working = True
        try:
            while self._wanted is not None:
                (threshold, tell), self._wanted = self._wanted, None
                preview = await self.visit.ask(self._preview, threshold)
                self._show(preview, threshold, tell=tell)
                for listen in self.listeners:
                    await listen(preview, threshold)
        except OffbeatError as problem:
            say(str(problem), alert=True)
        finally:
            self._working = False

    async def keep(self) -> None:
        """Cut there from now on."""
        await asyncio.sleep(2 * EVERY)  # the last move of the line may still be on its way
        while self._working:
            await asyncio.sleep(EVERY)
        if self.tried is None:
            return
        pair, tried = self.pair, self.tried
        kept = await self.visit.change(
            self.visit.bench.thresholds.apply, pair.model.id, tried, by=self.visit.caller.name,
            series_id=pair.series.id if tried.needs_labels else None, version=self.version,
        )  # fmt: skip
        if kept is not None:
            say(f"In force: {kept.title}.")
            await self.reload()

    async def put_back(self) -> None:
        """Back to the cut in force."""
        await self.follow(self.detection.threshold)

    async def reload(self) -> None:
        """The cut in force or the labels have changed."""
        pair = self.pair
        self.detection = await self.visit.ask(
            self.visit.bench.detections.open, pair.series.id, pair.model.id, version=self.version
        )
        if self.tried == self.detection.threshold:
            self.tried = None
            self.visit.remember(cut=None)
        for listen in self.on_kept:
            await listen()
        await self.follow(self.threshold, remember=False)

    def listen_to(self, chart: Chart) -> None:
        """A chart whose line can be dragged."""
        self.charts.append(chart)
        chart.on("cut", self._dragged)

    @property
    def _labelled(self) -> bool:
        return self.detection.series.label is not None

    def _preview(self, threshold: Threshold) -> Preview:
        pair = self.pair
        return self.visit.bench.thresholds.preview(
            pair.series.id, pair.model.id, threshold, version=self.version
        )

    def _slider(self) -> None:
        low, high = cut_range(self.detection)
        slider = tag(
            "input", type="range", id="cut-slider", min=0, max=1000, step=1,
            data_low=low, data_high=high, aria_label="Cut",
        )  # fmt: skip
        slider.on(
            "input", self._slid, throttle=EVERY, js_handler="(e) => emit(offbeat.slid(e.target))"
        )

    async def _slid(self, event: Any) -> None:
        await self.follow(_fixed(float(event.args)), from_line=True)

    async def _dragged(self, event: Any) -> None:
        await self.follow(_fixed(float(event.args["value"])), from_line=True)

    def _show(self, preview: Preview, threshold: Threshold, *, tell: bool) -> None:
        for name, value, unit in _figures_of(preview, labelled=self._labelled):
            texts = self.tiles.get(name)
            if texts is not None:
                texts[0].set_text(value)
                texts[1].set_text(f" {unit}" if unit else "")
        self.title.set_text(threshold.title)
        if tell:
            ui.run_javascript(f"offbeat.showCut({float(np.nanmedian(preview.cut))!r})")
        boxes = run_boxes(self.detection, preview.runs)
        for chart in self.charts:
            chart.set_boxes(boxes)
        self._show_state()

    def _show_state(self) -> None:
        trying = self.tried is not None
        self.state.set_text("tried, not kept" if trying else "in force")
        self.state.classes(replace=f"tag {'alert' if trying else 'good'}")
        if self.visit.may_act:
            for each in (self.apply, self.reset):
                each.props["disabled"] = not trying
                each.update()


def _fixed(value: float) -> FixedThreshold:
    """A cut at a place on the screen: four digits are as fine as a hand is."""
    return FixedThreshold(float(f"{value:.4g}"))


def _figures_of(preview: Preview | None, *, labelled: bool) -> list[tuple[str, str, str]]:
    """What stands in the tiles."""
    row = None if preview is None else preview.row
    clock = row is not None and row.alarms_per_day is not None
    figures = [
        ("Cut at", "" if row is None else number(row.cut, 4), ""),
        ("Events", "" if row is None else f"{row.events:,}", ""),
        (
            "Alarms",
            "" if row is None else number(row.alarms_per_day, 3) if clock else percent(row.flagged),
            "a day" if clock else "of rows",
        ),
    ]
    if labelled:
        found = (None, None, None) if row is None else (row.precision, row.recall, row.f1)
        for name, value in zip(("Precision", "Recall", "F1"), found, strict=True):
            figures.append((name, "" if value is None else number(value, 3), ""))
    return figures
