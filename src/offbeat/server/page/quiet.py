"""Quiet times: a calendar of hours, weekdays and dates in which nothing is said."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import time
from typing import Any

import numpy as np
from nicegui import ui

from offbeat.errors import OffbeatError
from offbeat.mutes import WEEKDAYS, Mute, parse_mute
from offbeat.server.page.frame import honest
from offbeat.server.page.heading import address, series_heading
from offbeat.server.page.pieces import button, card, cell, field, hint, link, table, tag, words
from offbeat.server.page.series import asked_pair, opened
from offbeat.server.page.standing import Pair
from offbeat.server.page.visit import Visit, say
from offbeat.wording import cut_middle, moment, plural

__all__ = ["mute_from_form", "quiet_view"]

MONDAY = np.datetime64("2026-01-05T00:00", "ns")
SHOWN = 30
GATHER = (
    "(e) => { e.preventDefault(); const f = new FormData(e.currentTarget);"
    " emit({...Object.fromEntries(f), days: f.getAll('days')}) }"
)


async def quiet_view(visit: Visit) -> None:
    """The mute calendar of the model that judges a series."""
    series_id = visit.params["series_id"]
    pair = await asked_pair(visit)
    series = await visit.ask(visit.bench.series.get, series_id)
    series_heading(visit, series, pair, "Quiet times")
    if pair is None:
        with honest("No model judges this series yet", "There is nothing to keep quiet."):
            if visit.may_act:
                link("Train a model", address(series_id, "/train"), "button main", data_key="T")
        return
    rules = await visit.ask(visit.bench.teaching.rules, pair.model.id, version=visit.version)
    calendar = _Calendar(visit, pair, rules.mutes)
    with tag("div", "split wide-side"):
        with tag("div", "stack"):
            with card("The week"):
                _week(rules.mutes, series.zone)
            with card(plural(len(rules.mutes), "quiet time").capitalize()):
                calendar.build()
            if rules.precedents:
                with card("Learned from false alarms"):
                    false = sum(each.verdict == "false alarm" for each in rules.precedents)
                    hint(f"What is like one of {plural(false, 'false alarm')} is kept quiet too.")
        with tag("div", "stack"):
            if visit.may_act:
                with card("One more"):
                    calendar.form()
            await _muted(visit, pair)


class _Calendar:
    """The list, and what makes it longer or shorter."""

    def __init__(self, visit: Visit, pair: Pair, mutes: tuple[Mute, ...]) -> None:
        self.visit, self.pair, self.mutes = visit, pair, mutes

    def build(self) -> None:
        if not self.mutes:
            hint("Nothing is kept quiet. A quiet time hides events, it does not change scores.")
            return
        with table(("When", "Why", "")):
            for mute in self.mutes:
                with tag("tr"):
                    cell(cut_middle(mute.text, 90))
                    cell(cut_middle(mute.note, 80))
                    with tag("td"):
                        if self.visit.may_act:
                            button("Remove", self._remover(mute), look="plain")

    def form(self) -> None:
        """What one more needs."""
        with tag("form", "stack", id="mute") as form:
            with tag("fieldset", "days"):
                words("legend", "Weekdays")
                for day in WEEKDAYS:
                    with tag("label"):
                        tag("input", type="checkbox", name="days", value=day)
                        words("span", day)
            with tag("div", "half"):
                for name, text, kind in (
                    ("start", "From", "time"),
                    ("end", "To", "time"),
                    ("first", "First date", "date"),
                    ("last", "Last date", "date"),
                ):
                    with field(text):
                        tag("input", name=name, type=kind)
            with field("Only if these lead", "Channels, with commas; empty means all."):
                tag("input", name="channels")
            with field("Clock", "A zone such as Europe/Berlin; empty takes the series' own."):
                tag("input", name="zone")
            with field("Why"):
                tag("input", name="note", placeholder="nightly backup")
            words("button", "Keep quiet then", "main", type="submit").style("justify-self: start")
            hint("What is left empty does not restrict.")
        form.on("submit", self._add, js_handler=GATHER)

    async def _add(self, event: Any) -> None:
        try:
            mute = mute_from_form(event.args)
        except OffbeatError as problem:
            say(str(problem), alert=True)
            return
        await self._keep((*self.mutes, mute))

    def _remover(self, mute: Mute) -> Callable[[], Awaitable[None]]:
        async def removed() -> None:
            await self._keep(tuple(each for each in self.mutes if each != mute))

        return removed

    async def _keep(self, mutes: tuple[Mute, ...]) -> None:
        kept = await self.visit.change(
            self.visit.bench.teaching.mute, self.pair.model.id, mutes,
            by=self.visit.caller.name, version=self.visit.version,
        )  # fmt: skip
        if kept is not None:
            ui.navigate.reload()


def mute_from_form(given: dict[str, Any]) -> Mute:
    """What the form says, read as the command line reads it.

    Raises
    ------
    ConfigError
        If nothing restricts, or a value cannot be.
    """
    dates = f"{given['first']}..{given['last']}" if given["first"] or given["last"] else ""
    hours = f"{given['start']}-{given['end']}" if given["start"] or given["end"] else ""
    channels = f"channels={given['channels']}" if given["channels"].strip() else ""
    parts = (",".join(given["days"]), dates, hours, given["zone"].strip(), channels)
    made = parse_mute(" ".join(part for part in parts if part))
    return Mute(**{**vars(made), "note": str(given["note"]).strip()})


def _week(mutes: tuple[Mute, ...], zone: str | None) -> None:
    """Seven days of hours; where a part is quiet every week it is dark."""
    weekly = [
        each for each in mutes if each.first is None and each.last is None and each.needs_clock
    ]
    moments = MONDAY + np.arange(7 * 24 * 12) * np.timedelta64(5, "m")
    covered = np.zeros(len(moments), dtype=bool)
    for mute in weekly:
        covered |= Mute(**{**vars(mute), "zone": None}).covers(moments, None)
    quiet = np.any(covered.reshape(-1, 12), axis=1).tolist()  # an hour that is quiet in part
    with tag("div", "week", role="img", aria_label=_spoken(weekly)):
        words("span", "")
        for hour in range(0, 24, 6):
            words("small", f"{time(hour):%H:%M}")
        for day, name in enumerate(WEEKDAYS):
            words("span", name)
            with tag("div", "hours"):
                for hour in range(24):
                    tag("i", "on" if quiet[24 * day + hour] else "")
    clock = f"its own zone, or in {zone}" if zone else "its own zone, or as the series counts"
    hint(f"Quiet every week; each entry in {clock}.")


def _spoken(weekly: list[Mute]) -> str:
    return "; ".join(each.text for each in weekly) or "no hour of the week is quiet"


async def _muted(visit: Visit, pair: Pair) -> None:
    with card("Kept quiet"):
        if pair.detection is None:
            hint("The series has not been scored yet.")
            return
        detection = await opened(visit, pair)
        if not detection.muted_events:
            hint("No event of this series falls into a quiet time.")
            return
        with table(("Began", "Why")):
            for event in detection.muted_events[:SHOWN]:
                with tag("tr"):
                    cell(moment(detection, event.start_time))
                    cell(cut_middle(event.muted_by, 80))
