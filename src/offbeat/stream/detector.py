"""StreamDetector: a trained detector that scores rows as they come, as it would score the file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from offbeat.detector import Detector
from offbeat.errors import ConfigError, DataError, nearest_names
from offbeat.persist import load
from offbeat.series import FloatArray, IntArray, Series
from offbeat.storable import part, under
from offbeat.stream.arrival import POLICIES, Waiting, as_time, moments_of, step_units
from offbeat.stream.checkpoint import Checkpoint, fingerprint
from offbeat.stream.drift import Drift
from offbeat.stream.happening import LiveEvent
from offbeat.stream.incoming import Incoming, rounds_of
from offbeat.stream.line import Line
from offbeat.stream.options import StreamOptions
from offbeat.stream.readings import LATE, WAITING, Reading, Readings, no_readings, put
from offbeat.stream.retraining import Retraining, train_aside

__all__ = ["StreamDetector"]

HELD_BACK = 0.2
"""Share of the history on which a new model is held against the old one."""


class StreamDetector:
    """Scores one row at a time, of one series or of many at once.

    The score of a row is that of `detector.anomaly_score` with trailing smoothing, however the
    rows are cut into calls. Nothing is learned from a row before it is scored, and nothing of the
    model ever; time and memory a row do not grow.

    Parameters
    ----------
    detector
        Fitted, or the file that it was saved to.
    options
        How the stream is watched, see `StreamOptions`.

    Attributes
    ----------
    detector
        The model in use.
    counts
        What became of the measurements so far, by the names in `offbeat.stream.POLICIES`.

    Raises
    ------
    NotFittedError
        If the detector was not fitted.
    ConfigError
        If its score or its threshold needs later rows, or all rows before.
    """

    def __init__(
        self, detector: Detector | str | Path, options: StreamOptions = StreamOptions()
    ) -> None:
        if not isinstance(detector, Detector):
            detector = load(detector)
        options.check()
        self.options, self.detector = options, detector._fitted()
        self.counts: Counter[str] = Counter(dict.fromkeys(POLICIES, 0))
        self._lateness = options.lateness_units(detector.has_clock_)
        self._line = Line(detector, options)
        self._incoming = Incoming(detector.channels_, detector.has_clock_, options.zone)
        self._names, self._row_of = list[str](), dict[str, int]()
        self._capacity = 0
        self._waiting = list[Waiting]()
        self._before: Detector | None = None

    @property
    def series(self) -> tuple[str, ...]:
        """The series that were heard of so far, in the order in which they came."""
        return tuple(self._names)

    # ------------------------------------------------------------ rows that come

    def update(self, time: object, values: object, series: str = "series") -> Reading:
        """Take in one row.

        Parameters
        ----------
        time
            Time stamp (`datetime64`, `datetime`, ISO text), or a row number for a detector trained
            without a clock; None there is the next row.
        values
            One number a channel in the order of `detector.channels_`, or numbers by channel names;
            None and NaN are missing, and so are channels that are left out by name.
        series
            Whose row; every series has a state of its own.

        Returns
        -------
        What is said of it. With a lateness that is allowed, of the last row that nothing can come
        before any more; those released before it are in `before`.

        Raises
        ------
        DataError
            If time or values cannot be those of a row; nothing is changed then.
        """
        row = self._row_of.get(series, -1)
        if time is None:
            newest = (int(self._line.clock.row[row]), self._waiting[row].newest) if row >= 0 else ()
            time = max(newest, default=-1) + 1
        moments = moments_of(time, self.detector.has_clock_, self.options.zone)
        measured = self._incoming.one(values, moments)
        readings = self._take([series], moments[:1], measured)
        *earlier, last = readings
        return replace(last, before=tuple(earlier)) if earlier else last

    def update_many(
        self, time: object, values: object, series: Sequence[str] | None = None
    ) -> Readings:
        """Take in many rows at once: one step of the network for all series.

        Parameters
        ----------
        time
            One time stamp for all, or shape (N,).
        values
            Shape (N, C), NaN where missing.
        series
            N names; a series that comes several times gets its rows in this order. None: "0", "1"
            and so on.

        Returns
        -------
        One reading a row, in the same order; with a lateness that is allowed, of the rows that were
        released or came too late.

        Raises
        ------
        DataError
            If time or values cannot be those of rows; nothing is changed then.
        """
        table = self._incoming.many(values)
        moments = moments_of(time, self.detector.has_clock_, self.options.zone)
        moments = np.broadcast_to(moments, len(table)) if len(moments) == 1 else moments
        names = [str(i) for i in range(len(table))] if series is None else list(series)
        if len(names) != len(table) or len(moments) != len(table):
            raise DataError(
                f"{len(table)} rows came with {len(moments)} time stamps and {len(names)} names of "
                f"series"
            )
        return self._take(names, moments, table)

    def stalled(self, now: object) -> tuple[LiveEvent, ...]:
        """Series that have "no data" now and of which it was not said yet.

        Parameters
        ----------
        now
            A time, as in `update`: of the wall clock, or the newest one that came.
        """
        moments = moments_of(now, self.detector.has_clock_, self.options.zone)
        rows = np.arange(len(self._names))
        seen = self._line.clock.seen[rows]
        return tuple(self._line.silence.begun(rows, seen, moments, self._names))

    def finish(self) -> Readings:
        """Release what waits and close what is open, as at the end of a file."""
        rows = list[tuple[int, int, FloatArray]]()
        for row, waiting in enumerate(self._waiting):
            rows += self._released(row, waiting, all_of_them=True)
        readings = self._forward_released(rows, [])
        events = [e for row in range(len(self._names)) for e in self._line.engine.finish(row)]
        return replace(readings, events=(*readings.events, *events))

    def _take(self, names: list[str], moments: IntArray, table: FloatArray) -> Readings:
        rows = self._rows(names)
        if self._lateness == 0:
            return self._forward(rows, moments, table)
        late, ready = list[int](), list[tuple[int, int, FloatArray]]()
        for i, row in enumerate(rows.tolist()):
            outcome = self._waiting[row].add(int(moments[i]), table[i])
            if outcome is not None:
                self.counts[outcome] += 1
            if outcome == "late":
                late.append(i)
            ready += self._released(row, self._waiting[row])
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
        n_channels, rows = len(self.detector.channels_), np.array([r for r, _, _ in ready], int)
        moments = np.array([moment for _, moment, _ in ready], np.int64)
        table = np.array([values for _, _, values in ready]).reshape(-1, n_channels)
        scored = self._forward(rows, moments, table)
        if not others:
            return scored
        names = [self._names[row] for row, _, _ in others]
        stamps = np.array([moment for _, moment, _ in others], np.int64)
        status = np.array([each for _, _, each in others])
        time = as_time(np.concatenate([stamps, moments]), self.detector.has_clock_)
        both = np.concatenate([status, scored.status])
        whole = no_readings([*names, *scored.series], time, both, self.detector.channels_)
        put(whole, np.arange(len(others), len(both)), scored)
        return replace(whole, events=scored.events)

    def _forward(self, rows: IntArray, moments: IntArray, table: FloatArray) -> Readings:
        """Rows in the order in which each series has them."""
        names = [self._names[row] for row in rows.tolist()]
        time = as_time(moments, self.detector.has_clock_)
        parts = rounds_of(rows)
        if len(parts) == 1:
            readings, events, counts = self._line.take(rows, moments, table, self._names)
            self.counts.update(counts)
            return replace(readings, series=names, time=time, events=tuple(events))
        whole = no_readings(names, time, WAITING, self.detector.channels_)
        happened = list[LiveEvent]()
        for places in parts:
            some, events, counts = self._line.take(
                rows[places], moments[places], table[places], self._names
            )
            put(whole, places, some)
            happened += events
            self.counts.update(counts)
        return replace(whole, events=tuple(happened))

    def _rows(self, names: Iterable[str]) -> IntArray:
        """Where these series stand in the arrays; new ones get a place."""
        new = [name for name in dict.fromkeys(names) if name not in self._row_of]
        if new:
            if len(self._names) + len(new) > self.options.max_series:
                raise DataError(
                    f"a series {new[0]!r} more than max_series={self.options.max_series}: is it a "
                    f"name at all?"
                )
            for name in new:
                self._row_of[name] = len(self._names)
                self._names.append(name)
                self._waiting.append(Waiting(self._lateness, step_units(self.detector)))
            self._make_room()
        return np.array([self._row_of[name] for name in names], dtype=np.int64)

    def _make_room(self) -> None:
        if len(self._names) > self._capacity:
            self._capacity = max(len(self._names), 2 * self._capacity)
            self._line.grow(self._capacity)

    # ------------------------------------------------------------ what follows the data

    def freeze(self, frozen: bool = True) -> None:
        """Let a rolling cut stay where it is and learn nothing, or move again."""
        self._line.engine.cut.frozen = frozen

    def drift(self, series: str = "series") -> Drift:
        """How far the recent scores of a series are from those of the training part."""
        return self._line.engine.drift.of(self._known(series))

    def history(self, series: str = "series") -> Series:
        """The rows of a series that are kept, at most `StreamOptions.history`."""
        row = self._known(series)
        if not self.options.history:
            raise ConfigError("no history is kept: give StreamOptions(history=rows)")
        moments, values = self._line.kept(row)
        detector = self.detector
        time = as_time(moments, detector.has_clock_)
        return Series(values, time, detector.channels_, zone=self.options.zone, name=series)

    def retrain_aside(
        self, series: str = "series", *, held_back: float = HELD_BACK
    ) -> Future[Retraining]:
        """Begin to train a new model on the kept history of a series, while rows go on coming.

        Parameters
        ----------
        series
            Whose history.
        held_back
            Share of it, the last rows, on which the new model is held against the old one.
        """
        if not 0 < held_back < 1:
            raise ConfigError(f"held_back must lie in (0, 1), {held_back!r} came")
        history = self.history(series)
        n_held_back = max(1, round(held_back * len(history)))
        return train_aside(self.detector, history, n_held_back)

    def adopt(self, retraining: Retraining) -> bool:
        """Take a new model into use from the next row on, unless it is worse than the old one.

        It goes through the kept history first, so that it stands where the old one stood and no
        row is without a score. Row numbers, counts and open events go on.

        Returns
        -------
        Whether it was taken.
        """
        if retraining.is_better:
            before = self.detector
            self._swap(retraining.detector)
            self._before = before
        return retraining.is_better

    def retrain(self, series: str = "series", *, held_back: float = HELD_BACK) -> Retraining:
        """`retrain_aside`, waited for, and `adopt`."""
        retraining = self.retrain_aside(series, held_back=held_back).result()
        self.adopt(retraining)
        return retraining

    def roll_back(self) -> None:
        """Take the model before the last `adopt` into use again.

        Raises
        ------
        ConfigError
            If there is none.
        """
        if self._before is None:
            raise ConfigError("there is no earlier model to roll back to")
        self._swap(self._before)
        self._before = None

    def _swap(self, detector: Detector) -> None:
        line = Line(detector, self.options)
        line.grow(self._capacity)
        line.follow(self._line, self._names)
        line.engine.cut.frozen = self._line.engine.cut.frozen
        self._line, self.detector = line, detector

    def _known(self, series: str) -> int:
        if series not in self._row_of:
            raise DataError(f"no series {series!r}: {nearest_names(series, self._names)}")
        return self._row_of[series]

    # ------------------------------------------------------------ being killed

    def state(self, positions: Mapping[str, Any] | None = None) -> Checkpoint:
        """Where the stream stands, to be written with `Checkpoint.write`.

        Parameters
        ----------
        positions
            Where its sources stand, in their own words; JSON-able.
        """
        n_series = len(self._names)
        plain = {
            "model": fingerprint(self.detector),
            "series": list(self._names),
            "counts": dict(self.counts),
            "open": self._line.engine.open_events(),
            "waiting": [waiting.state() for waiting in self._waiting] if self._lateness else [],
            "frozen": self._line.engine.cut.frozen,
        }
        arrays = {k: v.copy() for k, v in self._line.state(n_series).items()}
        return Checkpoint(plain, under("line", arrays), dict(positions or {}))

    def restore(self, checkpoint: Checkpoint | str | Path) -> dict[str, Any]:
        """Stand where the stream stood; it then goes on as if nothing had been between.

        Parameters
        ----------
        checkpoint
            What `state` gave, or the file that it was written to; made with the same model and
            options.

        Returns
        -------
        The positions of the sources.

        Raises
        ------
        DataError
            If it was made with another model or other options.
        ModelFileError
            If the file cannot be read.
        """
        if not isinstance(checkpoint, Checkpoint):
            checkpoint = Checkpoint.read(checkpoint)
        plain = checkpoint.plain
        if plain["model"] != fingerprint(self.detector):
            raise DataError("the checkpoint was made with another model: give the stream that one")
        again = StreamDetector(self.detector, self.options)
        again._rows(plain["series"])
        again._line.restore(part("line", checkpoint.arrays), len(plain["series"]))
        again._line.engine.restore_events(plain["open"])
        again._line.engine.cut.frozen = plain["frozen"]
        for waiting, state in zip(again._waiting, plain["waiting"], strict=False):
            waiting.restore(state)
        again.counts.update(plain["counts"])
        again._before = self._before
        vars(self).update(vars(again))
        return checkpoint.positions
