"""Series: measurements over time, checked once at the door and never changed afterwards."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offbeat.errors import DataError, nearest_names

__all__ = ["BoolArray", "FloatArray", "IntArray", "Series", "TimeArray"]

FloatArray = NDArray[np.floating[Any]]
IntArray = NDArray[np.integer[Any]]
BoolArray = NDArray[np.bool_]
TimeArray = NDArray[np.datetime64] | IntArray


LARGEST_VALUE = 1e150
"""Larger values have no finite square."""


@dataclass(frozen=True, eq=False)
class Series:
    """Values of one or more channels over time.

    Parameters
    ----------
    values
        Shape (T, C), float64; NaN where a value is missing. Never infinite.
    time
        Shape (T,): `datetime64[ns]` in UTC, or int64 row numbers where the data have no clock.
        Neither sorted nor regular yet: `offbeat.clean.regularise` sees to that.
    channels
        C different names.
    label
        Shape (T,), 1 = anomaly, or None where nobody has marked any.
    zone
        IANA name in which time stamps are shown; None shows them as they came.
    name
        What the series is called in reports.

    Raises
    ------
    DataError
        If shapes do not fit, a value is infinite, a name is repeated or a label is not 0 or 1.
    """

    values: FloatArray
    time: TimeArray
    channels: tuple[str, ...]
    label: IntArray | None = None
    zone: str | None = None
    name: str = "series"

    def __post_init__(self) -> None:
        _check_shapes(self)
        _check_values(self)
        if self.label is not None:
            _check_label(self.label, len(self))

    def __len__(self) -> int:
        return len(self.values)

    @property
    def n_channels(self) -> int:
        return len(self.channels)

    @property
    def missing(self) -> BoolArray:
        """Shape (T, C): True where there is no value."""
        return np.isnan(self.values)

    @property
    def has_clock(self) -> bool:
        """Whether `time` holds time stamps (else row numbers)."""
        return self.time.dtype.kind == "M"

    def rows(self, start: int, stop: int) -> Series:
        """The rows [start, stop)."""
        label = None if self.label is None else self.label[start:stop]
        span = slice(start, stop)
        return replace(self, values=self.values[span], time=self.time[span], label=label)

    def select(self, channels: tuple[str, ...]) -> Series:
        """These channels only, in this order.

        Raises
        ------
        DataError
            If a channel is not there; the message names the nearest ones.
        """
        for wanted in channels:
            if wanted not in self.channels:
                near = nearest_names(wanted, self.channels)
                raise DataError(f"no channel {wanted!r} in {self.name}: {near}")
        columns = [self.channels.index(channel) for channel in channels]
        return replace(self, values=self.values[:, columns], channels=channels)


def _check_shapes(series: Series) -> None:
    values, time = series.values, series.time
    if values.shape[1:] != (len(series.channels),):
        raise DataError(
            f"values of shape (T, {len(series.channels)}) were expected for channels "
            f"{series.channels}, shape {values.shape} came"
        )
    if not series.channels:
        raise DataError(f"{series.name} has no channel: at least one column of numbers is needed")
    if time.shape != (len(values),):
        raise DataError(f"{len(values)} rows of values came with time of shape {time.shape}")
    if time.dtype.kind not in "Mi":
        raise DataError(f"time must be datetime64 or whole numbers, {time.dtype} came")
    if len(set(series.channels)) < len(series.channels):
        twice = sorted({c for c in series.channels if series.channels.count(c) > 1})
        raise DataError(f"channel names must differ; repeated: {', '.join(twice)}; rename them")


def _check_values(series: Series) -> None:
    infinite = np.isinf(series.values)
    if infinite.any():
        row, column = np.argwhere(infinite)[0]
        raise DataError(
            f"{int(infinite.sum())} infinite value(s), the first in row {row}, channel "
            f"{series.channels[column]!r}: replace them by empty cells or finite numbers"
        )
    huge = np.abs(np.nan_to_num(series.values)) > LARGEST_VALUE
    if huge.any():
        row, column = np.argwhere(huge)[0]
        raise DataError(
            f"{series.values[row, column]:g} in row {row}, channel {series.channels[column]!r}: no "
            f"value beyond {LARGEST_VALUE:g} can be reckoned with; is it a mark for missing?"
        )


def _check_label(label: IntArray, n_rows: int) -> None:
    if label.shape != (n_rows,):
        raise DataError(f"label of shape ({n_rows},) was expected, shape {label.shape} came")
    odd = (label != 0) & (label != 1)
    if odd.any():
        row = int(np.argmax(odd))
        raise DataError(f"label must be 0 or 1; row {row} has {label[row]}")
