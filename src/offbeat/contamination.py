"""Rows of a training part that are themselves off: found once it is learned, then left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from offbeat.runs import label_runs
from offbeat.series import BoolArray, FloatArray

__all__ = ["Taught", "contaminated_rows"]

USUAL, FAR = 0.99, 2.0
"""A row is left out if an error of it is so many times what 99 in 100 rows stay below; what this
finds is mostly labelled, where there are labels to look at (docs/decisions/0011)."""
ROWS_AN_EVENT = 200
"""What comes back more often than once in so many rows is no accident: then nothing is left out."""
MEASURED_SHARE = 0.5
"""Rows near odd ones are spared only where at least this share of the rows stays to measure on."""


@dataclass(frozen=True, eq=False)
class Taught:
    """What the rows of a training part are good for, shape (T,) each.

    Parameters
    ----------
    learned
        Rows that teach.
    odd
        Rows that would have taught, and were left out as they are off themselves.
    """

    learned: BoolArray
    odd: BoolArray

    def measured(self, reach: int) -> BoolArray:
        """Rows that say how large a usual error is: those learned, not within `reach` rows of an
        odd one. What is off seldom is so in its largest errors only, and moving means carry it on.
        """
        near = np.zeros_like(self.odd)
        for start, end in label_runs(self.odd):
            near[max(0, start - reach) : end + reach] = True
        far: BoolArray = self.learned & ~near
        return far if far.sum() >= MEASURED_SHARE * self.learned.sum() else self.learned

    def usual(self, score: FloatArray, measured: BoolArray) -> FloatArray:
        """Training scores (T,) as a cut is taken from them, NaN in rows that are no part of them.

        Whether what was left out is an anomaly or rare and normal, nobody said. Not counted at all,
        it would be an alarm whenever it comes back; counted as it is, an anomaly would hide the
        next one. So what is not `measured` counts by its square root, in units of what is usual.
        """
        doubtful = np.where(score > 1.0, np.sqrt(np.maximum(score, 1.0)), score)
        counted = np.where(measured, score, doubtful)
        return np.where(self.learned | self.odd, counted, np.nan)


def contaminated_rows(error: FloatArray, learned: BoolArray, *, least: int = 1) -> BoolArray:
    """Which learned rows stand out so far that they should not teach what is normal.

    Parameters
    ----------
    error
        Shape (T, C), of the training part, by a detector that learned from all of it; NaN where
        nothing is said.
    learned
        Shape (T,): rows that it learned from.
    least
        Rows that must be left to learn from.

    Returns
    -------
    Shape (T,); none where they are too many to be accidents, or too few rows would be left.
    """
    odd: BoolArray = np.zeros(len(error), dtype=bool)
    for column in error.T:
        known = column[learned & ~np.isnan(column)]
        usual = float(np.quantile(known, USUAL)) if len(known) else 0.0
        if usual > 0:
            odd |= learned & (np.nan_to_num(column) > FAR * usual)
    too_often = len(label_runs(odd)) * ROWS_AN_EVENT > int(learned.sum())
    too_few_left = int((learned & ~odd).sum()) < least
    return np.zeros_like(odd) if too_often or too_few_left else odd
