"""What a watcher writes into the store: readings, events, how far it is, what it refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import delete, select, update

from offbeat.connect import Outcome, Refused, Sink
from offbeat.connect.contract import Position
from offbeat.connect.outcome import event_to_dict
from offbeat.server.faults import StoreError
from offbeat.server.store import (
    Store,
    WatcherRow,
    live_events,
    live_readings,
    live_series,
    now_text,
    upsert,
)
from offbeat.server.workbench.moments import moment_number

__all__ = ["NAME", "RefusedSink", "StoreSink"]

NAME = "the store"
MOST_EVENTS = 5_000
"""Events that are kept of a watcher."""
MOST_REFUSED = 20
TIDY_EVERY = 500
"""Readings of a series, and events, after which older ones are looked for."""
READING = ("at", "about")
EVENT = ("series", "kind", "phase", "start", "end", "severity", "message", "at", "about")
SERIES = ("model_id", "last_time", "severity")


class StoreSink(Sink):
    """Upserts readings by series and time and events by id, a transaction a batch.

    Parameters
    ----------
    store
        Where to.
    watcher_id
        Whose.
    keep
        Readings of a series that are kept.
    model_of
        Id of the model that watches a series.
    in_use
        Gives the version and the cut of each pattern that judge now.
    """

    name = NAME

    def __init__(
        self,
        store: Store,
        watcher_id: str,
        keep: int,
        model_of: Callable[[str], str],
        in_use: Callable[[], dict[str, Any]],
    ) -> None:
        self._store, self._id, self._keep = store, watcher_id, keep
        self._model_of, self._in_use = model_of, in_use
        self._tally = Counter[str]()
        self._readings: dict[tuple[str, int], Mapping[str, Any]] = {}
        self._events: dict[str, dict[str, Any]] = {}
        self._untidy = Counter[str]()
        self._told: dict[str, Any] | None = None

    def open(self, position: Position | None) -> None:
        """As `Sink.open`; what is counted goes on from the checkpoint."""
        self._tally = Counter((position or {}).get("tally", {}))

    def put(self, outcome: Outcome) -> None:
        """As `Sink.put`."""
        self._tally["rows"] += len(outcome.readings)
        for reading in outcome.readings:
            self._readings[reading["series"], moment_number(reading["time"])] = reading
        for event in outcome.events:
            self._tally["events"] += event.phase == "opened"
            severity = None if event.event is None else float(event.event.severity)
            self._events[event.id] = {
                "watcher_id": self._id,
                "id": event.id,
                "series": event.series,
                "kind": event.kind,
                "phase": event.phase,
                "start": moment_number(event.start_time),
                "end": moment_number(event.end_time),
                "severity": severity,
                "message": event.message,
                "about": event_to_dict(event),
            }

    def flush(self) -> None:
        """As `Sink.flush`."""
        in_use = self._in_use()
        if not self._readings and not self._events and in_use == self._told:
            return
        at = now_text()
        readings: list[dict[str, Any]] = [
            {"watcher_id": self._id, "series": series, "time": time, "at": at, "about": about}
            for (series, time), about in self._readings.items()
        ]
        events = [{**event, "at": at} for event in self._events.values()]
        newest = {each["series"]: each for each in sorted(readings, key=lambda row: row["time"])}
        try:
            with self._store.writing() as session:
                upsert(session, live_readings, readings, READING)
                upsert(session, live_events, events, EVENT)
                upsert(session, live_series, [self._series(e) for e in newest.values()], SERIES)
                changed: dict[str, Any] = {
                    "n_rows": self._tally["rows"],
                    "n_events": self._tally["events"],
                }
                if newest:
                    last = max(each["time"] for each in newest.values())
                    changed |= {"last_at": at, "last_time": last}
                mine = update(WatcherRow).where(WatcherRow.id == self._id)
                session.execute(mine.values(**changed, in_use=in_use))
        except StoreError as problem:
            raise ConnectionError(str(problem)) from None
        self._told = in_use
        self._readings.clear()
        self._events.clear()
        self._tidy(readings, len(events))

    def position(self) -> Position:
        """As `Sink.position`."""
        return {"tally": dict(self._tally), "models": self._in_use()}

    def _series(self, newest: Mapping[str, Any]) -> dict[str, Any]:
        name = newest["series"]
        return {
            "watcher_id": self._id,
            "name": name,
            "model_id": self._model_of(name),
            "last_time": newest["time"],
            "severity": newest["about"].get("severity"),
        }

    def _tidy(self, readings: list[dict[str, Any]], n_events: int) -> None:
        """Take away what is older than what is kept; what fails is done the next time."""
        self._untidy.update(each["series"] for each in readings)
        self._untidy[""] += n_events
        due = [name for name, number in self._untidy.items() if number >= TIDY_EVERY]
        for name in due:
            old = live_readings if name else live_events
            order = old.c.time if name else old.c.start
            mine = [old.c.watcher_id == self._id, *([old.c.series == name] if name else [])]
            most = self._keep if name else MOST_EVENTS
            nth = select(order).where(*mine).order_by(order.desc()).offset(most - 1).limit(1)
            try:
                with self._store.writing() as session:
                    oldest = session.scalar(nth)
                    if oldest is not None:
                        session.execute(delete(old).where(*mine, order < oldest))
            except StoreError:
                return
            self._untidy[name] = 0


class RefusedSink(Sink):
    """Counts what became no row, and keeps the last few with the reason.

    Parameters
    ----------
    store, watcher_id
        Where to, and whose.
    hide
        Takes secrets out of a text.
    """

    name = "what is refused"

    def __init__(self, store: Store, watcher_id: str, hide: Callable[[str], str]) -> None:
        self._store, self._id, self._hide = store, watcher_id, hide
        self._number, self._kept = 0, list[dict[str, Any]]()
        self._waiting = list[Refused]()

    def open(self, position: Position | None) -> None:
        """As `Sink.open`."""
        self._number = (position or {}).get("number", 0)
        self._kept = list((position or {}).get("kept", ()))

    def put(self, outcome: Outcome) -> None:
        """As `Sink.put`."""
        self._waiting += outcome.refused

    def flush(self) -> None:
        """As `Sink.flush`."""
        if not self._waiting:
            return
        number, at = self._number + len(self._waiting), now_text()
        new = [
            {"content": self._hide(each.content), "reason": self._hide(each.reason), "at": at}
            for each in self._waiting[-MOST_REFUSED:]
        ]
        kept = [*self._kept, *new][-MOST_REFUSED:]
        try:
            with self._store.writing() as session:
                mine = update(WatcherRow).where(WatcherRow.id == self._id)
                session.execute(mine.values(n_refused=number, refused=kept))
        except StoreError as problem:
            raise ConnectionError(str(problem)) from None
        self._number, self._kept = number, kept
        self._waiting.clear()

    def position(self) -> Position:
        """As `Sink.position`."""
        return {"number": self._number, "kept": self._kept}
