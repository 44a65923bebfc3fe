"""Written time stamps: parted into local time and offset, and read in the usual notations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

__all__ = ["DayOrder", "WrittenTime", "day_order", "parse_local"]

DayOrder = Literal["day", "month"]

_TIME_END = r"\d:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:\s?[AaPp][Mm])?|[Tt ]\d{4}(?:\d{2}(?:[.,]\d+)?)?"
_OFFSET = rf"(?:{_TIME_END})\s*(Z|z|UTC|GMT|[+-]\d{{2}}(?::?\d{{2}})?)$"
_OFFSET_END = r"\s*(?:Z|z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)$"
_WEEKDAY = r"^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,?\s+"
_NUMERIC_DATE = r"^(\d{1,2})([./-])(\d{1,2})[./-]\d{2,4}\b"

_TIMES = (
    " %H:%M:%S%.f",
    " %H:%M",
    "",
    " %I:%M:%S %p",
    " %I:%M:%S%p",
    " %I:%M %p",
    " %I:%M%p",
    ":%H:%M:%S",
    " %H%M%S",
    " %H%M",
    "%H%M%S",
)
_DATES = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y%m%d",
    "%d/%b/%Y",
    "%d-%b-%Y",
    "%d %B %Y",
    "%B %d %Y",
    "%B %d, %Y",
)
_DAY_FIRST = ("%d.%m.%Y", "%d/%m/%Y", "%d-%m-%Y", "%d.%m.%y", "%d/%m/%y", "%d-%m-%y")
_MONTH_FIRST = ("%m.%d.%Y", "%m/%d/%Y", "%m-%d-%Y", "%m.%d.%y", "%m/%d/%y", "%m-%d-%y")
_MONTHS = 12
_EARLIEST = datetime(1000, 1, 1)
"""A year before this one is a year of two digits that was read as four."""


@dataclass(frozen=True, eq=False)
class WrittenTime:
    """Text of time stamps, without their offset, and the offset as written (null if none)."""

    local: pl.Series
    offset: pl.Series

    @classmethod
    def of(cls, text: pl.Series) -> WrittenTime:
        """Part `2024-01-31T12:00:00+01:00` into `2024-01-31 12:00:00` and `+01:00`."""
        offset = text.str.extract(_OFFSET)
        local = text.str.replace(_OFFSET_END, "").zip_with(offset.is_not_null(), text)
        local = local.str.replace(r"^(\d{4}[-/.]?\d{1,2}[-/.]?\d{1,2})[Tt_ ]\s*", "${1} ")
        local = local.str.replace(_WEEKDAY, "").str.replace(r":(\d{2}),(\d+)$", ":${1}.${2}")
        return cls(local, offset)

    def offset_ns(self) -> NDArray[np.int64]:
        """Shape (T,): the offset from UTC in nanoseconds; 0 where there is none."""
        known = {each: _offset_seconds(each) for each in self.offset.drop_nulls().unique()}
        seconds = self.offset.replace_strict(known, default=0, return_dtype=pl.Int64)
        return seconds.fill_null(0).to_numpy() * 10**9


def day_order(text: pl.Series) -> DayOrder | None:
    """Whether 1/2/2024 means day/month ("day") or month/day; None if nothing tells.

    A number above 12 tells; so does a full stop (31.1.2024), which is written day first.
    """
    numeric = text.str.extract_groups(_NUMERIC_DATE).struct.unnest().drop_nulls()
    if not len(numeric):
        return "day"
    first = numeric.to_series(0).cast(pl.Int64)
    second = numeric.to_series(2).cast(pl.Int64)
    if (first > _MONTHS).any():
        return "day"
    if (second > _MONTHS).any():
        return "month"
    if (numeric.to_series(1) == ".").all() or (first == second).all():
        return "day"
    return None


def parse_local(text: pl.Series, order: DayOrder) -> pl.Series:
    """Local times (`Datetime("us")`, no zone); null where no notation fits.

    Parameters
    ----------
    text
        Time stamps without an offset, as `WrittenTime.local`. Digits beyond microseconds are cut.
    order
        How to read 1/2/2024.
    """
    parsed = pl.Series(text.name, [None] * len(text), dtype=pl.Datetime("us"))
    dates = _DATES + (_DAY_FIRST if order == "day" else _MONTH_FIRST)
    untried = [date + time for date, time in product(dates, _TIMES)]
    pending = text.drop_nulls().head(1)
    while len(pending):
        notation = next((each for each in untried if _read(pending, each)[0] is not None), None)
        if notation is None:
            break
        untried.remove(notation)
        rows = parsed.is_null()
        parsed = _read(text, notation).zip_with(rows, parsed)
        pending = text.filter(parsed.is_null() & text.is_not_null()).head(1)
    return parsed


def _read(text: pl.Series, notation: str) -> pl.Series:
    parsed = text.str.to_datetime(notation, strict=False, time_unit="us")
    return parsed.set(parsed < _EARLIEST, None)


def _offset_seconds(offset: str) -> int:
    if offset[0] not in "+-":
        return 0
    digits = offset[1:].replace(":", "").ljust(4, "0")
    seconds = int(digits[:2]) * 3600 + int(digits[2:]) * 60
    return -seconds if offset[0] == "-" else seconds
