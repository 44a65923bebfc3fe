"""Recalibrating: what the labels would change, before and after, and keeping it."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from offbeat.events import Event
from offbeat.recalibration import Recalibration
from offbeat.server.page.heading import address
from offbeat.server.page.pieces import (
    button,
    card,
    cell,
    field,
    hint,
    option_list,
    table,
    tag,
    words,
)
from offbeat.server.page.standing import Pair
from offbeat.server.page.visit import Visit, say
from offbeat.server.records import LabelRecord
from offbeat.thresholds import CostThreshold, FBetaThreshold, LabelledThreshold
from offbeat.wording import cut_middle, moment, number, plural

__all__ = ["RecalibrationCard"]

SHOWN = 8
FEW = 5
GOALS = (
    ("f1", "precision and recall weigh the same (F1)"),
    ("f2", "missing one is worse (F2)"),
    ("f0.5", "a false alarm is worse (F0.5)"),
    ("cost", "what each of them costs"),
)


class RecalibrationCard:
    """Labels move the cut and silence what is like a false alarm, once a person says so.

    Parameters
    ----------
    visit, pair
        Who teaches, and which model.
    labels
        What was said.
    """

    def __init__(self, visit: Visit, pair: Pair, labels: list[LabelRecord]) -> None:
        self.visit, self.pair, self.labels = visit, pair, labels
        self.version = None if pair.detection is None else pair.detection.version
        self.goal = visit.query.get("goal", "f1")
        self.miss, self.false = visit.query.get("miss", "10"), visit.query.get("false", "1")
        self.alike = visit.query.get("alike", "yes") == "yes"
        self.found: Recalibration | None = None

    def build(self) -> None:
        """The card; the comparison is worked out once it is on the screen."""
        with card("Labels act"):
            if not self.labels:
                hint("Give a few labels first; ten make a difference.")
                return
            if len(self.labels) < FEW:
                hint("Few labels say little: with ten the cut stands more firmly.")
            with field("What matters"):
                goal = option_list(GOALS, self.goal, id="goal")
            goal.on("change", self._chose_goal, js_handler=VALUE)
            if self.goal == "cost":
                self._costs()
            with tag("label", "tick"):
                tick = tag("input", type="checkbox", checked=self.alike)
                words("span", "Keep quiet what is like the false alarms")
            tick.on("change", self._chose_alike, js_handler="(e) => emit(e.target.checked)")
            self.place = tag("div", "stack")
            with self.place:
                tag("div", "waiting")
        ui.timer(0.05, self._load, once=True)

    def _costs(self) -> None:
        with tag("div", "half"):
            for name, text, value in (
                ("miss", "A missed anomaly costs", self.miss),
                ("false", "A false alarm costs", self.false),
            ):
                with field(text):
                    cost = tag("input", type="number", min=0, step="any", value=value)
                cost.on(
                    "change",
                    lambda event, name=name: self._again(**{name: event.args}),
                    js_handler=VALUE,
                )

    def _chose_goal(self, event: Any) -> None:
        self._again(goal=event.args)

    def _chose_alike(self, event: Any) -> None:
        self._again(alike="yes" if event.args else "no")

    def _again(self, **changed: Any) -> None:
        ui.navigate.to(self.visit.with_query(**changed))

    def _method(self) -> LabelledThreshold:
        if self.goal == "cost":
            return CostThreshold(false_alarm=float(self.false), miss=float(self.miss))
        return FBetaThreshold(float(self.goal.removeprefix("f")))

    async def _load(self) -> None:
        try:
            self.found = await self.visit.ask(
                self.visit.bench.teaching.recalibrate, self.pair.series.id, self.pair.model.id,
                goal=self._method(), version=self.version, alike=self.alike,
            )  # fmt: skip
        except (
            ValueError
        ) as problem:  # the library's DataError and ConfigError, and what is no number
            self.place.clear()
            with self.place:
                hint(str(problem))
            return
        self.place.clear()
        with self.place:
            self._show(self.found)

    def _show(self, found: Recalibration) -> None:
        before, after = found.scores_before, found.scores_after
        with table(("", "Before", "After"), (1, 2)):
            for name, one, other in (
                ("Cut", _cut(found.before), _cut(found.after)),
                ("Events", str(len(found.before.events)), str(len(found.after.events))),
                (
                    "Kept quiet",
                    str(len(found.before.muted_events)),
                    str(len(found.after.muted_events)),
                ),
                (
                    "Alarms a day",
                    number(found.before.alarms_per_day, 3),
                    number(found.after.alarms_per_day, 3),
                ),
                ("Precision", number(before.precision, 3), number(after.precision, 3)),
                ("Recall", number(before.recall, 3), number(after.recall, 3)),
                ("F1", number(before.f1, 3), number(after.f1, 3)),
            ):
                with tag("tr"):
                    cell(name)
                    cell(one, number=True)
                    cell(other, number=True, classes="strong" if one != other else "")
        hint("Precision, recall and F1 on the labelled stretches. The cut was chosen on them.")
        self._events("gained", found.gained)
        self._events("lost", found.lost)
        if self.visit.may_act:
            with tag("div", "tools"):
                button("Apply", self._apply, look="main", key="P")
                button("Train anew with the labels", self._retrain, key="T")
            hint(
                "Trained anew, confirmed anomalies are left out and expected stretches learned. It "
                "becomes the next version; this one stays."
            )

    def _events(self, name: str, events: tuple[Event, ...]) -> None:
        assert self.found is not None  # it is being shown
        with tag("div"):
            words("h3", f"{plural(len(events), 'event')} {name}".capitalize())
            for event in sorted(events, key=lambda each: -each.severity)[:SHOWN]:
                began = moment(self.found.before, event.start_time)
                words("p", f"{began}, {cut_middle(event.channel, 34)}", "hint")
            if len(events) > SHOWN:
                words("p", f"and {len(events) - SHOWN} more", "hint")

    async def _apply(self) -> None:
        assert self.found is not None  # the button comes with it
        kept = await self.visit.change(
            self.visit.bench.teaching.apply, self.pair.series.id, self.pair.model.id, self.found,
            by=self.visit.caller.name, version=self.version,
        )  # fmt: skip
        if kept is not None:
            ui.navigate.to(address(self.pair.series.id, model=self.visit.query.get("model")))

    async def _retrain(self) -> None:
        job = await self.visit.change(
            self.visit.bench.teaching.retrain, self.pair.series.id, self.pair.model.id,
            by=self.visit.caller.name, version=self.version,
        )  # fmt: skip
        if job is not None:
            say("It learns.")
            ui.navigate.to(f"/jobs/{job.id}")


def _cut(detection: Any) -> str:
    return number(float(detection.cut[0]), 4)


VALUE = "(e) => emit(e.target.value)"
