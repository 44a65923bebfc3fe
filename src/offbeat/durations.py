"""Durations as people write them: 200ms, 5s, 1min, 12h, 7d, 1week."""

from __future__ import annotations

import re
from datetime import timedelta

import numpy as np

from offbeat.errors import ConfigError

__all__ = ["parse_duration"]

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


def parse_duration(text: str | timedelta | np.timedelta64) -> np.timedelta64:
    """`"1min"`, `"7 days"`, `"day"` -> `timedelta64[ns]`; a month and a year are the mean ones.

    Raises
    ------
    ConfigError
        If it is no positive duration.
    """
    if not isinstance(text, str):
        length = np.timedelta64(text, "ns")
    else:
        found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)?\s*([a-z]+?)s?\s*", text.lower())
        unit = found and (NANOSECONDS.get(found[2]) or NANOSECONDS.get(found[2] + "s"))
        if found is None or not unit:
            raise ConfigError(
                f"a duration such as 200ms, 5s, 1min, 12h or 7d was expected, {text!r} came"
            )
        length = np.timedelta64(round(float(found[1] or 1) * unit), "ns")
    if length <= np.timedelta64(0, "ns"):
        raise ConfigError(f"a duration must be longer than nothing, {text!r} came")
    return length
