"""Centred rolling windows, in chunks so that memory stays linear in the rows."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from offbeat.errors import ConfigError
from offbeat.series import FloatArray, IntArray

__all__ = ["CHUNK_NUMBERS", "centres", "half_window", "row_median"]

CHUNK_NUMBERS = 2_000_000
"""Numbers that one chunk of rolling windows may hold."""
MIN_WINDOW = 3


def half_window(window: int) -> int:
    """Rows on either side of the middle one; refuses what is no odd number >= 3."""
    if (
        isinstance(window, bool)
        or not isinstance(window, int)
        or window < MIN_WINDOW
        or window % 2 == 0
    ):
        raise ConfigError(f"window={window}: an odd number of rows >= 3 was expected")
    return window // 2


def row_median(windows: FloatArray) -> FloatArray:
    """Median of each row, NaN left out; NaN where there is nothing else."""
    ordered = np.sort(windows, axis=1)  # NaN goes last
    count = np.count_nonzero(~np.isnan(ordered), axis=1)
    rows = np.arange(len(ordered))
    low = ordered[rows, np.maximum(count - 1, 0) // 2]
    high = ordered[rows, np.minimum(count // 2, windows.shape[1] - 1)]
    median: FloatArray = low / 2 + np.where(count % 2 == 1, low, high) / 2
    return median


def centres(kept: FloatArray, rows: IntArray, half: int, median: bool) -> FloatArray:
    """Median or mean of the windows around these rows, NaN left out."""
    windows = sliding_window_view(np.pad(kept, half, constant_values=np.nan), 2 * half + 1)
    found = np.empty(len(rows))
    chunk = max(CHUNK_NUMBERS // (2 * half + 1), 1)
    for start in range(0, len(rows), chunk):
        around = windows[rows[start : start + chunk]]
        if median:
            found[start : start + chunk] = row_median(around)
        else:
            count = np.count_nonzero(~np.isnan(around), axis=1)
            part = around / np.maximum(count, 1)[:, None]
            mean = np.where(count > 0, np.nansum(part, axis=1), np.nan)
            found[start : start + chunk] = mean
    return found
