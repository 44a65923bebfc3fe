"""Alike: events of the past that were much like this one, and what was said of them."""

from __future__ import annotations

from offbeat.detection import Detection
from offbeat.server.page.eventlist import LOOKS, event_address
from offbeat.server.page.pieces import card, cell, hint, link, table, tag, words
from offbeat.server.page.standing import Pair
from offbeat.server.page.visit import Visit
from offbeat.server.workbench.feedback import Judged
from offbeat.similarity import similar_events
from offbeat.thresholds import Threshold
from offbeat.wording import moment, number

__all__ = ["alike_card"]

SHOWN = 5


async def alike_card(
    visit: Visit,
    pair: Pair,
    detection: Detection,
    judged: list[Judged],
    at: int,
    tried: Threshold | None,
) -> None:
    """The most similar events before this one.

    Parameters
    ----------
    visit, pair, detection
        Who looks, and at what.
    judged, at
        All events, and the place of this one.
    tried
        The cut in the address, if it is not the one in force.
    """
    event = judged[at].event
    found = await visit.ask(similar_events, detection, event, SHOWN)
    by_start = {each.event.start: each for each in judged}
    with card("Seen before"):
        if not found:
            hint("Nothing like it happened before, under this cut.")
            return
        with table(("Began", "Distance", "Said of it"), (1,)):
            for each in found:
                other = by_start.get(each.event.start)  # None: it is kept quiet
                began = moment(detection, each.event.start_time)
                with tag("tr", "now" if each.is_alike else ""):
                    with tag("td"):
                        if other is None:
                            words("span", began)
                        else:
                            link(began, event_address(pair, other.start, visit, tried), "pick")
                        words("span", "much alike" if each.is_alike else each.event.channel, "sub")
                    cell(number(each.distance, 2), number=True)
                    with tag("td"):
                        _said(other)
        hint("By whose they are, which way, how long and how far: 0 is the same.")


def _said(other: Judged | None) -> None:
    if other is None:
        words("span", "kept quiet", "tag blank")
    elif other.label is None:
        words("span", "nothing yet", "sub")
    else:
        verdict = other.label.verdict
        words("span", verdict, f"tag {LOOKS[verdict]}")
