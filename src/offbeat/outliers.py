"""Outliers: single values far off their neighbours, found and replaced before learning."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from offbeat.errors import ConfigError, one_of
from offbeat.rolling import CHUNK_NUMBERS, centres, half_window, row_median
from offbeat.series import BoolArray, FloatArray

__all__ = ["RepairFill", "hampel", "repair", "spread_of"]

RepairFill = Literal["median", "mean", "interpolate", "drop"]

# Makes the median absolute deviation of a normal distribution its standard deviation.
MAD_TO_SIGMA = 1.4826
# Hampel: the local scale is never taken as less than this share of the channel's own, so that a
# constant stretch does not flag everything, ...
SCALE_FLOOR = 0.05
# ... nor as less than this share of the usual change of a channel that changes in so many rows,
# so that a counter that moves by one is no outlier.
CHANGE_FLOOR = 0.5
CHANGE_SHARE = 0.02


def hampel(values: FloatArray, *, window: int = 11, n_sigmas: float = 5.0) -> BoolArray:
    """Values that stand far off the median of their neighbours.

    A value is flagged if it is further than `n_sigmas` scales from the median of the centred
    window; the scale is 1.4826 times the window's median absolute deviation, with a small floor
    taken from the whole channel (Hampel 1974).

    Parameters
    ----------
    values
        Shape (T, C); NaN is left out and never flagged.
    window
        An odd number of rows >= 3; it is cut at the ends.
    n_sigmas
        Smaller flags more.

    Returns
    -------
    Mask of shape (T, C).
    """
    half = half_window(window)
    if not n_sigmas > 0:
        raise ConfigError(f"n_sigmas={n_sigmas}: a number above 0 was expected")
    flagged = np.zeros(values.shape, dtype=np.bool_)
    chunk = max(CHUNK_NUMBERS // window, 1)
    for column in range(values.shape[1]):
        source = values[:, column]
        floor = _scale_floor(source)
        padded = np.pad(source, half, constant_values=np.nan)
        for start in range(0, len(source), chunk):
            some = source[start : start + chunk]
            around = sliding_window_view(padded[start : start + len(some) + 2 * half], window)
            middle = row_median(around)
            scale = MAD_TO_SIGMA * row_median(np.abs(around - middle[:, None]))
            limit = n_sigmas * np.maximum(scale, floor)
            flagged[start : start + len(some), column] = np.abs(some - middle) > limit
    return flagged


def repair(
    values: FloatArray, flagged: BoolArray, *, fill: RepairFill = "median", window: int = 11
) -> FloatArray:
    """The values with the flagged ones replaced.

    Parameters
    ----------
    values, flagged
        Shape (T, C).
    fill
        `median` or `mean` of the other values in the centred window (a line between the nearest
        others where the window has none), `interpolate`: that line, `drop`: NaN.
    window
        An odd number of rows >= 3.
    """
    one_of("fill", fill, get_args(RepairFill))
    half = half_window(window)
    kept = np.where(flagged, np.nan, values)
    mended = kept.copy()
    if fill == "drop":
        return mended
    wanted = flagged & ~np.isnan(values)
    for column in np.flatnonzero(wanted.any(axis=0)):
        rows = np.flatnonzero(wanted[:, column])
        found = np.full(len(rows), np.nan)
        if fill != "interpolate":
            found = centres(kept[:, column], rows, half, fill == "median")
        known = np.flatnonzero(~np.isnan(kept[:, column]))
        left = np.isnan(found)
        if len(known) and left.any():
            found[left] = np.interp(rows[left], known, kept[known, column])
        mended[rows, column] = found
    return mended


def _scale_floor(source: FloatArray) -> float:
    known = source[~np.isnan(source)]
    if len(known) == 0:
        return 0.0
    scale = MAD_TO_SIGMA * float(np.median(np.abs(known - np.median(known))))
    floor = SCALE_FLOOR * (scale if scale > 0 else spread_of(known))
    change = np.abs(np.diff(known))
    change = change[change > 0]
    if len(change) >= CHANGE_SHARE * len(known):
        floor = max(floor, CHANGE_FLOOR * float(np.median(change)))
    return floor


def spread_of(known: FloatArray) -> float:
    """Standard deviation that does not overflow; 0 of nothing."""
    size = float(np.abs(known).max(initial=0.0))
    return float((known / size).std() * size) if size > 0 else 0.0
