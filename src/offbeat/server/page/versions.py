"""Versions: what was trained when, two of them on the same span, and which one is in use."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui

from offbeat.detection import Detection
from offbeat.errors import OffbeatError
from offbeat.figures import severity_figure
from offbeat.server.page.chart import Chart
from offbeat.server.page.frame import honest
from offbeat.server.page.heading import address, series_heading
from offbeat.server.page.pieces import (
    button,
    card,
    cell,
    hint,
    link,
    option_list,
    table,
    tag,
    words,
)
from offbeat.server.page.series import asked_pair
from offbeat.server.page.standing import Pair
from offbeat.server.page.visit import Visit, say
from offbeat.server.page.when import ago
from offbeat.server.records import VersionRecord
from offbeat.wording import cut_middle, lasted, moment, number, plural

__all__ = ["versions_view"]

SHOWN = 12


async def versions_view(visit: Visit) -> None:
    """The versions of the model that judges a series."""
    series_id = visit.params["series_id"]
    pair = await asked_pair(visit)
    series = await visit.ask(visit.bench.series.get, series_id)
    series_heading(visit, series, pair, "Versions")
    if pair is None:
        with honest("No model has learned this series yet", "Versions come with trainings."):
            if visit.may_act:
                link("Train a model", address(series_id, "/train"), "button main", data_key="T")
        return
    versions = await visit.ask(visit.bench.models.versions, pair.model.id)
    _list(visit, pair, versions)
    if len(versions) > 1:
        await _Comparison(visit, pair, versions).build()
    else:
        with card("Two versions side by side"):
            hint("There is one version only. Train the next one, and compare before you switch.")


def _list(visit: Visit, pair: Pair, versions: list[VersionRecord]) -> None:
    with card(f"Versions of {cut_middle(pair.model.name, 60)}"):
        with table(("Version", "Detector", "Learned", "Cut", "Trained", ""), classes="versions"):
            for each in versions:
                active = each.number == pair.model.active.number
                with tag("tr", "now" if active else ""):
                    cell(str(each.number))
                    cell(each.detector)
                    cell(f"{each.n_learned:,} rows")
                    cell(each.threshold)
                    with tag("td"):
                        words("span", ago(each.created_at))
                        words("span", f"by {each.created_by}", "sub")
                    with tag("td"):
                        if active:
                            words("span", "in use", "tag good")
                        elif visit.may_act:
                            button("Use", _switch(visit, pair, each.number))
        with tag("div", "tools"):
            model = f"/api/v1/models/{pair.model.id}"
            link("Model file", f"{model}/file", "button", download=True)
            link("Settings as YAML", f"{model}/settings", "button", download=True)


def _switch(visit: Visit, pair: Pair, version: int) -> Callable[[], Awaitable[None]]:
    async def switched() -> None:
        used = await visit.change(visit.bench.models.use, pair.model.id, version)
        if used is not None:
            ui.navigate.reload()

    return switched


class _Comparison:
    """Two versions on the same rows."""

    def __init__(self, visit: Visit, pair: Pair, versions: list[VersionRecord]) -> None:
        self.visit, self.pair, self.versions = visit, pair, versions
        numbers = [each.number for each in versions]
        newest, before = numbers[0], numbers[1]
        self.a = self._asked("a", before, numbers)
        self.b = self._asked("b", newest, numbers)

    def _asked(self, name: str, default: int, numbers: list[int]) -> int:
        text = self.visit.query.get(name, "")
        return int(text) if text.isdigit() and int(text) in numbers else default

    async def build(self) -> None:
        with card():
            with tag("div", "top"):
                words("h2", "Two versions side by side")
                with tag("div", "tools"):
                    self._chooser("a", self.a)
                    words("span", "against", "sub")
                    self._chooser("b", self.b)
            if self.a == self.b:
                hint("This is the same version twice: choose another one.")
                return
            opened = {number_: await self._opened(number_) for number_ in (self.a, self.b)}
            missing = [number_ for number_, found in opened.items() if found is None]
            if missing:
                self._unscored(missing)
                return
            both = {f"version {n}": found for n, found in opened.items() if found is not None}
            chart = Chart(
                await self.visit.ask(severity_figure, both),
                "How far off each version holds the series to be; 1 is the limit",
                look=self._look(),
            )
            chart.on("view", self._zoomed)
            with tag("div", "half"):
                await self._figures(both)
                self._differences(both)

    def _chooser(self, name: str, chosen: int) -> None:
        choices = [(str(each.number), f"version {each.number}") for each in self.versions]
        made = option_list(choices, str(chosen), aria_label=f"Version {name}")
        made.style("width: auto").on(
            "change",
            lambda event: ui.navigate.to(self.visit.with_query(**{name: event.args})),
            js_handler="(e) => emit(e.target.value)",
        )

    async def _opened(self, version: int) -> Detection | None:
        try:
            return await self.visit.ask(
                self.visit.bench.detections.open,
                self.pair.series.id,
                self.pair.model.id,
                version=version,
            )
        except OffbeatError:
            return None

    def _unscored(self, missing: list[int]) -> None:
        named = " and ".join(f"version {each}" for each in missing)
        verb = "has" if len(missing) == 1 else "have"
        hint(f"{named.capitalize()} {verb} not scored this series yet.")

        async def score() -> None:
            for each in missing:
                await self.visit.change(
                    self.visit.bench.detections.score, self.pair.series.id, self.pair.model.id,
                    by=self.visit.caller.name, version=each,
                )  # fmt: skip
            say("Scoring; this takes seconds.")
            timer.activate()

        async def look() -> None:
            if all([await self._opened(each) is not None for each in missing]):
                ui.navigate.reload()

        timer = ui.timer(1.0, look, active=False)
        if self.visit.may_act:
            button("Score it", score, look="main", key="C")

    def _look(self) -> tuple[Any, Any] | None:
        start, end = self.visit.query.get("since"), self.visit.query.get("until")
        if start is None or end is None:
            return None
        return (start, end) if self.pair.series.has_clock else (float(start), float(end))

    def _zoomed(self, event: Any) -> None:
        self.visit.remember(since=event.args["start"], until=event.args["end"])

    async def _figures(self, both: dict[str, Detection]) -> None:
        rows = [await self.visit.ask(each.preview, each.threshold) for each in both.values()]
        lines = [
            ("Cut", [number(row.cut, 3) for row in rows]),
            ("Events", [f"{row.events:,}" for row in rows]),
            ("Alarms a day", [number(row.alarms_per_day, 3) for row in rows]),
        ]
        if any(row.f1 is not None for row in rows):
            lines += [
                ("Precision", [number(row.precision, 3) for row in rows]),
                ("Recall", [number(row.recall, 3) for row in rows]),
                ("F1", [number(row.f1, 3) for row in rows]),
            ]
        with table(("", *(name.capitalize() for name in both)), range(1, 3)):
            for name, values in lines:
                with tag("tr"):
                    cell(name)
                    for value in values:
                        cell(value, number=True)

    def _differences(self, both: dict[str, Detection]) -> None:
        (first, one), (second, other) = both.items()
        with tag("div", "stack"):
            for name, mine, theirs in ((first, one, other), (second, other, one)):
                alone = [e for e in mine.events if not theirs.label[e.start : e.end].any()]
                with tag("div"):
                    words("h3", f"{plural(len(alone), 'event')} of {name} only".capitalize())
                    for event in sorted(alone, key=lambda each: -each.severity)[:SHOWN]:
                        began = moment(mine, event.start_time)
                        length = lasted(event.length, mine.rows_per_day)
                        hint(f"{began}, {length}, {cut_middle(event.channel, 30)}")
