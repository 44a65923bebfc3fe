"""Live: every stream that the server watches, what is off first."""

from __future__ import annotations

import numpy as np
from nicegui import ui

from offbeat.server.page.frame import head_line, honest
from offbeat.server.page.pieces import Kind, link, tag, words
from offbeat.server.page.sparkline import sparkline
from offbeat.server.page.visit import Visit
from offbeat.server.page.when import ago
from offbeat.server.records import WatcherRecord, WatcherState
from offbeat.wording import number, plural

__all__ = ["STATES", "live_view", "state_of"]

LOOK_EVERY = 1.0
SPARKS = 120
TIMES = "\N{MULTIPLICATION SIGN}"
STATES: dict[WatcherState, tuple[str, Kind]] = {
    "failed": ("failed", "alert"),
    "restarting": ("begins anew", "plan"),
    "starting": ("starting", "busy"),
    "running": ("watching", "good"),
    "stopped": ("stopped", "blank"),
    "ended": ("source ended", "blank"),
}
NOTHING = (
    "A watcher scores a stream row by row: a broker, a database, Prometheus, a file that grows."
)


def state_of(watcher: WatcherRecord) -> tuple[str, Kind]:
    """A word for how it is, and how that looks; what is off comes before all."""
    if watcher.state == "running" and watcher.open_events:
        return "off", "alert"
    if watcher.state == "running" and watcher.note:
        return "waiting", "plan"
    return STATES[watcher.state]


async def live_view(visit: Visit) -> None:
    """All watchers."""
    tools = head_line("Live", lead="Streams that are scored as they come; what is off comes first.")
    if visit.may_act:
        with tools:
            link("New watcher", "/live/new", "button main", data_key="N")
    if not await visit.ask(visit.bench.watchers.find):
        text = NOTHING if visit.may_act else "Nobody watches a stream, and this log-in only reads."
        with honest("Nothing is watched yet", text):
            pass
        return
    rows = tag("div", "rows", aria_live="off")
    with rows:
        tag("div", "waiting")
    listing = _Listing(visit, rows)
    ui.timer(LOOK_EVERY, listing.refresh)


class _Listing:
    """The lines, drawn anew when something came."""

    def __init__(self, visit: Visit, rows: ui.element) -> None:
        self.visit, self.rows = visit, rows
        self.drawn: object = None

    async def refresh(self) -> None:
        """Look, and draw what changed."""
        watchers = await self.visit.ask(self.visit.bench.watchers.find)
        if self.drawn == watchers:
            return
        self.drawn = watchers
        feed = self.visit.bench.watchers.feed
        sparks = await self.visit.ask(feed.newest, [each.id for each in watchers], SPARKS)
        self.rows.clear()
        with self.rows:
            for each in sorted(watchers, key=_place):
                _line(each, sparks[each.id])


def _place(watcher: WatcherRecord) -> tuple[bool, bool, float, str]:
    off = state_of(watcher)[1] == "alert"
    return not off, not watcher.is_live, -(watcher.severity or 0.0), watcher.name.lower()


def _line(watcher: WatcherRecord, course: list[float | None]) -> None:
    text, kind = state_of(watcher)
    alert = "alert" if kind == "alert" else ""
    with tag("a", f"row {alert}", href=f"/live/{watcher.id}"):
        with tag("span"):
            words("span", watcher.name, "name", title=watcher.name)
            words("span", f"{watcher.rows:,} rows, {len(watcher.series):,} series", "sub")
        drawn = sparkline(np.array([np.nan if each is None else each for each in course], float))
        ui.html(drawn or "<span></span>", sanitize=False)
        with tag("span"):
            words("span", f"{number(watcher.severity, 3)}{TIMES}", "num")
            words("span", "the limit", "sub")
        with tag("span"):
            words("span", plural(watcher.open_events, "open event"))
            came = "nothing yet" if watcher.last_at is None else f"row {ago(watcher.last_at)}"
            words("span", came, "sub")
        with tag("span", "end"):
            words("span", text, f"tag {kind}")
