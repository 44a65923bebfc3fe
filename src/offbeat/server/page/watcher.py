"""Watcher: one stream as it comes, what leads, how it is, and what it found."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from offbeat.server.page.chart import Chart
from offbeat.server.page.frame import head_line, honest
from offbeat.server.page.live import state_of
from offbeat.server.page.livechart import live_figure
from offbeat.server.page.livevents import LiveEvents
from offbeat.server.page.pieces import (
    button,
    card,
    hint,
    link,
    option_list,
    shares,
    tag,
    tiles,
    words,
)
from offbeat.server.page.visit import Visit, say
from offbeat.server.page.when import ago
from offbeat.server.records import WatcherRecord
from offbeat.wording import cut_middle, duration, number, plural

__all__ = ["watcher_view"]

LOOK_EVERY = 1.0
ROWS = (("150", "150 rows"), ("400", "400 rows"), ("2000", "2,000 rows"))
USUAL_ROWS = "400"
LANES = 2
SHOWN_REFUSED = 5
DAY_S = 86_400
VALUE = "(e) => emit(e.target.value)"


async def watcher_view(visit: Visit) -> None:
    """One watcher, followed while it is looked at."""
    watcher = await visit.ask(visit.bench.watchers.get, visit.params["watcher_id"])
    models = {each["model_id"] for each in watcher.models}
    names = {each: (await visit.ask(visit.bench.models.get, each)).name for each in models}
    await _Scene(visit, watcher, names).build()


class _Scene:
    """What is on the screen, and how it follows."""

    def __init__(self, visit: Visit, watcher: WatcherRecord, names: dict[str, str]) -> None:
        self.visit, self.watcher = visit, watcher
        self.names = {each["pattern"]: names[each["model_id"]] for each in watcher.models}
        self.chart: Chart | None = None
        self.drawn: object = None
        self.told: object = None
        self.lead: tuple[str, ...] = ()

    @property
    def series(self) -> str | None:
        """Which of its series is looked at."""
        known = self.watcher.series
        asked = self.visit.query.get("series")
        return asked if asked in known else known[0] if known else None

    @property
    def n_rows(self) -> int:
        text = self.visit.query.get("rows", USUAL_ROWS)
        return int(text) if text in dict(ROWS) else int(USUAL_ROWS)

    async def build(self) -> None:
        """The view."""
        tools = head_line(
            cut_middle(self.watcher.name, 90), crumbs=(("Live", "/live"),), lead=self.watcher.source
        )
        with tools:
            self._tools()
        self.trouble = tag("div")
        with tag("div", "desk"):
            with tag("div", "desk-chart"), card():
                with tag("div", "top"):
                    words("h2", "As it comes")
                    with tag("div", "tools"):
                        self._choices()
                self.place = tag("div")
                with self.place:
                    tag("div", "waiting")
            with tag("div", "stack desk-side"):
                with card("Now"):
                    self.tiles = tiles(
                        (("Times the limit", "", ""), ("Rows", "", ""), ("Behind", "", ""))
                    )
                    self.leading = tag("div", "stack")
                self.events = LiveEvents(self.visit, self.watcher.id)
                self.events.build_side()
                self._about()
            with tag("div", "desk-events"):
                self.events.build_list()
        await self.refresh()
        ui.timer(LOOK_EVERY, self.refresh, immediate=False)

    def _tools(self) -> None:
        text, kind = state_of(self.watcher)
        self.state = words("span", text, f"tag {kind}", role="status")
        if not self.visit.may_act:
            return
        self.start = button("Start", self._start, look="main", key="S")
        self.stop = button("Stop", self._stop, key="X")
        with tag("details", "menu"):
            words("summary", "More", "button")
            with tag("div", "card"):
                link("Events as CSV", f"/api/v1/watchers/{self.watcher.id}/events/file")
                button("Open as a series", self._open, key="O")
                button("Start anew, without its checkpoint", self._anew)
                button("Delete", self._delete, look="danger")

    def _choices(self) -> None:
        if len(self.watcher.series) > 1:
            names = [(each, cut_middle(each, 40)) for each in self.watcher.series]
            made = option_list(names, self.series or "", aria_label="Series")
            made.style("width: auto")
            made.on("change", self._chose_series, js_handler=VALUE)
        made = option_list(ROWS, str(self.n_rows), aria_label="How much is shown")
        made.style("width: auto")
        made.on("change", self._chose_rows, js_handler=VALUE)

    def _about(self) -> None:
        with card("What watches"):
            self.in_use = tag("div")
            for sink in self.watcher.sinks:
                hint(f"To {sink}")
            hint(f"Begun by {self.watcher.created_by}, {ago(self.watcher.created_at)}.")
            self.refused = tag("div", "stack")

    # ------------------------------------------------------------ following

    async def refresh(self) -> None:
        """Look, and draw what changed."""
        bench = self.visit.bench.watchers
        before = self.watcher.series
        self.watcher = await self.visit.ask(bench.get, self.watcher.id)
        if self.watcher.series != before and before and len(self.watcher.series) > 1 == len(before):
            ui.navigate.reload()  # now there is something to choose from
            return
        self._show_state()
        now = (self.watcher.last_at, self.series, self.n_rows, self.events.revision)
        events = await self.visit.ask(bench.events, self.watcher.id, series=self.series)
        self.events.show(events, self.series)
        if self.series is None or now == self.drawn:
            if self.series is None and self.drawn is None:
                self._show_nothing()
            return
        self.drawn = now
        readings = await self.visit.ask(
            bench.feed.readings, self.watcher.id, self.series, limit=self.n_rows
        )
        if readings:
            self._show_leading(readings[-1])
            await self._show_chart(readings, events)

    async def _show_chart(self, readings: list[Any], events: list[Any]) -> None:
        self.lead = self._lanes(readings, events)
        figure = await self.visit.ask(live_figure, readings, events, self.lead)
        if self.chart is None:
            self.place.clear()
            with self.place:
                self.chart = Chart(figure, "The newest rows: measured, expected, score and cut")
        else:
            self.chart.show(figure)

    def _lanes(self, readings: list[Any], events: list[Any]) -> tuple[str, ...]:
        """The channels that lead; they change with an event only, so that nothing jumps."""
        newest = next((each for each in events if each["kind"] == "anomaly"), None)
        if newest is not None:
            names = list(newest["event"]["channels"])
        elif self.lead:
            return self.lead
        else:
            names = []
        names += [each for each in readings[-1]["values"] if each not in names]
        return tuple(names[:LANES])

    def _show_nothing(self) -> None:
        self.drawn = "nothing"
        self.place.clear()
        with self.place:
            hint("Nothing has come yet.")

    def _show_state(self) -> None:
        watcher = self.watcher
        text, kind = state_of(watcher)
        self.state.set_text(text)
        self.state.classes(replace=f"tag {kind}")
        self.tiles["Times the limit"][0].set_text(number(watcher.severity, 3))
        self.tiles["Rows"][0].set_text(f"{watcher.rows:,}")
        self.tiles["Behind"][0].set_text(_behind(watcher.lag))
        if self.visit.may_act:
            self.start.set_visibility(not watcher.is_live)
            self.stop.set_visibility(watcher.is_live)
        self._show_trouble()

    def _show_trouble(self) -> None:
        watcher = self.watcher
        told = (watcher.state, watcher.problem, watcher.note, watcher.refused, str(watcher.in_use))
        if self.told == told:
            return
        self.told = told
        self.trouble.clear()
        with self.trouble:
            if watcher.state in ("failed", "restarting") and watcher.problem:
                title = "It has failed" if watcher.state == "failed" else "It begins anew"
                with honest(title, "", quote=watcher.problem, alert=watcher.state == "failed"):
                    pass
            elif watcher.note:
                with tag("p", "hint"):
                    words("span", "now", "tag plan")
                    words("span", f" {watcher.note}")
        self.in_use.clear()
        with self.in_use:
            for pattern, name in self.names.items():
                whose = "every series" if pattern == "*" else pattern
                hint(f"{cut_middle(name, 50)}{_version(watcher.in_use.get(pattern))}: {whose}.")
        self.refused.clear()
        with self.refused:
            if watcher.refused:
                words("h3", f"{plural(watcher.refused, 'message')} became no row")
                for each in watcher.last_refused[::-1][:SHOWN_REFUSED]:
                    hint(f"{each['reason']} ({cut_middle(each['content'], 60)})")

    def _show_leading(self, reading: Any) -> None:
        self.leading.clear()
        with self.leading:
            words("h3", "Leading channels")
            parts = list((reading.get("shares") or {}).items())
            if parts:
                shares(parts, lambda share: f"{share:.0%}")
            else:
                hint("No score yet: a network must have read a few rows first.")

    # ------------------------------------------------------------ acting

    def _chose_series(self, event: Any) -> None:
        ui.navigate.to(self.visit.with_query(series=event.args))

    async def _chose_rows(self, event: Any) -> None:
        self.visit.remember(rows=event.args)
        await self.refresh()

    async def _start(self) -> None:
        if await self.visit.change(self.visit.bench.watchers.start, self.watcher.id) is not None:
            say("Started.")
            await self.refresh()

    async def _anew(self) -> None:
        made = await self.visit.change(self.visit.bench.watchers.start, self.watcher.id, anew=True)
        if made is not None:
            say("Started anew.")
            await self.refresh()

    async def _stop(self) -> None:
        if await self.visit.change(self.visit.bench.watchers.stop, self.watcher.id) is not None:
            say("Stopped after its checkpoint.")
            await self.refresh()

    async def _open(self) -> None:
        made = await self.visit.change(
            self.visit.bench.watchers.record, self.watcher.id, self.series,
            by=self.visit.caller.name,
        )  # fmt: skip
        if made is not None:
            ui.navigate.to(f"/series/{made.id}")

    async def _delete(self) -> None:
        done = await self.visit.change(self._deleted)
        if done:
            ui.navigate.to("/live")

    def _deleted(self) -> bool:
        self.visit.bench.watchers.delete(self.watcher.id)
        return True


def _behind(lag: float | None) -> str:
    """How far the newest row lay behind the clock when it came; what is replayed lies far."""
    if lag is None:
        return "\N{EN DASH}"
    return ">1 d" if lag > DAY_S else duration(max(0.0, lag), 1)


def _version(in_use: dict[str, Any] | None) -> str:
    if in_use is None:
        return ""
    cut = "" if in_use["cut_id"] is None else " under a cut that was chosen"
    return f", version {in_use['number']}{cut}"
