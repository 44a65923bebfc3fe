"""Time stamps in any usual notation -> `datetime64[ns]` in UTC."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from offbeat.errors import ConfigError, DataError
from offbeat.io.tables import MISSING_WORDS
from offbeat.io.written import WrittenTime, day_order, parse_local
from offbeat.io.zones import localise
from offbeat.series import BoolArray, TimeArray
from offbeat.stamps import is_iso, read_stamp

__all__ = ["Clock", "epoch_unit", "instant", "read_clock", "reads_as_time"]

Where = Callable[[int], str]

_EPOCH = (np.datetime64("1980-01-01", "s"), np.datetime64("2100-01-01", "s"))
"""Numbers that mean a moment in this span in one of the units are taken as one."""
_UNITS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
_SAMPLE = 50
_SPAN = (np.datetime64("1678-01-01", "us"), np.datetime64("2262-01-01", "us"))
"""What 64-bit nanoseconds can hold."""
_MAX_SECONDS = 9.2e9
"""The same, counted from 1970."""


@dataclass(frozen=True, eq=False)
class Clock:
    """Time stamps of a table.

    Parameters
    ----------
    time
        Shape (T,): `datetime64[ns]` in UTC (NaT where there is none), or int64 row numbers.
    zone
        IANA name that the column or the caller gave.
    notes
        What was decided on the way.
    """

    time: TimeArray
    zone: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def missing(self) -> BoolArray:
        """Shape (T,): rows without a time stamp."""
        return np.isnat(self.time) if self.is_clock else np.zeros(len(self.time), dtype=np.bool_)

    @property
    def is_clock(self) -> bool:
        """Whether these are time stamps, not row numbers."""
        return self.time.dtype.kind == "M"

    @property
    def moments(self) -> NDArray[np.datetime64]:
        """The time stamps as such; for a clock only."""
        return self.time.astype("datetime64[ns]")


def read_clock(column: pl.Series, *, zone: str | None, where: Where) -> Clock:
    """Time stamps of one column of dates, text or numbers.

    Parameters
    ----------
    column
        Dates or times, text in any usual notation, or numbers since 1970 (or growing counts).
    zone
        Where local times without an offset were written.
    where
        Says where a row stands in the source.

    Raises
    ------
    DataError
        If a text is no time stamp, or some have a zone and others none.
    """
    if column.dtype == pl.Date:
        column = column.cast(pl.Datetime("us"))
    if isinstance(column.dtype, pl.Datetime):
        return _from_datetime(column, zone)
    if column.dtype.is_numeric():
        return _from_numbers(column, zone, where)
    if column.dtype == pl.String:
        return _from_text(column, zone, where)
    raise DataError(
        f"column {column.name!r} ({column.dtype}) holds no time stamps: name another with time="
    )


def reads_as_time(column: pl.Series) -> bool:
    """Whether most of the first values of a column of text are time stamps."""
    if column.dtype != pl.String:
        return False
    sample = column.drop_nulls().head(_SAMPLE)
    if not len(sample) or not sample.str.contains(r"\d.*\d").any():
        return False
    parsed = parse_local(WrittenTime.of(sample).local, day_order(sample) or "day")
    return 2 * parsed.null_count() <= len(sample)


def epoch_unit(values: NDArray[np.floating]) -> str | None:
    """The unit in which these numbers are moments since 1970; None if they are not."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return None
    middle = float(np.median(np.clip(finite, -1e30, 1e30)))  # so that no sum overflows
    start, end = (float(each.astype(np.int64)) for each in _EPOCH)
    for unit, nanoseconds in _UNITS.items():
        seconds = middle * nanoseconds / 1e9
        if start <= seconds <= end:
            return unit
    return None


def instant(at: object, zone: str | None = None) -> np.datetime64:
    """One moment, given as text in any usual notation, datetime or datetime64, in UTC.

    Raises
    ------
    ConfigError
        If it is no time stamp.
    """
    text = (at.isoformat() if hasattr(at, "isoformat") else str(at)).strip()
    if is_iso(text):
        return read_stamp(text, zone)
    column = pl.Series("time", [text], dtype=pl.String)
    if not reads_as_time(column):
        raise ConfigError(f"a time stamp such as 2024-01-31T12:00 was expected, {at!r} came")
    try:
        time = read_clock(column, zone=zone, where=lambda _: "the time stamp given").time
    except DataError as reason:
        raise ConfigError(str(reason).removeprefix("column 'time': ")) from None
    return np.datetime64(time[0])


def _from_datetime(column: pl.Series, zone: str | None) -> Clock:
    own = column.dtype.time_zone  # type: ignore[attr-defined]
    if own is not None:
        return Clock(_nanoseconds(column.dt.convert_time_zone("UTC")), zone or own)
    return _local(column, zone)


def _from_text(column: pl.Series, zone: str | None, where: Where) -> Clock:
    text = column.str.strip_chars()
    text = text.set(text.str.to_lowercase().is_in(list(MISSING_WORDS)), None)
    written = WrittenTime.of(text)
    order = day_order(text)
    if order is None:
        first = text.drop_nulls()[0]
        raise DataError(
            f"column {column.name!r}: {first!r} may mean day/month or month/day, and no row tells; "
            "write dates as 2024-01-31"
        )
    naive = parse_local(written.local, order)
    _check_parsed(text, naive, column.name, where)
    _check_one_zone(text, written, column.name, where)
    if written.offset.null_count() < len(text):
        time = _nanoseconds(naive) - written.offset_ns()
        return Clock(time, zone)
    return _local(naive, zone)


def _check_parsed(text: pl.Series, naive: pl.Series, name: str, where: Where) -> None:
    failed = (text.is_not_null() & naive.is_null()).to_numpy()
    if failed.any():
        row = int(np.argmax(failed))
        more = f" ({int(failed.sum())} such rows)" if failed.sum() > 1 else ""
        raise DataError(
            f"column {name!r}, {where(row)}: a time stamp such as 2024-01-31T12:00:00 was "
            f"expected, {text[row]!r} came{more}; correct it, or name another column with time="
        )


def _check_one_zone(text: pl.Series, written: WrittenTime, name: str, where: Where) -> None:
    zoned = written.offset.is_not_null().to_numpy()
    bare = text.is_not_null().to_numpy() & ~zoned
    if zoned.any() and bare.any():
        with_zone, without = int(np.argmax(zoned)), int(np.argmax(bare))
        raise DataError(
            f"column {name!r} mixes time stamps with a zone ({where(with_zone)}: "
            f"{text[with_zone]!r}) and without one ({where(without)}: {text[without]!r}): "
            "write them all in one way"
        )


def _from_numbers(column: pl.Series, zone: str | None, where: Where) -> Clock:
    values = column.cast(pl.Float64).to_numpy()
    if np.isinf(values).any():
        row = int(np.argmax(np.isinf(values)))
        raise DataError(f"column {column.name!r}, {where(row)}: a time stamp cannot be infinite")
    unit = epoch_unit(values)
    if unit is not None:
        return Clock(_since_1970(column, unit), zone, (f"time in {unit} since 1970",))
    days = _digit_dates(column)
    if days is not None:
        return _local(days, zone)
    if column.null_count() or np.isnan(values).any():
        row = int(np.argmax(np.isnan(values)))
        raise DataError(
            f"column {column.name!r}, {where(row)}: no value; counts need one in each row"
        )
    if (values == np.round(values)).all():
        note = f"column {column.name!r} counts rows; it is no clock"
        return Clock(values.astype(np.int64), None, (note,))
    note = f"column {column.name!r} taken as seconds from the start"
    return Clock(_since_1970(column, "s"), zone, (note,))


def _digit_dates(column: pl.Series) -> pl.Series | None:
    """Whole numbers such as 20240131 or 20240131120000 as dates; None if they are not."""
    if not column.dtype.is_integer():
        return None
    low, high = column.min(), column.max()
    for scale in (1, 10**6):
        first, last = 19_000_101 * scale, 21_001_231 * scale + scale
        if low is not None and low >= first and high < last:  # type: ignore[operator]
            days = parse_local(column.cast(pl.String), "day")
            return days if days.null_count() == column.null_count() else None
    return None


def _since_1970(column: pl.Series, unit: str) -> NDArray[np.datetime64]:
    seconds = np.abs(np.nan_to_num(column.cast(pl.Float64).to_numpy())) * (_UNITS[unit] / 1e9)
    if (seconds > _MAX_SECONDS).any():
        odd = column[int(np.argmax(seconds > _MAX_SECONDS))]
        raise DataError(f"column {column.name!r}: {odd} is no time in {unit} since 1970")
    missing = column.is_null() | column.is_nan() if column.dtype.is_float() else column.is_null()
    if column.dtype.is_integer():
        counts = column.cast(pl.Int64).fill_null(0).to_numpy() * _UNITS[unit]
    else:  # a float of seconds is exact to about a microsecond
        micro = np.nan_to_num(column.fill_null(0).to_numpy()) * (_UNITS[unit] / 1e3)
        counts = np.round(micro).astype(np.int64) * 1000
    time = counts.astype("datetime64[ns]")
    time[missing.to_numpy()] = np.datetime64("NaT")
    return time


def _local(naive: pl.Series, zone: str | None) -> Clock:
    if zone is None:
        return Clock(_nanoseconds(naive))
    _check_span(naive)
    time, notes = localise(naive, zone)
    return Clock(time, zone, notes)


def _nanoseconds(column: pl.Series) -> NDArray[np.datetime64]:
    _check_span(column)
    time = column.dt.replace_time_zone(None).dt.cast_time_unit("ns").to_numpy()
    return time.astype("datetime64[ns]")


def _check_span(column: pl.Series) -> None:
    wide = column.dt.replace_time_zone(None).dt.cast_time_unit("us").to_numpy()
    outside = (wide < _SPAN[0]) | (wide >= _SPAN[1])
    if outside.any():
        odd = wide[np.argmax(outside)].astype("datetime64[s]")
        raise DataError(
            f"column {column.name!r}: a time stamp from 1678 to 2261 was expected, {odd} came"
        )
