"""What a person may say about the data before they are read."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from offbeat.durations import parse_duration
from offbeat.errors import ConfigError

__all__ = ["ReadOptions"]


@dataclass(frozen=True)
class ReadOptions:
    """How to read a table; everything that is None is found from the data.

    Parameters
    ----------
    time
        Column of time stamps. Found by name (time, timestamp, date, ...) or by content.
    channels
        Columns to use, in this order; all columns of numbers otherwise. For an array, the names
        that its columns get.
    label
        Column of 0 and 1 (1 = anomaly). Found by name (label, is_anomaly, outlier, ...).
    delimiter
        One character between the cells of a text table; `"tab"` for a tabulator.
    zone
        IANA name of the zone in which time stamps without an offset were written, and in which
        time stamps are shown. Without it, they are taken as they are (as UTC).
    every
        Length of an interval, such as "30s", "1min", "1h": the rows are events, and each interval
        becomes one row. Intervals start at whole multiples of their length, in UTC.
    agg
        What to compute per interval: "count,sum(amount),mean(latency)". Needs `every`.
    encoding
        Encoding of a text file. A byte order mark in the file wins over it.
    name
        What the series is called in reports; the file name otherwise.

    Raises
    ------
    ConfigError
        If a zone, an encoding, a delimiter or an interval is none.
    """

    time: str | None = None
    channels: tuple[str, ...] | None = None
    label: str | None = None
    delimiter: str | None = None
    zone: str | None = None
    every: str | None = None
    agg: str | None = None
    encoding: str = "utf8"
    name: str | None = None

    def __post_init__(self) -> None:
        _check_zone(self.zone)
        _check_encoding(self.encoding)
        if self.every is not None:
            parse_duration(self.every)
        if self.agg is not None and self.every is None:
            raise ConfigError(f"agg={self.agg!r} needs every=, such as every='1min'")
        if self.channels is not None and not self.channels:
            raise ConfigError("channels=() leaves nothing to look at: name at least one column")
        if self.separator is not None and len(self.separator.encode()) != 1:
            raise ConfigError(f"delimiter={self.delimiter!r} must be one character, or 'tab'")

    @property
    def separator(self) -> str | None:
        """The delimiter as a character; None if it is to be found."""
        return "\t" if self.delimiter in ("tab", "\\t") else self.delimiter


def _check_zone(zone: str | None) -> None:
    try:
        if zone is not None:
            ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise ConfigError(
            f"zone={zone!r} is unknown: give an IANA name such as 'Europe/Berlin' or 'UTC'"
        ) from None


def _check_encoding(encoding: str) -> None:
    try:
        "a".encode(encoding)  # a codec of another kind, such as hex, is no encoding of text
    except (LookupError, UnicodeError):
        raise ConfigError(
            f"encoding={encoding!r} is unknown: try utf8, utf-16, latin-1 or cp1252"
        ) from None
