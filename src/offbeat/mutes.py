"""Mutes: hours, weekdays and dates in which events are kept quiet, on a clock that a person reads.

Mon-Fri 02:00-03:00 Europe/Berlin        the nightly backup
Sat,Sun                                  two whole days
2026-12-24..2026-12-26 channels=net_kb   three days, where net_kb leads
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date, time
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from offbeat.errors import ConfigError, nearest_names, one_of
from offbeat.events import Event, leading_channels
from offbeat.series import BoolArray, TimeArray
from offbeat.stamps import local_time

__all__ = ["WEEKDAYS", "Mute", "mute_from_dict", "parse_mute"]

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
FIRST_MONDAY = np.datetime64("1970-01-05", "D")
MINUTES = 24 * 60
EXAMPLE = "'Mon-Fri 02:00-03:00 Europe/Berlin' or '2026-12-24..2026-12-26 channels=net_kb'"


@dataclass(frozen=True)
class Mute:
    """When events are kept quiet. Conditions that are left out do not restrict.

    An event is muted if it begins and peaks in such a time: one that began before is not, and one
    that grows worse afterwards is heard then.

    Parameters
    ----------
    weekdays
        Of "Mon" to "Sun".
    start, end
        Time of day, half-open, to the minute. `end` may lie before `start`: then the hours reach
        into the next day, and belong to the day on which they begin.
    first, last
        First and last date.
    zone
        IANA name of the clock; None takes that of the series, or UTC.
    channels
        Only events that these channels lead; () mutes all.
    note
        Why.

    Raises
    ------
    ConfigError
        If a value cannot be, or nothing at all restricts.
    """

    weekdays: tuple[str, ...] = ()
    start: time | None = None
    end: time | None = None
    first: date | None = None
    last: date | None = None
    zone: str | None = None
    channels: tuple[str, ...] = ()
    note: str = ""

    def __post_init__(self) -> None:
        for day in self.weekdays:
            one_of("weekday", day, WEEKDAYS)
        if (self.start is None) != (self.end is None) or (self.start and self.start == self.end):
            raise ConfigError(
                f"a mute needs two different times of day or none: {self.text!r} came"
            )
        if self.first is not None and self.last is not None and self.last < self.first:
            raise ConfigError(f"the last date of a mute lies before its first: {self.text!r} came")
        if not self.needs_clock and not self.channels:
            raise ConfigError(f"a mute of everything, always, is refused: give {EXAMPLE}")
        if self.zone is not None:
            _check_zone(self.zone)

    @property
    def needs_clock(self) -> bool:
        """Whether it speaks of time at all."""
        return any(each for each in (self.weekdays, self.start, self.first, self.last))

    @property
    def text(self) -> str:
        """As `parse_mute` reads it."""
        parts = [",".join(self.weekdays)]
        if self.first or self.last:
            parts.append(f"{self.first or ''}..{self.last or ''}")
        if self.start is not None and self.end is not None:
            parts.append(f"{self.start:%H:%M}-{self.end:%H:%M}")
        parts.append(self.zone or "")
        parts.append(f"channels={','.join(self.channels)}" if self.channels else "")
        return " ".join(part for part in parts if part)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able; `mute_from_dict` reads it."""
        plain = {name: value for name, value in asdict(self).items() if value not in (None, (), "")}
        for name in ("start", "end"):
            if name in plain:
                plain[name] = f"{plain[name]:%H:%M}"
        return {k: list(v) if isinstance(v, tuple) else str(v) for k, v in plain.items()}

    def covers(self, when: TimeArray, zone: str | None = None) -> BoolArray:
        """Which of these time stamps lie in it, whatever the channels.

        Parameters
        ----------
        when
            Shape (n,), `datetime64` in UTC.
        zone
            Of the series.

        Raises
        ------
        ConfigError
            If these are row numbers.
        """
        if not self.needs_clock:
            return np.ones(len(when), dtype=bool)
        if when.dtype.kind != "M":
            raise ConfigError(f"the mute {self.text!r} needs data with a time column")
        clock = local_time(when, self.zone or zone)
        days = clock.astype("datetime64[D]")
        inside = np.ones(len(clock), dtype=bool)
        if self.start is not None and self.end is not None:
            minute = (clock - days).astype("timedelta64[m]").astype(np.int64)
            start, end = (60 * at.hour + at.minute for at in (self.start, self.end))
            inside = (minute - start) % MINUTES < (end - start) % MINUTES
            days = days - ((end < start) & (minute < end)).astype("timedelta64[D]")
        if self.weekdays:
            of_week = (days - FIRST_MONDAY).astype(np.int64) % len(WEEKDAYS)
            inside &= np.isin(of_week, [WEEKDAYS.index(day) for day in self.weekdays])
        if self.first is not None:
            inside &= days >= np.datetime64(self.first)
        if self.last is not None:
            inside &= days <= np.datetime64(self.last)
        return inside

    def mutes(self, event: Event, zone: str | None = None) -> bool:
        """Whether the event begins and peaks in it, led by its channels."""
        if self.channels and not set(leading_channels(event)) <= set(self.channels):
            return False
        return bool(self.covers(np.array([event.start_time, event.peak_time]), zone).all())


def mute_from_dict(settings: Mapping[str, Any]) -> Mute:
    """What `Mute.to_dict` gave.

    Raises
    ------
    ConfigError
        If a key is unknown or a value cannot be read.
    """
    known = [field.name for field in fields(Mute)]
    for key in settings:
        if key not in known:
            raise ConfigError(f"a mute has no setting {key!r}: {nearest_names(key, known)}")
    made: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()}
    for name, kind in (("start", time), ("end", time), ("first", date), ("last", date)):
        if isinstance(made.get(name), str):
            made[name] = _iso(kind, made[name])
    return Mute(**made)


def parse_mute(text: str) -> Mute:
    """Read a mute as it is written on the command line, see the head of this file.

    Raises
    ------
    ConfigError
        If it cannot be read.
    """
    made: dict[str, Any] = {}
    rest, found, names = text.strip().partition("channels=")
    if found:
        made["channels"] = tuple(name.strip() for name in names.split(",") if name.strip())
    for word in rest.split():
        part = _read_word(word)
        if made.keys() & part.keys():
            raise ConfigError(f"the mute {text!r} says something twice: {word!r}")
        made |= part
    return Mute(**made)


def _read_word(word: str) -> dict[str, Any]:
    """One condition: dates, times of day, a zone or weekdays."""
    if ".." in word or re.fullmatch(r"\d{4}-\d\d-\d\d", word):
        first, dots, last = word.partition("..")
        edges = (first, last if dots else first)
        return {
            name: _iso(date, edge)
            for name, edge in zip(("first", "last"), edges, strict=True)
            if edge
        }
    if word[:1].isdigit():
        start, _, end = word.partition("-")
        midnight = "00:00" if end == "24:00" else end
        return {"start": _iso(time, start), "end": _iso(time, midnight)}
    if "/" in word or word.upper() == "UTC":
        return {"zone": word}
    return {"weekdays": _read_weekdays(word)}


def _read_weekdays(word: str) -> tuple[str, ...]:
    days: list[str] = []
    for part in word.split(","):
        first, dash, last = (each.strip().title()[:3] for each in part.partition("-"))
        for day in (first, last) if dash else (first,):
            if day not in WEEKDAYS:
                raise ConfigError(f"a mute such as {EXAMPLE} was expected, {word!r} came")
        begin = WEEKDAYS.index(first)
        n_days = (WEEKDAYS.index(last) - begin) % len(WEEKDAYS) if dash else 0
        days += [WEEKDAYS[(begin + ahead) % len(WEEKDAYS)] for ahead in range(n_days + 1)]
    return tuple(day for day in WEEKDAYS if day in days)


def _iso(kind: type[time] | type[date], text: str) -> time | date:
    try:
        return kind.fromisoformat(text)
    except ValueError:
        wanted = "a time of day such as 02:30" if kind is time else "a date such as 2026-12-24"
        raise ConfigError(f"{wanted} was expected in a mute, {text!r} came") from None


def _check_zone(zone: str) -> None:
    try:
        ZoneInfo(zone)
    except (ValueError, OSError, KeyError):  # what is no name at all, a folder, a name unknown
        raise ConfigError(
            f"zone={zone!r} is no time zone: write one such as Europe/Berlin"
        ) from None
