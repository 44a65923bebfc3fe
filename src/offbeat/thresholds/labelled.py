"""Thresholds learned from labels: best F-beta, lowest cost.

Both count events, as a person does who is called by them. An alarm that lies over more calm rows
than labelled ones is a false one and finds nothing, or one that never ends would be best
(docs/decisions/0015).
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from offbeat.errors import ConfigError, DataError
from offbeat.series import FloatArray
from offbeat.thresholds.base import Calibration, StaticThreshold, check_number
from offbeat.thresholds.counting import JudgedCounts

__all__ = ["CostThreshold", "FBetaThreshold", "LabelledThreshold"]


@dataclass(frozen=True)
class LabelledThreshold(StaticThreshold):
    """The cut that is worth most on labelled events; of equal ones the middle of the highest."""

    needs_labels: ClassVar[bool] = True

    def value(self, calibration: Calibration) -> float:
        """The cut, in the unit of the scores.

        Raises
        ------
        ConfigError
            If the calibration has no labels.
        DataError
            If no row is labelled as an anomaly.
        """
        if calibration.y_true is None:
            raise ConfigError(
                f"the threshold {self.title!r} learns from labels: give y_true, or choose a "
                "method without labels such as a budget"
            )
        if not (calibration.y_true == 1).any():
            raise DataError(
                f"the threshold {self.title!r} learns from labels, and no row is labelled 1: "
                "label an anomaly, or choose a method without labels such as a budget"
            )
        return super().value(calibration)

    def _level(self, calibration: Calibration) -> float:
        assert calibration.y_true is not None  # seen to in `value`
        counts = JudgedCounts.of(calibration.score, calibration.y_true, calibration.merge_gap)
        n_true = counts.n_true
        worth = self.worth(counts.found, counts.false, n_true - counts.found)
        nothing = self.worth(np.zeros(1), np.zeros(1), np.full(1, float(n_true)))[0]
        best = int(np.argmax(worth))
        if worth[best] <= nothing:
            return float(counts.upper[0])
        poorer = np.flatnonzero(worth[best:] < worth[best])
        last = best + int(poorer[0]) - 1 if len(poorer) else len(worth) - 1
        return float((counts.upper[best] + counts.lower[last]) / 2)  # the safest in between

    @abstractmethod
    def worth(self, hits: FloatArray, false: FloatArray, missed: FloatArray) -> FloatArray:
        """How good it is to flag so many rightly and falsely, and to miss so many; (K,)."""


@dataclass(frozen=True)
class FBetaThreshold(LabelledThreshold):
    """The cut with the best F-beta on labelled events.

    Parameters
    ----------
    beta
        > 0: how many times as much recall weighs as precision.
    """

    beta: float = 1.0
    kind: ClassVar[str] = "fbeta"

    def __post_init__(self) -> None:
        check_number("beta", self.beta, 0.0)

    @property
    def title(self) -> str:
        """`best F1`."""
        return f"best F{self.beta:g}"

    def worth(self, hits: FloatArray, false: FloatArray, missed: FloatArray) -> FloatArray:
        squared = self.beta**2
        weighted = (1 + squared) * hits
        whole = weighted + squared * missed + false
        return np.asarray(weighted / np.where(whole > 0, whole, 1.0))


@dataclass(frozen=True)
class CostThreshold(LabelledThreshold):
    """The cut with the lowest cost on labelled events.

    Parameters
    ----------
    false_alarm, miss
        > 0: what a false alarm and a missed event cost. Only their ratio matters.
    """

    false_alarm: float = 1.0
    miss: float = 10.0
    kind: ClassVar[str] = "cost"

    def __post_init__(self) -> None:
        check_number("the cost of a false alarm", self.false_alarm, 0.0)
        check_number("the cost of a miss", self.miss, 0.0)

    @property
    def title(self) -> str:
        """`lowest cost, miss 10 : 1 false alarm`."""
        return f"lowest cost, miss {self.miss:g} : {self.false_alarm:g} false alarm"

    def worth(self, hits: FloatArray, false: FloatArray, missed: FloatArray) -> FloatArray:  # noqa: ARG002
        return np.asarray(-(self.false_alarm * false + self.miss * missed))
