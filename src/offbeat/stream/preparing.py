"""Preparing one row each of many series, as `FittedPreparation.prepare` does causally for one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from offbeat.preparation import FittedPreparation
from offbeat.series import BoolArray, FloatArray, IntArray
from offbeat.stream.perseries import PerSeries

__all__ = ["LivePreparation", "Ready"]


@dataclass(frozen=True, eq=False)
class Ready:
    """One row each of B series, ready for a model; as `Prepared` has them.

    Parameters
    ----------
    filled, imputed, scaled, base, hollow
        Shape (B, C).
    before
        `scaled` of the row before, shape (B, C).
    place
        Shape (B,): how many rows of its segment come before it; -1 in a long gap.
    """

    filled: FloatArray
    imputed: BoolArray
    scaled: FloatArray
    base: FloatArray
    hollow: BoolArray
    before: FloatArray
    place: IntArray

    @property
    def observed(self) -> FloatArray:
        """`scaled` without what rests on an imputed value, (B, C)."""
        return np.where(self.hollow, np.nan, self.scaled)


class LivePreparation(PerSeries):
    """A fitted preparation, one row at a time."""

    last: FloatArray  # (S, C): the last value that was measured
    waited: IntArray  # (S, C): rows since then
    filled: FloatArray  # (S, C), and these two: of the row before
    imputed: BoolArray
    scaled: FloatArray
    place: IntArray  # (S,)

    def __init__(self, fitted: FittedPreparation, n_channels: int) -> None:
        super().__init__()
        self._fitted = fitted
        unknown = np.full(n_channels, np.nan)
        for name in ("last", "filled", "scaled"):
            self._remember(name, unknown)
        self._remember("waited", np.zeros(n_channels), np.int64)
        self._remember("imputed", np.zeros(n_channels), np.bool_)
        self._remember("place", -1, np.int64)

    def step(self, rows: IntArray, values: FloatArray) -> Ready:
        """Prepare one row each, (B, C) with NaN where nothing was measured, of these series."""
        fitted, missing = self._fitted, np.isnan(values)
        last, waited = self.last[rows], self.waited[rows]
        waited += 1
        filled = values
        if missing.any():
            filled = fitted.imputer.fill_live(values, last, waited)
        imputed = missing & ~np.isnan(filled)
        base, hollow = np.zeros_like(filled), imputed
        if fitted.wanders.any():
            base = fitted.base_of(filled, self.filled[rows])
            hollow = imputed | (self.imputed[rows] & fitted.wanders)
        scaled = fitted.scaler.transform(filled - base)
        known = ~np.isnan(filled[:, fitted.targets]).all(axis=1)
        place = np.where(known, self.place[rows] + 1, -1)
        ready = Ready(filled, imputed, scaled, base, hollow, self.scaled[rows], place)
        self.last[rows] = np.where(missing, last, values)
        self.waited[rows] = np.where(missing, waited, 0)
        self.filled[rows], self.imputed[rows] = filled, imputed
        self.scaled[rows], self.place[rows] = scaled, place
        return ready
