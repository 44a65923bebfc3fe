"""What happens to the data before the network sees them: grid, imputing, outliers, scaling.

Everything is fitted on the rows of the training part and applied unchanged to whatever is scored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Literal, Self, get_args

import numpy as np

from offbeat.clean import ImputeMethod, Imputer, ScaleMethod, Scaler
from offbeat.errors import ConfigError, DataError, one_of
from offbeat.grid import Grid, row_at
from offbeat.outliers import RepairFill, hampel, repair
from offbeat.series import BoolArray, FloatArray, Series
from offbeat.stamps import time_text
from offbeat.storable import part, under

__all__ = [
    "Contamination",
    "Differencing",
    "FittedPreparation",
    "Outlier",
    "OutlierAction",
    "Preparation",
    "Prepared",
    "Span",
    "confirmed_first",
    "network_inputs",
    "span_rows",
    "taught_rows",
]

OutlierAction = Literal["off", "report", "apply"]
Differencing = Literal["auto", "never", "always"]
Contamination = Literal["auto", "off"]
Span = tuple[int | str | datetime, int | str | datetime]
"""A stretch of time [start, end): two rows, or two time stamps."""

N_BLOCKS, WANDER_SHARE, WANDER_STEP = 8, 0.9, 0.3
"""A channel wanders if the means of 8 blocks of the training part explain 90 % of its variance and
its steps are small beside its spread: memory in use, a load average, a price. Its level says
nothing about normal; its changes do."""

MIN_OUTLIER_WINDOW = 3
"""A median of fewer rows is no neighbourhood."""

CONSTANT_SCALE = 0.1
"""A channel that never moved in training is measured in tenths of its value (at least 0.1)."""


@dataclass(frozen=True)
class Preparation:
    """How the data are prepared.

    Parameters
    ----------
    step
        Regular step, as "1min" or a `timedelta`; None infers it from the training part.
    impute
        How missing values are filled: "linear", "ffill", "bfill", "mean", "median" or "knn".
        Where a score may not look ahead (trailing smoothing), "linear" and "bfill" fill forward.
    max_gap
        Longest gap, in rows, that is filled. Longer ones stay gaps: not scored, not learned.
    outliers
        Hampel filter over the training part: "off", "report" (list them) or "apply" (list and
        replace them). Scored data are never changed.
    outlier_fill
        What replaces them: rolling "median" or "mean", "interpolate", or "drop" (not learned).
    outlier_window, outlier_sigmas
        Rows of the rolling median, and how many robust deviations from it are an outlier.
    scaling
        "standard", "robust", "minmax" ([0, 1]) or "minmax_symmetric" ([-1, 1]).
    contamination
        "auto": rows of the training part that stand out by far from the rest do not say what is
        usual, count little for the cut, and are listed; what is not a network learns without them.
        "off": all rows count alike.
    difference
        Channels whose level wanders are learned by their changes from row to row: "auto" finds
        them in the training part, "never", "always" (every channel).
    """

    step: str | timedelta | int | None = None
    impute: ImputeMethod = "linear"
    max_gap: int = 10
    outliers: OutlierAction = "report"
    outlier_fill: RepairFill = "median"
    outlier_window: int = 11
    outlier_sigmas: float = 10.0
    scaling: ScaleMethod = "standard"
    contamination: Contamination = "auto"
    difference: Differencing = "auto"

    def check(self) -> None:
        """Raise a `ConfigError` for the first value that it cannot have."""
        one_of("impute", self.impute, get_args(ImputeMethod))
        one_of("outliers", self.outliers, get_args(OutlierAction))
        one_of("outlier_fill", self.outlier_fill, get_args(RepairFill))
        one_of("scaling", self.scaling, get_args(ScaleMethod))
        one_of("contamination", self.contamination, get_args(Contamination))
        one_of("difference", self.difference, get_args(Differencing))
        if not _whole(self.max_gap) or self.max_gap < 0:
            raise ConfigError(f"max_gap must be a whole number >= 0, {self.max_gap!r} came")
        window = self.outlier_window
        if not _whole(window) or window < MIN_OUTLIER_WINDOW or window % 2 == 0:
            raise ConfigError(
                f"outlier_window must be an odd whole number >= {MIN_OUTLIER_WINDOW}, "
                f"{window!r} came"
            )
        if not self.outlier_sigmas > 0:
            raise ConfigError(f"outlier_sigmas must be above 0, {self.outlier_sigmas!r} came")


@dataclass(frozen=True)
class Outlier:
    """A value of the training part that stands out from its neighbours."""

    row: int
    time: np.datetime64 | int
    channel: str
    value: float
    replaced_by: float | None
    """What it was replaced by for learning; None where it was only reported, NaN where dropped."""

    def to_dict(self) -> dict[str, object]:
        """JSON-able; time stamps as ISO text."""
        return {**asdict(self), "time": self.time if isinstance(self.time, int) else str(self.time)}

    @classmethod
    def from_dict(cls, outlier: Mapping[str, Any]) -> Outlier:
        """What `to_dict` gave."""
        time = outlier["time"]
        stamp = time if isinstance(time, int) else np.datetime64(time, "ns")
        return cls(**{**outlier, "time": stamp})


@dataclass(frozen=True, eq=False)
class Prepared:
    """A regular series, ready for a model.

    Parameters
    ----------
    grid
        The regular series as measured, NaN where nothing was.
    filled
        The same with short gaps filled, in the data's units, shape (T, C).
    imputed
        Which values were filled, shape (T, C).
    scaled
        `filled`, scaled; NaN in long gaps, shape (T, C). Of a channel that wanders, its change.
    base
        What must be added to an unscaled value to be in the data's units, shape (T, C): the row
        before for a channel that wanders, else 0.
    hollow
        Values of `scaled` that rest on an imputed one, shape (T, C).
    segments
        Stretches [start, end) of rows in which some target is known.
    """

    grid: Grid
    filled: FloatArray
    imputed: BoolArray
    scaled: FloatArray
    base: FloatArray
    hollow: BoolArray
    segments: tuple[tuple[int, int], ...]

    @property
    def n_rows(self) -> int:
        return len(self.filled)

    @property
    def observed(self) -> FloatArray:
        """`scaled` without the imputed values, (T, C): what may be learned and judged."""
        return np.where(self.hollow, np.nan, self.scaled)

    def network_inputs(self, clip: float) -> np.ndarray:
        """Shape (T, C), float32: clipped to +-`clip`, 0 (the usual value) where unknown."""
        return network_inputs(self.scaled, clip)


def network_inputs(scaled: FloatArray, clip: float) -> np.ndarray:
    """Scaled values as a network reads them, see `Prepared.network_inputs`."""
    inputs = np.clip(scaled, -clip, clip).astype(np.float32)
    inputs[np.isnan(inputs)] = 0.0
    return inputs


def _whole(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool)


def span_rows(series: Series, spans: Sequence[Span]) -> BoolArray:
    """Which rows lie in one of the spans, shape (T,); a span may hang over the ends of the series.

    Raises
    ------
    DataError
        If a span lies outside the series or ends before it starts.
    """
    inside = np.zeros(len(series), dtype=bool)
    for span in spans:
        if len(span) != 2:  # noqa: PLR2004 - a span is (start, end)
            raise ConfigError(f"a span is (start, end), {span!r} came")
        start, end = (row_at(series.time, edge, zone=series.zone) for edge in span)
        if end <= start:
            raise DataError(
                f"span {span[0]} to {span[1]} holds no row: it must end after its start and lie "
                f"between {time_text(series.time[0])} and {time_text(series.time[-1])}"
            )
        inside[start:end] = True
    return inside


def taught_rows(
    series: Series,
    normal: Sequence[Span],
    exclude: Sequence[Span],
    expected: Sequence[Span] = (),
) -> BoolArray:
    """Which rows teach, shape (T,): those in a span of `normal`, or all; those in one of `expected`
    as well; none in one of `exclude`.

    Raises
    ------
    DataError
        If no row is left, or a span lies outside the series or ends before it starts.
    """
    taught = span_rows(series, normal) if normal else np.ones(len(series), dtype=bool)
    taught |= span_rows(series, expected)
    taught &= ~span_rows(series, exclude)
    if not taught.any():
        raise DataError("no row is left to learn from: the excluded spans cover them all")
    return taught


def confirmed_first(prepared: Prepared, confirmed: BoolArray) -> Prepared:
    """The segments with the confirmed ones in front.

    What judges the training is its end, and what a person asked for must teach.

    Parameters
    ----------
    prepared
        The training part.
    confirmed
        Shape (T,): rows that a person asked for.
    """
    if not confirmed.any():
        return prepared
    parts = list[tuple[int, int]]()
    for start, end in prepared.segments:
        changes = np.flatnonzero(np.diff(confirmed[start:end])) + start + 1
        edges = [start, *changes.tolist(), end]
        parts += pairwise(edges)
    return replace(prepared, segments=tuple(sorted(parts, key=lambda part: not confirmed[part[0]])))


class FittedPreparation:
    """A `Preparation` with what it learned from the training part.

    Parameters
    ----------
    options
        What to do.
    targets
        Columns that are forecast; a row without any of them is part of a gap.
    """

    def __init__(self, options: Preparation, targets: Sequence[int]) -> None:
        self.options = options
        self.targets = list(targets)
        self.imputer = Imputer(options.impute, options.max_gap)
        self.scaler = Scaler(options.scaling)
        self.wanders: BoolArray = np.zeros(0, dtype=bool)
        self.outliers: tuple[Outlier, ...] = ()

    def fit(self, grid: Grid, learned: BoolArray) -> Prepared:
        """Fit on the rows `learned` (T,) of the grid, and give the training material back."""
        series = grid.series
        values = np.where(learned[:, None], series.values, np.nan)
        dropped = np.zeros_like(values, dtype=bool)
        if self.options.outliers != "off":
            values, dropped = self._treat_outliers(series, values)
        self.imputer.fit(values)
        filled, imputed = self.imputer.transform(values)
        self.wanders = self._find_wandering(filled)
        moved = np.where(imputed | dropped, np.nan, filled) - self._base(filled)
        self.scaler.fit(moved)
        self._widen_constants(moved)
        return self._prepared(grid, filled, imputed | dropped)

    def prepare(self, grid: Grid, *, causal: bool) -> Prepared:
        """Apply to any grid of the same channels; with `causal` no value depends on later ones."""
        filled, imputed = self.imputer.transform(grid.series.values, causal=causal)
        return self._prepared(grid, filled, imputed)

    def in_data_units(self, scaled: FloatArray, prepared: Prepared) -> FloatArray:
        """Scaled values of all channels, (T, C), in the units of a series that was prepared."""
        return self.scaler.inverse(scaled) + prepared.base

    def _prepared(self, grid: Grid, filled: FloatArray, imputed: BoolArray) -> Prepared:
        known = ~np.isnan(filled[:, self.targets]).all(axis=1)
        edges = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]])))
        segments = tuple(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
        base = self._base(filled)
        hollow = imputed.copy()
        hollow[1:] |= imputed[:-1] & self.wanders
        scaled = self.scaler.transform(filled - base)
        return Prepared(grid, filled, imputed, scaled, base, hollow, segments)

    def _base(self, filled: FloatArray) -> FloatArray:
        """The row before for channels that wander (itself where there is none), else 0."""
        return self.base_of(filled, np.vstack([filled[:1], filled[:-1]]))

    def base_of(self, filled: FloatArray, before: FloatArray) -> FloatArray:
        """What is taken from filled values (T, C); `before` are those of the row before each."""
        before = np.where(np.isnan(before), filled, before)
        return np.where(self.wanders, before, 0.0)

    def _find_wandering(self, filled: FloatArray) -> BoolArray:
        n_channels = filled.shape[1]
        if self.options.difference != "auto":
            return np.full(n_channels, self.options.difference == "always")
        return np.array([_wanders(column) for column in filled.T])

    def _treat_outliers(self, series: Series, values: FloatArray) -> tuple[FloatArray, BoolArray]:
        options = self.options
        odd = hampel(values, window=options.outlier_window, n_sigmas=options.outlier_sigmas)
        mended = values
        if options.outliers == "apply" and odd.any():
            mended = repair(values, odd, fill=options.outlier_fill)
        applied = options.outliers == "apply"
        self.outliers = tuple(
            Outlier(
                int(row),
                series.time[row] if series.has_clock else int(series.time[row]),
                series.channels[column],
                float(values[row, column]),
                float(mended[row, column]) if applied else None,
            )
            for row, column in np.argwhere(odd)
        )
        return mended, odd & (applied and options.outlier_fill == "drop")

    def _widen_constants(self, values: FloatArray) -> None:
        """A channel that stood still in training gets a unit from its level."""
        for column in range(values.shape[1]):
            seen = values[~np.isnan(values[:, column]), column]
            if len(seen) and seen.min() == seen.max():
                unit = CONSTANT_SCALE * max(1.0, abs(float(seen[0])))
                self.scaler.set_affine(column, scale=1.0 / unit, offset=-float(seen[0]) / unit)

    def state(self) -> dict[str, np.ndarray]:
        """What was learned, as plain arrays."""
        return {
            **under("imputer", self.imputer.state()),
            **under("scaler", self.scaler.state()),
            "wanders": self.wanders,
        }

    def restore(self, state: dict[str, np.ndarray]) -> Self:
        """Take back what `state` gave."""
        self.wanders = state["wanders"].astype(bool)
        self.imputer.restore(part("imputer", state))
        self.scaler.restore(part("scaler", state))
        return self


def _wanders(column: FloatArray) -> bool:
    """Whether the level of a channel moves about slowly over its training part."""
    seen = column[~np.isnan(column)]
    spread = float(seen.std()) if len(seen) >= N_BLOCKS * N_BLOCKS else 0.0
    if spread == 0.0:
        return False
    means = np.array([block.mean() for block in np.array_split(seen, N_BLOCKS)])
    steps = float(np.diff(seen).std())
    return bool(means.var() > WANDER_SHARE * spread**2 and steps < WANDER_STEP * spread)
