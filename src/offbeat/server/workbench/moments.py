"""Moments of a series: text or row numbers for people, whole numbers in the store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from offbeat.errors import ConfigError
from offbeat.labels import read_moment as read_any_moment
from offbeat.series import BoolArray, Series
from offbeat.server.records import Moment
from offbeat.stamps import time_text

__all__ = ["moment_number", "moment_text", "read_moment", "rows_in"]


def moment_text(at: int | None, *, has_clock: bool) -> Moment | None:
    """ISO text in UTC of nanoseconds since 1970, or the row number."""
    if at is None or not has_clock:
        return at
    return f"{time_text(np.datetime64(at, 'ns'))}Z"  # read again, it is not taken for local time


def moment_number(at: Moment | np.datetime64) -> int:
    """What `moment_text` was given."""
    if isinstance(at, int):
        return at
    stamp = at if isinstance(at, np.datetime64) else np.datetime64(at.removesuffix("Z"))
    return int(stamp.astype("datetime64[ns]").astype(np.int64))


def read_moment(at: Any, *, has_clock: bool, zone: str | None) -> int:
    """Nanoseconds since 1970, or the row number, in any notation that the library reads.

    Raises
    ------
    DataError, ConfigError
        If it is no moment of such a series.
    """
    moment = read_any_moment(at, zone)
    if isinstance(moment, int) == has_clock:
        wanted = "a clock: a time stamp" if has_clock else "no clock: a row number"
        raise ConfigError(f"this series has {wanted} was expected, {at!r} came")
    return moment_number(moment)


def rows_in(series: Series, spans: Sequence[tuple[int, int]]) -> Iterator[slice | BoolArray]:
    """Which rows lie in each span [start, end)."""
    time = series.time.astype(np.int64)
    is_ordered = bool((time[1:] >= time[:-1]).all())
    for start, end in spans:
        if is_ordered:
            first, last = np.searchsorted(time, (start, end))
            yield slice(int(first), int(last))
        else:
            yield (time >= start) & (time < end)
