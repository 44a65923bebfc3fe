"""Event: one alarm from close by, and what a person says of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

import numpy as np
import plotly.graph_objects as go

from offbeat.detection import Detection
from offbeat.errors import OffbeatError
from offbeat.figures import overview_figure
from offbeat.figures.canvas import shown_time
from offbeat.server.page.alike import alike_card
from offbeat.server.page.chart import Chart
from offbeat.server.page.eventlist import LOOKS, event_address
from offbeat.server.page.frame import head_line, honest
from offbeat.server.page.heading import address
from offbeat.server.page.pieces import button, card, field, hint, link, shares, tag, tiles, words
from offbeat.server.page.series import asked_pair, opened
from offbeat.server.page.standing import Pair
from offbeat.server.page.visit import Visit, say
from offbeat.server.records import Feedback
from offbeat.server.workbench.feedback import Judged
from offbeat.server.workbench.moments import moment_number, read_moment
from offbeat.thresholds import Threshold, parse_threshold
from offbeat.wording import cut_middle, lasted, moment, number

__all__ = ["event_view", "is_at"]

AROUND = 1.5
"""Lengths of the event that are shown on either side of it."""
FEWEST = 60  # rows on either side at least
SHOWN = 3  # channels
SHARES = 8  # channels listed
KEYS: tuple[tuple[Feedback, str, str], ...] = (
    ("true alarm", "True alarm", "A"),
    ("false alarm", "False alarm", "F"),
    ("expected", "Expected, maintenance", "M"),
)
SIDES = {"above": "above", "below": "below", "mixed": "above and below"}


async def event_view(visit: Visit) -> None:
    """The event that the address names by the moment at which it began."""
    pair = await asked_pair(visit)
    series_id = visit.params["series_id"]
    if pair is None or pair.detection is None:
        with honest("Nothing has been scored here", "Events come with scores."):
            link("To the series", address(series_id), "button main")
        return
    detection = await opened(visit, pair)
    tried: Threshold | None = None
    if visit.query.get("cut"):
        tried = parse_threshold(visit.query["cut"])
        detection = await visit.ask(detection.with_threshold, tried)
    judged = await visit.ask(visit.bench.feedback.judged, detection, series_id)
    at = next((i for i, each in enumerate(judged) if is_at(each, visit.query.get("at"))), None)
    if at is None:
        _gone(visit, pair)
        return
    await _Scene(visit, pair, detection, judged, at, tried).build()


def is_at(judged: Judged, at: str | None) -> bool:
    """Whether the event covers this moment."""
    if at is None:
        return True
    clock = isinstance(judged.start, str)
    moment_ = read_moment(at, has_clock=clock, zone="UTC" if clock else None)
    return moment_number(judged.start) <= moment_ < moment_number(judged.end)


def _gone(visit: Visit, pair: Pair) -> None:
    with honest(
        "No event at this moment",
        "The cut has moved since, or the address is wrong: the score stays below this cut.",
    ):
        link(
            "To the series", address(pair.series.id, model=visit.query.get("model")), "button main"
        )


class _Scene:
    """One event."""

    def __init__(
        self,
        visit: Visit,
        pair: Pair,
        detection: Detection,
        judged: list[Judged],
        at: int,
        tried: Threshold | None,
    ) -> None:
        self.visit, self.pair, self.detection, self.tried = visit, pair, detection, tried
        self.all, self.at = judged, at
        self.judged = judged[at]
        self.event = judged[at].event

    async def build(self) -> None:
        series = self.pair.series
        back = self._address("")
        began = moment(self.detection, self.event.start_time)
        tools = head_line(
            f"Event of {began}",
            crumbs=(("All series", "/"), (cut_middle(series.name, 50), back)),
            lead=self._sentence(),
        )
        with tools:
            self._step("Previous", self.at - 1, "K")
            self._step("Next", self.at + 1, "J")
            link("Whole series", back, "button", data_key="H", data_does="the whole series")
        figure = await self.visit.ask(self._figure)
        with tag("div", "split"):
            with tag("div", "stack"), card("Expected against actual"):
                Chart(figure, f"The event of {began} from close by", look=self._look(), fit=True)
            with tag("div", "stack"):
                self._verdict()
                self._facts()
                await alike_card(
                    self.visit, self.pair, self.detection, self.all, self.at, self.tried
                )

    def _sentence(self) -> str:
        event = self.event
        text = f"It lasted {lasted(event.length, self.detection.rows_per_day)}"
        if not np.isfinite(event.actual) or not np.isfinite(event.expected):
            return f"{text}; {cut_middle(event.channel, 60)} had most to do with it."
        return (
            f"{text}. {cut_middle(event.channel, 60)} was {SIDES[event.direction]} what was "
            f"expected: {number(event.actual)} instead of {number(event.expected)}."
        )

    def _address(self, view: str) -> str:
        asked = self.visit.query
        return address(
            self.pair.series.id, view, model=asked.get("model"), version=asked.get("version"),
            cut=asked.get("cut"),
        )  # fmt: skip

    def _step(self, name: str, at: int, key: str) -> None:
        if not 0 <= at < len(self.all):
            words("span", name, "button").style("opacity: .4")
            return
        target = event_address(self.pair, self.all[at].start, self.visit, self.tried)
        with link("", target, "button", data_key=key, data_does=f"{name.lower()} event"):
            words("span", name)
            words("kbd", key)

    def _rows(self) -> tuple[int, int]:
        """What is shown: the event and what lies around it."""
        margin = max(FEWEST, int(AROUND * self.event.length))
        last = len(self.detection.series)
        return max(0, self.event.start - margin), min(last, self.event.end + margin)

    def _look(self) -> tuple[object, object]:
        start, end = self._rows()
        series = self.detection.series
        ends = shown_time(series.time[[start, end - 1]], series.zone).tolist()
        return ends[0], ends[1]

    def _figure(self) -> go.Figure:
        channels = [name for name, _ in self.event.channels[:SHOWN]]
        return overview_figure(self.detection, channels, focus=self._rows())

    def _verdict(self) -> None:
        with card("What was it?"):
            self.state = tag("div")
            self._show_state()
            if not self.visit.may_act:
                return
            with tag("div", "verdicts"):
                for feedback, name, key in KEYS:
                    button(name, self._sayer(feedback), key=key)
                button("Clear", self._sayer("clear"), key="U", look="plain")
            with field("Note", "In your words; it goes with the label."):
                self.note = tag("input", maxlength=2000, id="note", value=self._said_note())
            self.note.on("input", self._noted, js_handler="(e) => emit(e.target.value)")
            self.text = self._said_note()

    def _said_note(self) -> str:
        return "" if self.judged.label is None else self.judged.label.note

    def _noted(self, event: object) -> None:
        self.text = str(getattr(event, "args", ""))

    def _show_state(self) -> None:
        self.state.clear()
        with self.state:
            label = self.judged.label
            if label is None:
                words("span", "nobody said yet", "tag blank")
                return
            words("span", label.verdict, f"tag {LOOKS[label.verdict]}")
            words("span", f"by {label.who}", "sub").style("margin-top: 4px")

    def _sayer(self, feedback: Feedback) -> Callable[[], Awaitable[None]]:
        async def said() -> None:
            desk = self.visit.bench.feedback
            try:
                await self.visit.ask(self.visit.bench.series.get, self.pair.series.id)
            except OffbeatError as problem:
                say(str(problem), alert=True)
                return
            label = await self.visit.change(
                desk.say, self.pair.series.id, self.judged.start, self.judged.end, feedback,
                by=self.visit.caller.name, model_id=self.pair.model.id,
                note=self.text if feedback != "clear" else "",
            )  # fmt: skip
            if label is None and feedback != "clear":
                return
            judged = await self.visit.ask(desk.judged, self.detection, self.pair.series.id)
            self.all, self.judged = judged, judged[self.at]
            self._show_state()
            say("Taken back." if label is None else f"Noted: {label.verdict}.")

        return said

    def _facts(self) -> None:
        event = self.event
        with card("Who made it"):
            tiles(
                (
                    ("Times the limit", number(event.severity, 3), ""),
                    ("Score at the peak", number(event.score, 3), ""),
                    ("Cut there", number(event.threshold, 3), ""),
                )
            )
            shares(
                ((name, share) for name, share in event.channels[:SHARES]),
                lambda share: f"{share:.0%}",
            )
            rest = event.channels[SHARES:]
            if rest:
                left = sum(share for _, share in rest)
                hint(f"{len(rest)} more channels share {left:.0%}.")
            start, end = self.judged.start, self.judged.end
            link("What else moved?", moved_address(start, end), "button", data_key="W")


def moved_address(start: object, end: object) -> str:
    """Where all series are ranked over a span."""
    return f"/moved?{urlencode({'start': start, 'end': end})}"
