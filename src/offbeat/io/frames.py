"""Frames and arrays -> Table, and results -> the same kind of frame with the same index."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
from numpy.typing import NDArray

from offbeat.errors import DataError
from offbeat.io.clocks import find_clock, time_columns
from offbeat.io.options import ReadOptions
from offbeat.io.tables import Table, as_typed
from offbeat.io.times import instant
from offbeat.series import Series
from offbeat.stamps import time_text

__all__ = ["as_table", "like_input", "split_time"]

_INDEX_NAME = "time"
_NUMBER_KINDS = "biufO"
"""NumPy's letters for what can be read as real numbers; objects may hold them."""


def as_table(X: object, channels: tuple[str, ...] | None = None) -> Table:
    """Columns of a frame or an array.

    Parameters
    ----------
    X
        pandas, Polars or Arrow frame or column, NumPy array or list.
    channels
        Names for the columns of an array.

    Raises
    ------
    DataError
        If it is none of these, or holds no row or no column.
    """
    if isinstance(X, str | Path):
        raise DataError(
            f"a frame or an array was expected, the text {str(X)!r} came: "
            "read a file with read_series"
        )
    index, named = None, True
    if nw.dependencies.is_pandas_dataframe(X) or nw.dependencies.is_pandas_series(X):
        frame, index = _from_pandas(X)
    elif _is_frame(X) or _is_column(X):
        frame = _from_native(X)
    else:
        frame, named = _from_array(X, channels), False
    if not frame.width:
        raise DataError("the data hold no column: at least one of numbers was expected")
    if not frame.height:
        raise DataError("the data hold no row: at least one was expected")
    typed = frame.with_columns(as_typed(each) for each in frame)
    return Table(typed, "the frame", index=index, named=named)


def like_input(X: object, time: str | Series | None, columns: Mapping[str, NDArray[Any]]) -> Any:
    """Results as the same kind of object as came in.

    Parameters
    ----------
    X
        What came in, T rows.
    time
        Name of its time column, which goes first in the result. None for none; a Series for
        whichever column `as_series` finds. The index of a pandas frame always goes along.
    columns
        Name -> array of shape (T,).

    Returns
    -------
    A frame of the kind of `X`; a column for a column, if there is one result; the first array for
    an array, a list or a Series.
    """
    for name, values in columns.items():
        if _is_frame(X) or _is_column(X):
            _check_length(name, values, len(X))  # type: ignore[arg-type]
    if _is_column(X):
        return _like_column(X, columns)
    if not _is_frame(X):
        return next(iter(columns.values()))
    if isinstance(time, Series):
        time = next(iter(time_columns(as_table(X), ReadOptions())), None)
    native: Any = X
    if nw.dependencies.is_pandas_dataframe(X):
        kept: dict[Any, Any] = {time: native[time]} if time in native.columns else {}
        return type(native)({**kept, **columns}, index=native.index)
    frame = nw.from_native(native, eager_only=True)
    made = [
        nw.new_series(name, values, backend=frame.implementation)
        for name, values in columns.items()
    ]
    if time in frame.columns:
        made = [frame[time], *made]
    return _joined(made)


def split_time(
    X: Any, at: float | int | str | datetime | np.datetime64, options: ReadOptions = ReadOptions()
) -> tuple[Any, Any]:
    """Part data in two: what lies before, and the rest.

    Parameters
    ----------
    X
        Series, frame or array.
    at
        Fraction of the rows in (0, 1), number of rows, or time stamp: rows before it go first.
    options
        Which column is the time, and the zone of a time stamp without an offset.

    Raises
    ------
    DataError
        If one part would be empty, or a time stamp is given and there is no clock.
    """
    rows = len(X)
    if isinstance(at, bool) or not isinstance(at, int | float | np.integer | np.floating):
        before = _rows_before(X, at, options)
        row = int(before.sum())
        if not before[:row].all():
            return _taken(X, before), _taken(X, ~before)
    else:
        row = round(at * rows) if 0 < at < 1 else int(at)
        if row != at and at >= 1:
            raise DataError(f"a fraction between 0 and 1 or a whole row was expected, {at!r} came")
    if not 0 < row < rows:
        held = "1 row" if rows == 1 else f"{rows} rows"
        raise DataError(
            f"a split at {at} leaves one part empty: the data hold {held}; "
            "split elsewhere, or give more rows"
        )
    if isinstance(X, Series):
        return X.rows(0, row), X.rows(row, rows)
    cut = X.iloc if hasattr(X, "iloc") else X
    return cut[:row], cut[row:]


def _is_frame(X: object) -> bool:
    known = nw.dependencies
    return bool(known.is_into_dataframe(X)) or isinstance(X, pl.LazyFrame)


def _is_column(X: object) -> bool:
    return bool(nw.dependencies.is_into_series(X)) and not isinstance(X, np.ndarray)


def _from_native(X: Any) -> pl.DataFrame:
    if isinstance(X, pl.LazyFrame):
        return X.collect()
    if _is_column(X):
        column: pl.Series = nw.from_native(X, series_only=True).to_polars()
        return column.alias(column.name or "value").to_frame()
    frame: pl.DataFrame = nw.from_native(X, eager_only=True).to_polars()
    return frame


def _from_pandas(X: Any) -> tuple[pl.DataFrame, str | None]:
    """Columns of a pandas frame, its index first if that can be a time."""
    data = X.to_frame("value" if X.name is None else X.name) if hasattr(X, "to_frame") else X
    names = [str(name) for name in data.columns]
    if len(set(names)) < len(names):
        raise DataError("column names must differ; rename the repeated ones")
    columns = [_pandas_column(name, data.iloc[:, n]) for n, name in enumerate(names)]
    index = data.index
    kind = str(index.dtype)
    if index.nlevels > 1 or not (kind.startswith(("datetime64", "period")) or index.name):
        return pl.DataFrame(columns), None
    name = str(index.name or _INDEX_NAME)
    while name in names:
        name += "_index"
    times = index.to_timestamp() if kind.startswith("period") else index
    return pl.DataFrame([_pandas_column(name, times.to_series()), *columns]), name


def _pandas_column(name: str, column: Any) -> pl.Series:
    """One column without pyarrow, which pandas users need not have."""
    kind = str(column.dtype)
    if kind.startswith("datetime64"):
        zone = str(column.dt.tz) if column.dt.tz is not None else None
        plain = column.dt.tz_convert("UTC").dt.tz_localize(None) if zone else column
        times = pl.Series(name, plain.to_numpy(dtype="datetime64[ns]"))
        return _in_zone(times, zone)
    if column.dtype.kind in "iufb" and not column.isna().any():
        return pl.Series(name, column.to_numpy(dtype=_plain_dtype(column.dtype.kind)))
    if column.dtype.kind in "iufb":
        return pl.Series(name, column.to_numpy(dtype="float64", na_value=np.nan))
    if column.dtype.kind == "m":
        return pl.Series(name, column.to_numpy(dtype="timedelta64[ns]"))
    missing = column.isna().to_numpy()
    cells = column.to_numpy(dtype=object)
    if all(isinstance(cell, bool | int | float) for cell in cells[~missing]):
        return pl.Series(
            name, [None if m else float(c) for c, m in zip(cells, missing, strict=True)]
        )
    texts = [None if m else str(c) for c, m in zip(cells, missing, strict=True)]
    return pl.Series(name, texts, dtype=pl.String)


def _plain_dtype(kind: str) -> str:
    return {"b": "bool", "i": "int64", "u": "uint64"}.get(kind, "float64")


def _in_zone(times: pl.Series, zone: str | None) -> pl.Series:
    if zone is None:
        return times
    utc = times.dt.replace_time_zone("UTC")
    try:
        return utc.dt.convert_time_zone(zone)
    except pl.exceptions.PolarsError:  # a fixed offset has no IANA name
        return utc


def _from_array(X: object, channels: tuple[str, ...] | None) -> pl.DataFrame:
    try:
        raw: NDArray[Any] = np.ma.asarray(X)
        if X is None or raw.dtype.kind not in _NUMBER_KINDS:
            raise TypeError
        values = np.asarray(np.ma.filled(raw.astype(np.float64), np.nan))
    except (TypeError, ValueError):
        raise DataError(
            f"numbers of shape (T,) or (T, C), or a frame, were expected, {_described(X)} came"
        ) from None
    if values.ndim == 1:
        values = values[:, np.newaxis]  # (T,) -> (T, 1)
    if values.ndim != len("TC"):
        raise DataError(f"an array of shape (T,) or (T, C) was expected, {values.shape} came")
    n_channels = values.shape[1]
    names = channels or _array_names(n_channels)
    if len(names) != n_channels:
        raise DataError(f"{len(names)} channel names came for {n_channels} column(s)")
    if len(set(names)) < len(names):
        raise DataError(f"channel names must differ: {', '.join(names)}")
    return pl.DataFrame({name: values[:, place] for place, name in enumerate(names)})


def _array_names(n_channels: int) -> tuple[str, ...]:
    return ("value",) if n_channels == 1 else tuple(f"channel_{n}" for n in range(n_channels))


def _described(X: object) -> str:
    if isinstance(X, np.ndarray):
        return f"an array of {X.dtype}"
    return f"{type(X).__name__} that holds something else" if isinstance(X, list) else repr(X)[:60]


def _like_column(X: Any, columns: Mapping[str, NDArray[Any]]) -> Any:
    if nw.dependencies.is_pandas_series(X):
        if len(columns) == 1:
            name, values = next(iter(columns.items()))
            return type(X)(values, index=X.index, name=name)
        return type(X.to_frame("x"))(dict(columns), index=X.index)
    column = nw.from_native(X, series_only=True)
    made = [
        nw.new_series(name, values, backend=column.implementation)
        for name, values in columns.items()
    ]
    return made[0].to_native() if len(made) == 1 else _joined(made)


def _joined(columns: list[nw.Series[Any]]) -> Any:
    return columns[0].to_frame().with_columns(*columns[1:]).to_native()


def _check_length(name: str, values: NDArray[Any], rows: int) -> None:
    if len(values) != rows:
        raise DataError(f"{rows} rows came in, and {name!r} has {len(values)}")


def _rows_before(X: Any, at: Any, options: ReadOptions) -> NDArray[np.bool_]:
    """Shape (T,): True where a row lies before the time stamp."""
    if isinstance(X, Series):
        time, zone = X.time, options.zone or X.zone
    else:
        clock = find_clock(as_table(X, options.channels), options).clock
        time, zone = clock.time, clock.zone
    if time.dtype.kind != "M":
        raise DataError(f"{str(at)!r} is a time stamp and the data have no clock: give a row")
    before = np.asarray(time < instant(at, zone))
    if not 0 < before.sum() < len(before):
        raise DataError(
            f"a split at {at} leaves one part empty: the data go from "
            f"{time_text(time.min())} to {time_text(time.max())} (UTC)"
        )
    return before


def _taken(X: Any, rows: NDArray[np.bool_]) -> Any:
    if isinstance(X, Series):
        label = None if X.label is None else X.label[rows]
        return Series(X.values[rows], X.time[rows], X.channels, label, X.zone, X.name)
    if isinstance(X, np.ndarray):
        return X[rows]
    if nw.dependencies.is_pandas_dataframe(X) or nw.dependencies.is_pandas_series(X):
        return X[rows]
    return X.filter(rows if not isinstance(X, pl.DataFrame | pl.Series) else pl.Series(rows))
