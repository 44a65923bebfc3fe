"""From tracks to one anomaly score a time stamp.

A track is a signal, smoothed over one window, see `signals`; an array (T, C). Each is measured
against its own training part and weighted. A channel is as loud as its loudest track, so
that what is over in a row and what lasts for periods both stand out; only then channels are joined.
So it can always be said who contributed what.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from offbeat.errors import ConfigError, one_of, whole_number
from offbeat.series import BoolArray, FloatArray

__all__ = [
    "MODES",
    "Aggregate",
    "ErrorKind",
    "Joined",
    "Scoring",
    "Smoothing",
    "Standard",
    "Track",
    "error_size",
    "find_wild",
    "join",
    "measure_standard",
]

ErrorKind = Literal["scaled", "mae", "mse"]
Smoothing = Literal["trailing", "centred"]
Aggregate = Literal["log", "mean", "rms", "max"]
MODES: tuple[Smoothing, ...] = get_args(Smoothing)
"""Both ways of looking, the live one first."""

QUANTILE = 0.999
"""A track is measured in units of this quantile of its training part: short windows have heavier
tails than long ones, and in units of the tail they are equals."""

FLOOR: dict[ErrorKind, float] = {"scaled": 1.0, "mae": 0.05, "mse": 0.0025}
"""Smallest unit of the forecast error, so that a channel forecast perfectly in training does not
alarm at its first wobble: one forecast deviation, or 5 % of a training deviation."""

SIGNAL_FLOOR = 0.05
"""Smallest unit of the other signals (training deviations a row; skewness and kurtosis as such)."""

SPIKE_FLOOR = 4.0
"""A spike is measured in units of the largest error of the training part, at least so many floors:
it is further off than anything there."""
SPIKE_GROWTH = 0.25
"""Of C channels a spike must be larger by this times log C, as errors fall off exponentially."""

WILD: dict[ErrorKind, float] = {"scaled": 8.0, "mae": 4.0, "mse": 16.0}
"""A channel is wild if more than one error in a thousand of its training part is larger than this.
One wild row says little there: beyond, its errors count by their square root."""

QUIET = 0.1
"""Joined by logarithm, all that a channel says within what is usual for it weighs no more than this
beside channels that are beyond."""

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
        Rows of the moving mean, or of several ones, of which the loudest counts; None takes 1/4,
        1/2 and 1 period (trailing) or 1/2, 1 and 2 periods (centred).
    aggregate
        How channels are joined: "log" (root mean square of how far each is beyond its usual, in
        logarithms: one loud channel is heard among many, and many outweigh one), "mean", "rms"
        (root of the mean square) or "max".
    forecast, spike, rate_of_change, skewness, kurtosis
        Weights of the signals; 0 leaves a signal out. "forecast" is the forecast error, smoothed;
        "spike" the same error, not smoothed, for what is over in a row or two; wild channels (see
        `WILD`) have none beside the smoothed error.
    moment_window
        Rows over which skewness and kurtosis are taken, at least 4; None takes the period, at
        least 30.
    """

    error: ErrorKind = "scaled"
    smoothing_window: int | tuple[int, ...] | None = None
    aggregate: Aggregate = "log"
    forecast: float = 1.0
    spike: float = 1.0
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
        windows = self.smoothing_window
        for window in windows if isinstance(windows, tuple) and windows else (windows,):
            if window is not None:
                whole_number("smoothing_window", window, least=1)
        if self.moment_window is not None:
            whole_number("moment_window", self.moment_window, least=MIN_MOMENT_ROWS)


SIGNALS = ("forecast", "spike", "rate_of_change", "skewness", "kurtosis")


@dataclass(frozen=True)
class Track:
    """One signal smoothed over one window of rows."""

    signal: str
    window: int


@dataclass(frozen=True, eq=False)
class Standard:
    """What is usual: per track and channel, the location and unit in the training part.

    Parameters
    ----------
    location, unit
        Shape (K, C) each; a measured track is |track - location| / unit.
    """

    location: FloatArray
    unit: FloatArray


@dataclass(frozen=True, eq=False)
class Joined:
    """A score and who made it.

    Parameters
    ----------
    score
        Shape (T,), >= 0; NaN where no channel could be scored. 1 is about the 99.9th percentile
        of one channel's training part.
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


def find_wild(error: FloatArray, kind: ErrorKind, learned: BoolArray) -> BoolArray:
    """Which channels are wild (see `WILD`), shape (C,), by the rows `learned` (T,) of `error`."""
    return np.asarray(_nan_quantile(error[learned], QUANTILE) > WILD[kind])


def measure_standard(
    scoring: Scoring,
    tracks: Sequence[Track],
    signals: Sequence[FloatArray],
    learned: BoolArray,
) -> Standard:
    """Location and unit of each track on the rows that were learned.

    Parameters
    ----------
    scoring
        Unit of the forecast error.
    tracks
        Tell errors (location 0) from moments (location the median).
    signals
        K arrays (T, C), smoothed as they will be joined.
    learned
        Shape (T,), rows of the training part.
    """
    locations, units = [], []
    for track, signal in zip(tracks, signals, strict=True):
        name, part = track.signal, signal[learned]
        moment = name in ("skewness", "kurtosis")
        location = _nan_quantile(part, 0.5) if moment else np.zeros(signal.shape[1])
        unit = _nan_quantile(np.abs(part - location), 1.0 if name == "spike" else QUANTILE)
        if name == "spike":  # the largest of many channels is larger by chance
            unit *= 1.0 + SPIKE_GROWTH * math.log(signal.shape[1])
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


def join(
    scoring: Scoring,
    tracks: Sequence[Track],
    signals: Sequence[FloatArray],
    standard: Standard,
) -> Joined:
    """One score from all tracks of all channels, and the share of each channel and signal.

    Parameters
    ----------
    scoring
        Weights, and how channels are joined.
    tracks, signals
        K smoothed arrays (T, C) and what they are.
    standard
        Their usual size.
    """
    n_rows, n_channels = signals[0].shape
    if n_rows <= JOINED_ROWS:
        return _join_block(scoring, tracks, signals, standard)
    n_signals = len({track.signal for track in tracks})
    joined = Joined(np.empty(n_rows), np.empty((n_rows, n_channels)), np.empty((n_rows, n_signals)))
    for at in range(0, n_rows, JOINED_ROWS):
        rows = slice(at, at + JOINED_ROWS)
        block = _join_block(scoring, tracks, [signal[rows] for signal in signals], standard)
        joined.score[rows] = block.score
        joined.channel_shares[rows] = block.channel_shares
        joined.signal_shares[rows] = block.signal_shares
    return joined


def _join_block(
    scoring: Scoring,
    tracks: Sequence[Track],
    signals: Sequence[FloatArray],
    standard: Standard,
) -> Joined:
    """As `join`, all rows at once."""
    by_signal: dict[str, FloatArray] = {}  # name -> (T, C), in units of its own training part
    for i, (track, signal) in enumerate(zip(tracks, signals, strict=True)):
        distance = np.abs(signal - standard.location[i])
        distance *= scoring.weights[track.signal] / standard.unit[i]
        known = by_signal.get(track.signal)
        by_signal[track.signal] = distance if known is None else np.fmax(known, distance)
    per_channel = np.full_like(signals[0], np.nan)  # (T, C), as loud as the loudest signal
    for loudness in by_signal.values():
        np.fmax(per_channel, loudness, out=per_channel)
    signal_sums = np.stack([_nan_sum(each, axis=1) for each in by_signal.values()], axis=1)
    heard = _loudness(per_channel, scoring.aggregate)
    shares = np.nan_to_num(heard / _total(_nan_sum(heard, axis=1))[:, None])
    silent = np.asarray(np.isnan(per_channel).all(axis=1))
    return Joined(
        _over_channels(per_channel, heard, scoring.aggregate),
        np.where(silent[:, None], np.nan, shares),
        signal_sums / _total(_nan_sum(signal_sums, axis=1))[:, None],
    )


def _loudness(per_channel: FloatArray, aggregate: Aggregate) -> FloatArray:
    """What each channel adds to the sum that is joined, (T, C)."""
    if aggregate == "log":
        return _compressed(per_channel) ** 2
    return per_channel if aggregate == "mean" else per_channel**2


def _compressed(loudness: FloatArray) -> FloatArray:
    """`QUIET` times what is usual (up to 1), and the logarithm of what is beyond."""
    quiet = QUIET * np.minimum(loudness, 1.0)
    return np.asarray(quiet + np.log(np.maximum(loudness, 1.0)))


def _expanded(compressed: FloatArray) -> FloatArray:
    """The inverse of `_compressed`."""
    beyond = np.exp(np.maximum(compressed - QUIET, 0.0))
    return np.asarray(np.where(compressed < QUIET, compressed / QUIET, beyond))


def _over_channels(per_channel: FloatArray, heard: FloatArray, aggregate: Aggregate) -> FloatArray:
    """(T, C) -> (T,), skipping channels that are NaN."""
    known = ~np.isnan(per_channel)
    if per_channel.shape[1] == 1:
        return per_channel[:, 0].copy()  # however channels are joined, one is itself
    if aggregate == "max":
        score = np.where(known, per_channel, 0.0).max(axis=1)
    else:
        count = np.maximum(known.sum(axis=1), 1)
        score = np.where(known, heard, 0.0).sum(axis=1) / count
        if aggregate != "mean":
            score = np.sqrt(score)
        if aggregate == "log":
            score = _expanded(score)
    return np.where(known.any(axis=1), score, np.nan)


def _nan_sum(values: FloatArray, axis: int) -> FloatArray:
    """Sum without NaN; NaN where all are."""
    known = ~np.isnan(values)
    total = np.where(known, values, 0.0).sum(axis=axis)
    return np.where(known.any(axis=axis), total, np.nan)


def _total(sums: FloatArray) -> FloatArray:
    """A divisor: zero sums become tiny, so that shares of nothing are 0 and not NaN."""
    return np.where(sums == 0, np.finfo(np.float64).tiny, sums)
