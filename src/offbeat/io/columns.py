"""Columns -> channels and label, or a plain word about the column that is neither."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from offbeat.errors import DataError
from offbeat.io.tables import MISSING_WORDS, Table, plain_name
from offbeat.series import FloatArray, IntArray

__all__ = [
    "as_numbers",
    "channel_names",
    "channel_values",
    "find_label",
    "is_label_name",
    "label_values",
]

LABEL_NAMES = (
    "label",
    "labels",
    "isanomaly",
    "anomaly",
    "isoutlier",
    "outlier",
    "isanomalous",
    "anomalous",
    "anomalylabel",
    "groundtruth",
    "ytrue",
)
"""Names of a label column, in lower case and without other signs."""
MOSTLY = 0.5
"""Share of numbers from which a column of text is numbers with faults, not categories."""
_SHOWN = 6


def is_label_name(name: str) -> bool:
    """Whether a column of this name may be a label."""
    return plain_name(name) in LABEL_NAMES


def find_label(table: Table, label: str | None, channels: Sequence[str] | None) -> str | None:
    """The label column: the one named, or one with a telling name and only 0 and 1 in it."""
    if label is not None:
        label_values(table, label)
        return label
    for name in table.frame.columns:
        if not is_label_name(name) or name in (channels or ()) or table.frame.width == 1:
            continue
        if _two_valued(table.frame[name]):
            return name
    return None


def label_values(table: Table, name: str) -> IntArray:
    """Shape (T,): 1 where an anomaly was marked; an empty cell means 0.

    Raises
    ------
    DataError
        If there is no such column, or it holds anything but 0, 1, true and false.
    """
    column = table.column(name, "label")
    numbers = column.cast(pl.Float64, strict=False) if column.dtype.is_numeric() else None
    if column.dtype == pl.Boolean:
        numbers = column.cast(pl.Float64)
    if numbers is None:
        odd = column.is_not_null().to_numpy()
        if odd.any():
            raise DataError(_odd_label(table, column, int(np.argmax(odd))))
        return np.zeros(len(column), dtype=np.int8)
    values = numbers.fill_null(0).fill_nan(0).to_numpy()
    odd = (values != 0) & (values != 1)
    if odd.any():
        raise DataError(_odd_label(table, column, int(np.argmax(odd))))
    return values.astype(np.int8)


def channel_names(table: Table, channels: tuple[str, ...] | None, label: str | None) -> list[str]:
    """The columns to use: the ones named, or all but the label.

    Raises
    ------
    DataError
        If one is not there (the message names the nearest), or none is left.
    """
    if channels is not None:
        for name in channels:
            table.column(name, "channel")
        return list(channels)
    names = [name for name in table.frame.columns if name != label]
    if not names:
        raise DataError(
            f"{table.origin} has no column of numbers beside time and label: at least one is needed"
        )
    return names


def channel_values(table: Table, names: Sequence[str]) -> FloatArray:
    """Shape (T, C), float64; NaN where there is no value.

    Raises
    ------
    DataError
        If a column holds text, categories or infinite values.
    """
    values = np.empty((len(table), len(names)), dtype=np.float64)
    for place, name in enumerate(names):
        values[:, place] = as_numbers(table, name)
    return values


def as_numbers(table: Table, name: str) -> FloatArray:
    """Shape (T,): one column as float64, truth values as 0 and 1, durations in seconds."""
    column = table.frame[name]
    if column.dtype == pl.Boolean or column.dtype.is_numeric() or column.dtype == pl.Null:
        column = column.cast(pl.Float64)
    elif column.dtype == pl.Duration:
        column = column.dt.total_microseconds().cast(pl.Float64) / 1e6
    else:
        raise DataError(_not_numbers(table, column))
    values = np.array(column.to_numpy(), dtype=np.float64)
    infinite = np.isinf(values)
    if infinite.any():
        row = int(np.argmax(infinite))
        more = f" ({int(infinite.sum())} such cells)" if infinite.sum() > 1 else ""
        raise DataError(
            f"column {name!r}, {table.where(row)}: the value is infinite{more}; "
            "leave the cell empty or give a finite number"
        )
    return values


def _two_valued(column: pl.Series) -> bool:
    if column.dtype == pl.Boolean:
        return True
    if not column.dtype.is_numeric() or column.null_count() == len(column):
        return False
    present = column.drop_nulls().cast(pl.Float64).drop_nans()
    return bool(present.is_in([0.0, 1.0]).all())


def _odd_label(table: Table, column: pl.Series, row: int) -> str:
    return (
        f"label column {column.name!r}, {table.where(row)}: 0 or 1 (or true, false) was expected, "
        f"{column[row]!r} came"
    )


def _not_numbers(table: Table, column: pl.Series) -> str:
    name = column.name
    if column.dtype.is_temporal():
        return f"column {name!r} holds times, not numbers: {_leave_out(table, name)}"
    if column.dtype != pl.String:
        return f"column {name!r} holds {column.dtype}, not numbers: {_leave_out(table, name)}"
    text = column.str.strip_chars()
    numbers = text.cast(pl.Float64, strict=False)
    absent = text.str.to_lowercase().is_in(list(MISSING_WORDS)).fill_null(True)
    faulty = (numbers.is_null() & ~absent).to_numpy()
    n_present = int((~absent).sum())
    if faulty.sum() < MOSTLY * n_present:
        row = int(np.argmax(faulty))
        more = f" ({int(faulty.sum())} such cells)" if faulty.sum() > 1 else ""
        return (
            f"column {name!r}, {table.where(row)}: a number was expected, {column[row]!r} "
            f"came{more}; correct the cell, or leave it empty if there is no value"
        )
    n_kinds = column.n_unique()
    return (
        f"column {name!r} holds categories ({n_kinds} different texts, such as "
        f"{column.drop_nulls()[0]!r}), not numbers: {_leave_out(table, name)}, "
        "count the rows per interval (--every 1min --agg count), or turn it into columns of 0 and 1"
    )


def _leave_out(table: Table, name: str) -> str:
    others = [
        each.name
        for each in table.frame
        if each.name != name and (each.dtype.is_numeric() or each.dtype == pl.Boolean)
    ]
    named = ",".join(others[:_SHOWN]) + (",..." if len(others) > _SHOWN else "")
    return f"leave it out (--channels {named})" if others else "it cannot be used"
