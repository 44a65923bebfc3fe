"""Channels that look like commands: switches that a person or a program sets.

A command says what the system was told, not how it is: a model should read it, not judge it.
"""

from __future__ import annotations

import numpy as np

from offbeat.series import BoolArray, FloatArray

__all__ = ["find_commands"]

MAJORITY = 0.5


def find_commands(values: FloatArray) -> BoolArray:
    """Which channels are switches, judged by the training part.

    A channel of nothing but 0 and 1 is a switch if it moves. One that stood still at 0 or 1 might
    as well be an error counter; it is a switch only where most channels are 0 and 1 throughout. One
    channel is always left to watch.

    Parameters
    ----------
    values
        Training part, shape (T, C), NaN where missing.

    Returns
    -------
    Shape (C,).
    """
    binary = (np.isnan(values) | (values == 0) | (values == 1)).all(axis=0)
    moves = np.array([len(np.unique(column[~np.isnan(column)])) > 1 for column in values.T])
    switches: BoolArray = binary if binary.mean() > MAJORITY else binary & moves
    return np.zeros_like(binary) if switches.all() else switches
