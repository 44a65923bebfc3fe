"""Signals: what an anomaly score is made of, from errors and values, and their moving means."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from offbeat.errors import one_of
from offbeat.scores import (
    LARGEST,
    MIN_MOMENT_ROWS,
    MODES,
    WILD,
    ErrorKind,
    Scoring,
    Smoothing,
    Track,
)
from offbeat.series import BoolArray, FloatArray

__all__ = [
    "change_size",
    "error_signals",
    "latest_moment",
    "raw_signals",
    "smooth",
    "tamed",
    "tracks_of",
]


def tracks_of(scoring: Scoring, windows: Sequence[int], window: int) -> tuple[Track, ...]:
    """Every signal that takes part with its windows, in the order of `Scoring.weights`.

    Parameters
    ----------
    scoring
        Which signals take part.
    windows
        Rows that the forecast error is smoothed over.
    window
        Rows for the other signals.
    """
    made = list[Track]()
    for name in scoring.weights:
        own = {"forecast": sorted(set(windows)), "spike": [1]}.get(name, [window])
        made += [Track(name, rows) for rows in own]
    return tuple(made)


def raw_signals(
    scoring: Scoring,
    error: FloatArray,
    scaled: FloatArray,
    *,
    moment_window: int,
    wild: BoolArray | None = None,
) -> dict[str, FloatArray]:
    """The signals that take part, by name in the order of `Scoring.weights`.

    Parameters
    ----------
    scoring
        Which.
    error
        Size of the forecast error, shape (T, C), NaN where there is none.
    scaled
        Scaled values of the same channels, shape (T, C), NaN where missing.
    moment_window
        Rows for skewness and kurtosis.
    wild
        Shape (C,), which channels are wild; None if none is.

    Returns
    -------
    One array (T, C) a signal, none of which looks ahead.
    """
    wild = np.zeros(error.shape[1], dtype=bool) if wild is None else wild
    made = error_signals(scoring, error, wild)
    for name in scoring.weights:
        if name in made:
            continue
        if name == "rate_of_change":
            made[name] = change_size(scaled, np.concatenate([scaled[:1], scaled[:-1]]))
        else:
            made[name] = _rolling_moment(scaled, name, moment_window)
    return {name: made[name] for name in scoring.weights}


def error_signals(scoring: Scoring, error: FloatArray, wild: BoolArray) -> dict[str, FloatArray]:
    """Those of the signals that are the size of the forecast error, (T, C) each."""
    size, names = tamed(error, scoring.error, wild), scoring.weights
    made = {"forecast": size} if "forecast" in names else {}
    if "spike" in names:  # where rows are wild by themselves, none is a spike
        made["spike"] = np.where(wild, np.nan, size) if "forecast" in names else size
    return made


def change_size(scaled: FloatArray, before: FloatArray) -> FloatArray:
    """Size of the change from the row before to each row, (T, C) both."""
    return np.minimum(np.abs(scaled - before), LARGEST)


def _rolling_moment(scaled: FloatArray, name: str, window: int) -> FloatArray:
    """Skewness or kurtosis of the last `window` rows of each channel; 0 where nothing moves."""
    columns = []
    for column in scaled.T:
        values = pl.Series(column).fill_nan(None)
        if name == "skewness":
            moment = values.rolling_skew(window, min_samples=max(MIN_MOMENT_ROWS, window // 2))
        else:
            moment = values.rolling_kurtosis(window, min_samples=max(MIN_MOMENT_ROWS, window // 2))
        numbers = moment.cast(pl.Float64).fill_null(float("nan")).to_numpy()
        seen = ~np.isnan(column)
        columns.append(np.where(seen & np.isnan(numbers), 0.0, numbers))
    moments: FloatArray = np.clip(np.stack(columns, axis=1), -LARGEST, LARGEST)
    return moments


def latest_moment(windows: FloatArray, name: str) -> FloatArray:
    """Skewness or kurtosis of windows (B, W, C), as the last of their rows has it, (B, C)."""
    known = ~np.isnan(windows)
    count = known.sum(axis=1)
    mean = np.where(known, windows, 0.0).sum(axis=1) / np.maximum(count, 1)
    centred = np.where(known, windows - mean[:, None], 0.0)
    spread, power = (centred**2).sum(axis=1) / np.maximum(count, 1), 3 if name == "skewness" else 4
    with np.errstate(divide="ignore", invalid="ignore"):
        moment = (centred**power).sum(axis=1) / np.maximum(count, 1) / spread ** (power / 2)
    moment -= 3.0 if name == "kurtosis" else 0.0  # that of the normal distribution is 0
    moment[count < max(MIN_MOMENT_ROWS, windows.shape[1] // 2)] = np.nan
    seen = known[:, -1]
    moment = np.where(seen & np.isnan(moment), 0.0, moment)
    return np.asarray(np.clip(moment, -LARGEST, LARGEST))


def tamed(error: FloatArray, kind: ErrorKind, wild: BoolArray) -> FloatArray:
    """Errors (T, C), those of wild channels beyond `WILD` by their square root."""
    if not wild.any():
        return error
    limit = WILD[kind]
    return np.where(wild & (error > limit), np.sqrt(limit * np.maximum(error, limit)), error)


def smooth(signal: FloatArray, window: int, mode: Smoothing) -> FloatArray:
    """Moving mean over `window` rows that skips NaN.

    Parameters
    ----------
    signal
        Shape (T, C), NaN where there is nothing to say.
    window
        Rows; at the borders fewer.
    mode
        "trailing" takes the last `window` rows, what a live watcher has; "centred" half of them on
        either side, for looking back at history.

    Returns
    -------
    Shape (T, C); NaN where the window holds no value.
    """
    one_of("smoothing", mode, MODES)
    after = (window - 1) // 2 if mode == "centred" else 0
    known = ~np.isnan(signal)
    count = _moving_sum(known, window, after, np.int32)
    values = np.where(known, signal, 0.0)
    # What is never below 0 has no mean below 0 either, as rounded sums could make it.
    lowest = values.min(axis=0, initial=0.0)
    mean = _moving_sum(values, window, after, np.float64)
    mean /= np.maximum(count, 1)
    np.maximum(mean, lowest, out=mean)
    mean[count == 0] = np.nan
    return mean


def _moving_sum(values: np.ndarray, window: int, after: int, kind: type[np.generic]) -> FloatArray:
    """Sum over `window` rows of which `after` follow the row, shape (T, C); fewer at the ends.

    As differences of running sums, with no index arrays: long series have to fit into memory.
    """
    n_rows = len(values)
    running = np.cumsum(values, axis=0, dtype=kind)
    total = np.empty_like(running)
    after = min(after, n_rows)
    total[: n_rows - after] = running[after:]
    total[n_rows - after :] = running[-1:]
    gone = window - after  # the row itself is the first that came
    if gone < n_rows:
        total[gone:] -= running[: n_rows - gone]
    return total
