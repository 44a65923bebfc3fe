"""A cut that follows slow changes of the scores, without look-ahead."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import ClassVar

import numpy as np

from offbeat.durations import duration_text
from offbeat.errors import ConfigError
from offbeat.series import FloatArray
from offbeat.thresholds.base import (
    Calibration,
    StaticThreshold,
    Threshold,
    check_rows,
)
from offbeat.thresholds.static import SigmaThreshold

__all__ = ["RollingThreshold"]

DEFAULT_BASE = SigmaThreshold(3.0)
SHORTEST_SPAN = 10  # rows
CHANCE = 2.0  # alarms are ordinary up to so many times their share in training
LOUDEST = 1.5  # and count as at most so many times the cut


@dataclass(frozen=True)
class RollingThreshold(Threshold):
    """Another method applied anew to the last span of ordinary scores.

    It starts from the training scores and is recomputed every so many rows, but not while an
    alarm lasts. No row's cut depends on that row or a later one.

    Scores that alarm stay out of the span, with one exception. Every method flags some ordinary
    scores, and if these were left out too the cut would sink with every step. So alarms are let
    in, the lowest first, up to twice the share that the method flags in its own training scores;
    none counts as more than one and a half times the cut.

    A level that rises for good alarms for good: a cut that learns it away would hide it.

    Parameters
    ----------
    span
        Rows (at least 10) or a duration, which needs a clock.
    base
        The method that is applied to the span; one without labels.
    every
        Rows between recomputations; None is a tenth of the span.
    """

    span: int | timedelta = 1000
    base: StaticThreshold = DEFAULT_BASE
    every: int | None = None
    kind: ClassVar[str] = "rolling"

    def __post_init__(self) -> None:
        if isinstance(self.span, timedelta):
            if self.span <= timedelta(0):
                raise ConfigError(f"the rolling span must be longer than nothing, {self.span} came")
        else:
            check_rows("the rolling span", self.span, SHORTEST_SPAN)
        if self.every is not None:
            check_rows("every", self.every, 1)
        if not isinstance(self.base, StaticThreshold) or self.base.needs_labels:
            raise ConfigError(
                f"the base of a rolling threshold must be a static method without labels, such "
                f"as SigmaThreshold(3); {self.base!r} came"
            )

    @property
    def title(self) -> str:
        """`rolling 7d, mean + 3 sigma`."""
        span = self.span
        shown = duration_text(span) if isinstance(span, timedelta) else f"{span} rows"
        return f"rolling {shown}, {self.base.title}"

    def cut(self, calibration: Calibration, score: FloatArray) -> FloatArray:
        """Shape (T,): constant from one recomputation to the next."""
        span = self._span_rows(calibration)
        every = self.every or max(1, span // 10)
        training = calibration.finite
        plain = replace(calibration, y_true=None)
        usual = float((training > self.base.value(plain)).mean())
        ordinary = _Ordinary(training[-span:], span, len(score), CHANCE * usual)
        curve = np.empty(len(score))
        level, alarming = 0.0, False
        for start in range(0, len(score), every):
            if start == 0 or not alarming:
                level = self.base.value(replace(plain, score=ordinary.last_span()))
            block = score[start : start + every]
            curve[start : start + every] = level
            block = block[np.isfinite(block)]
            if len(block):
                alarming = bool(block[-1] > level)
                ordinary.add(block, level)
        return curve

    def _span_rows(self, calibration: Calibration) -> int:
        if not isinstance(self.span, timedelta):
            return self.span
        if calibration.rows_per_day is None:
            raise ConfigError(
                f"the rolling span {duration_text(self.span)} is by time, and the data have no "
                "time column: give rows"
            )
        return max(SHORTEST_SPAN, round(self.span / timedelta(days=1) * calibration.rows_per_day))


class _Ordinary:
    """The scores that a rolling cut is taken from."""

    def __init__(self, first: FloatArray, span: int, n_rows: int, share: float) -> None:
        self._scores = np.empty(len(first) + n_rows)
        self._scores[: len(first)] = first
        self._size = len(first)
        self._span = span
        self._share = share  # of alarms that may come in
        self._room = share * span  # alarms that may come in now

    def last_span(self) -> FloatArray:
        """Shape (up to span,)."""
        return self._scores[max(0, self._size - self._span) : self._size]

    def add(self, block: FloatArray, level: float) -> None:
        """Take in what is ordinary of a block that was cut at this level."""
        alarms = np.sort(block[block > level])
        self._room = min(self._room + self._share * len(block), self._share * self._span)
        admitted = np.minimum(alarms[: int(self._room)], LOUDEST * level)
        self._room -= len(admitted)
        for scores in (block[block <= level], admitted):
            self._scores[self._size : self._size + len(scores)] = scores
            self._size += len(scores)
