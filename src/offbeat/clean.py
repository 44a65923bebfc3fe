"""Missing values and scales: what happens to the numbers before they are learned.

All of it works on arrays of shape (T, C) on a regular grid. What is fitted is fitted on the
training part; nothing here changes an array that it was given.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self, get_args

import numpy as np

from offbeat.errors import ConfigError, DataError, ModelFileError, NotFittedError, one_of
from offbeat.outliers import spread_of
from offbeat.series import BoolArray, FloatArray, IntArray

__all__ = ["ImputeMethod", "Imputer", "ScaleMethod", "Scaler"]

ImputeMethod = Literal["ffill", "bfill", "linear", "mean", "median", "knn"]
ScaleMethod = Literal["standard", "robust", "minmax", "minmax_symmetric"]

# Less has no square above 0: a channel that moves by no more stands still.
SMALLEST_SPREAD = 1e-150
N_NEIGHBOURS = 5
MAX_REFERENCE = 2_000
KNN_CHUNK = 4_096


class Imputer:
    """Fills short gaps and says which values it made up.

    Parameters
    ----------
    method
        `ffill` holds the last value, `bfill` the next one, `linear` draws a line between the two,
        `mean` and `median` are those of the training part, `knn` the mean of the training rows
        that are most like this one and the one before it.
    max_gap
        Longest gap in rows that is filled. A longer one stays NaN as a whole; a live watcher
        (`causal=True`), who cannot know how long a gap will be, fills its first `max_gap` rows.
    """

    def __init__(self, method: ImputeMethod = "linear", max_gap: int = 10) -> None:
        self.method = method
        self.max_gap = max_gap

    def fit(self, values: FloatArray) -> Self:
        """Learn what the method needs from the training part, shape (T, C).

        Raises
        ------
        ConfigError
            If the method is unknown or `max_gap` is no whole number >= 0.
        """
        one_of("impute", self.method, get_args(ImputeMethod))
        if isinstance(self.max_gap, bool) or not isinstance(self.max_gap, int) or self.max_gap < 0:
            raise ConfigError(f"max_gap={self.max_gap}: a number of rows >= 0 was expected")
        columns = [column[~np.isnan(column)] for column in values.T]
        self.mean_ = np.array([(c / len(c)).sum() if len(c) else np.nan for c in columns])
        self.median_ = np.array([np.median(c) if len(c) else np.nan for c in columns])
        spread = np.array([spread_of(column) for column in columns])
        self.spread_ = np.where(spread > 0, spread, 1.0)
        self.reference_ = np.empty((0, 2 * values.shape[1]))
        if self.method == "knn":
            described = self._described(values)
            known = np.flatnonzero(~np.isnan(values).all(axis=1))
            picked = np.linspace(0, len(known) - 1, min(len(known), MAX_REFERENCE))
            self.reference_ = described[known[np.unique(picked.astype(np.int64))]]
        return self

    def transform(
        self, values: FloatArray, *, causal: bool = False
    ) -> tuple[FloatArray, BoolArray]:
        """Fill the gaps.

        Parameters
        ----------
        values
            Shape (T, C), NaN where a value is missing.
        causal
            Use nothing that comes later: `linear` and `bfill` hold the last value instead, and a
            gap at the start is filled by `mean`, `median` and `knn` only.

        Returns
        -------
        Filled values and the mask of those that were made up, both of shape (T, C). A gap at the
        start has no last value: `ffill` leaves it, `linear` holds the next one; in a gap at the
        end `bfill` leaves it, `linear` holds the last one.
        """
        _check_channels(values, len(self.state()["mean"]))
        method = self.method
        if causal and method in ("linear", "bfill"):
            method = "ffill"
        open_ = np.isnan(values)
        filled = np.array(values, dtype=np.float64)
        for column in np.flatnonzero(open_.any(axis=0)):
            before, after = _neighbours(open_[:, column])
            rows = np.flatnonzero(open_[:, column])
            length = after[rows] - before[rows] - 1
            if causal:
                length = rows - before[rows]
            rows = rows[length <= self.max_gap]
            if method in ("mean", "median"):
                filled[rows, column] = (self.mean_ if method == "mean" else self.median_)[column]
            elif method == "knn":
                filled[rows, column] = np.inf  # asked for below, where a row is filled at once
            else:
                source = values[:, column]
                filled[rows, column] = _from_neighbours(source, rows, before, after, method)
        if method == "knn":
            self._fill_described(self._described(values), filled)
        return filled, open_ & ~np.isnan(filled)

    def fill_live(self, values: FloatArray, last: FloatArray, waited: IntArray) -> FloatArray:
        """Fill one row each of many series, as `transform` with `causal` fills the rows of one.

        Parameters
        ----------
        values
            Shape (B, C), NaN where a value is missing.
        last
            The last known values before, shape (B, C); NaN where there is none.
        waited
            Rows since then, this one included (all rows, where there is none), shape (B, C).
        """
        wanted = np.isnan(values) & (waited <= self.max_gap)
        if not wanted.any():
            return values
        if self.method in ("mean", "median"):
            return np.where(wanted, self.mean_ if self.method == "mean" else self.median_, values)
        if self.method != "knn":
            return np.where(wanted, last, values)
        filled = np.where(wanted, np.inf, values)
        described = np.hstack([values, last]) - np.tile(self.mean_, 2)
        self._fill_described(described / np.tile(self.spread_, 2), filled)
        return filled

    def state(self) -> dict[str, np.ndarray]:
        """What was learned, as plain arrays."""
        if not hasattr(self, "mean_"):
            raise NotFittedError("this imputer is not fitted: call fit first")
        state = {"mean": self.mean_, "median": self.median_, "spread": self.spread_}
        return state | {"reference": self.reference_}

    def restore(self, state: Mapping[str, np.ndarray]) -> Self:
        """Take over what `state` gave.

        Raises
        ------
        ModelFileError
            If an array is missing or has another shape than `state` gives.
        """
        n_channels = len(_array(state, "mean"))
        self.mean_ = _array(state, "mean", n_channels)
        self.median_ = _array(state, "median", n_channels)
        self.spread_ = _array(state, "spread", n_channels)
        self.reference_ = _array(state, "reference")
        if self.reference_.shape != (len(self.reference_), 2 * n_channels):
            raise ModelFileError(f"imputer reference has shape {self.reference_.shape}")
        return self

    def _described(self, values: FloatArray) -> FloatArray:
        """Each row by its own values and the last known ones before it, shape (T, 2 C)."""
        scaled = (values - self.mean_) / self.spread_
        last = np.full_like(scaled, np.nan)
        for column in range(scaled.shape[1]):
            before, _ = _neighbours(np.isnan(scaled[:, column]))
            known = np.flatnonzero(before[:-1] >= 0) + 1
            last[known, column] = scaled[before[known - 1], column]
        return np.hstack([scaled, last])

    def _fill_described(self, described: FloatArray, filled: FloatArray) -> None:
        """Put in place of infinite values (T, C) the mean of the rows most like those described,
        (T, 2 C)."""
        wanted = np.isinf(filled)
        rows = np.flatnonzero(wanted.any(axis=1))
        filled[wanted] = np.nan
        if len(rows) == 0 or len(self.reference_) == 0:
            return
        from sklearn.impute import KNNImputer  # loading it takes a second or two

        nearest = KNNImputer(n_neighbors=N_NEIGHBOURS, weights="distance", keep_empty_features=True)
        nearest.fit(self.reference_)
        n_channels = filled.shape[1]
        known = ~np.isnan(self.mean_)
        for start in range(0, len(rows), KNN_CHUNK):
            some = rows[start : start + KNN_CHUNK]
            found = nearest.transform(described[some])[:, :n_channels]
            found = found * self.spread_ + self.mean_
            filled[some] = np.where(wanted[some] & known, found, filled[some])


class Scaler:
    """Brings each channel to a common scale: `(x - centre_) / unit_`.

    Parameters
    ----------
    method
        `standard`: mean 0, standard deviation 1. `robust`: median 0, distance between the quartiles
        1, or the standard deviation where that distance is 0. `minmax`: the training part lies in
        [0, 1], `minmax_symmetric`: in [-1, 1]. A constant channel becomes 0 and keeps its unit.
    """

    def __init__(self, method: ScaleMethod = "standard") -> None:
        self.method = method

    def fit(self, values: FloatArray) -> Self:
        """Learn unit and centre from the training part, shape (T, C); NaN is left out.

        Raises
        ------
        ConfigError
            If the method is unknown.
        DataError
            If a channel has no value at all.
        """
        one_of("scaling", self.method, get_args(ScaleMethod))
        empty = np.isnan(values).all(axis=0)
        if empty.any():
            raise DataError(
                f"channel number {int(np.argmax(empty))} has no value to fit a scale to"
            )
        # Exact powers of two, so that neither huge nor tiny units overflow or count as constant.
        size = np.exp2(np.floor(np.log2(np.maximum(np.nanmax(np.abs(values), axis=0), 1e-300))))
        unit, centre = _unit_and_centre(values / size, self.method)
        constant = np.nanmax(values, axis=0) - np.nanmin(values, axis=0) < SMALLEST_SPREAD
        self.unit_ = np.where(constant, 1.0, unit * size)
        self.centre_ = np.where(constant, np.nanmax(values, axis=0), centre * size)
        return self

    def set_affine(self, channel: int, *, scale: float, offset: float) -> None:
        """Let one channel become `x * scale + offset` instead."""
        self.unit_[channel], self.centre_[channel] = 1 / scale, -offset / scale

    def transform(self, values: FloatArray) -> FloatArray:
        """To the common scale, shape (..., C)."""
        _check_channels(values, len(self.state()["unit"]))
        scaled: FloatArray = (values - self.centre_) / self.unit_
        return scaled

    def inverse(self, values: FloatArray) -> FloatArray:
        """Back to the data's own units, shape (..., C)."""
        _check_channels(values, len(self.state()["unit"]))
        restored: FloatArray = values * self.unit_ + self.centre_
        return restored

    def state(self) -> dict[str, np.ndarray]:
        """What was learned, as plain arrays."""
        if not hasattr(self, "unit_"):
            raise NotFittedError("this scaler is not fitted: call fit first")
        return {"unit": self.unit_, "centre": self.centre_}

    def restore(self, state: Mapping[str, np.ndarray]) -> Self:
        """Take over what `state` gave.

        Raises
        ------
        ModelFileError
            If an array is missing, has another shape, or a unit is no finite number above 0.
        """
        unit = _array(state, "unit")
        centre = _array(state, "centre", len(unit))
        if not (np.isfinite(unit).all() and (unit > 0).all() and np.isfinite(centre).all()):
            raise ModelFileError("the scaler holds a unit or centre that is no usable number")
        self.unit_, self.centre_ = unit, centre
        return self


def _check_channels(values: FloatArray, n_channels: int) -> None:
    if values.shape[-1:] != (n_channels,):
        raise DataError(f"{n_channels} channels were expected, shape {values.shape} came")


def _neighbours(missing: BoolArray) -> tuple[IntArray, IntArray]:
    """The last known row up to each row (-1 if none) and the next known one (T if none)."""
    rows = np.arange(len(missing))
    before = np.maximum.accumulate(np.where(missing, -1, rows))
    after = np.minimum.accumulate(np.where(missing, len(missing), rows)[::-1])[::-1]
    return before, after


def _from_neighbours(
    source: FloatArray, rows: IntArray, before: IntArray, after: IntArray, method: ImputeMethod
) -> FloatArray:
    padded = np.append(source, np.nan)  # row T and row -1 are both this NaN
    last, following = padded[before[rows]], padded[after[rows]]
    if method == "ffill":
        return last
    if method == "bfill":
        return following
    share = (rows - before[rows]) / (after[rows] - before[rows])
    line = last * (1 - share) + following * share
    return np.where(np.isnan(last), following, np.where(np.isnan(following), last, line))


def _unit_and_centre(values: FloatArray, method: ScaleMethod) -> tuple[FloatArray, FloatArray]:
    """Unit and centre of each channel, shape (C,); what a unit of 0 would divide by is 1."""
    if method in ("minmax", "minmax_symmetric"):
        low, high = np.nanmin(values, axis=0), np.nanmax(values, axis=0)
        unit, centre = high - low, low
        if method == "minmax_symmetric":
            unit, centre = unit / 2, low + unit / 2
    else:
        unit, centre = np.nanstd(values, axis=0), np.nanmean(values, axis=0)
    if method == "robust":
        lower, centre, upper = np.nanpercentile(values, [25, 50, 75], axis=0)
        unit = np.where(upper > lower, upper - lower, unit)
    return np.where(unit > 0, unit, 1.0), centre


def _array(state: Mapping[str, np.ndarray], name: str, length: int | None = None) -> FloatArray:
    if name not in state:
        raise ModelFileError(f"the model holds no array {name!r}")
    array = np.asarray(state[name], dtype=np.float64)
    if length is not None and array.shape != (length,):
        raise ModelFileError(f"array {name!r}: shape ({length},) expected, {array.shape} came")
    return array
