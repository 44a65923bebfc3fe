"""A memory of shapes: windows of the normal part, and how far a new window is from the nearest.

Tensors of float64 inside, arrays outside; one matrix product a block of windows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from offbeat.series import FloatArray, IntArray
from offbeat.sliding import sliding_windows

__all__ = ["ShapeMemory", "View", "seen_as"]

View = Literal["values", "level", "shape"]

BLOCK_NUMBERS = 4_000_000
"""Distances held at a time."""
SHAPE_OFFSET = 0.1
"""Added to the deviation of a window before it is divided by it: what hardly moves has no shape."""


def seen_as(windows: FloatArray, view: View) -> FloatArray:
    """Windows (N, W) as they are compared.

    Parameters
    ----------
    windows
        Shape (N, W), scaled values.
    view
        "values" as they are; "level" without their mean, so that a drift is not held against them;
        "shape" standardised by themselves too, so that only the form counts.
    """
    if view == "values":
        return windows
    centred: FloatArray = windows - windows.mean(axis=1, keepdims=True)
    if view == "level":
        return centred
    shaped: FloatArray = centred / (centred.std(axis=1, keepdims=True) + SHAPE_OFFSET)
    return shaped


@dataclass(frozen=True, eq=False)
class ShapeMemory:
    """Remembered windows of one channel.

    Parameters
    ----------
    windows
        Shape (K, W), scaled values.
    starts
        Shape (K,): first row of each in the series that it was taken from.
    view
        How windows are compared, see `seen_as`.
    """

    windows: FloatArray
    starts: IntArray
    view: View

    def distance(
        self, column: FloatArray, window_starts: IntArray, *, leave_out: bool = False
    ) -> FloatArray:
        """Root mean square difference to the nearest remembered window.

        Parameters
        ----------
        column
            Scaled values of the channel, shape (T,).
        window_starts
            First rows of the windows to judge, shape (N,); none may hold a NaN.
        leave_out
            Whether `column` is the series that the memory was taken from: remembered windows that
            overlap the judged one then do not count, as a window is no proof of itself.

        Returns
        -------
        Shape (N,), >= 0; NaN where no window is left to compare with.
        """
        n_rows = self.windows.shape[1]
        nearest = np.full(len(window_starts), np.nan)
        if not len(self.windows) or not len(window_starts):
            return nearest
        known = seen_as(self.windows.astype(np.float64), self.view)
        known_size = (known**2).sum(axis=1)
        views = sliding_windows(column, n_rows)
        block = max(1, BLOCK_NUMBERS // max(len(known), n_rows))
        for at in range(0, len(window_starts), block):
            starts = window_starts[at : at + block]
            seen = seen_as(views[starts], self.view)
            squares = known_size - 2.0 * (seen @ known.T)  # (N, K), without the windows' own size
            if leave_out:
                squares[np.abs(starts[:, None] - self.starts) < n_rows] = np.inf
            best = squares.argmin(axis=1)
            # the difference itself, as the product above loses digits where windows are equal
            exact = ((seen - known[best]) ** 2).mean(axis=1)
            alone = np.isinf(squares[np.arange(len(best)), best])
            nearest[at : at + block] = np.where(alone, np.nan, np.sqrt(exact))
        return nearest
