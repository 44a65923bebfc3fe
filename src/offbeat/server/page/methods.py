"""Methods: every way to choose a cut, side by side; a click tries one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from offbeat.errors import OffbeatError
from offbeat.server.page.cutting import CutPanel
from offbeat.server.page.pieces import card, cell, field, hint, table, tag, words
from offbeat.server.page.visit import say
from offbeat.server.workbench.thresholds import Preview
from offbeat.thresholds import Threshold, ThresholdRow, parse_threshold
from offbeat.wording import number

__all__ = ["MethodTable"]


class MethodTable:
    """All methods on this series.

    Parameters
    ----------
    cut
        The panel that tries them.
    """

    def __init__(self, cut: CutPanel) -> None:
        self.cut = cut
        self.rows: list[ThresholdRow] = []
        self._lines: list[tuple[Threshold, Any]] = []

    def build(self) -> None:
        """An empty card, filled by `load`."""
        with card("Methods"):
            self.place = tag("div")
            with self.place:
                tag("div", "waiting")
            with field("Any other", "1/week, percentile:99.5, sigma:4, mad:5, pot:1e-4, 2.5 …"):
                other = tag("input", placeholder="percentile:99.5", spellcheck="false")
            other.on("keydown.enter", self._typed, js_handler="(e) => emit(e.target.value)")

    async def load(self) -> None:
        """Work all of them out."""
        visit, pair = self.cut.visit, self.cut.pair
        try:
            self.rows = await visit.ask(
                visit.bench.thresholds.table,
                pair.series.id,
                pair.model.id,
                version=self.cut.version,
            )
        except OffbeatError as problem:
            self.place.clear()
            with self.place:
                hint(str(problem))
            return
        self._draw()

    async def follow(self, _preview: Preview, threshold: Threshold) -> None:
        """Show which one is looked at."""
        self._mark(threshold)

    def _draw(self) -> None:
        labelled = any(row.f1 is not None for row in self.rows)
        clock = any(row.alarms_per_day is not None for row in self.rows)
        headings = [
            "Method",
            "Cut",
            "Events",
            *(["F1"] if labelled else ["A day"] if clock else []),
        ]
        self._lines = []
        self.place.clear()
        with self.place, table(headings, range(1, len(headings))):
            for row in self.rows:
                with tag("tr") as line, tag("td"):
                    pick = words(
                        "button", row.method, "pick", type="button", title=row.note or None
                    )
                    if row.note:
                        words("span", row.note, "sub")
                with line:
                    cell(number(row.cut, 3), number=True)
                    cell(f"{row.events:,}", number=True)
                    if labelled:
                        cell(number(row.f1, 2), number=True)
                    elif clock:
                        cell(number(row.alarms_per_day, 3), number=True)
                pick.on("click", self._trial(row.threshold), args=[])
                self._lines.append((row.threshold, line))
        self._mark(self.cut.threshold)

    def _trial(self, threshold: Threshold) -> Callable[[], Awaitable[None]]:
        async def tried() -> None:
            await self.cut.follow(threshold)

        return tried

    def _mark(self, chosen: Threshold) -> None:
        in_force = self.cut.detection.threshold
        for threshold, line in self._lines:
            now = "now" if threshold == in_force else ""
            line.classes(replace="tried" if threshold == chosen and not now else now)

    async def _typed(self, event: Any) -> None:
        try:
            await self.cut.follow(parse_threshold(str(event.args)))
        except OffbeatError as problem:
            say(str(problem), alert=True)
