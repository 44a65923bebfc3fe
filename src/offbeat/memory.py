"""A memory of shapes: windows of the normal part, and how far a new window is from the nearest.

Arrays of float64 inside; one matrix product a block of windows, whatever the number of views.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Self, get_args

import numpy as np

from offbeat.series import FloatArray, IntArray
from offbeat.sliding import sliding_windows

__all__ = ["VIEWS", "Known", "ShapeMemory", "View", "seen_as"]

View = Literal["values", "level", "shape"]
VIEWS: tuple[View, ...] = get_args(View)

BLOCK_NUMBERS = 1_000_000
"""Products held at a time: they are gone through three times, and fit a processor's cache."""
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
    return centred / _size(windows)


def _size(windows: FloatArray) -> FloatArray:
    """What the shape of each window is divided by, shape (N, 1)."""
    size: FloatArray = windows.std(axis=1, keepdims=True) + SHAPE_OFFSET
    return size


@dataclass(frozen=True, eq=False)
class ShapeMemory:
    """Remembered windows of one channel.

    Parameters
    ----------
    windows
        Shape (K, W), scaled values.
    starts
        Shape (K,): first row of each in the series that it was taken from, ascending.
    """

    windows: FloatArray
    starts: IntArray

    def distances(
        self, column: FloatArray, window_starts: IntArray, *, leave_out: bool = False
    ) -> FloatArray:
        """Root mean square difference to the nearest remembered window, in every view.

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
        Shape (3, N) in the order of `VIEWS`, >= 0; NaN where no window is left to compare with.
        """
        if not len(window_starts):
            return np.full((len(VIEWS), 0), np.nan)
        views = sliding_windows(column, self.windows.shape[1])
        return self._nearest(self.known(), views, window_starts, leave_out)

    def distances_of(self, windows: FloatArray, known: Known) -> FloatArray:
        """As `distances`, of windows (N, W) from anywhere; `known` is what `known()` gave."""
        return self._nearest(known, windows, np.arange(len(windows)), False)

    def known(self) -> Known:
        """The windows, ready to be compared: to be kept where single windows are judged."""
        return Known.of(self.windows.astype(np.float64))

    def _nearest(
        self, known: Known, views: FloatArray, window_starts: IntArray, leave_out: bool
    ) -> FloatArray:
        """Distances (3, N) of the rows `window_starts` (N,) of `views`."""
        n_rows = self.windows.shape[1]
        found = np.full((len(VIEWS), len(window_starts)), np.nan)
        if not len(self.windows):
            return found
        block = max(1, BLOCK_NUMBERS // max(len(self.windows), n_rows))
        for at in range(0, len(window_starts), block):
            starts = window_starts[at : at + block]
            judged = [seen_as(np.ascontiguousarray(views[starts]), view) for view in VIEWS]
            products = judged[1] @ known.windows.T  # (N, K), of windows without their means
            if leave_out:
                self._forget_overlaps(products, starts)
            for i, best in enumerate(known.nearest(products, judged[0])):
                # the difference itself, as products lose digits where windows are equal
                nearest = seen_as(known.windows[best], VIEWS[i])
                distance = np.sqrt(((judged[i] - nearest) ** 2).mean(axis=1))
                alone = np.isinf(products[np.arange(len(best)), best])
                found[i, at : at + block] = np.where(alone, np.nan, distance)
        return found

    def _forget_overlaps(self, products: FloatArray, starts: IntArray) -> None:
        """Make remembered windows that overlap the judged ones infinitely far, in place."""
        n_rows = self.windows.shape[1]
        first = np.searchsorted(self.starts, starts - n_rows, side="right")
        end = np.searchsorted(self.starts, starts + n_rows)
        for row, left, right in zip(products, first, end, strict=True):
            row[left:right] = -np.inf


@dataclass(frozen=True, eq=False)
class Known:
    """Remembered windows (K, W), ready to be compared, and per view half their squares.

    Of a product of two windows without their means all three views follow: their means' product
    is added for the values, and it is divided by their sizes for the shapes.
    """

    windows: FloatArray
    half_squares: tuple[FloatArray, ...]
    sums: FloatArray
    sizes: FloatArray

    @classmethod
    def of(cls, windows: FloatArray) -> Self:
        half_squares = tuple((seen_as(windows, view) ** 2).sum(axis=1) / 2 for view in VIEWS)
        return cls(windows, half_squares, windows.sum(axis=1), _size(windows)[:, 0])

    def nearest(self, products: FloatArray, judged: FloatArray) -> Iterator[IntArray]:
        """Per view which of the K windows is nearest to each of the N judged, shape (N,) each."""
        closeness = judged.mean(axis=1, keepdims=True) * self.sums  # (N, K): largest is nearest
        closeness += products
        closeness -= self.half_squares[0]
        yield closeness.argmax(axis=1)
        np.subtract(products, self.half_squares[1], out=closeness)
        yield closeness.argmax(axis=1)
        np.divide(products, self.sizes, out=closeness)
        closeness -= _size(judged) * self.half_squares[2]
        yield closeness.argmax(axis=1)
