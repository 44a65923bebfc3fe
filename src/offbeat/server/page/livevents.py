"""Events of a watcher: what was found, what a person says of it, and that it acts at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np

from offbeat.labels import ANOMALOUS
from offbeat.recalibration import Recalibration
from offbeat.server.page.event import KEYS
from offbeat.server.page.eventlist import LOOKS
from offbeat.server.page.pieces import button, card, cell, hint, table, tag, words
from offbeat.server.page.visit import Visit, say
from offbeat.server.records import Feedback
from offbeat.wording import cut_middle, duration, number, plural

__all__ = ["LiveEvents"]

SHOWN = 60
OPEN = {"opened": "going on", "going on": "going on", "closed": ""}


class LiveEvents:
    """A list, the event that is chosen in it, and what its labels change.

    Parameters
    ----------
    visit
        Who looks.
    watcher_id
        Whose events.

    Attributes
    ----------
    revision
        Changes with what is chosen and said.
    """

    def __init__(self, visit: Visit, watcher_id: str) -> None:
        self.visit, self.watcher_id = visit, watcher_id
        self.events: list[dict[str, Any]] = []
        self.series: str | None = None
        self.revision = 0
        self.found: Recalibration | None = None
        self.drawn: object = None

    @property
    def chosen(self) -> dict[str, Any] | None:
        """The event that the address names, or the latest anomaly."""
        asked = self.visit.query.get("event")
        anomalies = [each for each in self.events if each["kind"] == "anomaly"]
        return next(
            (e for e in self.events if e["id"] == asked), anomalies[0] if anomalies else None
        )

    def build_list(self) -> None:
        """The card of the list."""
        with card():
            with tag("div", "top"):
                words("h2", "Events")
                self.note = words("span", "", "sub")
            self.place = tag("div")

    def build_side(self) -> None:
        """The card of one event, and the one of what labels change."""
        with card("What was it?"):
            self.one = tag("div", "stack")
            if self.visit.may_act:
                with tag("div", "verdicts") as self.verdicts:
                    for feedback, name, key in KEYS:
                        button(name, self._sayer(feedback), key=key)
                    button("Clear", self._sayer("clear"), key="U", look="plain")
                with tag("div", "tools"):
                    button("Earlier", self._stepper(1), key="J", look="plain")
                    button("Later", self._stepper(-1), key="K", look="plain")
        if self.visit.may_act:
            with card("Labels act"):
                self.lesson = tag("div", "stack")
                with self.lesson:
                    hint("What was said moves the cut and mutes what is alike, from the next row.")
                with tag("div", "tools"):
                    button("What would change", self._look, key="R")
                    self.apply = button("Apply now", self._apply, look="main", key="P")
                self.apply.set_visibility(False)

    def show(self, events: list[dict[str, Any]], series: str | None) -> None:
        """Draw these, if they are others than before."""
        now = (series, self.visit.query.get("event"), [_known(each) for each in events])
        if now == self.drawn:
            return
        self.drawn, self.events, self.series = now, events, series
        self._draw_list()
        self._draw_one()

    def _draw_list(self) -> None:
        opened = sum(each["phase"] != "closed" for each in self.events)
        self.note.set_text(f"{plural(opened, 'event')} going on" if opened else "the latest first")
        chosen = self.chosen
        self.place.clear()
        with self.place:
            if not self.events:
                hint("No event yet.")
                return
            headings = ("Began", "Lasted", "Times the limit", "What", "Said of it")
            with table(headings, (2,), "cards"):
                for each in self.events[:SHOWN]:
                    self._line(each, is_chosen=chosen is not None and each["id"] == chosen["id"])
            if len(self.events) > SHOWN:
                hint(f"The latest {SHOWN} of {len(self.events):,} are listed.")

    def _line(self, event: dict[str, Any], *, is_chosen: bool) -> None:
        with tag("tr", "now" if is_chosen else ""):
            with tag("td", "whole"):
                pressed = str(is_chosen).lower()
                made = tag("button", "pick", type="button", aria_pressed=pressed)
                with made:
                    words("span", began(event))
                made.on("click", self._chooser(event["id"]), args=[])
            cell(OPEN[event["phase"]] or duration((event["end"] - event["start"]) / 1e9, 1))
            cell("" if event["severity"] is None else number(event["severity"], 3), number=True)
            with tag("td", title=event["message"]):
                about = event.get("event") or {}
                words("span", cut_middle(about.get("channel") or event["kind"], 34))
                if about.get("muted_by"):
                    words("span", f"kept quiet: {cut_middle(about['muted_by'], 40)}", "sub")
            with tag("td"):
                if event["verdict"] is not None:
                    words("span", event["verdict"], f"tag {LOOKS[event['verdict']]}")
                elif event["kind"] == "anomaly":
                    words("span", "nothing yet", "sub")

    def _draw_one(self) -> None:
        event = self.chosen
        self.one.clear()
        with self.one:
            if event is None:
                hint("Once something is off, you say here what it was.")
                return
            words("p", event["message"], "strong")
            hint(f"{began(event)} UTC, {OPEN[event['phase']] or 'over'}")
            if event["verdict"] is not None:
                with tag("div"):
                    words("span", event["verdict"], f"tag {LOOKS[event['verdict']]}")

    # ------------------------------------------------------------ acting

    def _chooser(self, event_id: str) -> Callable[[], None]:
        def choose() -> None:
            self.visit.remember(event=event_id)
            self.show(self.events, self.series)

        return choose

    def _stepper(self, step: int) -> Callable[[], None]:
        def go() -> None:
            chosen = self.chosen
            if chosen is None:
                return
            at = next(i for i, each in enumerate(self.events) if each["id"] == chosen["id"])
            to = self.events[max(0, min(len(self.events) - 1, at + step))]
            self._chooser(to["id"])()

        return go

    def _sayer(self, feedback: Feedback) -> Callable[[], Awaitable[None]]:
        async def said() -> None:
            event = self.chosen
            if event is None:
                return
            done = await self.visit.change(self._say, event["id"], feedback)
            if done is not None:
                say(done)
                self.revision += 1
                await self._again()

        return said

    def _say(self, event_id: str, feedback: Feedback) -> str:
        desk = self.visit.bench.watchers
        label = desk.say(self.watcher_id, event_id, feedback, by=self.visit.caller.name)
        return "Taken back." if label is None else f"Noted: {label.verdict}."

    async def _again(self) -> None:
        events = await self.visit.ask(
            self.visit.bench.watchers.events, self.watcher_id, series=self.series
        )
        self.show(events, self.series)

    async def _look(self) -> None:
        self.found = None
        self.found = await self.visit.change(
            self.visit.bench.watchers.recalibrate, self.watcher_id, self.series,
            by=self.visit.caller.name,
        )  # fmt: skip
        self._draw_lesson()

    def _draw_lesson(self) -> None:
        found = self.found
        self.apply.set_visibility(found is not None)
        self.lesson.clear()
        with self.lesson:
            if found is None:
                hint("Label an event first; ten make a difference.")
                return
            with table(("", "Before", "After"), (1, 2)):
                before, after = found.scores_before, found.scores_after
                lines = [
                    ("Cut", _cut(found.before.cut), _cut(found.after.cut)),
                    ("Events", f"{len(found.before.events)}", f"{len(found.after.events)}"),
                ]
                if any(each.verdict in ANOMALOUS for each in found.labels):
                    f1 = number(before.f1, 3), number(after.f1, 3)
                    lines.append(("F1 on what was labelled", f1[0], f1[1]))
                for name, one, other in lines:
                    with tag("tr"):
                        cell(name)
                        cell(one, number=True)
                        cell(other, number=True)
            quiet = plural(len(found.rules.precedents), "precedent")
            hint(f"From {plural(len(found.labels), 'label')}; {quiet} mute what is alike.")

    async def _apply(self) -> None:
        if self.found is None:
            return
        kept = await self.visit.change(
            self.visit.bench.watchers.apply, self.watcher_id, self.found, self.series,
            by=self.visit.caller.name,
        )  # fmt: skip
        if kept is not None:
            self.apply.set_visibility(False)
            say(f"In force from the next row: {kept.title}.")


def began(event: dict[str, Any]) -> str:
    """When it began, to the second."""
    return str(np.datetime64(event["start"], "ns").astype("datetime64[s]")).replace("T", " ")


def _cut(cut: np.ndarray) -> str:
    return number(float(np.median(cut)))


def _known(event: dict[str, Any]) -> tuple[object, ...]:
    return event["id"], event["phase"], event["end"], event["severity"], event["verdict"]
