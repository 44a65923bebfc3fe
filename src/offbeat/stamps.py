"""Time stamps and steps in the words of people, and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from offbeat.errors import ConfigError
from offbeat.series import TimeArray

__all__ = ["is_iso", "local_time", "read_stamp", "step_text", "time_text"]

FIRST_YEAR, LAST_YEAR = 1678, 2261  # whole years that nanoseconds since 1970 reach
_UNITS = (
    ("day", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("min", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
)


def step_text(step: np.timedelta64 | timedelta | int) -> str:
    """A duration for people: `200 ms`, `5 min`, `1.5 h`; a plain number is in nanoseconds."""
    length = step if isinstance(step, int) else int(np.timedelta64(step, "ns").astype(np.int64))
    name, unit = next((each for each in _UNITS if abs(length) >= each[1]), _UNITS[-1])
    number = f"{length / unit:.4g}" if abs(length) < 1_000 * unit else f"{length / unit:.0f}"
    return f"{number} {name}s" if name == "day" and number != "1" else f"{number} {name}"


def time_text(time: np.datetime64 | int | np.integer[Any], zone: str | None = None) -> str:
    """A time stamp as ISO text, in `zone` if one is named; row numbers as `row 12`."""
    if not isinstance(time, np.datetime64):
        return f"row {int(time)}"
    moment = time.astype("datetime64[ns]")
    whole = moment.astype("datetime64[s]")
    part = int((moment - whole).astype(np.int64))
    fraction = f".{part:09d}".rstrip("0") if part else ""
    if zone is None:
        return f"{whole}{fraction}"
    local = datetime.fromtimestamp(int(whole.astype(np.int64)), ZoneInfo(zone))
    return local.strftime("%Y-%m-%dT%H:%M:%S") + fraction + local.isoformat()[19:]


def read_stamp(at: object, zone: str | None) -> np.datetime64:
    """A time stamp in UTC from ISO text or a datetime; one without a zone is read in `zone`.

    Raises
    ------
    ConfigError
        If it is no time stamp.
    """
    if isinstance(at, np.datetime64):
        return at
    moment = _iso(at) if isinstance(at, str) else at
    if not isinstance(moment, datetime):
        raise ConfigError(f"a time stamp in ISO form was expected, {at!r} came")
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ConfigError(
            f"a time stamp from {FIRST_YEAR} to {LAST_YEAR} was expected, {at!r} came"
        )
    if moment.tzinfo is None and zone is not None:
        moment = moment.replace(tzinfo=ZoneInfo(zone))
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return np.datetime64(moment, "ns")


def is_iso(text: str) -> bool:
    """Whether `read_stamp` can read this."""
    return _iso(text) is not None


def local_time(time: TimeArray, zone: str | None) -> NDArray[np.datetime64]:
    """Time stamps on the clock of `zone`, in microseconds; None leaves them as they came.

    In the hour after the clock is set back, stamps are those of the hour before, as on the wall.
    """
    stamps = time.astype("datetime64[us]")
    if zone is None:
        return stamps
    utc = pl.Series(stamps).dt.replace_time_zone("UTC")
    return utc.dt.convert_time_zone(zone).dt.replace_time_zone(None).to_numpy()


def _iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
