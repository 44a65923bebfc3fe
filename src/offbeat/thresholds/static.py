"""The plain ones: a fixed number, a percentile, mean + k sigma, IQR, MAD."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from offbeat.series import FloatArray
from offbeat.thresholds.base import Calibration, StaticThreshold, check_number

__all__ = [
    "FixedThreshold",
    "IQRThreshold",
    "MADThreshold",
    "PercentileThreshold",
    "SigmaThreshold",
]

# Spreads of a normal distribution with standard deviation 1
NORMAL_MAD = 0.674490  # median absolute deviation
NORMAL_MEAN_DEVIATION = 0.797885  # mean absolute deviation, sqrt(2 / pi)
NORMAL_IQR = 1.348980  # interquartile range


@dataclass(frozen=True)
class FixedThreshold(StaticThreshold):
    """A number that a person gives.

    Parameters
    ----------
    level
        > 0, in the unit of the scores.
    """

    level: float
    kind: ClassVar[str] = "fixed"

    def __post_init__(self) -> None:
        check_number("the fixed threshold", self.level, 0.0)

    @property
    def title(self) -> str:
        """`fixed 2.5`."""
        return f"fixed {self.level:g}"

    def value(self, calibration: Calibration) -> float:  # noqa: ARG002
        """The number, whatever the scores."""
        return float(self.level)

    def _level(self, calibration: Calibration) -> float:  # noqa: ARG002
        return float(self.level)


@dataclass(frozen=True)
class PercentileThreshold(StaticThreshold):
    """Cut at a percentile of the scores seen in training.

    Parameters
    ----------
    q
        In (0, 100). 99 flags about one training row in a hundred.
    """

    q: float = 99.0
    kind: ClassVar[str] = "percentile"

    def __post_init__(self) -> None:
        check_number("the percentile q", self.q, 0.0, 100.0)

    @property
    def title(self) -> str:
        """`percentile 99`."""
        return f"percentile {self.q:g}"

    def _level(self, calibration: Calibration) -> float:
        return float(np.percentile(calibration.finite, self.q))


@dataclass(frozen=True)
class SigmaThreshold(StaticThreshold):
    """Mean + k standard deviations.

    Parameters
    ----------
    k
        > 0. Scores are not normally distributed: k = 3 flags more than normal theory says.
    """

    k: float = 3.0
    kind: ClassVar[str] = "sigma"

    def __post_init__(self) -> None:
        check_number("the number of standard deviations k", self.k, 0.0)

    @property
    def title(self) -> str:
        """`mean + 3 sigma`."""
        return f"mean + {self.k:g} sigma"

    def _level(self, calibration: Calibration) -> float:
        scores = calibration.finite
        return float(scores.mean() + self.k * scores.std())


@dataclass(frozen=True)
class IQRThreshold(StaticThreshold):
    """Third quartile + k interquartile ranges (Tukey's fence).

    Parameters
    ----------
    k
        > 0; Tukey: 1.5 is outside, 3 is far out.
    """

    k: float = 1.5
    kind: ClassVar[str] = "iqr"

    def __post_init__(self) -> None:
        check_number("the number of interquartile ranges k", self.k, 0.0)

    @property
    def title(self) -> str:
        """`Q3 + 1.5 IQR`."""
        return f"Q3 + {self.k:g} IQR"

    def _level(self, calibration: Calibration) -> float:
        scores = calibration.finite
        first, third = np.percentile(scores, (25, 75))
        spread = float(third - first) or NORMAL_IQR * _deviation_around(scores, float(third))
        return float(third + self.k * spread)


@dataclass(frozen=True)
class MADThreshold(StaticThreshold):
    """Median + k robust standard deviations from the median absolute deviation.

    Parameters
    ----------
    k
        > 0; 3.5 is the advice of Iglewicz and Hoaglin (1993, How to Detect and Handle Outliers).
    """

    k: float = 3.5
    kind: ClassVar[str] = "mad"

    def __post_init__(self) -> None:
        check_number("the number of robust deviations k", self.k, 0.0)

    @property
    def title(self) -> str:
        """`median + 3.5 MAD`."""
        return f"median + {self.k:g} MAD"

    def _level(self, calibration: Calibration) -> float:
        scores = calibration.finite
        middle = float(np.median(scores))
        deviation = float(np.median(np.abs(scores - middle))) / NORMAL_MAD
        return middle + self.k * (deviation or _deviation_around(scores, middle))


def _deviation_around(scores: FloatArray, middle: float) -> float:
    """Standard deviation from the mean absolute one, for scores of which half are equal.

    Their MAD and IQR are 0, and every other score would be an alarm. The mean deviation in place
    of it is also Iglewicz and Hoaglin's.
    """
    return float(np.abs(scores - middle).mean()) / NORMAL_MEAN_DEVIATION
