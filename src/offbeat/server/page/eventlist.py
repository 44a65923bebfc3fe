"""Events of a series: each is a link to a closer look."""

from __future__ import annotations

from urllib.parse import urlencode

from nicegui import ui

from offbeat.detection import Detection
from offbeat.labels import Verdict
from offbeat.server.page.cutting import CutPanel
from offbeat.server.page.pieces import Kind, card, cell, hint, link, table, tag, words
from offbeat.server.page.standing import Pair
from offbeat.server.page.visit import Visit
from offbeat.server.workbench.feedback import Judged
from offbeat.server.workbench.thresholds import Preview
from offbeat.thresholds import Threshold, threshold_text
from offbeat.wording import cut_middle, lasted, moment, number, plural

__all__ = ["LOOKS", "EventList", "event_address"]

QUIET = 0.35
"""Seconds without a move after which the list follows: the figures follow at once."""
SHOWN = 200
LOOKS: dict[Verdict, Kind] = {
    "true alarm": "alert",
    "false alarm": "good",
    "expected": "plan",
    "missed": "alert",
}


class EventList:
    """The events under the cut that is looked at.

    Parameters
    ----------
    visit, pair
        Who looks, and at what.
    cut
        The panel that moves the cut.
    """

    def __init__(self, visit: Visit, pair: Pair, cut: CutPanel) -> None:
        self.visit, self.pair, self.cut = visit, pair, cut
        self._timer: ui.timer | None = None

    def build(self) -> None:
        """An empty card, filled once the cut is known."""
        with card():
            with tag("div", "top"):
                self.title = words("h2", "Events")
                self.note = words("span", "", "sub")
            self.place = tag("div")
            with self.place:
                tag("div", "waiting")

    async def follow(self, preview: Preview, _threshold: Threshold) -> None:
        """The cut has moved: draw the list once it rests."""
        self.title.set_text(plural(len(preview.runs), "event").capitalize())
        if self._timer is not None:
            self._timer.cancel()
        with self.place:
            self._timer = ui.timer(QUIET, self._load, once=True)

    async def _load(self) -> None:
        detection = self.cut.detection
        if self.cut.tried is not None:
            detection = await self.visit.ask(detection.with_threshold, self.cut.tried)
        judged = await self.visit.ask(
            self.visit.bench.feedback.judged, detection, self.pair.series.id
        )
        self.note.set_text("under the cut you try" if self.cut.tried else "worst first")
        self._draw(detection, judged)

    def _draw(self, detection: Detection, judged: list[Judged]) -> None:
        ranked = sorted(judged, key=lambda each: -each.event.severity)
        self.place.clear()
        with self.place:
            if not ranked:
                hint("No event: the score stays below this cut.")
                return
            headings = ("Began", "Lasted", "Times the limit", "Leading channel", "Said of it")
            with table(headings, (2,), "cards"):
                for each in ranked[:SHOWN]:
                    self._line(detection, each)
            if len(ranked) > SHOWN:
                hint(f"The {SHOWN} worst of {len(ranked):,} are listed.")

    def _line(self, detection: Detection, judged: Judged) -> None:
        event = judged.event
        with tag("tr"):
            with tag("td"):
                at = event_address(self.pair, judged.start, self.visit, self.cut.tried)
                link(moment(detection, event.start_time), at, "pick")
            cell(lasted(event.length, detection.rows_per_day))
            cell(number(event.severity, 3), number=True)
            with tag("td", title=event.channel):
                words("span", cut_middle(event.channel, 34))
                words("span", f"{event.channels[0][1]:.0%} of it", "sub")
            with tag("td"):
                if judged.label is None:
                    words("span", "nothing yet", "sub")
                else:
                    verdict = judged.label.verdict
                    words("span", verdict, f"tag {LOOKS[verdict]}")


def event_address(pair: Pair, start: object, visit: Visit, tried: Threshold | None = None) -> str:
    """The address of an event: the moment at which it began, and the cut that shows it."""
    words_ = {
        "at": start,
        "model": visit.query.get("model"),
        "version": visit.query.get("version"),
        "cut": None if tried is None else threshold_text(tried),
    }
    query = urlencode({name: value for name, value in words_.items() if value is not None})
    return f"/series/{pair.series.id}/event?{query}"
