"""What all threshold methods share: what they are taken from, and what they promise."""

from __future__ import annotations

import math
import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields, replace
from numbers import Real
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

import numpy as np

from offbeat.errors import ConfigError, DataError
from offbeat.series import FloatArray, IntArray
from offbeat.storable import plain

MARGIN = 1e-6  # scores that differ by less than this share are one constant (float32 rounding)
FEWEST_SCORES = 2
SMALLEST_CUT = 1e-12  # a cut is > 0, so that severity = score / cut stays a number


@dataclass(frozen=True, eq=False)
class Calibration:
    """The scores that a threshold is taken from, as a rule those of the training part.

    Parameters
    ----------
    score
        Shape (T,), >= 0; NaN where nothing could be scored.
    rows_per_day
        None where the data have no clock.
    y_true
        Shape (T,), 0/1: which of these rows are anomalous; None if nobody knows.
    merge_gap
        Rows: with which gap alarms will be joined into events. Budgets count events, so they
        want to know. 0 is the careful choice: more events, a higher cut.
    """

    score: FloatArray
    rows_per_day: float | None = None
    y_true: IntArray | None = None
    merge_gap: int = 0

    def __post_init__(self) -> None:
        if self.score.ndim != 1:
            raise DataError(f"scores of shape (T,) were expected, {self.score.shape} came")
        if self.y_true is not None and self.y_true.shape != self.score.shape:
            raise DataError(
                f"y_true of shape {self.score.shape} was expected, {self.y_true.shape} came"
            )

    @property
    def finite(self) -> FloatArray:
        """The scores that are numbers.

        Raises
        ------
        DataError
            If there are fewer than two.
        """
        scores = np.asarray(self.score[np.isfinite(self.score)], dtype=float)
        if len(scores) < FEWEST_SCORES:
            raise DataError(
                f"a threshold needs at least {FEWEST_SCORES} finite training scores, "
                f"{len(scores)} came: "
                "train on more rows or fill the gaps"
            )
        return scores


@dataclass(frozen=True)
class Threshold(ABC):
    """One method of choosing the cut. Holds its settings only, so it can be applied anew at will.

    A row is flagged if its score lies above the cut, not on it. A cut is always finite and > 0.
    """

    kind: ClassVar[str]
    needs_labels: ClassVar[bool] = False

    @property
    @abstractmethod
    def title(self) -> str:
        """Short text for tables and figures, with the settings."""

    @abstractmethod
    def cut(self, calibration: Calibration, score: FloatArray) -> FloatArray:
        """The cut in every row of a scored series.

        Parameters
        ----------
        calibration
            Scores to take the cut from.
        score
            Shape (T,): the scores to be cut; NaN allowed.

        Returns
        -------
        Shape (T,).

        Raises
        ------
        DataError
            If fewer than two calibration scores are finite.
        ConfigError
            If the method needs labels or a clock and there is none.
        """

    def to_dict(self) -> dict[str, Any]:
        """JSON-able; `threshold_from_dict` reads it."""
        settings = {field.name: plain(getattr(self, field.name)) for field in fields(self)}
        return {"kind": self.kind, **settings}


@dataclass(frozen=True)
class StaticThreshold(Threshold):
    """A method that gives one number for the whole series."""

    def value(self, calibration: Calibration) -> float:
        """The cut, in the unit of the scores; taken once of the same scores."""
        known = _VALUES.setdefault(calibration, {})
        if self not in known:
            known[self] = self._value(calibration)
        return known[self]

    def _value(self, calibration: Calibration) -> float:
        scores = calibration.finite
        unit = power_of_two(scores)
        scaled = replace(calibration, score=calibration.score / unit)
        level = above_constant(self._level(scaled), scores / unit)
        return bounded(level * unit)

    def cut(self, calibration: Calibration, score: FloatArray) -> FloatArray:
        """Shape (T,): the same number in every row."""
        return np.full(len(score), self.value(calibration))

    @abstractmethod
    def _level(self, calibration: Calibration) -> float:
        """The cut for scores that were scaled to at most 2, so that squares cannot overflow."""


_VALUES: WeakKeyDictionary[Calibration, dict[Threshold, float]] = WeakKeyDictionary()
"""Cuts that were taken of scores that are still there: fitting a tail costs more than scoring."""


def power_of_two(scores: FloatArray) -> float:
    """The power of two just below the largest score: dividing by it is exact."""
    largest = float(np.abs(scores).max())
    return math.ldexp(1.0, math.frexp(largest)[1] - 1) if largest > 0 else 1.0


def above_constant(level: float, scores: FloatArray) -> float:
    """The level, or if the scores never vary one just above them: a constant raises no alarm."""
    lowest, highest = float(scores.min()), float(scores.max())
    if highest - lowest <= MARGIN * abs(highest):
        return highest + MARGIN * abs(highest)
    return level


def bounded(cut: float) -> float:
    """The cut, finite and > 0."""
    return min(max(cut, SMALLEST_CUT), sys.float_info.max)


def check_number(
    what: str, value: object, low: float, high: float = math.inf, *, ends: bool = False
) -> None:
    """Refuse what is no finite number in (low, high), or in [low, high] with `ends`."""
    if isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value):
        number = float(value)
        if low < number < high or (ends and low <= number <= high):
            return
    opening, closing = ("[", "]") if ends else ("(", ")")
    raise ConfigError(
        f"{what} must be a number in {opening}{low:g}, {high:g}{closing}; {value!r} came"
    )


def check_rows(what: str, value: object, low: int) -> None:
    """Refuse what is no whole number of rows >= low."""
    if isinstance(value, bool) or not isinstance(value, int) or value < low:
        raise ConfigError(f"{what} must be a whole number of rows, {low} or more; {value!r} came")
