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
from offbeat.stream.jumping import Item, Jumps, Sorted
from offbeat.stream.line import Line
from offbeat.stream.options import StreamOptions
from offbeat.stream.readings import AHEAD, LATE, WAITING, Readings, joined, no_readings, put

__all__ = ["Intake"]


class Intake:
    """Knows the series by their names, lets rows wait where lateness is allowed, and counts.

    Parameters
    ----------
    line
        What takes the rows; it may be replaced.
    channels
        C names.
    step
        Nanoseconds, or rows without a clock.
    options
        How the stream is watched.
    """

    def __init__(
        self, line: Line, channels: tuple[str, ...], step: int, options: StreamOptions
    ) -> None:
        self.line, self._lateness = line, options.lateness_units(line.has_clock)
        self._irregular, self._max_series = options.irregular, options.max_series
        self.waits = self._lateness > 0 or options.irregular
        self.jumps = Jumps(step, options.max_ahead, options.max_behind)
        self.counts: Counter[str] = Counter(dict.fromkeys(POLICIES, 0))
        self.names, self.row_of = list[str](), dict[str, int]()
        self.waiting = list[Waiting]()
        self.capacity = 0
        self._channels, self._has_clock, self._step = channels, line.has_clock, step

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
        """The newest time of each series, (S,)."""
        return self.jumps.newest[: len(self.names)]

    def finish(self) -> Readings:
        """Release what waits and close what is open."""
        rows = list[Item]()
        for row, waiting in enumerate(self.waiting):
            rows += self._released(row, waiting, all_of_them=True)
        left = self._left_out(Sorted(ahead=self.jumps.finish()))
        readings = joined([left, self._forward_items(rows)], self._channels)
        events = [e for row in range(len(self.names)) for e in self.line.engine.finish(row)]
        places = (*readings.places, *[-1] * len(events))
        return replace(readings, events=(*readings.events, *events), places=places)

    def take(self, names: list[str], moments: IntArray, table: FloatArray) -> Readings:
        """Take in rows (N, C) of these series, N names and times."""
        rows = self.rows(names)
        if self.jumps.all_near(rows, moments):
            return self._wait(rows, moments, table)
        found = self.jumps.sort(rows, moments, table)
        parts, start = [self._left_out(found)], 0
        for row, place in found.set_back:
            parts.append(self._wait(*self._arrays(found.ready[start:place])))
            parts.append(self._set_back(row, found.ready[place][1]))
            start = place
        parts.append(self._wait(*self._arrays(found.ready[start:])))
        return joined(parts, self._channels)

    def _wait(self, rows: IntArray, moments: IntArray, table: FloatArray) -> Readings:
        """Rows wait for others before them, where they may."""
        if not self.waits or not len(rows):
            return self._forward(rows, moments, table)
        late, ready = list[int](), list[Item]()
        for i, row in enumerate(rows.tolist()):
            outcome = self.waiting[row].add(int(moments[i]), table[i])
            if outcome is not None:
                self.counts[outcome] += 1
            if outcome == "late":
                late.append(i)
            ready += self._released(row, self.waiting[row])
        too_late = [(int(rows[i]), int(moments[i]), table[i]) for i in late]
        others = self._no_rows(too_late, LATE)
        if not late and not ready:
            others = self._no_rows([(int(rows[-1]), int(moments[-1]), table[-1])], WAITING)
        return joined([others, self._forward_items(ready)], self._channels)

    def _left_out(self, found: Sorted) -> Readings:
        """What becomes no row, at least not yet."""
        self.counts.update({"ahead": len(found.ahead), "late": len(found.behind)})
        kinds = ((found.ahead, AHEAD), (found.behind, LATE), (found.held, WAITING))
        return joined([self._no_rows(some, status) for some, status in kinds], self._channels)

    def _set_back(self, row: int, moment: int) -> Readings:
        """The clock of a series begins anew: what waits is released, what was before forgotten."""
        self.counts["set back"] += 1
        ready = self._released(row, self.waiting[row], all_of_them=True)
        readings = self._forward_items(ready)
        self.waiting[row] = self._nothing_waits()
        events = self.line.set_back(row, moment, self.names)
        places = (*readings.places, *[-1] * len(events))
        return replace(readings, events=(*readings.events, *events), places=places)

    def _released(self, row: int, waiting: Waiting, *, all_of_them: bool = False) -> list[Item]:
        done = waiting.released(all_of_them=all_of_them)
        self.counts["merged"] += sum(n_merged - 1 for _, n_merged in done)
        return [(row, measured.time, measured.values) for measured, _ in done]

    def _no_rows(self, items: list[Item], status: int) -> Readings:
        """Readings of what became no row."""
        rows, moments, table = self._arrays(items)
        names = [self.names[row] for row in rows.tolist()]
        readings = no_readings(names, as_time(moments, self._has_clock), status, self._channels)
        return replace(readings, values=table)

    def _arrays(self, items: list[Item]) -> tuple[IntArray, IntArray, FloatArray]:
        """Rows, moments and values, (N,), (N,), (N, C)."""
        rows = np.array([row for row, _, _ in items], np.int64)
        moments = np.array([moment for _, moment, _ in items], np.int64)
        table = np.array([values for _, _, values in items], np.float64)
        return rows, moments, table.reshape(-1, len(self._channels))

    def _forward_items(self, items: list[Item]) -> Readings:
        return self._forward(*self._arrays(items))

    def _nothing_waits(self) -> Waiting:
        return Waiting(self._lateness, self._step, irregular=self._irregular)

    def _forward(self, rows: IntArray, moments: IntArray, table: FloatArray) -> Readings:
        """Rows in the order in which each series has them."""
        names = [self.names[row] for row in rows.tolist()]
        time = as_time(moments, self._has_clock)
        if not len(rows):
            return no_readings([], time, WAITING, self._channels)
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
                self.waiting.append(self._nothing_waits())
            self._make_room()
        return np.array([self.row_of[name] for name in names], dtype=np.int64)

    def _make_room(self) -> None:
        if len(self.names) > self.capacity:
            self.capacity = max(len(self.names), 2 * self.capacity)
            self.line.grow(self.capacity)
            self.jumps.grow(self.capacity)


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
