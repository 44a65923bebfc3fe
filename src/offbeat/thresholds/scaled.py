"""Another method's cut, times a factor: what recalibration makes of the cut in force."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from offbeat.errors import ConfigError
from offbeat.series import FloatArray
from offbeat.thresholds.base import Calibration, Threshold, bounded, check_number
from offbeat.thresholds.budget import BudgetThreshold

__all__ = ["ScaledThreshold"]


@dataclass(frozen=True)
class ScaledThreshold(Threshold):
    """Another method's cut, so many times as high; it follows that method when that moves.

    Parameters
    ----------
    factor
        > 0.
    base
        A method that needs no labels, and is not scaled itself.
    """

    factor: float = 1.0
    base: Threshold = BudgetThreshold()
    kind: ClassVar[str] = "scaled"

    def __post_init__(self) -> None:
        check_number("the factor of a scaled threshold", self.factor, 0.0)
        wrong = isinstance(self.base, ScaledThreshold) or not isinstance(self.base, Threshold)
        if wrong or self.base.needs_labels:
            raise ConfigError(
                "the base of a scaled threshold must be a method without labels, such as "
                f"BudgetThreshold(); {self.base!r} came"
            )

    @property
    def title(self) -> str:
        """`1.2 x budget 1/week`."""
        return f"{self.factor:.3g} x {self.base.title}"

    def cut(self, calibration: Calibration, score: FloatArray) -> FloatArray:
        """Shape (T,): the base's cut, scaled."""
        with np.errstate(over="ignore"):
            cut = self.factor * self.base.cut(calibration, score)
        return np.asarray(np.clip(cut, bounded(0.0), bounded(np.inf)))
