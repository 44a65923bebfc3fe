"""Sliding windows, for models that look at one window at a time."""

from __future__ import annotations

import numpy as np

from offbeat.errors import ConfigError, DataError
from offbeat.series import FloatArray

__all__ = ["sliding_windows"]


def sliding_windows(values: FloatArray, window: int, *, stride: int = 1) -> FloatArray:
    """All windows of a series, as a view: nothing is copied.

    Parameters
    ----------
    values
        Shape (T,) or (T, C).
    window
        Rows of a window, W.
    stride
        Rows from one window to the next.

    Returns
    -------
    Shape (N, W) or (N, W, C) with N = (T - W) // stride + 1, read-only.

    Raises
    ------
    ConfigError
        If window or stride is below 1.
    DataError
        If the series is shorter than one window.
    """
    if window < 1 or stride < 1:
        raise ConfigError(f"window and stride must be >= 1, {window} and {stride} came")
    if len(values) < window:
        raise DataError(f"{len(values)} rows are fewer than one window of {window}")
    windows = np.lib.stride_tricks.sliding_window_view(values, window, axis=0)[::stride]
    return windows if values.ndim == 1 else np.moveaxis(windows, -1, 1)
