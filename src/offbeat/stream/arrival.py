"""Arrival: which row of its series' grid a measurement is, and what becomes of it if it is none."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from offbeat.detector import Detector
from offbeat.errors import ConfigError, DataError
from offbeat.series import FloatArray, IntArray, TimeArray
from offbeat.stamps import read_stamp
from offbeat.stream.perseries import PerSeries

__all__ = ["POLICIES", "Clock", "Waiting", "as_time", "moments_of", "step_units"]

POLICIES: Mapping[str, str] = {
    "scored": "a row of the grid that was measured",
    "missing": "a row of the grid that was never measured: filled, or a gap",
    "late": "came after its row was closed: left out",
    "repeated": "came for a row that is scored already: the first one counts",
    "merged": "came for a row that was still waiting: the row is their mean",
    "reordered": "came out of order, but in time: sorted",
    "ahead": "far ahead of its series, and the rows after it were not: left out",
    "set back": "from here on the clock of its series is another: begun anew, as after a gap",
}
"""What can become of a measurement; `StreamDetector.counts` counts each."""


class Clock(PerSeries):
    """Counts the rows of every series' grid by the differences of its time stamps.

    As `regularise` counts the rows of regular data: one step further is one row further, so that
    a clock that drifts or jitters makes no holes.

    Parameters
    ----------
    step
        Nanoseconds, or rows without a clock.
    """

    row: IntArray  # (S,): number of the last row; -1 before the first
    time: IntArray  # (S,): its time
    seen: IntArray  # (S,): the last time stamp that came for it

    def __init__(self, step: int) -> None:
        super().__init__()
        self._step = step
        self._remember("row", -1, np.int64)
        self._remember("time", 0, np.int64)
        self._remember("seen", 0, np.int64)

    def steps(self, rows: IntArray, time: IntArray) -> IntArray:
        """Rows from the last one of each series to this time, (B,); below 0 for what is late."""
        apart = time - self.seen[rows]
        steps = np.rint(apart / self._step).astype(np.int64)
        steps = np.where((apart < 0) & (steps == 0), -1, steps)
        return np.asarray(np.where(self.row[rows] < 0, 1, steps))

    def between(self, rows: IntArray, time: IntArray, steps: IntArray, into: int) -> IntArray:
        """Time of the row `into` rows after the last one, evenly towards this one, (B,)."""
        before = self.time[rows]
        length, rest = np.divmod(time - before, steps)
        return np.asarray(before + length * into + rest * into // steps)

    def set_back(self, row: int, moment: int, n_rows: int) -> None:
        """Stand a step before this time, so many rows further on."""
        self.row[row] += n_rows
        self.time[row] = self.seen[row] = moment - self._step

    def advance(self, rows: IntArray, time: IntArray, steps: IntArray | int) -> None:
        """Stand at this row of each series now."""
        self.row[rows] += steps
        self.time[rows] = self.seen[rows] = time


@dataclass(frozen=True)
class Measured:
    """A row that waits until nothing can come before it: its time and the values so far."""

    time: int
    values: FloatArray
    counts: IntArray

    def merged(self, other: Measured) -> Measured:
        """The mean of both, the time of the first."""
        counts = self.counts + other.counts
        mine = np.nan_to_num(self.values) * (self.counts / np.maximum(counts, 1))
        theirs = np.nan_to_num(other.values) * (other.counts / np.maximum(counts, 1))
        return Measured(self.time, np.where(counts > 0, mine + theirs, np.nan), counts)


class Waiting:
    """Measurements of one series in the order of their time, until the watermark has passed them.

    The watermark is the newest time stamp less the allowed lateness and half a step, so that all
    that belongs to a row has come when it is released.

    Parameters
    ----------
    lateness, step
        Nanoseconds, or rows without a clock.
    irregular
        Rows are what fell into one step, and are released once the step is over.
    """

    def __init__(self, lateness: int, step: int, *, irregular: bool = False) -> None:
        self._lateness, self._half, self._irregular = lateness, step // 2, irregular
        self._heap: list[tuple[int, int, FloatArray]] = []
        self._number, self._step = 0, step
        self.newest = -1
        """The newest time stamp that came."""
        self.base: int | None = None
        """Time stamp of the last one released."""

    def add(self, time: int, values: FloatArray) -> str | None:
        """Take one in; "late" if it comes too late, "reordered" if it is out of order."""
        if self.base is not None and time <= self.base:
            return "late"
        heapq.heappush(self._heap, (time, self._number, values))
        self._number += 1
        late = self._number > 1 and time < self.newest
        self.newest = max(self.newest, time) if self._number > 1 else time
        return "reordered" if late else None

    def released(self, *, all_of_them: bool = False) -> list[tuple[Measured, int]]:
        """Rows that nothing can come before any more, and of how many measurements each is."""
        done = list[tuple[Measured, int]]()
        mark = self.newest - self._lateness
        mark = mark // self._step * self._step - 1 if self._irregular else mark - self._half
        while self._heap and (all_of_them or self._heap[0][0] <= mark):
            last, _, values = heapq.heappop(self._heap)
            begin = last // self._step * self._step
            row, n_merged = _measured(begin if self._irregular else last, values), 1
            while self._heap and self._is_one(last, self._heap[0][0]):
                last, _, values = heapq.heappop(self._heap)
                row, n_merged = row.merged(_measured(last, values)), n_merged + 1
            self.base = begin + self._step - 1 if self._irregular else last
            done.append((row, n_merged))
        return done

    def _is_one(self, last: int, following: int) -> bool:
        """Whether two measurements belong to one row."""
        if self._irregular:
            return last // self._step == following // self._step
        return bool(np.rint((following - last) / self._step) == 0)

    def state(self) -> dict[str, Any]:
        """JSON-able."""
        rows = [(time, number, values.tolist()) for time, number, values in sorted(self._heap)]
        return {"rows": rows, "newest": self.newest, "number": self._number, "base": self.base}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave."""
        self._heap = [(time, number, np.array(values)) for time, number, values in state["rows"]]
        self.newest, self._number = state["newest"], state["number"]
        self.base = state["base"]


def moments_of(time: object, has_clock: bool, zone: str | None) -> IntArray:
    """Time stamps as nanoseconds since 1970, or row numbers, (N,).

    Raises
    ------
    DataError
        If they are of another kind than those of the training part.
    """
    array = np.asarray(time)
    if not array.size:
        return np.empty(0, np.int64)
    if array.dtype.kind == "M" and has_clock:
        moments = np.atleast_1d(array.astype("datetime64[ns]"))
        if np.isnat(moments).any():
            raise DataError("a row has no time stamp: leave it out or give it one")
        return np.asarray(moments.astype(np.int64))
    if array.dtype.kind in "iu" and not has_clock:
        return np.atleast_1d(array).astype(np.int64)
    if has_clock and array.dtype.kind in "OU":
        stamps = [_stamp(each, zone) for each in np.atleast_1d(array).tolist()]
        return np.array(stamps, dtype="datetime64[ns]").astype(np.int64)
    wanted = "time stamps (the detector was trained with a clock)"
    if not has_clock:
        wanted = "row numbers or None (the detector was trained without a clock)"
    first = np.atleast_1d(array).tolist()[:1]
    raise DataError(f"{wanted} were expected, {first[0] if first else time!r} came")


def as_time(moments: IntArray, has_clock: bool) -> TimeArray:
    """The inverse of `moments_of`."""
    return moments.astype("datetime64[ns]") if has_clock else moments


def step_units(detector: Detector) -> int:
    """The step of a detector in nanoseconds, or in rows without a clock."""
    step = np.asarray(detector.step_)
    if step.dtype.kind == "m":
        step = step.astype("timedelta64[ns]")
    return int(step.astype(np.int64))


def _stamp(at: object, zone: str | None) -> np.datetime64:
    if not isinstance(at, str | datetime | np.datetime64):
        raise DataError(f"a time stamp was expected, {at!r} came")
    try:
        return read_stamp(at, zone)
    except ConfigError as reason:
        raise DataError(str(reason)) from None


def _measured(time: int, values: FloatArray) -> Measured:
    return Measured(time, values, (~np.isnan(values)).astype(np.int64))
