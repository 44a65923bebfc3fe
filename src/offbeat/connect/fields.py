"""Fields: which part of a record is the time, which names the series, which are values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from time import time_ns
from typing import Any

import numpy as np

from offbeat.connect.contract import Record, Refused
from offbeat.connect.decoding import TOPIC
from offbeat.errors import ConfigError, DataError
from offbeat.io.clocks import TIME_NAMES
from offbeat.io.columns import is_label_name
from offbeat.io.times import epoch_unit, instant
from offbeat.series import LARGEST_VALUE

__all__ = ["Fields", "Row"]

NOW = "now"
SERIES_NAMES = ("series", "name", "id")
ONE_SERIES = "series"
LARGEST_ROW = 2**62
NANOSECONDS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
LABELS = (0, 1, None)
_MISSING = object()


@dataclass(frozen=True)
class Row:
    """One row of one series.

    Parameters
    ----------
    time
        In UTC, a row number, or None where rows are counted.
    series
        Its name.
    values
        Numbers by channel; None is missing.
    record
        What it was made of.
    """

    time: np.datetime64 | int | None
    series: str
    values: Mapping[str, float | None]
    record: Record


@dataclass(frozen=True)
class Fields:
    """Where things stand in a record: names of fields, or JSON pointers that begin with a slash.

    Parameters
    ----------
    time
        Time stamp, in any usual notation or as a number since 1970; "now" takes the moment of
        arrival. None takes the field of a usual name ("time", "timestamp", "ts" ...), and counts
        rows where there is none.
    series
        Name of the series. None takes "series", "name", "id" or the topic, and else all is one.
    values
        Channel names and where each stands; () takes all other fields, each named as its channel,
        but for a label.
    zone
        IANA name in which time stamps without a zone are read.
    """

    time: str | None = None
    series: str | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    zone: str | None = None

    @classmethod
    def parse(
        cls, time: str | None, series: str | None, values: str | None, zone: str | None = None
    ) -> Fields:
        """As they are written on the command line: `flow=/data/flow,level`.

        Raises
        ------
        ConfigError
            If a channel is named twice.
        """
        named = dict[str, str]()
        for part in (each.strip() for each in (values or "").split(",")):
            channel, _, place = part.rpartition("=") if "=" in part else (part, "", part)
            channel = channel.rpartition("/")[2]
            if channel in named:
                raise ConfigError(f"--values names the channel {channel!r} twice")
            if part:
                named[channel] = place
        return cls(time, series, named, zone)

    def rows(self, records: Sequence[Record], source: str) -> tuple[list[Row], list[Refused]]:
        """Rows of records, and what is none."""
        rows, refused = list[Row](), list[Refused]()
        known = dict[Any, np.datetime64 | int]()
        for record in records:
            try:
                rows.append(self._row(record, known))
            except DataError as problem:
                refused.append(Refused.of(record, str(problem), source))
        return rows, refused

    def _row(self, record: Record, known: dict[Any, np.datetime64 | int]) -> Row:
        time_key = self.time or next((each for each in TIME_NAMES if each in record), None)
        series_key = self.series or next((each for each in SERIES_NAMES if each in record), TOPIC)
        stamp = time_ns() if time_key == NOW else _at(record, time_key)
        if self.time is not None and stamp is _MISSING:
            raise DataError(f"a time stamp was expected at {self.time!r}, there is none")
        series = _at(record, series_key)
        if self.series is not None and not isinstance(series, str | int):
            raise DataError(f"the name of a series was expected at {self.series!r}")
        name = ONE_SERIES if series is _MISSING else str(series)
        if self.values:
            found = {channel: _at(record, place) for channel, place in self.values.items()}
            if all(value is _MISSING for value in found.values()):
                raise DataError(f"none of {', '.join(self.values.values())} is there")
        else:
            spared = (time_key, series_key, TOPIC)
            found = {
                key: value
                for key, value in record.items()
                if key not in spared and not (value in LABELS and is_label_name(key))
            }
        values = {channel: _number(channel, value) for channel, value in found.items()}
        return Row(self._moment(stamp, known), name, values, record)

    def _moment(
        self, stamp: object, known: dict[Any, np.datetime64 | int]
    ) -> np.datetime64 | int | None:
        """A time stamp, read once where several rows have it."""
        if stamp is _MISSING:
            return None
        if not isinstance(stamp, str | int | float | datetime) or isinstance(stamp, bool):
            raise DataError(f"a time stamp was expected, {stamp!r:.80} came")
        if stamp not in known:
            known[stamp] = self._read(stamp)
        return known[stamp]

    def _read(self, stamp: str | float | datetime) -> np.datetime64 | int:
        if isinstance(stamp, str | datetime):
            try:
                return instant(stamp, self.zone)
            except ConfigError as problem:
                raise DataError(str(problem)) from None
        if not abs(stamp) < LARGEST_ROW:
            raise DataError(f"a time since 1970 or a row number was expected, {stamp!r} came")
        unit = epoch_unit(np.array([stamp], dtype=np.float64))
        if unit is None:
            if stamp != stamp // 1:
                raise DataError(f"a time since 1970 or a row number was expected, {stamp!r} came")
            return int(stamp)
        if isinstance(stamp, int):
            return np.datetime64(stamp * NANOSECONDS[unit], "ns")
        return np.datetime64(round(stamp * NANOSECONDS[unit] / 1e3) * 1000, "ns")


def _at(record: Record, place: str | None) -> Any:
    """What stands at a name or a JSON pointer."""
    if place is None:
        return _MISSING
    if not place.startswith("/"):
        return record.get(place, _MISSING)
    found: Any = record
    for part in place[1:].split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, list) and key.isdigit() and int(key) < len(found):
            found = found[int(key)]
        elif isinstance(found, Mapping) and key in found:
            found = found[key]
        else:
            return _MISSING
    return found


def _number(channel: str, value: object) -> float | None:
    if value is None or value is _MISSING:
        return None
    if isinstance(value, int | float):
        number = float(value) if abs(value) <= LARGEST_VALUE else math.inf
        if math.isnan(number):
            return None
        if abs(number) <= LARGEST_VALUE:
            return number
    raise DataError(f"channel {channel!r}: a number was expected, {value!r:.80} came")
