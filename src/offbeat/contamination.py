"""Rows of a training part that are themselves off: found by a first pass, left out in a second."""

from __future__ import annotations

import numpy as np

from offbeat.runs import label_runs
from offbeat.series import BoolArray, FloatArray

__all__ = ["contaminated_rows"]

USUAL, FAR = 0.99, 2.0
"""A row is left out if an error of it is so many times what 99 in 100 rows stay below; what this
finds is mostly labelled, where there are labels to look at (docs/decisions/0011)."""
ROWS_AN_EVENT = 200
"""What comes back more often than once in so many rows is no accident: then nothing is left out."""


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
