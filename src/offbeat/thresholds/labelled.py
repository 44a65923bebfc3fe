"""Thresholds learned from labels: best F-beta, lowest cost.

Both count rows, not events: an event-wise count is best for one alarm that never ends.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from offbeat.errors import ConfigError, DataError
from offbeat.series import FloatArray
from offbeat.thresholds.base import Calibration, StaticThreshold, check_number

__all__ = ["CostThreshold", "FBetaThreshold", "LabelledThreshold"]


@dataclass(frozen=True)
class LabelledThreshold(StaticThreshold):
    """The cut that is worth most on labelled rows; of equal ones the highest."""

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
        known = np.isfinite(calibration.score)
        n_true = int(calibration.y_true.sum())
        order = np.argsort(-calibration.score[known], kind="stable")
        falling = calibration.score[known][order]
        hits = np.cumsum(calibration.y_true[known][order])
        last = np.concatenate((np.flatnonzero(np.diff(falling)), [len(falling) - 1]))
        n_flagged = np.concatenate(([0], last + 1))  # cuts that equal scores do not tear apart
        n_hits = np.concatenate(([0], hits[last]))
        best = int(np.argmax(self.worth(n_hits, n_flagged - n_hits, n_true - n_hits)))
        flagged, above = int(n_flagged[best]), falling[0]
        if flagged == 0:
            return float(above)
        below = falling[flagged] if flagged < len(falling) else 0.0
        return float((falling[flagged - 1] + below) / 2)  # half-way: the safest in between

    @abstractmethod
    def worth(self, hits: FloatArray, false: FloatArray, missed: FloatArray) -> FloatArray:
        """How good it is to flag so many rightly and falsely, and to miss so many; (K,)."""


@dataclass(frozen=True)
class FBetaThreshold(LabelledThreshold):
    """The cut with the best F-beta on labelled rows.

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
    """The cut with the lowest cost on labelled rows.

    Parameters
    ----------
    false_alarm, miss
        > 0: what a falsely flagged row and a missed one cost. Only their ratio matters.
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
