"""The cut, row by row: one number, or one that follows the scores of each series."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from offbeat.errors import ConfigError, DataError
from offbeat.series import FloatArray, IntArray
from offbeat.stream.perseries import PerSeries
from offbeat.thresholds import Calibration, RollingThreshold, Threshold
from offbeat.thresholds.base import StaticThreshold, bounded
from offbeat.thresholds.rolling import RollingCut
from offbeat.thresholds.scaled import ScaledThreshold

__all__ = ["LiveCut", "live_cut"]


class LiveCut(PerSeries):
    """A cut that is the same for all rows of all series.

    Attributes
    ----------
    frozen
        While it is set, a cut that moves stays where it is and learns nothing.
    """

    frozen = False

    def __init__(self, value: float) -> None:
        super().__init__()
        self._value = value

    def step(self, rows: IntArray, score: FloatArray) -> FloatArray:
        """The cut of the next row of each of these series, (B,), whose scores are learned then."""
        del score
        return np.full(len(rows), self._value)


class LiveRollingCut(LiveCut):
    """`RollingThreshold`, a series each of its own."""

    level: FloatArray  # (S,)
    block: FloatArray  # (S, every): scores since the last recomputation
    n_in_block: IntArray  # (S,)

    def __init__(
        self, threshold: RollingThreshold, calibration: Calibration, factor: float
    ) -> None:
        self._threshold, self._calibration = threshold, calibration
        self._cuts = list[RollingCut]()
        self._fresh_cut = RollingCut(threshold, calibration)
        super().__init__(self._fresh_cut.level)
        self._every, self._factor = threshold.every_rows(calibration), factor
        self._remember("level", self._fresh_cut.level)
        self._remember("block", np.full(self._every, np.nan))
        self._remember("n_in_block", 0, np.int64)

    def step(self, rows: IntArray, score: FloatArray) -> FloatArray:
        """As `LiveCut.step`."""
        cut = _scaled(self.level[rows], self._factor)
        at = self.n_in_block[rows]
        self.block[rows, at] = np.nan if self.frozen else score
        self.n_in_block[rows] = (at + 1) % self._every
        if not self.frozen:
            for row in rows[at + 1 == self._every]:
                self._cuts[row].take(self.block[row])
                self.level[row] = self._cuts[row].level
        return cut

    def skip(self, rows: IntArray, n_rows: IntArray) -> None:
        """As `PerSeries.skip`."""
        for row, n_skipped in zip(rows, n_rows, strict=True):
            left = int(n_skipped)
            while left > 0:  # two blocks of nothing change no more than one
                n_now = min(left, self._every - int(self.n_in_block[row]))
                for _ in range(n_now):
                    self.step(np.array([row]), np.array([np.nan]))
                left -= n_now
                if self.n_in_block[row] == 0:
                    left %= self._every

    def grow(self, n_series: int) -> None:
        """As `PerSeries.grow`."""
        super().grow(n_series)
        while len(self._cuts) < n_series:
            self._cuts.append(RollingCut(self._threshold, self._calibration))

    def state(self, n_series: int) -> dict[str, np.ndarray]:
        """As `PerSeries.state`."""
        ordinary = [cut.state() for cut in self._cuts[:n_series]]
        width = len(self._fresh_cut.state())
        return {**super().state(n_series), "ordinary": np.array(ordinary).reshape(-1, width)}

    def restore(self, arrays: Mapping[str, np.ndarray], n_series: int) -> None:
        """As `PerSeries.restore`."""
        super().restore(arrays, n_series)
        kept = arrays.get("ordinary")
        if kept is None or kept.shape != (n_series, len(self._fresh_cut.state())):
            raise DataError("the checkpoint does not fit this model: array 'ordinary'")
        for cut, state in zip(self._cuts, kept, strict=False):
            cut.restore(state)


def live_cut(threshold: Threshold, calibration: Calibration) -> LiveCut:
    """The cut of a threshold, row by row.

    Raises
    ------
    ConfigError
        If the method judges a row together with later ones.
    """
    factor, base = 1.0, threshold
    if isinstance(threshold, ScaledThreshold):
        factor, base = threshold.factor, threshold.base
    if isinstance(base, RollingThreshold):
        return LiveRollingCut(base, calibration, factor)
    if isinstance(base, StaticThreshold):
        return LiveCut(float(threshold.cut(calibration, np.zeros(1))[0]))
    raise ConfigError(
        f"{threshold.title} judges a row together with later ones, which a stream does not have: "
        f"set_threshold to another one first, such as RollingThreshold()"
    )


def _scaled(cut: FloatArray, factor: float) -> FloatArray:
    if factor == 1.0:
        return cut
    with np.errstate(over="ignore"):
        return np.asarray(np.clip(factor * cut, bounded(0.0), bounded(np.inf)))
