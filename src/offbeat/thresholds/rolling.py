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

__all__ = ["RollingCut", "RollingThreshold"]

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
        rolling, every = RollingCut(self, calibration), self.every_rows(calibration)
        curve = np.empty(len(score))
        for start in range(0, len(score), every):
            block = score[start : start + every]
            curve[start : start + every] = rolling.level
            rolling.take(block)
        return curve

    def every_rows(self, calibration: Calibration) -> int:
        """Rows from one recomputation to the next."""
        return self.every or max(1, self.span_rows(calibration) // 10)

    def span_rows(self, calibration: Calibration) -> int:
        """The span in rows."""
        if not isinstance(self.span, timedelta):
            return self.span
        if calibration.rows_per_day is None:
            raise ConfigError(
                f"the rolling span {duration_text(self.span)} is by time, and the data have no "
                "time column: give rows"
            )
        return max(SHORTEST_SPAN, round(self.span / timedelta(days=1) * calibration.rows_per_day))


class RollingCut:
    """The cut of one series, as it is carried from one recomputation to the next.

    Parameters
    ----------
    threshold
        What it is.
    calibration
        The training scores it starts from.

    Attributes
    ----------
    level
        The cut of the rows that come next.
    """

    def __init__(self, threshold: RollingThreshold, calibration: Calibration) -> None:
        self._base, self._span = threshold.base, threshold.span_rows(calibration)
        self._plain, training = replace(calibration, y_true=None), calibration.finite
        self._scores = training[-self._span :]  # what the cut is taken from
        usual = float((training > self._base.value(self._plain)).mean())
        self._share = CHANCE * usual  # of alarms that may come in
        self._room = self._share * self._span  # alarms that may come in now
        self._alarming = False
        self.level = self._recomputed()

    def take(self, block: FloatArray) -> None:
        """Take in what is ordinary of the scores that `level` has cut, and recompute it unless an
        alarm lasts."""
        known = block[np.isfinite(block)]
        if len(known):
            self._alarming = bool(known[-1] > self.level)
            self._add(known)
        if not self._alarming:
            self.level = self._recomputed()

    def state(self) -> FloatArray:
        """Shape (span + 3,): what it takes to go on, the oldest score first."""
        unused = np.full(self._span - len(self._scores), np.nan)
        return np.concatenate(
            [[self.level, self._room, float(self._alarming)], unused, self._scores]
        )

    def restore(self, state: FloatArray) -> None:
        """Take back what `state` gave."""
        self.level, self._room, self._alarming = float(state[0]), float(state[1]), bool(state[2])
        self._scores = state[3:][~np.isnan(state[3:])]

    def _recomputed(self) -> float:
        return self._base.value(replace(self._plain, score=self._scores))

    def _add(self, block: FloatArray) -> None:
        alarms = np.sort(block[block > self.level])
        self._room = min(self._room + self._share * len(block), self._share * self._span)
        admitted = np.minimum(alarms[: int(self._room)], LOUDEST * self.level)
        self._room -= len(admitted)
        ordinary = block[block <= self.level]
        self._scores = np.concatenate([self._scores, ordinary, admitted])[-self._span :]
