"""What watchers have written into the store, as it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, func, select

from offbeat.server.faults import NotThereError
from offbeat.server.store import Store, live_events, live_readings, live_series

__all__ = ["Feed", "LiveSeries"]

MINUTE_NS = 60_000_000_000
MOST = 20_000


@dataclass(frozen=True)
class LiveSeries:
    """A series that a watcher has heard of.

    Parameters
    ----------
    name, model_id
        What it is called, and what judges it.
    last_time
        Of its newest row, nanoseconds since 1970.
    severity
        Of its newest row; None without a score.
    series_id
        The series of the workbench that it is kept as, once it is.
    recorded_at
        When that was last brought up to date.
    open_events
        Events that are going on.
    """

    name: str
    model_id: str
    last_time: int
    severity: float | None
    series_id: str | None
    recorded_at: str | None
    open_events: int


class Feed:
    """Reads the live tables.

    Parameters
    ----------
    store
        Where they are.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def series(self, watcher_id: str) -> list[LiveSeries]:
        """The series of a watcher, by name."""
        return self.series_of([watcher_id])[watcher_id]

    def series_of(self, watcher_ids: Sequence[str]) -> dict[str, list[LiveSeries]]:
        """The series of each of these watchers, by name."""
        events, known = live_events.c, live_series.c
        opened = (
            select(events.watcher_id, events.series, func.count().label("n"))
            .where(events.watcher_id.in_(watcher_ids), events.phase != "closed")
            .group_by(events.watcher_id, events.series)
            .subquery()
        )
        wanted = (
            select(
                known.watcher_id, known.name, known.model_id, known.last_time, known.severity,
                known.series_id, known.recorded_at, func.coalesce(opened.c.n, 0),
            )
            .outerjoin(
                opened,
                and_(opened.c.watcher_id == known.watcher_id, opened.c.series == known.name),
            )
            .where(known.watcher_id.in_(watcher_ids))
            .order_by(known.name)
        )  # fmt: skip
        made: dict[str, list[LiveSeries]] = {each: [] for each in watcher_ids}
        with self._store.reading() as session:
            for watcher_id, *about in session.execute(wanted):
                made[watcher_id].append(LiveSeries(*about))
        return made

    def one(self, watcher_id: str, name: str | None) -> LiveSeries:
        """One of them; None takes the first.

        Raises
        ------
        NotThereError
            If there is none.
        """
        for each in self.series(watcher_id):
            if name in (None, each.name):
                return each
        raise NotThereError(
            "nothing has come yet" if name is None else f"this watcher knows no series {name!r}"
        )

    def readings(
        self, watcher_id: str, series: str, *, minutes: float | None = None, limit: int = MOST
    ) -> list[dict[str, Any]]:
        """The newest readings of a series, the oldest first.

        Parameters
        ----------
        watcher_id, series
            Whose.
        minutes
            Of how many minutes before the newest one; None takes all.
        limit
            At most so many, the newest.
        """
        table = live_readings.c
        mine = [table.watcher_id == watcher_id, table.series == series]
        with self._store.reading() as session:
            if minutes is not None:
                newest = session.scalar(select(func.max(table.time)).where(*mine))
                mine.append(table.time > (newest or 0) - int(minutes * MINUTE_NS))
            wanted = select(table.about).where(*mine).order_by(table.time.desc()).limit(limit)
            return list(session.scalars(wanted))[::-1]

    def events(
        self, watcher_id: str, *, series: str | None = None, is_open: bool = False, limit: int = 200
    ) -> list[dict[str, Any]]:
        """Events, the latest first, with `severity`, and `start` and `end` as whole numbers."""
        table = live_events.c
        wanted = select(live_events).where(table.watcher_id == watcher_id)
        if series is not None:
            wanted = wanted.where(table.series == series)
        if is_open:
            wanted = wanted.where(table.phase != "closed")
        with self._store.reading() as session:
            rows = session.execute(wanted.order_by(table.start.desc(), table.id).limit(limit))
            return [_event(row._mapping) for row in rows]

    def event(self, watcher_id: str, event_id: str) -> dict[str, Any]:
        """One of them.

        Raises
        ------
        NotThereError
            If there is no such event.
        """
        table = live_events.c
        wanted = select(live_events).where(table.watcher_id == watcher_id, table.id == event_id)
        with self._store.reading() as session:
            row = session.execute(wanted).first()
            if row is None:
                raise NotThereError(f"there is no event {event_id}")
            return _event(row._mapping)

    def due(self) -> list[tuple[str, LiveSeries]]:
        """Series of all watchers of which an event has closed since they were recorded."""
        events, known = live_events.c, live_series.c
        wanted = (
            select(events.watcher_id, events.series)
            .join(
                live_series,
                and_(known.watcher_id == events.watcher_id, known.name == events.series),
            )
            .where(events.phase == "closed", events.at > func.coalesce(known.recorded_at, ""))
            .distinct()
        )
        with self._store.reading() as session:
            closed = {(watcher_id, name) for watcher_id, name in session.execute(wanted)}
        return [
            (watcher_id, live)
            for watcher_id, found in self.series_of(sorted({each for each, _ in closed})).items()
            for live in found
            if (watcher_id, live.name) in closed
        ]

    def since(
        self, watcher_id: str, after: str, series: str | None = None
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]], str]:
        """Readings and events that were written after a moment, and the moment to go on from.

        A batch has one moment, so none is told in part.
        """
        with self._store.reading() as session:
            found = list[list[dict[str, Any]]]()
            until = after
            for table in (live_readings, live_events):  # a batch that one of them shows is whole
                newest = select(func.max(table.c.at)).where(table.c.watcher_id == watcher_id)
                until = max(until, session.scalar(newest) or "")
            for table, order in ((live_readings, "time"), (live_events, "start")):
                wanted = select(table).where(
                    table.c.watcher_id == watcher_id, table.c.at > after, table.c.at <= until
                )
                if series is not None:
                    wanted = wanted.where(table.c.series == series)
                ordered = wanted.order_by(table.c.at, table.c[order])
                rows = [row._mapping for row in session.execute(ordered)]
                is_event = table is live_events
                found.append([_event(row) if is_event else row["about"] for row in rows])
        return found[0], found[1], until

    def newest(self, watcher_ids: Sequence[str], limit: int) -> dict[str, list[float | None]]:
        """Severities of the newest rows of each watcher, the oldest first, for a sparkline."""
        table = live_readings.c
        made = dict[str, list[float | None]]()
        with self._store.reading() as session:
            for each in watcher_ids:
                rows = (
                    select(table.time, table.about["severity"].as_float())
                    .where(table.watcher_id == each)
                    .order_by(table.at.desc(), table.time.desc())
                    .limit(limit)
                )
                by_time: dict[int, float | None] = {}
                for time, severity in session.execute(rows):
                    known = by_time.get(time)
                    higher = known is None or (severity is not None and severity > known)
                    by_time[time] = severity if higher else known
                made[each] = [by_time[time] for time in sorted(by_time)]
        return made


def _event(row: Any) -> dict[str, Any]:
    """What the library says of it, and what is asked for by number."""
    return {
        **row["about"],
        "severity": row["severity"],
        "start": row["start"],
        "end": row["end"],
        "at": row["at"],
    }
