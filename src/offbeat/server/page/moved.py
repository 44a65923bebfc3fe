"""What else moved? Every series and channel, ranked by how off it was in one span of time."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from offbeat.detection import Detection
from offbeat.errors import OffbeatError
from offbeat.ranking import Ranking, rank_span
from offbeat.server.page.frame import head_line
from offbeat.server.page.heading import address
from offbeat.server.page.pieces import card, field, hint, link, tag, words
from offbeat.server.page.standing import Pair, StandingBook
from offbeat.server.page.visit import Visit
from offbeat.wording import number

__all__ = ["moved_view"]

SHOWN = 40
TIMES = "\N{MULTIPLICATION SIGN}"


async def moved_view(visit: Visit, book: StandingBook) -> None:
    """The ranking of a span."""
    head_line(
        "What else moved?",
        crumbs=(("All series", "/"),),
        lead="Every series and channel, ranked by how off it was in one span of time.",
    )
    start, end = visit.query.get("start", ""), visit.query.get("end", "")
    with tag("form", "card") as form, tag("div", "span-desk").style("border: 0; padding: 0"):
        with field("From"):
            tag("input", name="start", value=start, placeholder="2026-01-31 08:00:00, or a row")
        with field("To"):
            tag("input", name="end", value=end, placeholder="2026-01-31 08:05:00, or a row")
        with tag("div", "tools"):
            words("button", "Rank", "main", type="submit", data_key="R")
    form.on("submit", lambda event: _go(visit, event), js_handler=GATHER)
    if not start or not end:
        hint("Write a span down, or mark one over the chart of a series and press W.")
        return
    place = tag("div", "half")
    with place:
        tag("div", "waiting")
        tag("div", "waiting")

    async def rank() -> None:
        try:
            found, pairs = await visit.ask(_ranked, visit, book, start, end)
        except OffbeatError as problem:
            place.clear()
            with place, card("This span cannot be ranked"):
                hint(str(problem))
            return
        place.clear()
        with place:
            _series(found, pairs)
            _channels(found, pairs)

    ui.timer(0.05, rank, once=True)


GATHER = "(e) => { e.preventDefault(); emit(Object.fromEntries(new FormData(e.currentTarget))) }"


def _go(visit: Visit, event: Any) -> None:
    given = event.args
    ui.navigate.to(visit.with_query(start=given["start"].strip(), end=given["end"].strip()))


def _ranked(
    visit: Visit, book: StandingBook, start: str, end: str
) -> tuple[Ranking, dict[str, Pair]]:
    """All that was scored and has the same kind of time."""
    by_row = start.isdigit() and end.isdigit()
    detections: dict[str, Detection] = {}
    pairs: dict[str, Pair] = {}
    for standing in book.all(make=0):
        pair = standing.pair
        if pair is None or pair.detection is None or pair.series.has_clock == by_row:
            continue
        name = (
            pair.series.name
            if pair.series.name not in pairs
            else f"{pair.series.name} ({pair.series.id[:4]})"
        )
        pairs[name] = pair
        detections[name] = visit.bench.detections.open(pair.series.id, pair.model.id)
    ends = (int(start), int(end)) if by_row else (start, end)
    return rank_span(detections, *ends), pairs


def _series(found: Ranking, pairs: dict[str, Pair]) -> None:
    with card("Series"):
        top = max((each.severity for each in found.series), default=1.0)
        with tag("div", "shares"):
            for each in found.series[:SHOWN]:
                with tag("div", "share"):
                    pair = pairs[each.series]
                    link(each.series, address(pair.series.id), title=each.series)
                    off = "background: var(--alert-bar);" if each.severity >= 1 else ""
                    tag("i").style(f"width: {100 * each.severity / top:.2f}%; {off}")
                    words("span", f"{number(each.severity, 3)}{TIMES}", title="times the limit")
        hint("In multiples of the limit; what is above 1 has another colour.")
        if found.unknown:
            hint(f"No score in this span: {', '.join(found.unknown[:SHOWN])}.")


def _channels(found: Ranking, pairs: dict[str, Pair]) -> None:
    several = len(pairs) > 1
    with card("Channels"):
        top = max((each.severity for each in found.channels), default=1.0)
        with tag("div", "shares"):
            for each in found.channels[:SHOWN]:
                with tag("div", "share"):
                    with tag("span", title=f"{each.channel} of {each.series}"):
                        words("span", each.channel)
                        if several:
                            words("span", each.series, "sub")
                    tag("i").style(f"width: {100 * each.severity / max(top, 1e-9):.2f}%")
                    words("span", f"{each.severity:.2f}{TIMES}")
        hint("The part that each channel had in the severity of its series.")
        if len(found.channels) > SHOWN:
            hint(f"The first {SHOWN} of {len(found.channels):,} are listed.")
