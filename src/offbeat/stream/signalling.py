"""The signals of one row each of many series: the incremental twin of `Look.signals`."""

from __future__ import annotations

import numpy as np

from offbeat.judging import Look
from offbeat.scores import Track
from offbeat.series import FloatArray, IntArray
from offbeat.signals import change_size, error_signals, latest_moment
from offbeat.stream.perseries import PerSeries, Recent
from offbeat.stream.preparing import Ready

__all__ = ["LiveSignals", "MovingMeans"]

MOMENTS = ("skewness", "kurtosis")


class MovingMeans(PerSeries):
    """Means over the last rows of every series that skip NaN, over several windows at once.

    Sums are kept and added up anew whenever the ring of rows has gone round, so that roundings
    never pile up.

    Parameters
    ----------
    windows
        Rows, K of them.
    n_channels
        C.
    signed
        Whether values may be below 0.
    """

    ring: FloatArray  # (S, n, C)
    sums: FloatArray  # (S, K, C)
    counts: IntArray
    at: IntArray  # (S,)

    def __init__(self, windows: tuple[int, ...], n_channels: int, *, signed: bool) -> None:
        super().__init__()
        self._windows, self._signed = np.array(windows), signed
        self._remember("ring", np.full((max(windows), n_channels), np.nan))
        self._remember("sums", np.zeros((len(windows), n_channels)))
        self._remember("counts", np.zeros((len(windows), n_channels)), np.int64)
        self._remember("at", 0, np.int64)

    def step(self, rows: IntArray, values: FloatArray) -> FloatArray:
        """Take in one row each, (B, C); the means, (B, K, C), NaN where a window holds nothing."""
        n_rows, known = self.ring.shape[1], ~np.isnan(values)
        if n_rows == 1:
            return values[:, None]
        at = self.at[rows]
        gone = self.ring[rows[:, None], (at[:, None] - self._windows) % n_rows]  # (B, K, C)
        leaves = ~np.isnan(gone)
        counts = self.counts[rows] + known[:, None] - leaves
        sums = self.sums[rows]
        sums += np.where(known, values, 0.0)[:, None]
        sums -= np.where(leaves, gone, 0.0)
        self.ring[rows, at] = values
        at = (at + 1) % n_rows
        round_ = np.flatnonzero(at == 0)
        if len(round_):
            newest_last = self.ring[rows[round_]]  # (b, n, C)
            for k, window in enumerate(self._windows):
                sums[round_, k] = np.nansum(newest_last[:, n_rows - window :], axis=1)
        self.sums[rows], self.counts[rows], self.at[rows] = sums, counts, at
        means = sums / np.maximum(counts, 1)
        if not self._signed:
            np.maximum(means, 0.0, out=means)
        return np.where(counts > 0, means, np.nan)


class LiveSignals(PerSeries):
    """Every track of a `Look`, smoothed, one row at a time.

    Parameters
    ----------
    look
        How a series is looked at as it comes in.
    targets
        Columns that are judged.
    warm_up
        First rows of a segment of which nothing is said.
    """

    lasting: FloatArray  # (S, K, C): the last smoothed value of each track that had one of its own

    def __init__(self, look: Look, targets: list[int], warm_up: int) -> None:
        super().__init__()
        self.tracks: tuple[Track, ...] = look.tracks
        self._look, self._targets, self._warm_up = look, targets, warm_up
        names = list(dict.fromkeys(track.signal for track in self.tracks))
        windows = {
            name: tuple(track.window for track in self.tracks if track.signal == name)
            for name in names
        }
        self._names, n_channels = names, len(targets)
        self.means = tuple(
            MovingMeans(windows[name], n_channels, signed=name in MOMENTS) for name in names
        )
        if set(names) & set(MOMENTS):
            self.values = Recent(look.moment_window, (n_channels,))
        self._remember("lasting", np.full((len(self.tracks), n_channels), np.nan))

    def step(self, rows: IntArray, ready: Ready, error: FloatArray) -> list[FloatArray]:
        """One array (B, C_targets) a track, NaN in the warm-up and in long gaps."""
        scaled = ready.scaled[:, self._targets]
        cold = ready.place < self._warm_up
        raw = self._raw(rows, ready, error)
        smoothed = np.concatenate(
            [
                means.step(rows, np.where(cold[:, None], np.nan, raw[name]))
                for name, means in zip(self._names, self.means, strict=True)
            ],
            axis=1,
        )  # (B, K, C)
        lasting = self.lasting[rows]
        hollow = np.isnan(smoothed) & ~np.isnan(scaled)[:, None]
        hollow &= ~cold[:, None, None]
        held = np.where(hollow, np.where(np.isnan(lasting), 0.0, lasting), smoothed)
        self.lasting[rows] = np.where(hollow, lasting, smoothed)
        held[cold] = np.nan
        return list(held.swapaxes(0, 1))

    def _raw(self, rows: IntArray, ready: Ready, error: FloatArray) -> dict[str, FloatArray]:
        """The signals of these rows, (B, C_targets) each, in the order of the weights."""
        look, scaled = self._look, ready.scaled[:, self._targets]
        window = None
        if hasattr(self, "values"):
            self.values.push(rows, scaled)
            window = self.values.window(rows)  # (B, n, C)
        made = error_signals(look.scoring, error, look.wild)
        for name in self._names:
            if name == "rate_of_change":
                made[name] = change_size(scaled, ready.before[:, self._targets])
            elif name in MOMENTS and window is not None:
                made[name] = latest_moment(window, name)
        return made
