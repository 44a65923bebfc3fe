"""Judging: from what a method said of a series to the signals that its score is made of.

foresight -> raw signals -> blank in the warm-up -> smoothed -> held where values were filled in
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from offbeat.preparation import Prepared
from offbeat.scores import ErrorKind, Joined, Scoring, Smoothing, Track, find_wild
from offbeat.season import Season
from offbeat.series import BoolArray, FloatArray
from offbeat.signals import raw_signals, smooth, tracks_of

__all__ = [
    "DEFAULT_SMOOTHING",
    "Foreseen",
    "Foresight",
    "Judged",
    "Look",
    "band_width",
    "smoothing_windows",
    "wild_channels",
]

BAND_QUANTILE = 0.99
"""Share of the training values that lies inside the band."""
UNKNOWN_BAND = 3.0
"""Half-width, in forecast scales, of the band of a channel of which nothing is known."""
MIN_MOMENT_ROWS = 30
DEFAULT_SMOOTHING = 128
"""Taken for the period in smoothing where none was found."""
MAX_SMOOTHING_PERIOD = 400
"""Longer periods are not smoothed over: a day's mean at one row a second would hide everything."""
SMOOTHING_SCALES: Mapping[Smoothing, tuple[float, ...]] = {
    "trailing": (0.25, 0.5, 1.0),
    "centred": (0.5, 1.0, 2.0),
}
"""Windows of the moving means in periods; a longer look comes late when nothing ahead is known."""


@dataclass(frozen=True, eq=False)
class Foresight:
    """What a method says of each row of a prepared series, per target channel, in scaled units.

    Parameters
    ----------
    error
        Shape (T, C_targets), >= 0, in the unit of `Scoring.error`; NaN where nothing is said.
    expected, scale
        Shape (T, C_targets): the value foreseen and its usual deviation; NaN where none.
    reach
        Rows that an error speaks of: its own and those before it. Looking back, it is put in their
        middle.
    """

    error: FloatArray
    expected: FloatArray
    scale: FloatArray
    reach: int = 1

    def band(self, width: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Expected value, lower and upper edge, so many scales (C_targets,) away."""
        half = self.scale * width
        return self.expected, self.expected - half, self.expected + half

    def error_seen(self, mode: Smoothing) -> FloatArray:  # noqa: ARG002
        """The error that the score is made of: `error`, if a method has no other looking back."""
        return self.error


@dataclass(frozen=True, eq=False)
class Foreseen:
    """A regular series as a method sees it, and what it says of it."""

    prepared: Prepared
    foresight: Foresight

    def speaks_of(self, prepared: Prepared) -> bool:
        """Whether a method sees the same values there."""
        return np.array_equal(prepared.scaled, self.prepared.scaled, equal_nan=True)


@dataclass(frozen=True, eq=False)
class Judged(Foreseen):
    """What was foreseen of a regular series, and the score that came of that."""

    joined: Joined


@dataclass(frozen=True, eq=False)
class Look:
    """How a series is looked at: as it comes in, or looking back.

    Parameters
    ----------
    mode
        Which of the two.
    scoring
        The signals that take part.
    windows
        Rows that the forecast error is smoothed over.
    period
        Rows of a period; None where there is none.
    wild
        Shape (C_targets,), which channels are wild, see `offbeat.scores.WILD`.
    """

    mode: Smoothing
    scoring: Scoring
    windows: tuple[int, ...]
    period: int | None
    wild: BoolArray

    @property
    def tracks(self) -> tuple[Track, ...]:
        """Every signal with its windows."""
        return tracks_of(self.scoring, self.windows, self.windows[len(self.windows) // 2])

    def signals(self, seen: Foreseen, targets: Sequence[int], warm_up: int) -> list[FloatArray]:
        """Every track, smoothed.

        Parameters
        ----------
        seen
            What was said of a series.
        targets
            Columns that are judged.
        warm_up
            First rows of a segment of which nothing is said.

        Returns
        -------
        One array (T, C_targets) a track, NaN in the warm-up and in long gaps.
        """
        foresight, scaled = seen.foresight, seen.prepared.scaled[:, targets]
        cold = _cold_rows(seen.prepared, warm_up)
        raw = raw_signals(
            self.scoring,
            foresight.error_seen(self.mode),
            scaled,
            moment_window=self.moment_window,
            wild=self.wild,
        )
        back = (foresight.reach - 1) // 2 if self.mode == "centred" else 0
        ready = {name: _moved_back(_blank(signal, cold), back) for name, signal in raw.items()}
        return [
            _held(smooth(ready[track.signal], track.window, self.mode), scaled, cold)
            for track in self.tracks
        ]

    @property
    def moment_window(self) -> int:
        """Rows over which skewness and kurtosis are taken."""
        given = self.scoring.moment_window
        if given is not None:
            return given
        return max(MIN_MOMENT_ROWS, min(self.period or 0, MAX_SMOOTHING_PERIOD))


def smoothing_windows(scoring: Scoring, season: Season | None, mode: Smoothing) -> tuple[int, ...]:
    """Rows that the forecast error is smoothed over: as given, or by the period."""
    given = scoring.smoothing_window
    if given is not None:
        return given if isinstance(given, tuple) else (given,)
    period = min(season.period if season else DEFAULT_SMOOTHING, MAX_SMOOTHING_PERIOD)
    return tuple(max(1, round(scale * period)) for scale in SMOOTHING_SCALES[mode])


def wild_channels(foresight: Foresight, kind: ErrorKind, learned: BoolArray) -> BoolArray:
    """Channels whose single errors say little; an error that speaks of many rows says much."""
    if foresight.reach > 1:
        return np.zeros(foresight.error.shape[1], dtype=bool)
    return find_wild(foresight.error, kind, learned)


def band_width(seen: Foreseen, targets: Sequence[int], learned: BoolArray) -> FloatArray:
    """Half-width of the band in forecast scales, per target, from the rows `learned` (T,)."""
    residual = np.abs(seen.prepared.observed[:, targets] - seen.foresight.expected)
    ratio = (residual / seen.foresight.scale)[learned]
    columns = (column[~np.isnan(column)] for column in ratio.T)
    return np.array([np.quantile(c, BAND_QUANTILE) if len(c) else UNKNOWN_BAND for c in columns])


def _cold_rows(prepared: Prepared, warm_up: int) -> BoolArray:
    """Rows outside the segments, and the warm-up of each segment, shape (T,)."""
    cold = np.ones(prepared.n_rows, dtype=bool)
    for start, end in prepared.segments:
        cold[start + warm_up : end] = False
    return cold


def _held(signal: FloatArray, scaled: FloatArray, cold: BoolArray) -> FloatArray:
    """An imputed value brings no error of its own: the last score before it holds."""
    hollow = np.isnan(signal) & ~np.isnan(scaled)
    hollow[cold] = False
    if hollow.any():
        last = np.where(hollow, 0, np.arange(len(signal))[:, None])
        last = np.maximum.accumulate(last, axis=0)
        signal = np.where(hollow, np.take_along_axis(signal, last, axis=0), signal)
        signal = np.where(hollow & np.isnan(signal), 0.0, signal)
    return _blank(signal, cold)


def _blank(signal: FloatArray, rows: BoolArray) -> FloatArray:
    """The signal with NaN in these rows."""
    return np.where(rows[:, None], np.nan, signal)


def _moved_back(signal: FloatArray, n_rows: int) -> FloatArray:
    """Row t + n_rows in row t, shape (T, C); NaN at the end."""
    if n_rows == 0:
        return signal
    end = np.full((min(n_rows, len(signal)), signal.shape[1]), np.nan)
    return np.concatenate([signal[n_rows:], end])
