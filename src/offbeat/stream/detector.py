"""StreamDetector: a trained detector that scores rows as they come, as it would score the file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from offbeat.detector import Detector
from offbeat.durations import parse_duration
from offbeat.errors import ConfigError, DataError
from offbeat.persist import load
from offbeat.series import IntArray, Series
from offbeat.storable import part, under
from offbeat.stream.arrival import as_time, moments_of, step_units
from offbeat.stream.checkpoint import Checkpoint, fingerprint, kept_model, model_kept
from offbeat.stream.drift import Drift
from offbeat.stream.happening import LiveEvent
from offbeat.stream.incoming import Incoming
from offbeat.stream.intake import Intake
from offbeat.stream.journal import KeptRows
from offbeat.stream.line import Line, Record
from offbeat.stream.options import StreamOptions
from offbeat.stream.readings import Reading, Readings
from offbeat.stream.retraining import HELD_BACK, Retraining, train_aside

__all__ = ["StreamDetector"]


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
        self._given = detector
        line = Line(detector, options)
        self._intake = Intake(line, detector.channels_, step_units(detector), options)
        self._incoming = Incoming(detector.channels_, detector.has_clock_, options.zone)
        self._before: Detector | None = None

    @property
    def series(self) -> tuple[str, ...]:
        """The series that were heard of so far, in the order in which they came."""
        return tuple(self._intake.names)

    @property
    def counts(self) -> Counter[str]:
        """What became of the measurements so far, by the names in `offbeat.stream.POLICIES`."""
        return self._intake.counts

    @property
    def record(self) -> Record | None:
        """What is given every row that was measured and is in order; None if nothing is."""
        return self._line.record

    @record.setter
    def record(self, record: Record | None) -> None:
        self._line.record = record

    @property
    def _line(self) -> Line:
        return self._intake.line

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
        if time is None and not self.detector.has_clock_:
            time = self._intake.next_number(series)
        moments = moments_of(time, self.detector.has_clock_, self.options.zone)
        measured = self._incoming.one(values, moments)
        readings = self._intake.take([series], moments[:1], measured)
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
        return self._intake.take(names, moments, table)

    def stalled(self, now: object) -> tuple[LiveEvent, ...]:
        """Series that have "no data" now and of which it was not said yet.

        Parameters
        ----------
        now
            A time, as in `update`: of the wall clock, or the newest one that came.
        """
        moments = moments_of(now, self.detector.has_clock_, self.options.zone)
        names, seen = self._intake.names, self._intake.last_seen()
        return tuple(self._line.silence.begun(np.arange(len(names)), seen, moments, names))

    def newest(self) -> IntArray:
        """The newest time of each series in the order of `series`, nanoseconds or rows, (S,)."""
        return self._intake.last_seen()

    def units(self, span: str | timedelta | int) -> int:
        """A duration or a number of rows as nanoseconds, or as rows without a clock.

        Raises
        ------
        ConfigError
            If it is a duration and the model has no clock.
        """
        if isinstance(span, int):
            return span * step_units(self.detector)
        if not self.detector.has_clock_:
            raise ConfigError(f"{span} needs a clock: without one give a number of rows")
        return int(parse_duration(span).astype(np.int64))

    @property
    def reach(self) -> int:
        """Rows after which a stream of this model remembers nothing of what was before."""
        return self._line.engine.settled

    @property
    def reach_ahead(self) -> int:
        """How far ahead of its series a row is believed at once: nanoseconds, or rows."""
        return self.options.max_ahead * step_units(self.detector)

    def finish(self) -> Readings:
        """Release what waits and close what is open, as at the end of a file."""
        return self._intake.finish()

    # ------------------------------------------------------------ what follows the data

    def freeze(self, frozen: bool = True) -> None:
        """Let a rolling cut stay where it is and learn nothing, or move again."""
        self._line.engine.cut.frozen = frozen

    def drift(self, series: str = "series") -> Drift:
        """How far the recent scores of a series are from those of the training part."""
        return self._line.engine.drift.of(self._intake.known(series))

    def history(self, series: str = "series") -> Series:
        """The rows of a series that are kept, at most `StreamOptions.history`."""
        row = self._intake.known(series)
        if not self.options.history:
            raise ConfigError("no history is kept: give StreamOptions(history=rows)")
        kept, detector = self._line.kept(np.array([row])), self.detector
        time = as_time(kept.time, detector.has_clock_)
        return Series(kept.values, time, detector.channels_, zone=self.options.zone, name=series)

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
        return train_aside(self.detector, history, held_back)

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
            self._swap(retraining.detector, self._after_history(retraining.detector))
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
        self._swap(self._before, self._after_history(self._before))

    def take_over(
        self, detector: Detector, there: Checkpoint, since: KeptRows | None = None
    ) -> None:
        """Go on with a model that went through the rows elsewhere, from the next row on.

        Parameters
        ----------
        detector
            The new one. It counts as the one that the stream was made with: a checkpoint does not
            hold it.
        there
            State of a stream of this model, with the first of the series of this one, which went
            through their last rows.
        since
            The rows after these; `number` is the place of their series.
        """
        line = Line(detector, self.options, self._intake.capacity)
        line.restore(part("line", there.arrays), len(there.plain["series"]))
        if since is not None:
            line.replay(since, self._intake.names)
        self._swap(detector, line, is_given=True)

    def replay(self, series: Sequence[str], rows: KeptRows) -> None:
        """Let rows of these series pass, of which nothing is said and nothing counted."""
        self._intake.rows(series)
        self._line.replay(rows, self._intake.names)

    def _after_history(self, detector: Detector) -> Line:
        """A line of a model that let the kept rows pass."""
        names, line = self._intake.names, Line(detector, self.options, self._intake.capacity)
        line.replay(self._line.kept(np.arange(len(names))), names)
        return line

    def _swap(self, detector: Detector, line: Line, *, is_given: bool = False) -> None:
        """Go on with this line of a model; `is_given` as if the stream was made with that one."""
        line.follow(self._line, self._intake.names)
        self._intake.line, self.detector, self._before = line, detector, None
        if is_given:
            self._given = detector

    # ------------------------------------------------------------ being killed

    def state(
        self, positions: Mapping[str, Any] | None = None, *, with_model: bool = True
    ) -> Checkpoint:
        """Where the stream stands, to be written with `Checkpoint.write`.

        Parameters
        ----------
        positions
            Where its sources stand, in their own words; JSON-able.
        with_model
            Whether it holds a model that was adopted; without it a stream that restores it must be
            made with that.
        """
        intake, n_series = self._intake, len(self._intake.names)
        plain = {
            "model": fingerprint(self.detector),
            "series": list(intake.names),
            "counts": dict(self.counts),
            "open": self._line.engine.open_events(),
            "waiting": [waiting.state() for waiting in intake.waiting] if intake.waits else [],
            "held": intake.jumps.plain(),
            "frozen": self._line.engine.cut.frozen,
        }
        arrays = {k: v.copy() for k, v in self._line.state(n_series).items()}
        jumps = {k: v.copy() for k, v in intake.jumps.state(n_series).items()}
        arrays = under("line", arrays) | under("jumps", jumps)
        if with_model and self.detector is not self._given:  # a new process would not know it
            plain["retrained"], model = kept_model(self.detector)
            arrays |= under("model", model)
        return Checkpoint(plain, arrays, dict(positions or {}))

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
        plain, retrained = checkpoint.plain, None
        if "retrained" in plain:
            retrained = model_kept(plain["retrained"], part("model", checkpoint.arrays))
        again = StreamDetector(self._given if retrained is None else retrained, self.options)
        if plain["model"] != fingerprint(again.detector):
            raise DataError("the checkpoint was made with another model: give the stream that one")
        again._given, again.record = self._given, self.record
        again._before = None if retrained is None else self._given
        again._intake.rows(plain["series"])
        again._line.restore(part("line", checkpoint.arrays), len(plain["series"]))
        again._intake.jumps.restore(part("jumps", checkpoint.arrays), len(plain["series"]))
        again._intake.jumps.restore_plain(plain["held"])
        again._line.engine.restore_events(plain["open"])
        again._line.engine.cut.frozen = plain["frozen"]
        for waiting, state in zip(again._intake.waiting, plain["waiting"], strict=False):
            waiting.restore(state)
        again.counts.update(plain["counts"])
        vars(self).update(vars(again))
        return checkpoint.positions
