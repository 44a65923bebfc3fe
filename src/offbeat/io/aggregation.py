"""Event tables -> series: so many rows, sums and means per interval."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from offbeat.durations import parse_duration
from offbeat.errors import ConfigError, DataError, nearest_names, one_of
from offbeat.io.clocks import find_clock
from offbeat.io.columns import as_numbers, find_label, label_values
from offbeat.io.frames import as_table
from offbeat.io.options import ReadOptions
from offbeat.io.tables import Table
from offbeat.series import FloatArray, IntArray, Series

__all__ = ["Aggregation", "Intervals", "aggregate_events", "aggregate_table", "parse_agg"]

FUNCTIONS = ("count", "sum", "mean", "median", "min", "max", "std", "nunique", "share")
EDGE = 0.1
"""Share of an interval that may lie outside the table before the interval counts as cut off."""
MAX_EMPTY = 20
"""So many intervals for one event are taken for a wrong time stamp."""

_PLACE = "(interval)"


@dataclass(frozen=True)
class Aggregation:
    """One function of one column, such as `mean(latency)`; `count` alone counts the rows."""

    function: str
    column: str | None = None

    @property
    def name(self) -> str:
        """What the channel is called."""
        return self.function if self.column is None else f"{self.function}({self.column})"

    @property
    def counts(self) -> bool:
        """Whether an interval without events has the value 0; else it is missing."""
        return self.function in ("count", "sum", "nunique")

    def expression(self) -> pl.Expr:
        """The same in Polars."""
        if self.column is None:
            return pl.len().cast(pl.Float64).alias(self.name)
        column = pl.col(self.column)
        if self.function.startswith("p"):
            found = column.quantile(float(self.function[1:]) / 100, "linear")
        else:
            found = {
                "count": column.count(),
                "sum": column.sum(),
                "mean": column.mean(),
                "median": column.median(),
                "min": column.min(),
                "max": column.max(),
                "std": column.std(),
                "nunique": column.drop_nulls().n_unique(),
                "share": (column != 0).cast(pl.Float64).mean(),
            }[self.function]
        return found.cast(pl.Float64).alias(self.name)


@dataclass(frozen=True, eq=False)
class Intervals:
    """Which interval each event falls in.

    Parameters
    ----------
    place
        Shape (N,): number of the interval, from 0.
    start
        Shape (T,): start of each interval, `datetime64[ns]`.
    first, last
        Intervals [first, last) that the events cover as a whole.
    """

    place: IntArray
    start: NDArray[np.datetime64]
    first: int
    last: int

    @classmethod
    def of(cls, time: NDArray[np.datetime64], every: np.timedelta64) -> Intervals:
        """Intervals that start at whole multiples of `every` since 1970, in UTC.

        The first and the last one are left out if more than a tenth of them lies before the
        first or after the last event: they would look like a drop. With one or two intervals
        nothing is left out.
        """
        length = int(every.astype("timedelta64[ns]").astype(np.int64))
        nanoseconds = time.astype("datetime64[ns]").astype(np.int64)
        number = nanoseconds // length
        zero, n_intervals = int(number.min()), int(number.max() - number.min()) + 1
        if n_intervals > MAX_EMPTY * len(time) + 100_000:
            raise DataError(
                f"{len(time)} events from {_day(time.min())} to {_day(time.max())} make "
                f"{n_intervals} intervals: correct the odd time stamp, or choose a longer every="
            )
        start = (np.arange(n_intervals) + zero) * length
        head = int(nanoseconds.min()) - int(start[0])
        tail = int(start[-1]) + length - int(nanoseconds.max())
        inner = n_intervals > len(("first", "last"))
        first = int(inner and head > EDGE * length)
        last = n_intervals - int(inner and tail > EDGE * length)
        return cls(number - zero, start.astype("datetime64[ns]"), first, last)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out at the ends."""
        cut = self.first + len(self.start) - self.last
        return (f"left out {cut} interval(s) at the ends, only partly covered",) if cut else ()


def parse_agg(agg: str) -> tuple[Aggregation, ...]:
    """`"count,sum(amount),p95(latency)"` as aggregations.

    Raises
    ------
    ConfigError
        If a function is unknown, has no column, or stands twice.
    """
    found: list[Aggregation] = []
    for part in re.split(r",(?![^(]*\))", agg):
        match = re.fullmatch(r"\s*([A-Za-z][\w.]*)\s*(?:\(\s*(.*?)\s*\))?\s*", part)
        if match is None:
            raise ConfigError(f"agg={agg!r}: 'count,sum(amount)' was expected, {part!r} came")
        function, column = match[1].lower(), match[2] or None
        if not re.fullmatch(r"p\d{1,2}(\.\d+)?", function):
            one_of("agg", function, (*FUNCTIONS, "p50", "p95", "p99"))
        if column is None and function != "count":
            raise ConfigError(f"agg={agg!r}: {function} needs a column, such as {function}(amount)")
        found.append(Aggregation(function, column))
    if len({each.name for each in found}) < len(found):
        raise ConfigError(f"agg={agg!r} names the same thing twice")
    return tuple(found)


def aggregate_events(
    X: object,
    time: str | None = None,
    every: str = "1min",
    agg: str = "count",
    *,
    label: str | None = None,
    zone: str | None = None,
) -> Series:
    """Turn a table of events into a series with one row an interval.

    Parameters
    ----------
    X
        Data frame (pandas, Polars, Arrow) with one row an event, in any order.
    time
        Column of time stamps; found if None.
    every
        Length of an interval: "30s", "1min", "1h". Intervals start at whole multiples of it, and
        `time` of the result is where they start. The first and last are left out if the events
        cover less than nine tenths of them.
    agg
        `count` (events), `count(x)` (with a value), `sum(x)`, `mean(x)`, `median(x)`, `min(x)`,
        `max(x)`, `std(x)`, `nunique(x)`, `share(x)` (of true, or of what is not 0), and `p50(x)`,
        `p95(x)` or any other percentile. In an interval without events count, sum and nunique
        are 0; the others are missing.
    label
        Column of 0 and 1; an interval is 1 if any of its events is. Found by name if None.
    zone
        Zone of time stamps without an offset.

    Raises
    ------
    ConfigError
        If `every` or `agg` cannot be read.
    DataError
        If a column is not there or no time is found.
    """
    options = ReadOptions(time=time, every=every, agg=agg, label=label, zone=zone, name="events")
    return aggregate_table(replace(as_table(X), sheds=True), options)[0]


def aggregate_table(table: Table, options: ReadOptions) -> tuple[Series, tuple[str, ...]]:
    """The same for a table that was read; also what was done on the way."""
    if not len(table):
        raise DataError(f"{table.origin} holds no event: at least one row was expected")
    timed = find_clock(table, options)
    if not timed.clock.is_clock:
        raise DataError(
            f"{table.origin} has no time stamps, and every={options.every!r} needs them: "
            "name their column with time="
        )
    aggregations = parse_agg(options.agg or "count")
    intervals = Intervals.of(timed.clock.moments, parse_duration(options.every or "1min"))
    label = find_label(timed.table, options.label, [each.column or "" for each in aggregations])
    columns = _columns(timed.table, aggregations)
    values = _aggregated(columns, intervals, aggregations)
    kept = slice(intervals.first, intervals.last)
    series = Series(
        values=values[kept],
        time=intervals.start[kept],
        channels=tuple(each.name for each in aggregations),
        label=None if label is None else _label(timed.table, label, intervals)[kept],
        zone=timed.clock.zone,
        name=options.name or table.origin,
    )
    return series, (*timed.notes, *intervals.notes)


def _columns(table: Table, aggregations: tuple[Aggregation, ...]) -> pl.DataFrame:
    """The columns that are aggregated: numbers, save where texts are only counted."""
    columns: dict[str, pl.Series] = {}
    for each in aggregations:
        name = each.column
        if name is None:
            continue
        if name not in table.frame.columns:
            near = nearest_names(name, table.frame.columns)
            raise DataError(f"{table.origin} has no column {name!r} ({each.name}): {near}")
        if each.function not in ("count", "nunique"):
            columns[name] = pl.Series(name, as_numbers(table, name)).fill_nan(None)
        columns.setdefault(name, table.frame[name])
    return pl.DataFrame(columns)


def _aggregated(
    columns: pl.DataFrame, intervals: Intervals, aggregations: tuple[Aggregation, ...]
) -> FloatArray:
    """Shape (T, C): the aggregates of every interval, empty ones too."""
    grouped = (
        pl.DataFrame([pl.Series(_PLACE, intervals.place), *columns])
        .group_by(_PLACE)
        .agg(each.expression() for each in aggregations)
    )
    values = np.full((len(intervals.start), len(aggregations)), np.nan)
    place = grouped[_PLACE].to_numpy()
    for number, each in enumerate(aggregations):
        values[:, number] = 0.0 if each.counts else np.nan
        values[place, number] = grouped[each.name].to_numpy()
    return values


def _label(table: Table, name: str, intervals: Intervals) -> IntArray:
    label = np.zeros(len(intervals.start), dtype=np.int8)
    np.maximum.at(label, intervals.place, label_values(table, name))
    return label


def _day(moment: np.datetime64) -> str:
    return str(moment.astype("datetime64[s]"))
