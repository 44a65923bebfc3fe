"""Intake: measurements of named series in, readings out, in the order of their time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from offbeat.errors import DataError, nearest_names
from offbeat.series import FloatArray, IntArray
from offbeat.stream.arrival import POLICIES, Waiting, as_time
from offbeat.stream.happening import LiveEvent
from offbeat.stream.incoming import rounds_of
from offbeat.stream.line import Line
from offbeat.stream.readings import LATE, WAITING, Readings, no_readings, put

__all__ = ["Intake"]


class Intake:
    """Knows the series by their names, lets rows wait where lateness is allowed, and counts.

    Parameters
    ----------
    line
        What takes the rows; it may be replaced.
    channels
        C names.
    lateness, step
        Nanoseconds, or rows without a clock.
    max_series
        More are refused.
    """

    def __init__(
        self, line: Line, channels: tuple[str, ...], lateness: int, step: int, max_series: int
    ) -> None:
        self.line, self.lateness = line, lateness
        self.counts: Counter[str] = Counter(dict.fromkeys(POLICIES, 0))
        self.names, self.row_of = list[str](), dict[str, int]()
        self.waiting = list[Waiting]()
        self.capacity = 0
        self._channels, self._has_clock, self._step = channels, line.has_clock, step
        self._max_series = max_series

    def known(self, name: str) -> int:
        """Where a series stands in the arrays.

        Raises
        ------
        DataError
            If nothing was heard of it.
        """
        if name not in self.row_of:
            raise DataError(f"no series {name!r}: {nearest_names(name, self.names)}")
        return self.row_of[name]

    def next_number(self, name: str) -> int:
        """The row number after the last one that came, for series without a clock."""
        row = self.row_of.get(name)
        if row is None:
            return 0
        return max(int(self.line.clock.row[row]), self.waiting[row].newest) + 1

    def last_seen(self) -> IntArray:
        """When each series was last heard of, (S,)."""
        if self.lateness:
            return np.array([waiting.newest for waiting in self.waiting], np.int64)
        return self.line.clock.seen[: len(self.names)]

    def finish(self) -> Readings:
        """Release what waits and close what is open."""
        rows = list[tuple[int, int, FloatArray]]()
        for row, waiting in enumerate(self.waiting):
            rows += self._released(row, waiting, all_of_them=True)
        readings = self._forward_released(rows, [])
        events = [e for row in range(len(self.names)) for e in self.line.engine.finish(row)]
        places = (*readings.places, *[-1] * len(events))
        return replace(readings, events=(*readings.events, *events), places=places)

    def take(self, names: list[str], moments: IntArray, table: FloatArray) -> Readings:
        """Take in rows (N, C) of these series, N names and times."""
        rows = self.rows(names)
        if self.lateness == 0:
            return self._forward(rows, moments, table)
        late, ready = list[int](), list[tuple[int, int, FloatArray]]()
        for i, row in enumerate(rows.tolist()):
            outcome = self.waiting[row].add(int(moments[i]), table[i])
            if outcome is not None:
                self.counts[outcome] += 1
            if outcome == "late":
                late.append(i)
            ready += self._released(row, self.waiting[row])
        too_late = [(int(rows[i]), int(moments[i]), LATE) for i in late]
        if not late and not ready:
            too_late = [(int(rows[-1]), int(moments[-1]), WAITING)]
        return self._forward_released(ready, too_late)

    def _released(
        self, row: int, waiting: Waiting, *, all_of_them: bool = False
    ) -> list[tuple[int, int, FloatArray]]:
        done = waiting.released(all_of_them=all_of_them)
        self.counts["merged"] += sum(n_merged - 1 for _, n_merged in done)
        return [(row, measured.time, measured.values) for measured, _ in done]

    def _forward_released(
        self, ready: list[tuple[int, int, FloatArray]], others: list[tuple[int, int, int]]
    ) -> Readings:
        """Readings of what became no row, then of the rows that were released."""
        n_channels, rows = len(self._channels), np.array([r for r, _, _ in ready], int)
        moments = np.array([moment for _, moment, _ in ready], np.int64)
        table = np.array([values for _, _, values in ready]).reshape(-1, n_channels)
        scored = self._forward(rows, moments, table)
        if not others:
            return scored
        names = [self.names[row] for row, _, _ in others]
        stamps = np.array([moment for _, moment, _ in others], np.int64)
        status = np.array([each for _, _, each in others])
        time = as_time(np.concatenate([stamps, moments]), self._has_clock)
        both = np.concatenate([status, scored.status])
        whole = no_readings([*names, *scored.series], time, both, self._channels)
        put(whole, np.arange(len(others), len(both)), scored)
        moved = tuple(place + len(others) for place in scored.places)
        return replace(whole, events=scored.events, places=moved)

    def _forward(self, rows: IntArray, moments: IntArray, table: FloatArray) -> Readings:
        """Rows in the order in which each series has them."""
        names = [self.names[row] for row in rows.tolist()]
        time = as_time(moments, self._has_clock)
        parts = rounds_of(rows)
        if len(parts) == 1:
            readings, events = self._round(rows, moments, table)
            whole, happened = replace(readings, series=names, time=time), [(events, parts[0])]
        else:
            whole, happened = no_readings(names, time, WAITING, self._channels), []
            for places in parts:
                some, events = self._round(rows[places], moments[places], table[places])
                put(whole, places, some)
                happened.append((events, places))
        return _with_events(whole, happened)

    def _round(
        self, rows: IntArray, moments: IntArray, table: FloatArray
    ) -> tuple[Readings, list[LiveEvent]]:
        """One row each of some series."""
        readings, events, counts = self.line.take(rows, moments, table, self.names)
        self.counts.update(counts)
        return readings, events

    def rows(self, names: Iterable[str]) -> IntArray:
        """Where these series stand in the arrays; new ones get a place."""
        new = [name for name in dict.fromkeys(names) if name not in self.row_of]
        if new:
            if len(self.names) + len(new) > self._max_series:
                raise DataError(
                    f"a series {new[0]!r} more than max_series={self._max_series}: is it a "
                    f"name at all?"
                )
            for name in new:
                self.row_of[name] = len(self.names)
                self.names.append(name)
                self.waiting.append(Waiting(self.lateness, self._step))
            self._make_room()
        return np.array([self.row_of[name] for name in names], dtype=np.int64)

    def _make_room(self) -> None:
        if len(self.names) > self.capacity:
            self.capacity = max(len(self.names), 2 * self.capacity)
            self.line.grow(self.capacity)


def _with_events(
    readings: Readings, happened: Sequence[tuple[list[LiveEvent], IntArray]]
) -> Readings:
    """Readings with what happened in each round, of which the places are given."""
    events, placed = list[LiveEvent](), list[int]()
    for some, places in happened:
        if some:
            place_of = {readings.series[i]: i for i in places.tolist()}
            events += some
            placed += [place_of[event.series] for event in some]
    return replace(readings, events=tuple(events), places=tuple(placed))
