"""What comes in, checked at the door: numbers of the channels that the model knows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from offbeat.errors import DataError, nearest_names
from offbeat.series import LARGEST_VALUE, FloatArray, IntArray, Series

__all__ = ["Incoming", "rounds_of"]


class Incoming:
    """Reads rows of values.

    Parameters
    ----------
    channels
        C names.
    has_clock, zone
        Of the time stamps.
    """

    def __init__(self, channels: tuple[str, ...], has_clock: bool, zone: str | None) -> None:
        self._channels, self._has_clock, self._zone = channels, has_clock, zone

    def one(self, values: object, moments: IntArray) -> FloatArray:
        """One row, shape (1, C).

        Raises
        ------
        DataError
            If a channel is unknown, their number is wrong, or a value is no finite number.
        """
        if len(moments) != 1:
            raise DataError(f"one time stamp was expected, {len(moments)} came")
        if isinstance(values, Mapping):
            for name in values:
                if name not in self._channels:
                    raise DataError(f"no channel {name!r}: {nearest_names(name, self._channels)}")
            values = [values.get(name) for name in self._channels]
        row = np.atleast_1d(_numbers(values))
        if row.ndim != 1:
            raise DataError(f"one row of {len(self._channels)} value(s) was expected, {row.shape}")
        return self._checked(row[None])

    def many(self, values: object) -> FloatArray:
        """Rows, shape (N, C); of one channel also (N,)."""
        table = _numbers(values)
        if len(table) == 0:
            table = table.reshape(0, len(self._channels))
        return self._checked(table[:, None] if table.ndim == 1 else table)

    def _checked(self, table: FloatArray) -> FloatArray:
        n_channels = len(self._channels)
        if table.ndim != 2 or table.shape[1] != n_channels:  # noqa: PLR2004 - rows and channels
            raise DataError(
                f"{n_channels} channel(s) were trained on ({', '.join(self._channels[:12])}), "
                f"{table.shape[-1]} value(s) came"
            )
        if not (np.abs(table) <= LARGEST_VALUE).all():
            # NaN is no mistake; what is one, a series would refuse in words of its own
            Series(table, np.arange(len(table)), self._channels, name="the row")
        return table


def rounds_of(rows: IntArray) -> list[IntArray]:
    """Places (N,) split so that no part holds a series twice and each keeps its order."""
    if len(set(rows.tolist())) == len(rows):
        return [np.arange(len(rows))]
    order = np.argsort(rows, kind="stable")
    ordered = rows[order]
    first = np.concatenate([[True], ordered[1:] != ordered[:-1]])
    starts = np.maximum.accumulate(np.where(first, np.arange(len(rows)), 0))
    number = np.empty(len(rows), dtype=np.int64)
    number[order] = np.arange(len(rows)) - starts
    by_round = np.argsort(number, kind="stable")
    return np.split(by_round, np.cumsum(np.bincount(number))[:-1])


def _numbers(values: object) -> FloatArray:
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(f"numbers were expected as values, {values!r:.80} came") from None
