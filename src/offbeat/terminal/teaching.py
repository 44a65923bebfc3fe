"""Recalibrations as tables: before and after, and which events come and go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from offbeat import wording
from offbeat.terminal.writing import plain_console, written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offbeat.events import Event
    from offbeat.recalibration import Recalibration

__all__ = ["show_recalibration"]

SHOWN_EVENTS = 10
FIGURES = ("cut", "events", "muted", "alarms_per_day", "precision", "recall", "f1")


def show_recalibration(found: Recalibration, format_: str | None) -> None:
    """Before and after, side by side, and the events that make the difference."""
    frame = found.to_frame()
    if written(frame, None, format_, "recalibration"):
        return
    console = plain_console()
    table = Table("", "before", "after")
    before, after = frame.rows(named=True)
    table.add_row("threshold", before["threshold"], after["threshold"])
    for name in FIGURES:
        cells = (wording.number(row[name], 3) for row in (before, after))
        table.add_row(_title(name), *cells)
    console.print(table)
    console.print(
        f"{wording.plural(len(found.labels), 'label')}, cut for the {found.goal.title}; precision, "
        "recall and F1 are of the labelled part only, which the cut was chosen on"
    )
    kinds: tuple[tuple[str, Sequence[Event]], ...] = (
        ("gained", found.gained),
        ("lost", found.lost),
    )
    for name, events in kinds:
        for event in events[:SHOWN_EVENTS]:
            console.print(escape(f"{name}: {_said(found, event)}"))
        if len(events) > SHOWN_EVENTS:
            console.print(f"{name}: {len(events) - SHOWN_EVENTS} more")
    console.print(f"kept: {wording.plural(len(found.kept), 'event')}")


def _title(name: str) -> str:
    return {"alarms_per_day": "alarms a day", "f1": "F1"}.get(name, name)


def _said(found: Recalibration, event: Event) -> str:
    when = wording.moment(found.before, event.start_time)
    text = (
        f"{when}, {event.channel} {event.direction}, severity {wording.number(event.severity, 3)}"
    )
    muted = {(each.start, each.end): each.muted_by for each in found.after.muted_events}
    reason = muted.get((event.start, event.end))
    return f"{text} (muted: {reason})" if reason else text
