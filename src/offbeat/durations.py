"""Durations as people write them: 200ms, 5s, 1min, 12h, 7d, 1week."""

from __future__ import annotations

import re
from datetime import timedelta

import numpy as np

from offbeat.errors import ConfigError

__all__ = ["duration_text", "parse_duration"]

NANOSECONDS = {
    "ns": 1,
    "us": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "sec": 10**9,
    "second": 10**9,
    "m": 60 * 10**9,
    "min": 60 * 10**9,
    "minute": 60 * 10**9,
    "h": 3_600 * 10**9,
    "hour": 3_600 * 10**9,
    "d": 86_400 * 10**9,
    "day": 86_400 * 10**9,
    "w": 604_800 * 10**9,
    "week": 604_800 * 10**9,
    "month": 2_629_746 * 10**9,
    "year": 31_556_952 * 10**9,
}
LONGEST = 2**63 - 1  # nanoseconds that a timedelta64 holds


def parse_duration(text: str | timedelta | np.timedelta64) -> np.timedelta64:
    """`"1min"`, `"7 days"`, `"day"` -> `timedelta64[ns]`; a month and a year are the mean ones.

    Raises
    ------
    ConfigError
        If it is no positive duration.
    """
    if isinstance(text, str):
        nanoseconds = _written(text)
    elif isinstance(text, timedelta):
        nanoseconds = text // timedelta(microseconds=1) * 1_000
    else:
        nanoseconds = int(np.timedelta64(text, "ns").astype(np.int64))  # NaT is below 0
    if nanoseconds <= 0:
        raise ConfigError(f"a duration must be longer than nothing, {text!r} came")
    if nanoseconds > LONGEST:
        raise ConfigError(f"a duration of at most 292 years was expected, {text!r} came")
    return np.timedelta64(nanoseconds, "ns")


def duration_text(span: timedelta) -> str:
    """7d, 12h, 90s: the largest unit that fits without a rest."""
    seconds = span.total_seconds()
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        if seconds % size == 0:
            return f"{int(seconds / size)}{unit}"
    return f"{seconds:.6f}s"


def _written(text: str) -> int:
    """Nanoseconds of a number and a unit, either `ms` itself or the plural of another."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)?\s*([a-z]+)\s*", text.lower())
    unit = found and (NANOSECONDS.get(found[2]) or NANOSECONDS.get(found[2].removesuffix("s")))
    if found is None or not unit:
        raise ConfigError(
            f"a duration such as 200ms, 5s, 1min, 12h or 7d was expected, {text!r} came"
        )
    return round(min(float(found[1] or 1) * unit, 2.0 * LONGEST))
