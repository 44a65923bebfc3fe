"""Clocks that jump: a time stamp far from those before it counts once the rows after it agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from offbeat.series import FloatArray, IntArray
from offbeat.stream.perseries import PerSeries

__all__ = ["Jumps", "Sorted"]

AHEAD_CONFIRMED, BACK_CONFIRMED = 3, 30
"""Rows on end that must agree before a clock is believed to have jumped ahead or to be set back."""

Item = tuple[int, int, FloatArray]
"""Place of the series, time, values (C,)."""


@dataclass
class Sorted:
    """What becomes of rows of which some are far from the rows before them.

    Parameters
    ----------
    ready
        Rows that go on, in their order.
    held
        Rows that wait for those after them.
    ahead
        Rows that were held and did not agree with those after them.
    behind
        Rows long past.
    set_back
        Series whose clock was set back, and the time before which all is forgotten, in the order
        of `ready`: with how many rows before them.
    """

    ready: list[Item] = field(default_factory=list)
    held: list[Item] = field(default_factory=list)
    ahead: list[Item] = field(default_factory=list)
    behind: list[Item] = field(default_factory=list)
    set_back: list[tuple[int, int]] = field(default_factory=list)


class Jumps(PerSeries):
    """Knows of every series where its clock stands, and which rows are far from there.

    Parameters
    ----------
    step
        Nanoseconds, or rows without a clock.
    max_ahead, max_behind
        Rows, see `StreamOptions`.
    """

    newest: IntArray  # (S,): the newest time that is believed
    known: np.ndarray  # (S,): whether there is one
    other: IntArray  # (S,): last time of the rows that may show a jump
    run: IntArray  # (S,): how many of them agree; below 0 for a clock that may be set back

    def __init__(self, step: int, max_ahead: int, max_behind: int) -> None:
        super().__init__()
        self._step = step
        self._ahead, self._behind = max_ahead * step, max_behind * step
        self._held = dict[int, list[Item]]()
        self._remember("newest", 0, np.int64)
        self._remember("known", 0, np.bool_)
        self._remember("other", 0, np.int64)
        self._remember("run", 0, np.int64)

    def all_near(self, rows: IntArray, moments: IntArray) -> bool:
        """Whether every row is near the one before it of its series; then they are believed."""
        if (self.run[rows] != 0).any():
            return False
        if len(rows) == 1:
            return self._is_near(int(rows[0]), int(moments[0]))
        order = np.argsort(rows, kind="stable")
        ordered, time = rows[order], moments[order]
        first = np.concatenate([[True], ordered[1:] != ordered[:-1]])
        known = self.known[ordered] | ~first
        before = np.where(first, self.newest[ordered], np.concatenate([time[:1], time[:-1]]))
        apart = _minus(time, before)
        if (known & ((apart > self._ahead) | (apart < -self._behind))).any():
            return False
        unknown = ordered[first & ~known]
        self.newest[unknown] = np.iinfo(np.int64).min
        np.maximum.at(self.newest, rows, moments)
        self.known[rows] = True
        return True

    def sort(self, rows: IntArray, moments: IntArray, table: FloatArray) -> Sorted:
        """Sort rows (N,) with values (N, C) of which some are far from those before them."""
        found = Sorted()
        for row, moment, values in zip(rows.tolist(), moments.tolist(), table, strict=True):
            self._put(found, (row, moment, values.copy()))
        found.held = [
            item for item in found.held if any(item is i for i in self._held.get(item[0], ()))
        ]
        return found

    def finish(self) -> list[Item]:
        """Rows that nothing came after."""
        left = [item for items in self._held.values() for item in items]
        self._held.clear()
        self.run[:] = 0
        return left

    def plain(self) -> dict[str, Any]:
        """The rows that are held, JSON-able."""
        return {
            str(row): [[moment, values.tolist()] for _, moment, values in items]
            for row, items in self._held.items()
        }

    def restore_plain(self, plain: Mapping[str, Any]) -> None:
        """Take back what `plain` gave."""
        self._held = {
            int(row): [(int(row), moment, np.array(values, float)) for moment, values in items]
            for row, items in plain.items()
        }

    def _is_near(self, row: int, moment: int) -> bool:
        newest = int(self.newest[row])
        if self.known[row] and not -self._behind <= moment - newest <= self._ahead:
            return False
        self.newest[row] = max(moment, newest) if self.known[row] else moment
        self.known[row] = True
        return True

    def _put(self, found: Sorted, item: Item) -> None:
        row, moment, _ = item
        apart = moment - int(self.newest[row]) if self.known[row] else 0
        if -self._behind <= apart <= self._ahead:
            found.ahead += self._held.pop(row, [])
            self._believe(found, [item])
        elif apart > 0:
            self._jumps_ahead(found, item)
        else:
            self._goes_back(found, item)

    def _jumps_ahead(self, found: Sorted, item: Item) -> None:
        row, moment, _ = item
        if self.run[row] > 0 and not 0 <= moment - int(self.other[row]) <= self._ahead:
            found.ahead += self._held.pop(row, [])
            self.run[row] = 0
        self.run[row] = max(int(self.run[row]), 0) + 1
        self.other[row] = moment
        self._held.setdefault(row, []).append(item)
        if self.run[row] < AHEAD_CONFIRMED:
            found.held.append(item)
            return
        self._believe(found, self._held.pop(row))

    def _goes_back(self, found: Sorted, item: Item) -> None:
        row, moment, _ = item
        found.ahead += self._held.pop(row, [])
        agrees = self.run[row] < 0 and 0 < moment - int(self.other[row]) <= self._ahead
        self.run[row] = int(self.run[row]) - 1 if agrees else -1
        self.other[row] = moment
        if self.run[row] > -BACK_CONFIRMED:
            found.behind.append(item)
            return
        found.set_back.append((row, len(found.ready)))
        self.newest[row] = moment
        self._believe(found, [item])

    def _believe(self, found: Sorted, items: list[Item]) -> None:
        row = items[0][0]
        latest = max(moment for _, moment, _ in items)
        self.newest[row] = max(latest, int(self.newest[row])) if self.known[row] else latest
        self.known[row], self.run[row] = True, 0
        found.ready += items


def _minus(time: IntArray, before: IntArray) -> IntArray:
    """Differences, as far as whole numbers reach."""
    apart = time - before
    over = ((time < 0) != (before < 0)) & ((apart < 0) != (time < 0))
    return np.where(over, np.where(time < 0, np.iinfo(np.int64).min, np.iinfo(np.int64).max), apart)
