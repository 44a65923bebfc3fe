"""Rows of a training part that are themselves off: found by a first pass, left out in a second."""

from __future__ import annotations

import numpy as np

from offbeat.runs import label_runs
from offbeat.series import BoolArray, FloatArray

__all__ = ["contaminated_rows"]

USUAL = 0.9
FAR = 4.0
"""A row is left out if its score is so many times what nine in ten rows stay below."""
MOST_ROWS, ROWS_AN_EVENT = 0.1, 200
"""What makes up more of a training part than this share, or comes back more often than once in so
many rows, is no accident: then nothing is left out."""


def contaminated_rows(score: FloatArray, learned: BoolArray) -> BoolArray:
    """Which learned rows stand out so far that they should not teach what is normal.

    Parameters
    ----------
    score
        Shape (T,), of the training part, by a detector that learned from all of it; NaN where none.
    learned
        Shape (T,): rows that it learned from.

    Returns
    -------
    Shape (T,); none where they are too many to be accidents.
    """
    known = score[learned & ~np.isnan(score)]
    odd: BoolArray = np.zeros(len(score), dtype=bool)
    if not len(known):
        return odd
    far = FAR * float(np.quantile(known, USUAL))
    odd = learned & (np.nan_to_num(score) > far)
    n_learned = int(learned.sum())
    many = odd.sum() > MOST_ROWS * n_learned or len(label_runs(odd)) > n_learned / ROWS_AN_EVENT
    return np.zeros_like(odd) if far <= 0 or many else odd
