"""Which column is the time, by what the caller says, by name, or by content."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from offbeat.errors import DataError
from offbeat.io.options import ReadOptions
from offbeat.io.tables import Table, plain_name
from offbeat.io.times import Clock, epoch_unit, read_clock, reads_as_time

__all__ = ["Timed", "find_clock", "time_columns"]

TIME_NAMES = (
    "timestamp",
    "datetime",
    "time",
    "date",
    "ts",
    "eventtime",
    "timelocal",
    "timeutc",
    "utc",
    "createdat",
    "epoch",
    "unixtime",
    "asctime",
    "t",
)
"""Names of a time column, most telling first, in lower case and without other signs."""
FEW_MISSING = 0.01
"""Share of rows without a time stamp that may be left out; more is a fault of the data."""


@dataclass(frozen=True, eq=False)
class Timed:
    """A table without its time columns, and its clock: the same rows in both."""

    table: Table
    clock: Clock
    notes: tuple[str, ...]


def find_clock(table: Table, options: ReadOptions) -> Timed:
    """Part a table into its clock and the rest.

    Raises
    ------
    DataError
        If the time column that was named is not there or cannot be read, or many rows have none.
    """
    names = time_columns(table, options)
    if not names:
        rows = Clock(np.arange(len(table), dtype=np.int64))
        return Timed(table, rows, (*table.notes, "no time column: rows are counted"))
    column = _joined(table.frame, names)
    clock = read_clock(column, zone=options.zone, where=table.where)
    rest = replace(table, frame=table.frame.drop(names))
    found = Timed(rest, clock, (*table.notes, f"time: {' + '.join(names)}", *clock.notes))
    return _without_missing(found, column.name)


def time_columns(table: Table, options: ReadOptions) -> tuple[str, ...]:
    """Name of the time column; two names for a date and a time of day; none if rows are counted."""
    if options.time is not None:
        table.column(options.time, "time")
        return (options.time,)
    if not table.named:
        return ()
    frame = table.frame
    spared = {*(options.channels or ()), options.label}
    named = [each for each in _by_name(table) if each not in spared]
    parts = _date_and_time(frame, named)
    if parts is not None:
        return parts
    for name in named:
        if _is_time(frame[name], named=True):
            return (name,)
    for column in frame:
        if column.name not in spared and _is_time(column, named=False):
            return (column.name,)
    text = [name for name in named if frame[name].dtype == pl.String]
    return tuple(text[:1])  # reading it raises, and the message shows the text


def _by_name(table: Table) -> Iterator[str]:
    if table.index is not None:
        yield table.index
    plain = {name: plain_name(name) for name in table.frame.columns if name != table.index}
    for known in TIME_NAMES:
        yield from (name for name, each in plain.items() if each == known)


def _is_time(column: pl.Series, *, named: bool) -> bool:
    """Whether a column can be the time; one that is not named like it must be plain about it."""
    if column.dtype.is_temporal():
        return column.dtype in (pl.Date, pl.Datetime)
    if column.dtype == pl.String:
        return reads_as_time(column)
    if not column.dtype.is_numeric():
        return False
    values = column.cast(pl.Float64).to_numpy()
    present = values[np.isfinite(values)]
    grows = len(present) == len(values) and bool((values[1:] > values[:-1]).all())
    if epoch_unit(values) is not None:
        return named or (grows and len(values) > 1)
    return named and grows and len(values) > 1


def _date_and_time(frame: pl.DataFrame, named: list[str]) -> tuple[str, ...] | None:
    """A column of dates and one of times of day, if that is how the time is written."""
    by_name = {plain_name(name): name for name in named}
    if not {"date", "time"} <= set(by_name):
        return None
    date, time = frame[by_name["date"]], frame[by_name["time"]]
    clock_like = time.dtype == pl.Time or (
        time.dtype == pl.String
        and bool(time.drop_nulls().head(50).str.contains(r"^\s*\d{1,2}:\d{2}").all())
    )
    is_date = date.dtype in (pl.String, pl.Date) or date.dtype.is_integer()
    return (date.name, time.name) if clock_like and is_date else None


def _joined(frame: pl.DataFrame, names: tuple[str, ...]) -> pl.Series:
    if len(names) == 1:
        return frame[names[0]]
    date, time = (frame[name].cast(pl.String).str.strip_chars() for name in names)
    return (date + " " + time).alias(" + ".join(names))


def _without_missing(found: Timed, name: str) -> Timed:
    missing = found.clock.missing
    count, rows = int(missing.sum()), len(missing)
    if not count:
        return found
    if count == rows:
        raise DataError(
            f"column {name!r} of {found.table.origin} holds no time stamp at all: "
            "name another column with time="
        )
    where = found.table.where(int(np.argmax(missing)))
    if not found.table.sheds or count > max(1, FEW_MISSING * rows):
        raise DataError(
            f"column {name!r}: {count} of {rows} rows have no time stamp, the first is {where}; "
            "fill them in or remove these rows"
        )
    return Timed(
        found.table.keep(~missing),
        replace(found.clock, time=found.clock.time[~missing]),
        (*found.notes, f"left out {count} row(s) without a time stamp, the first in {where}"),
    )
