"""The line of rows: measurements put in their places on the grids, gaps let pass, engine driven."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from offbeat.detector import Detector
from offbeat.series import FloatArray, IntArray
from offbeat.stream.arrival import Clock, as_time, step_units
from offbeat.stream.engine import Engine
from offbeat.stream.happening import LiveEvent
from offbeat.stream.incoming import rounds_of
from offbeat.stream.journal import KeptRows
from offbeat.stream.options import StreamOptions
from offbeat.stream.perseries import PerSeries, Recent
from offbeat.stream.readings import LATE, REPEATED, Readings, no_readings, put
from offbeat.stream.sensors import Silence

__all__ = ["Line", "Record"]

Record = Callable[[IntArray, IntArray, FloatArray, list[str]], None]
"""Takes the rows that go through a line: which series, when, values, and the names of all."""


class Line(PerSeries):
    """A model and where every series stands with it; a swap of models replaces it as a whole.

    Parameters
    ----------
    detector
        Fitted.
    options
        How the stream is watched.
    n_series
        Series that there is room for, until it grows.

    Attributes
    ----------
    record
        Is given every row that was measured, if it is set.
    """

    def __init__(self, detector: Detector, options: StreamOptions, n_series: int = 0) -> None:
        super().__init__()
        self.record: Record | None = None
        step, self.has_clock = step_units(detector), detector.has_clock_
        self.engine = Engine(detector, options)
        self.clock = Clock(step)
        stall = options.stall_after or detector.preparation.max_gap + 1
        self.silence = Silence(stall * step, self.has_clock)
        n_channels = len(detector.channels_)
        if options.history:
            self.history = Recent(options.history, (n_channels,))
            self.history_time = Recent(options.history, (), np.iinfo(np.int64).min)
        self.grow(n_series)

    def take(
        self, rows: IntArray, moments: IntArray, values: FloatArray, names: list[str]
    ) -> tuple[Readings, list[LiveEvent], Counter[str]]:
        """One measurement each of some series.

        Parameters
        ----------
        rows
            Which, (B,), no one twice.
        moments
            When, as whole numbers, (B,).
        values
            Shape (B, C).
        names
            Of all series.

        Returns
        -------
        Readings of all of them, what happened, and what became of them.
        """
        steps = self.clock.steps(rows, moments)
        good = steps > 0
        counts = Counter(scored=int(good.sum()))
        if good.all():
            readings, events, n_missing = self._forward(rows, moments, steps, values, names)
            counts["missing"] += n_missing
            return readings, events, counts
        counts.update(late=int((steps < 0).sum()), repeated=int((steps == 0).sum()))
        again = rows[steps == 0]
        self.clock.seen[again] = moments[steps == 0]
        status = np.where(steps < 0, LATE, REPEATED)
        whole = no_readings(
            [""] * len(rows), as_time(moments, self.has_clock), status, self.engine.channels
        )
        if not good.any():
            return whole, [], counts
        some, events, n_missing = self._forward(
            rows[good], moments[good], steps[good], values[good], names
        )
        counts["missing"] += n_missing
        put(whole, np.flatnonzero(good), some)
        return whole, events, counts

    def _forward(
        self,
        rows: IntArray,
        moments: IntArray,
        steps: IntArray,
        values: FloatArray,
        names: list[str],
    ) -> tuple[Readings, list[LiveEvent], int]:
        """Rows that are new on their grids: first what is missing before them, then themselves."""
        seen = np.where(self.clock.row[rows] < 0, moments, self.clock.seen[rows])
        events = self.silence.begun(rows, seen, moments, names)
        events += self.silence.ended(rows, seen, moments, names)
        numbers = self.clock.row[rows] + steps
        if (steps > 1).any():
            events += self._pass(rows, moments, steps, names)
        readings, more = self.engine.step(rows, numbers, moments, values, names)
        self.clock.advance(rows, moments, steps)
        if hasattr(self, "history"):
            self.history.push(rows, values)
            self.history_time.push(rows, moments)
        if self.record is not None:
            self.record(rows, moments, values, names)
        return readings, events + more, int((steps - 1).sum())

    def _pass(
        self, rows: IntArray, moments: IntArray, steps: IntArray, names: list[str]
    ) -> list[LiveEvent]:
        """Let the rows pass in which nothing was measured."""
        events, settled = list[LiveEvent](), self.engine.settled
        for into in range(1, min(int(steps.max()) - 1, settled) + 1):
            open_ = steps - 1 >= into
            some = rows[open_]
            between = self.clock.between(some, moments[open_], steps[open_], into)
            nothing = np.full((len(some), len(self.engine.channels)), np.nan)
            numbers = self.clock.row[some] + into
            events += self.engine.step(some, numbers, between, nothing, names)[1]
        left = np.maximum(steps - 1 - settled, 0)
        if left.any():
            self.engine.skip(rows[left > 0], left[left > 0])
        return events

    def set_back(self, row: int, moment: int, names: list[str]) -> list[LiveEvent]:
        """Let a long gap pass, and go on with the row of this time, whatever came before."""
        rows, events = np.array([row]), list[LiveEvent]()
        if self.clock.row[row] < 0:
            return events
        nothing = np.full((1, len(self.engine.channels)), np.nan)
        for into in range(1, self.engine.settled + 1):
            number = self.clock.row[rows] + into
            events += self.engine.step(rows, number, self.clock.time[rows], nothing, names)[1]
        self.clock.set_back(row, moment, self.engine.settled)
        return events

    def kept(self, rows: IntArray) -> KeptRows:
        """The rows of these series (B,) that are kept, one after the other, the oldest first."""
        time = self.history_time.window(rows)
        known = time > np.iinfo(np.int64).min
        number = rows[np.nonzero(known)[0]]
        return KeptRows(number, time[known], self.history.window(rows)[known])

    def replay(self, kept: KeptRows, names: list[str]) -> None:
        """Let rows pass of which nothing is said; `number` is the place of their series."""
        self.engine.quiet = True
        for some in rounds_of(kept.number) if len(kept) else ():
            self.take(kept.number[some], kept.time[some], kept.values[some], names)
        self.engine.quiet = False

    def follow(self, other: Line, names: Sequence[str]) -> None:
        """Stand where another line stands: its counts, open events, clocks, and what it was told.

        Both have room for the same series.
        """
        for mine, theirs in ((self.clock, other.clock), (self.silence, other.silence)):
            mine.restore(theirs.state(len(names)), len(names))
        stuck, drift = self.engine.stuck, self.engine.drift
        stuck.restore(other.engine.stuck.state(len(names)), len(names))
        drift.drifting[:], drift.since[:] = other.engine.drift.drifting, other.engine.drift.since
        self.engine.open = other.engine.open
        self.engine.cut.frozen, self.record = other.engine.cut.frozen, other.record
