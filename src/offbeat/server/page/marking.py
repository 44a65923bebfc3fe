"""Marking: a span that a person drags over or writes down, and what can be said of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

from nicegui import ui

from offbeat.labels import Verdict
from offbeat.server.page.pieces import button, field, tag
from offbeat.server.page.standing import Pair
from offbeat.server.page.visit import Visit, say

__all__ = ["SpanDesk"]


class SpanDesk:
    """From, to, and buttons that say what it was.

    Parameters
    ----------
    visit, pair
        Who marks, and in which series.
    on_labelled
        What follows once something was said.
    """

    def __init__(
        self, visit: Visit, pair: Pair, on_labelled: Callable[[], Awaitable[None]]
    ) -> None:
        self.visit, self.pair, self._on_labelled = visit, pair, on_labelled
        self.start, self.end = visit.query.get("start", ""), visit.query.get("end", "")

    def build(self) -> None:
        """The line below the chart."""
        stamp = "2026-01-31 08:00:00" if self.pair.series.has_clock else "row"
        with tag("div", "span-desk"):
            with field("From"):
                self.first = tag("input", value=self.start, placeholder=stamp, id="span-from")
            with field("To"):
                self.last = tag("input", value=self.end, placeholder=stamp, id="span-to")
            self.first.on("change", self._typed_start, js_handler=VALUE)
            self.last.on("change", self._typed_end, js_handler=VALUE)
            with tag("div", "tools"):
                if self.visit.may_act:
                    button("Missed anomaly", self._missed, key="X")
                    button("Expected", self._expected, key="E")
                button("What else moved?", self._others, key="W")

    def take(self, event: Any) -> None:
        """A span was dragged over."""
        start, end = event.args["start"], event.args["end"]
        if not self.pair.series.has_clock:
            start, end = max(0, round(float(start))), round(float(end))
        self.start, self.end = str(start), str(end)
        for element, value in ((self.first, self.start), (self.last, self.end)):
            element.props["value"] = value
            element.update()
        self.visit.remember(start=self.start, end=self.end)

    def _typed_start(self, event: Any) -> None:
        self.start = str(event.args).strip()
        self.visit.remember(start=self.start or None)

    def _typed_end(self, event: Any) -> None:
        self.end = str(event.args).strip()
        self.visit.remember(end=self.end or None)

    async def _missed(self) -> None:
        await self._say("missed", "Marked as an anomaly that was missed.")

    async def _expected(self) -> None:
        await self._say("expected", "Marked as expected.")

    async def _say(self, verdict: Verdict, sentence: str) -> None:
        if not self._is_there():
            return
        said = await self.visit.change(
            self.visit.bench.labels.add, self.pair.series.id, self.start, self.end, verdict,
            by=self.visit.caller.name, model_id=self.pair.model.id,
        )  # fmt: skip
        if said is not None:
            say(sentence)
            await self._on_labelled()

    def _others(self) -> None:
        if self._is_there():
            ui.navigate.to(f"/moved?{urlencode({'from': self.start, 'to': self.end})}")

    def _is_there(self) -> bool:
        if self.start and self.end:
            return True
        say("Mark a span first: press S and drag over the chart, or write its ends down.")
        return False


VALUE = "(e) => emit(e.target.value)"
