"""The door: a file, standard input, a frame or an array comes in, a Series goes on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from offbeat.io.aggregation import aggregate_table
from offbeat.io.clocks import find_clock
from offbeat.io.columns import channel_names, channel_values, find_label, label_values
from offbeat.io.formats import kind_of, read_binary, read_json, read_text
from offbeat.io.frames import as_table
from offbeat.io.options import ReadOptions
from offbeat.io.sources import Source, decode, open_source, unpacked
from offbeat.io.tables import Table, as_typed
from offbeat.io.weblogs import is_access_log, is_request_table, read_access_log, request_series
from offbeat.series import Series

__all__ = ["Reading", "as_series", "read_bytes", "read_rows", "read_series", "read_source"]


@dataclass(frozen=True, eq=False)
class Reading:
    """A series, and what was found and decided while it was read."""

    series: Series
    notes: tuple[str, ...]


def read_series(source: str | Path, options: ReadOptions = ReadOptions()) -> Series:
    """Read a file as a series.

    Parameters
    ----------
    source
        Path of a CSV, TSV or other delimited text, JSON lines, Parquet, Arrow or Feather file, or
        of a web server's log; text may be packed with gzip. `"-"` reads standard input. What kind
        it is follows from its content.
    options
        What to say about it; what is left out is found from the data.

    Raises
    ------
    DataError
        If the file cannot be used; one line says where and what to do.
    """
    return read_source(source, options).series


def read_source(source: str | Path, options: ReadOptions = ReadOptions()) -> Reading:
    """The same as `read_series`, with notes: the time column, rows left out, lines not parsed."""
    return _read(open_source(source), options)


def read_bytes(data: bytes, origin: str, options: ReadOptions = ReadOptions()) -> Series:
    """The bytes of a file that lies elsewhere, read as `read_series` reads a file.

    Parameters
    ----------
    data
        All of the file.
    origin
        What to call it in messages, and the series if `options` do not name it.
    options
        As in `read_series`.

    Raises
    ------
    DataError
        If it cannot be used; one line says where and what to do.
    """
    return _read(unpacked(Source(data, origin, origin)), options).series


def read_rows(frame: pl.DataFrame, origin: str, options: ReadOptions = ReadOptions()) -> Series:
    """Rows that were cut out of a file, read as a file of these rows alone would be.

    Text that is all numbers becomes numbers, and rows without a time stamp are left out.

    Raises
    ------
    DataError
        If they cannot be used; one line says where and what to do.
    """
    typed = frame.with_columns(as_typed(each) for each in frame)
    named = replace(options, name=options.name or origin)
    return _reading(Table(typed, origin, sheds=True), named).series


def _read(opened: Source, options: ReadOptions) -> Reading:
    options = replace(options, name=options.name or opened.name)
    kind = kind_of(opened.data)
    if kind == "text":
        return _read_text(opened, options)
    table = read_json(opened, options) if kind == "json" else read_binary(opened, kind)
    if kind == "json" and options.agg is None and is_request_table(table):
        return _chosen(*request_series(table, options), options)
    return _reading(table, options)


def as_series(X: object, options: ReadOptions = ReadOptions()) -> Series:
    """Take a frame or an array as a series; every row of it becomes a row of the series.

    Parameters
    ----------
    X
        pandas, Polars or Arrow frame or column, NumPy array or list of shape (T,) or (T, C), or a
        Series. The index of a pandas frame is the time if it holds time stamps.
    options
        What to say about it; what is left out is found from the data.

    Raises
    ------
    DataError
        If it cannot be used; one line says where and what to do.
    """
    if isinstance(X, Series):
        return X if options.channels is None else X.select(options.channels)
    table = as_table(X, options.channels)
    return _reading(table, replace(options, name=options.name or "series")).series


def _read_text(source: Source, options: ReadOptions) -> Reading:
    text = decode(source, options.encoding)
    if not is_access_log(text):
        return _reading(read_text(text, source, options), options)
    log = read_access_log(text, source.origin)
    if options.agg is None:
        return _chosen(*request_series(log, options), options)
    return _reading(log, options)


def _reading(table: Table, options: ReadOptions) -> Reading:
    if options.every is not None:
        return _chosen(*aggregate_table(table, options), options)
    timed = find_clock(table, options)
    label = find_label(timed.table, options.label, options.channels)
    names = channel_names(timed.table, options.channels, label)
    series = Series(
        values=channel_values(timed.table, names),
        time=timed.clock.time,
        channels=tuple(names),
        label=None if label is None else label_values(timed.table, label),
        zone=timed.clock.zone,
        name=options.name or table.origin,
    )
    notes = timed.notes if label is None else (*timed.notes, f"label: {label}")
    return Reading(series, notes)


def _chosen(series: Series, notes: tuple[str, ...], options: ReadOptions) -> Reading:
    """Of the channels per interval, the ones that were asked for."""
    if options.channels is not None:
        series = series.select(options.channels)
    return Reading(series, notes)
