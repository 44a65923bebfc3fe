"""Overview: every series, the worst first, and the door for a new one."""

from __future__ import annotations

from nicegui import ui

from offbeat.server.page.frame import head_line, honest
from offbeat.server.page.pieces import Kind, link, tag, words
from offbeat.server.page.sparkline import sparkline
from offbeat.server.page.standing import Standing, StandingBook, State
from offbeat.server.page.visit import Visit
from offbeat.wording import number, plural

__all__ = ["overview"]

A_SCREEN = 60
LOOK_EVERY = 2.0
TIMES = "\N{MULTIPLICATION SIGN}"
TAKES = ".csv,.tsv,.txt,.jsonl,.ndjson,.json,.parquet,.feather,.arrow,.log,.gz"


async def overview(visit: Visit, book: StandingBook) -> None:
    """All series."""
    head_line("All series", lead="What is furthest beyond its limit comes first.")
    if visit.may_act:
        drop_zone()
    if not await visit.ask(visit.bench.series.count):
        _nothing_yet(visit)
        return
    _Listing(visit, book).build()


def drop_zone() -> None:
    """Where a file is dropped."""
    with tag("label", "drop", data_key="D", data_does="choose a file to upload", tabindex=0):
        words("b", "Drop a CSV here, or click to choose one")
        words(
            "span",
            "Parquet, JSON lines, TSV, logs and gzip too. A time column is found by itself; a "
            "column named label marks known anomalies.",
            data_state=True,
        )
        tag("input", "veil", type="file", accept=TAKES, aria_label="File to upload", tabindex=-1)
        tag("progress", hidden=True, max=1, value=0)


def _nothing_yet(visit: Visit) -> None:
    text = (
        "Drop a file above: it is checked, you choose what counts as normal, and a model learns it."
        if visit.may_act
        else "Nobody has uploaded a series, and this log-in may only read."
    )
    with honest("No series yet", text):
        pass


class _Listing:
    """The lines, which follow what happens on the server."""

    def __init__(self, visit: Visit, book: StandingBook) -> None:
        self.visit, self.book = visit, book
        self.shown = int(visit.query.get("show", "0")) or A_SCREEN
        self.drawn: tuple[object, ...] = ()

    def build(self) -> None:
        with tag("div", "tools"):
            search = tag(
                "input",
                type="search",
                placeholder="Find a series",
                aria_label="Find a series",
                value=self.visit.query.get("find", ""),
                data_key="/",
                data_does="find a series",
            ).style("max-width: 300px")
            self.count = words("span", "", "hint")
            link("What was off at one time?", "/moved", "button").style("margin-left: auto")
        search.on("input", self._find, js_handler="(e) => emit(e.target.value)", throttle=0.3)
        self.rows = tag("div", "rows", aria_live="off")
        with self.rows:
            tag("div", "waiting")
        ui.timer(LOOK_EVERY, self._refresh)

    async def _find(self, event: object) -> None:
        self.visit.remember(find=getattr(event, "args", "") or None)
        await self._refresh()

    async def _refresh(self) -> None:
        standings = await self.visit.ask(self.book.all, self.visit.query.get("find", ""))
        now = tuple(
            (each.series.id, each.series.name, each.state, each.place) for each in standings
        )
        if now == self.drawn and self.drawn:
            return
        self.drawn = now
        off = sum(each.state == "off" for each in standings)
        waiting = sum(each.state == "measuring" for each in standings)
        more = f", {waiting} not measured yet" if waiting else ""
        self.count.set_text(f"{len(standings):,} series, {off:,} with events{more}")
        self.rows.clear()
        with self.rows:
            for standing in standings[: self.shown]:
                _line(standing)
            if not standings:
                words("p", "No series has such a name.", "hint").style("padding: 22px")
            if len(standings) > self.shown:
                target = self.visit.with_query(show=self.shown + 10 * A_SCREEN)
                rest = len(standings) - self.shown
                link(f"Show {min(rest, 10 * A_SCREEN):,} more", target, "row")


def _line(standing: Standing) -> None:
    series, summary = standing.series, standing.summary
    target = f"/series/{series.id}"
    if standing.state == "busy" and standing.job is not None and standing.job.kind == "train":
        target = f"/jobs/{standing.job.id}"
    with tag("a", f"row {'alert' if standing.state == 'off' else ''}", href=target):
        with tag("span"):
            words("span", series.name, "name", title=series.name)
            channels = plural(len(series.channels), "channel")
            words("span", f"{series.n_rows:,} rows, {channels}", "sub")
        if summary is None:
            words("span", "", "")
            words("span", "", "wide")
            words("span", "", "wide")
        else:
            ui.html(sparkline(summary.course), sanitize=False)
            with tag("span"):
                words("span", f"{number(summary.severity, 3)}{TIMES}", "num")
                words("span", "the limit", "sub")
            with tag("span"):
                words("span", plural(summary.n_events, "event"), "")
                words("span", summary.latest and f"last {summary.latest}", "sub")
        with tag("span", "end"):
            text, kind = STATES[standing.state]
            if standing.job is not None and standing.state == "busy":
                text = "in the queue" if standing.job.state == "queued" else BUSY[standing.job.kind]
            words("span", text, f"tag {kind}")


STATES: dict[State, tuple[str, Kind]] = {
    "off": ("off", "alert"),
    "failed": ("failed", "alert"),
    "busy": ("working", "busy"),
    "measuring": ("measuring", "busy"),
    "new": ("not trained", "blank"),
    "calm": ("calm", "good"),
}
BUSY = {"train": "training", "score": "scoring"}
