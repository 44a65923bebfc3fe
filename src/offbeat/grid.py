"""A regular grid: rows sorted, repeated ones merged, one row a step, empty rows where nothing was.

Everything after this module counts in rows. `Grid.slot` leads back to the rows that came in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from offbeat.durations import parse_duration
from offbeat.errors import ConfigError, DataError
from offbeat.io.times import instant
from offbeat.series import BoolArray, FloatArray, IntArray, Series, TimeArray
from offbeat.stamps import step_text, time_text

__all__ = ["Grid", "Step", "infer_step", "label_on_grid", "regularise", "row_at"]

Step = str | timedelta | np.timedelta64 | int
"""A duration (`"1min"`, a timedelta), or a number of rows where the data have no clock."""

DAY_NS = 86_400_000_000_000
# A difference counts as a whole number of steps if it is off by at most this share of a step ...
STRAY = 0.25
# ... the rows as regular if so many differences are, and the usual one is off by no more than this.
REGULAR_SHARE = 0.95
USUAL_STRAY = 0.05
# The commonest difference is the step if so many of all differences are equal to it.
MODE_SHARE = 0.5
# A grid may have this many rows for each row that came, plus the spare ones; else it is a mistake.
GRID_ROWS_PER_ROW = 20
SPARE_GRID_ROWS = 10_000
# A clock that strays by less than this share of a step is not mentioned.
WORTH_A_NOTE = 0.01


@dataclass(frozen=True, eq=False)
class Grid:
    """A series on a regular step, and the way back to the rows it was made from.

    Parameters
    ----------
    series
        Sorted, one row a step, NaN where nothing was measured. A row that was measured keeps its
        own time stamp. Its label is the largest of the rows in it; an empty row is labelled 1 if
        the measured rows on both sides of it are.
    step
        `timedelta64[ns]`; a number of rows where the data have no clock.
    slot
        Shape (rows that came in,): the row of the grid that holds each. `result[grid.slot]` gives
        a result of the grid in the order and number of the rows that came in.
    notes
        What was done, one line each; empty if the rows were regular.
    """

    series: Series
    step: np.timedelta64 | int
    slot: IntArray
    notes: tuple[str, ...] = ()

    @property
    def rows_per_day(self) -> float | None:
        """Rows of the grid in a day; None without a clock."""
        if isinstance(self.step, int):
            return None
        return DAY_NS / int(self.step.astype(np.int64))

    @property
    def measured(self) -> BoolArray:
        """Shape (T,): True where a row of the grid holds at least one row that came in."""
        return np.bincount(self.slot, minlength=len(self.series)) > 0


def regularise(series: Series, step: Step | None = None) -> Grid:
    """Sort by time, merge what shares a time stamp, and put the rows on a regular step.

    If nearly all differences are near whole multiples of the step, rows are counted: one step
    further is one row further, so a clock that drifts or jitters makes no holes. Otherwise the
    span is cut into steps and each row of the grid is the mean of what fell into its step.
    Rows without a clock are taken as they come.

    Parameters
    ----------
    series
        Rows in any order.
    step
        A duration; without a clock, a number of rows to average. None takes the usual positive
        difference between time stamps.

    Raises
    ------
    DataError
        If there is no row, no step can be told (one row, or one time stamp for all), or the grid
        would be far larger than the data.
    ConfigError
        If `step` is not positive, or of the wrong kind for this time column.
    """
    if len(series) == 0:
        raise DataError(f"{series.name} has no rows: at least two are needed")
    if not series.has_clock:
        return _by_row_number(series, step)
    moments = _moments(series.time, series.name)
    order = np.argsort(moments, kind="stable")
    ordered = moments[order]
    step_ns = _usual_step(ordered, series.name) if step is None else _given_step(step)
    notes = _order_notes(moments)
    if _is_regular(ordered, step_ns):
        at_step = np.concatenate([[0], np.cumsum(np.rint(np.diff(ordered) / step_ns))])
        slot = at_step.astype(np.int64)
        _refuse_large(ordered, step_ns, int(slot[-1]) + 1)
        time = _counted_time(ordered, slot)
        notes += _stray_notes(ordered, step_ns)
    else:
        start = int(ordered[0]) // step_ns * step_ns
        slot = (ordered - start) // step_ns
        _refuse_large(ordered, step_ns, int(slot[-1]) + 1)
        time = start + step_ns * np.arange(int(slot[-1]) + 1)
        notes += [f"irregular time stamps: each row is the mean of {step_text(step_ns)}"]
    notes += _slot_notes(ordered, slot)
    back = np.empty(len(series), dtype=np.int64)
    back[order] = slot
    gathered = _gather(series, order, slot, time.astype("datetime64[ns]"))
    return Grid(gathered, np.timedelta64(step_ns, "ns"), back, tuple(notes))


def infer_step(time: TimeArray, name: str = "series") -> np.timedelta64 | int:
    """The usual positive difference between time stamps, in any order; 1 without a clock.

    It is the commonest one if that makes up half of all, else the median.

    Raises
    ------
    DataError
        If no two time stamps differ.
    """
    if time.dtype.kind != "M":
        return 1
    return np.timedelta64(_usual_step(np.sort(_moments(time, name)), name), "ns")


def row_at(
    time: TimeArray, at: int | str | datetime | np.datetime64, *, zone: str | None = None
) -> int:
    """The first row at or after a row number or time stamp, from 0 to T.

    Parameters
    ----------
    time
        Shape (T,), sorted.
    at
        A row, or a time stamp: a datetime, text in any usual notation, or `datetime64` in UTC.
    zone
        IANA name of the zone in which a time stamp without one is read; None means UTC.

    Raises
    ------
    ConfigError
        If `at` is neither, or a time stamp for data without a clock.
    """
    if isinstance(at, int | np.integer) and not isinstance(at, bool):
        return min(max(int(at), 0), len(time))
    if time.dtype.kind != "M":
        raise ConfigError(f"{at!r} needs a time column: without one give a row number")
    moment = at if isinstance(at, np.datetime64) else instant(at, zone)
    return int(np.searchsorted(time, moment, side="left"))


def _by_row_number(series: Series, step: Step | None) -> Grid:
    rows = 1 if step is None else step
    if not isinstance(rows, int) or isinstance(rows, bool):
        raise ConfigError(f"step={step} needs a time column: without one it is a number of rows")
    if rows < 1:
        raise ConfigError(f"step={rows}: at least one row was expected")
    slot = np.arange(len(series)) // rows
    if rows == 1:
        return Grid(series, 1, slot)
    gathered = _gather(series, np.arange(len(series)), slot, series.time[::rows])
    return Grid(gathered, rows, slot, (f"each row is the mean of {rows} rows",))


def _moments(time: TimeArray, name: str) -> NDArray[np.int64]:
    """Nanoseconds since 1970; refuses rows without a time stamp and spans too long to count."""
    empty = np.isnat(time)
    if empty.any():
        row = int(np.argmax(empty))
        raise DataError(
            f"{int(empty.sum())} row(s) of {name} have no time stamp, the first is row {row}: "
            "fill them or leave those rows out"
        )
    moments = time.astype("datetime64[ns]").astype(np.int64)
    if len(moments) and int(moments.max()) - int(moments.min()) > np.iinfo(np.int64).max:
        raise DataError(f"time stamps of {name} span more than 292 years: look for a wrong one")
    return moments


def _usual_step(ordered: NDArray[np.int64], name: str) -> int:
    if len(ordered) == 1:
        raise DataError(f"{name} has one row: no step can be told; give more rows, or step=")
    gaps = np.diff(ordered)
    gaps = np.sort(gaps[gaps > 0])
    if len(gaps) == 0:
        only = time_text(ordered[:1].astype("datetime64[ns]")[0])
        raise DataError(
            f"all {len(ordered)} rows of {name} have the time stamp {only}: is it the right "
            "time column?"
        )
    length, count = np.unique(gaps, return_counts=True)
    if count.max() >= MODE_SHARE * len(gaps):
        return int(length[np.argmax(count)])
    return int(gaps[(len(gaps) - 1) // 2])


def _given_step(step: Step) -> int:
    # NumPy counts its durations among the whole numbers.
    if isinstance(step, int | np.integer) and not isinstance(step, np.timedelta64):
        raise ConfigError(f"step={step}: these data have a clock, so give a duration")
    return int(parse_duration(step).astype(np.int64))


def _is_regular(ordered: NDArray[np.int64], step_ns: int) -> bool:
    gaps = np.diff(ordered)
    ratio = gaps[gaps > 0] / step_ns
    if len(ratio) == 0:
        return False
    whole = np.rint(ratio)
    near = (np.abs(ratio - whole) <= STRAY) & (whole >= 1)
    usual = float(np.median(ratio))
    return bool(near.mean() >= REGULAR_SHARE) and abs(usual - round(usual)) <= USUAL_STRAY * usual


def _counted_time(ordered: NDArray[np.int64], slot: NDArray[np.int64]) -> NDArray[np.int64]:
    """Time of each row of the grid: as measured, and evenly between the neighbours in gaps."""
    first = _first_of_group(slot)
    filled, moment = slot[first], ordered[first]
    rows = np.arange(int(slot[-1]) + 1)
    before = np.searchsorted(filled, rows, side="right") - 1
    after = np.minimum(before + 1, len(filled) - 1)
    n_steps = np.maximum(filled[after] - filled[before], 1)
    # Whole numbers only: floats would lose nanoseconds.
    length, rest = np.divmod(moment[after] - moment[before], n_steps)
    into = rows - filled[before]
    time: NDArray[np.int64] = moment[before] + length * into + rest * into // n_steps
    return time


def _refuse_large(ordered: NDArray[np.int64], step_ns: int, n_slots: int) -> None:
    if n_slots <= GRID_ROWS_PER_ROW * len(ordered) + SPARE_GRID_ROWS:
        return
    ends = ordered[[0, -1]].astype("datetime64[ns]")
    widest = step_text(int(np.diff(ordered).max()))
    raise DataError(
        f"{len(ordered)} rows from {time_text(ends[0])} to {time_text(ends[1])} would need "
        f"{n_slots} rows at a step of {step_text(step_ns)} (largest gap: {widest}): give a larger "
        "step=, or cut the file at its gap"
    )


def _first_of_group(slot: IntArray) -> IntArray:
    return np.flatnonzero(np.concatenate([[True], np.diff(slot) > 0]))


def _gather(series: Series, order: IntArray, slot: IntArray, time: TimeArray) -> Series:
    """The series on the grid; `slot` (in sorted order) says where each row goes."""
    first = _first_of_group(slot)
    filled = slot[first]
    values = np.full((len(time), series.n_channels), np.nan)
    ordered = series.values[order]
    values[filled] = ordered if len(first) == len(slot) else _group_mean(ordered, first)
    label = None
    if series.label is not None:
        label = label_on_grid(series.label[order], slot, len(time))
    return replace(series, values=values, time=time, label=label)


def label_on_grid(label: IntArray, slot: IntArray, n_rows: int) -> IntArray:
    """Labels of rows as they came, on a regular grid.

    Parameters
    ----------
    label, slot
        Shape (rows,): 0 or 1, and where each row goes.
    n_rows
        Rows of the grid, of which the first and the last are measured.

    Returns
    -------
    Shape (n_rows,): the largest of the rows in it; an empty row is 1 between two that are.
    """
    found = np.zeros(n_rows, dtype=np.int8)
    np.maximum.at(found, slot, label.astype(np.int8))
    measured = np.zeros(n_rows, dtype=bool)
    measured[slot] = True
    rows = np.arange(n_rows)
    before = np.maximum.accumulate(np.where(measured, rows, 0))
    after = np.minimum.accumulate(np.where(measured, rows, n_rows - 1)[::-1])[::-1]
    return np.minimum(found[before], found[after])


def _group_mean(ordered: FloatArray, first: IntArray) -> FloatArray:
    """Mean of each group of rows, NaN left out; divided before adding so that nothing overflows."""
    valid = ~np.isnan(ordered)
    count = np.add.reduceat(valid.astype(np.int64), first, axis=0)
    size = np.diff(np.append(first, len(ordered)))
    part = np.where(valid, ordered, 0.0) / np.maximum(np.repeat(count, size, axis=0), 1)
    total: FloatArray = np.add.reduceat(part, first, axis=0)
    total[count == 0] = np.nan
    return total


def _order_notes(moments: NDArray[np.int64]) -> list[str]:
    back = np.diff(moments) < 0
    if not back.any():
        return []
    if not (np.diff(moments) > 0).any():
        return ["rows ran from new to old: reversed"]
    return [f"rows out of order in {int(back.sum())} place(s): sorted by time"]


def _stray_notes(ordered: NDArray[np.int64], step_ns: int) -> list[str]:
    gaps = np.diff(ordered)
    ratio = gaps[gaps > 0] / step_ns
    stray = float(np.percentile(np.abs(ratio - np.rint(ratio)), 95))
    if stray < WORTH_A_NOTE:
        return []
    return [f"time stamps stray from the step by up to {stray:.0%} of it: taken as regular"]


def _slot_notes(ordered: NDArray[np.int64], slot: NDArray[np.int64]) -> list[str]:
    notes = []
    repeated = int((np.diff(ordered) == 0).sum())
    if repeated:
        notes.append(f"{repeated} row(s) repeat a time stamp: averaged")
    hop = np.diff(slot)
    merged = int((hop == 0).sum()) - repeated
    if merged:
        notes.append(f"{merged} row(s) share a step with the one before: averaged")
    if (hop > 1).any():
        empty = int((hop[hop > 1] - 1).sum())
        notes.append(f"{int((hop > 1).sum())} gap(s), {empty} rows without a measurement")
    return notes
