"""Local times to UTC, through the nights on which clocks are changed."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from offbeat.series import BoolArray

__all__ = ["localise"]

_DAY_NS = 86_400 * 10**9


def localise(naive: pl.Series, zone: str) -> tuple[NDArray[np.datetime64], tuple[str, ...]]:
    """Local times as UTC.

    A time that the clock shows twice (summer time ends) is read in the order of the rows: the
    first pass until the clock goes back, then the second. A time that the clock skips (summer
    time begins) is read as if the clock had not been changed: 02:30 becomes 03:30.

    Parameters
    ----------
    naive
        Shape (T,): `Datetime` without a zone.
    zone
        IANA name.

    Returns
    -------
    Shape (T,) `datetime64[ns]` in UTC (NaT where `naive` is null), and notes.
    """
    wide = naive.dt.cast_time_unit("ns")
    early = _utc(wide, zone, "earliest")
    late = _utc(wide, zone, "latest")
    known = wide.is_not_null().to_numpy()
    skipped = known & np.isnat(early)
    twice = known & ~skipped & (early != late)
    notes: list[str] = []
    time = early.copy()
    if skipped.any():
        before = _utc(wide - timedelta(days=1), zone, "earliest")
        time[skipped] = before[skipped] + np.timedelta64(_DAY_NS, "ns")
        notes.append(f"{int(skipped.sum())} time stamps that {zone} skips were shifted forward")
    if twice.any():
        second = _second_pass(wide.to_numpy().astype("datetime64[ns]"), twice)
        time[second] = late[second]
        notes.append(f"{int(twice.sum())} time stamps that {zone} has twice read in row order")
    return time, tuple(notes)


def _utc(naive: pl.Series, zone: str, ambiguous: str) -> NDArray[np.datetime64]:
    zoned = naive.dt.replace_time_zone(zone, ambiguous=ambiguous, non_existent="null")  # type: ignore[arg-type]
    utc = zoned.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return utc.to_numpy().astype("datetime64[ns]")


def _second_pass(local: NDArray[np.datetime64], twice: BoolArray) -> BoolArray:
    """Shape (T,): True where a time that the clock shows twice is the later one."""
    rows = np.flatnonzero(twice)
    known = local[~np.isnat(local)]
    if known[-1] < known[0]:  # newest first
        rows = rows[::-1]
    second = np.zeros(len(local), dtype=np.bool_)
    nights = np.flatnonzero(np.abs(np.diff(local[rows])) > np.timedelta64(_DAY_NS // 2, "ns")) + 1
    for night in np.split(rows, nights):
        start = _switch(local[night])
        second[night[start:]] = True
    return second


def _switch(local: NDArray[np.datetime64]) -> int:
    """Row of one night's double hour at which its second pass begins."""
    step = np.diff(local)
    back = np.flatnonzero(step < np.timedelta64(0, "ns"))
    if len(back):
        return int(back[0]) + 1
    one_an_hour = (step == np.timedelta64(0, "ns")).tolist() == [True]
    return 1 if one_an_hour else len(local)
