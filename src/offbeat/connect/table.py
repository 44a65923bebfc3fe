"""A table in a terminal that changes as rows come, with sparklines."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from offbeat.connect.addresses import Address
from offbeat.connect.contract import Outcome, Position, Sink
from offbeat.connect.learning import LEARNING

__all__ = ["TableSink", "sparkline"]

BARS = "▁▂▃▄▅▆▇█"
WIDTH, BESIDE = 60, 62
"""Rows of a sparkline where there is room, and columns that all the others take."""
MOST_ROWS, MOST_EVENTS = 20, 5
"""Lines of the table, the loudest series first, and of what happened last."""


class TableSink(Sink):
    """Shows each channel of each series: newest value, what was expected, sparkline, severity.

    Parameters
    ----------
    address
        `table:`.
    """

    def __init__(self, address: Address) -> None:
        self.name = "table:"
        address.knows()
        self._console = Console()
        self._live: Live | None = None
        self._newest: dict[str, Mapping[str, Any]] = {}
        self._past: dict[tuple[str, str], deque[float | None]] = {}
        self._events: deque[str] = deque(maxlen=MOST_EVENTS)

    def open(self, position: Position | None) -> None:
        """As `Sink.open`."""
        del position
        self._live = Live(self._shown(), console=self._console, auto_refresh=False)
        self._live.start()

    def put(self, outcome: Outcome) -> None:
        """As `Sink.put`."""
        for reading in outcome.readings:
            series = reading["series"]
            self._newest[series] = reading
            for channel, value in reading["values"].items():
                past = self._past.setdefault((series, channel), deque(maxlen=WIDTH))
                past.append(value)
        for event in outcome.events:
            if event.phase != "going on":
                at = str(event.start_time).partition(".")[0]
                about = f"{at} {event.series}: {event.kind} {event.phase}, {event.message}"
                self._events.append(about)

    def flush(self) -> None:
        """As `Sink.flush`."""
        if self._live is not None:
            self._live.update(self._shown(), refresh=True)

    def close(self) -> None:
        """As `Sink.close`."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _shown(self) -> RenderableType:
        if not self._newest:
            return Text("waiting for rows ...")
        table = Table(box=None, pad_edge=False)
        for name in ("series", "channel", "value", "expected", "last rows", "severity"):
            is_number = name in ("value", "expected", "severity")
            table.add_column(name, justify="right" if is_number else "left", no_wrap=True)
        loudest = sorted(self._newest.items(), key=lambda each: -(each[1].get("severity") or 0.0))
        for series, reading in loudest:
            for number, channel in enumerate(reading["values"]):
                if table.row_count < MOST_ROWS:
                    table.add_row(*self._cells(series, channel, reading, is_first=number == 0))
        return Group(
            table, *(Text(each, no_wrap=True, overflow="ellipsis") for each in self._events)
        )

    def _cells(
        self, series: str, channel: str, reading: Mapping[str, Any], *, is_first: bool
    ) -> Sequence[str | Text]:
        room = max(8, min(WIDTH, self._console.width - BESIDE))
        past = list(self._past[series, channel])[-room:]
        expected = reading.get("expected", {}).get(channel)
        return (
            series if is_first else "",
            channel,
            _number(reading["values"][channel]),
            _number(expected),
            sparkline(past),
            _severity(reading) if is_first else "",
        )


def sparkline(values: Sequence[float | None]) -> str:
    """One bar a value from the lowest to the highest; a blank where none is known."""
    known = [value for value in values if value is not None]
    if not known:
        return " " * len(values)
    low, high = min(known), max(known)
    unit = (high - low) or 1.0
    top = len(BARS) - 1
    return "".join(" " if v is None else BARS[round((v - low) / unit * top)] for v in values)


def _severity(reading: Mapping[str, Any]) -> Text:
    """The severity; before there is a model how many rows are missing, the count-down."""
    if reading["status"] == LEARNING:
        missing = reading["missing"]
        return Text(f"learning, {missing} rows left" if missing else "training ...", style="cyan")
    severity = reading.get("severity")
    if severity is None:
        return Text("warming up", style="dim")
    return Text(f"{severity:.2f}", style="bold red" if severity > 1 else "green")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.4g}"
