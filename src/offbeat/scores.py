"""From forecast errors and other signals to one anomaly score a time stamp.

Every signal is an array (T, C): smoothed, measured against its own training part, weighted, and
only then joined over signals and channels. So it can always be said who contributed what.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import polars as pl

from offbeat.errors import ConfigError, one_of
from offbeat.series import BoolArray, FloatArray

__all__ = [
    "LOUDEST",
    "Aggregate",
    "ErrorKind",
    "Joined",
    "Scoring",
    "Smoothing",
    "Standard",
    "error_size",
    "join",
    "measure_standard",
    "raw_signals",
    "smooth",
]

ErrorKind = Literal["scaled", "mae", "mse"]
Smoothing = Literal["trailing", "centred"]
Aggregate = Literal["mean", "rms", "max"]

QUANTILE = 0.99
"""A signal is measured in units of this quantile of its training part."""

FLOOR: dict[ErrorKind, float] = {"scaled": 1.0, "mae": 0.05, "mse": 0.0025}
"""Smallest unit of the forecast error, so that a channel forecast perfectly in training does not
alarm at its first wobble: one forecast deviation, or 5 % of a training deviation."""

SIGNAL_FLOOR = 0.05
"""Smallest unit of the other signals (training deviations a row; skewness and kurtosis as such)."""

LOUDEST: dict[ErrorKind, float] = {"scaled": 8.0, "mae": 4.0, "mse": 16.0}
"""What one row can add to the smoothed forecast error, so that one wild row does not outweigh a
whole period; the spike signal is there for it."""

SPIKE_QUANTILE, SPIKE_FLOOR = 0.999, 4.0
"""A spike is measured in units of this quantile of its training part, at least so many floors."""

MIN_MOMENT_ROWS = 4
"""Fewer values have no kurtosis worth the name."""

JOINED_ROWS = 100_000
"""Rows joined at a time: what lies between signals and score is many times as large as either."""

LARGEST = 1e6
"""Signals are cut here: beyond it "off" is no longer a question, and running sums stay exact."""


@dataclass(frozen=True)
class Scoring:
    """How errors become a score.

    Parameters
    ----------
    error
        Size of a residual: "scaled" by the forecast's own scale, "mae" absolute, "mse" squared (the
        last two in training deviations).
    smoothing_window
        Rows of the moving mean; None takes half the period (trailing) or the whole (centred).
    aggregate
        How channels are joined: "mean", "rms" (root of the mean square: lets one loud channel be
        heard among many) or "max".
    forecast, spike, rate_of_change, skewness, kurtosis
        Weights of the signals; 0 leaves a signal out. "forecast" is the forecast error, smoothed;
        "spike" the same error, uncut and not smoothed, for what is over in a row or two.
    moment_window
        Rows over which skewness and kurtosis are taken, at least 4; None takes the period, at
        least 30.
    """

    error: ErrorKind = "scaled"
    smoothing_window: int | None = None
    aggregate: Aggregate = "rms"
    forecast: float = 1.0
    spike: float = 0.25
    rate_of_change: float = 0.0
    skewness: float = 0.0
    kurtosis: float = 0.0
    moment_window: int | None = None

    @property
    def weights(self) -> dict[str, float]:
        """The signals that take part and their weights."""
        given = {name: float(getattr(self, name)) for name in SIGNALS}
        return {name: weight for name, weight in given.items() if weight > 0}

    def check(self) -> None:
        """Raise a `ConfigError` for the first value that it cannot have."""
        one_of("error", self.error, get_args(ErrorKind))
        one_of("aggregate", self.aggregate, get_args(Aggregate))
        weights = [float(getattr(self, name)) for name in SIGNALS]
        if min(weights) < 0 or not 0 < sum(weights) < math.inf:
            raise ConfigError(
                f"weights of {', '.join(SIGNALS)} must be numbers >= 0 and not all 0, "
                f"{weights} came"
            )
        for name, least in (("smoothing_window", 1), ("moment_window", MIN_MOMENT_ROWS)):
            value = getattr(self, name)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
                raise ConfigError(f"{name} must be a whole number >= {least}, {value!r} came")


SIGNALS = ("forecast", "spike", "rate_of_change", "skewness", "kurtosis")


@dataclass(frozen=True, eq=False)
class Standard:
    """What is usual: per signal and channel, the location and unit in the training part.

    Parameters
    ----------
    location, unit
        Shape (S, C) each; a measured signal is |signal - location| / unit.
    """

    location: FloatArray
    unit: FloatArray


@dataclass(frozen=True, eq=False)
class Joined:
    """A score and who made it.

    Parameters
    ----------
    score
        Shape (T,), >= 0; NaN where no channel could be scored. 1 is about the 99th percentile of
        one channel's training part.
    channel_shares
        Shape (T, C), rows sum to 1, or to 0 where the score is 0, or NaN.
    signal_shares
        Shape (T, S), as `channel_shares`.
    """

    score: FloatArray
    channel_shares: FloatArray
    signal_shares: FloatArray


def error_size(residual: FloatArray, scale: FloatArray | float, kind: ErrorKind) -> FloatArray:
    """Size of residuals of any shape, >= 0 and at most `LARGEST`."""
    size = np.abs(residual)
    if kind == "scaled":
        size = size / scale
    elif kind == "mse":
        size = np.minimum(size, LARGEST) ** 2
    return np.minimum(size, LARGEST)


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
    one_of("smoothing", mode, get_args(Smoothing))
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


def raw_signals(
    scoring: Scoring,
    error: FloatArray,
    scaled: FloatArray,
    *,
    moment_window: int,
    loudest: float | None,
) -> list[FloatArray]:
    """The signals that take part, in the order of `Scoring.weights`.

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
    loudest
        What one row can add to the forecast error at most; None where an error speaks of many rows
        already.

    Returns
    -------
    One array (T, C) a signal, none of which looks ahead.
    """
    made: list[FloatArray] = []
    for name in scoring.weights:
        if name == "forecast":
            made.append(error if loudest is None else np.minimum(error, loudest))
        elif name == "spike":
            made.append(error)
        elif name == "rate_of_change":
            step = np.abs(np.diff(scaled, axis=0, prepend=scaled[:1]))
            made.append(np.minimum(step, LARGEST))
        else:
            made.append(_rolling_moment(scaled, name, moment_window))
    return made


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


def measure_standard(scoring: Scoring, signals: list[FloatArray], learned: BoolArray) -> Standard:
    """Location and unit of each signal on the rows that were learned.

    Parameters
    ----------
    scoring
        Tells errors (location 0) from moments (location the median).
    signals
        S arrays (T, C), not smoothed for moments' location but as they will be joined.
    learned
        Shape (T,), rows of the training part.
    """
    locations, units = [], []
    for name, signal in zip(scoring.weights, signals, strict=True):
        part = signal[learned]
        part = part[~np.isnan(part).all(axis=1)]
        n_channels = signal.shape[1]
        moment = name in ("skewness", "kurtosis")
        location = _nan_quantile(part, 0.5) if moment else np.zeros(n_channels)
        unit = _nan_quantile(
            np.abs(part - location), SPIKE_QUANTILE if name == "spike" else QUANTILE
        )
        floor = SIGNAL_FLOOR
        if name in ("forecast", "spike"):
            floor = FLOOR[scoring.error] * (SPIKE_FLOOR if name == "spike" else 1.0)
        locations.append(location)
        units.append(np.maximum(unit, floor))
    return Standard(np.stack(locations), np.stack(units))


def _nan_quantile(part: FloatArray, q: float) -> FloatArray:
    """Quantile of each column without NaN; 0 for a column without a number."""
    columns = [column[~np.isnan(column)] for column in part.T]
    return np.array([np.quantile(column, q) if len(column) else 0.0 for column in columns])


def join(scoring: Scoring, signals: list[FloatArray], standard: Standard) -> Joined:
    """One score from all signals of all channels, and the share of each.

    Parameters
    ----------
    scoring
        Weights, and how channels are joined.
    signals
        S smoothed arrays (T, C).
    standard
        Their usual size.
    """
    n_rows, n_channels = signals[0].shape
    joined = Joined(
        np.empty(n_rows), np.empty((n_rows, n_channels)), np.empty((n_rows, len(signals)))
    )
    for at in range(0, n_rows, JOINED_ROWS):
        rows = slice(at, at + JOINED_ROWS)
        block = _join_block(scoring, [signal[rows] for signal in signals], standard)
        joined.score[rows] = block.score
        joined.channel_shares[rows] = block.channel_shares
        joined.signal_shares[rows] = block.signal_shares
    return joined


def _join_block(scoring: Scoring, signals: list[FloatArray], standard: Standard) -> Joined:
    """As `join`, all rows at once."""
    weights = list(scoring.weights.values())
    per_signal = []  # S arrays (T, C), each in units of its own training part
    for i, (signal, weight) in enumerate(zip(signals, weights, strict=True)):
        distance = np.abs(signal - standard.location[i]) / standard.unit[i]
        per_signal.append(weight * distance)
    parts = np.stack(per_signal)  # (S, T, C)
    per_channel = _nan_sum(parts, axis=0)  # (T, C)
    loudness = per_channel if scoring.aggregate == "mean" else per_channel**2
    shares = np.nan_to_num(loudness / _total(_nan_sum(loudness, axis=1))[:, None])
    silent = np.asarray(np.isnan(per_channel).all(axis=1))
    by_signal = _nan_sum(parts, axis=2).T  # (T, S)
    signal_shares = by_signal / _total(_nan_sum(by_signal, axis=1))[:, None]
    return Joined(
        _over_channels(per_channel, scoring.aggregate),
        np.where(silent[:, None], np.nan, shares),
        signal_shares,
    )


def _over_channels(per_channel: FloatArray, aggregate: Aggregate) -> FloatArray:
    """(T, C) -> (T,), skipping channels that are NaN."""
    known = ~np.isnan(per_channel)
    count = np.maximum(known.sum(axis=1), 1)
    values = np.where(known, per_channel, 0.0)
    if aggregate == "max":
        score = values.max(axis=1)
    elif aggregate == "rms":
        score = np.sqrt((values**2).sum(axis=1) / count)
    else:
        score = values.sum(axis=1) / count
    return np.where(known.any(axis=1), score, np.nan)


def _nan_sum(values: FloatArray, axis: int) -> FloatArray:
    """Sum without NaN; NaN where all are."""
    known = ~np.isnan(values)
    total = np.where(known, values, 0.0).sum(axis=axis)
    return np.where(known.any(axis=axis), total, np.nan)


def _total(sums: FloatArray) -> FloatArray:
    """A divisor: zero sums become tiny, so that shares of nothing are 0 and not NaN."""
    return np.where(sums == 0, np.finfo(np.float64).tiny, sums)
