"""How a stream is watched."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from offbeat.durations import parse_duration
from offbeat.errors import ConfigError, whole_number

__all__ = ["StreamOptions"]


@dataclass(frozen=True)
class StreamOptions:
    """How a stream is watched.

    Parameters
    ----------
    lateness
        How late a measurement may come, as "30s" or a `timedelta` (without a clock, rows). Rows
        wait so long, and half a step, before they are scored: what comes out of order is sorted,
        what comes twice for one row is averaged, as in a file. 0 scores every row at once.
    stall_after
        Rows without anything after which a series has "no data"; None takes one more than the
        longest gap that is filled.
    stuck_after
        Measured rows after which a channel that keeps one value is "stuck"; None takes three times
        as many as it ever kept one in the training part, at least 30.
    drift_span
        Rows over which the scores are compared with those of the training part; None takes 40
        smoothing windows, at least 1000.
    history
        Rows of every series that are kept to train on again; 0 keeps none.
    max_series
        More series than that are refused, so that a stream of names cannot fill the memory.
    zone
        IANA name in which time stamps without a zone are read, and mutes by time.
    """

    lateness: str | timedelta | int = 0
    stall_after: int | None = None
    stuck_after: int | None = None
    drift_span: int | None = None
    history: int = 0
    max_series: int = 100_000
    zone: str | None = None

    def check(self) -> None:
        """Raise a `ConfigError` for the first value that it cannot have."""
        for name, least in (("history", 0), ("max_series", 1)):
            whole_number(name, getattr(self, name), least=least)
        for name in ("stall_after", "stuck_after", "drift_span"):
            if getattr(self, name) is not None:
                whole_number(name, getattr(self, name), least=2)

    def lateness_units(self, has_clock: bool) -> int:
        """The lateness in nanoseconds, or in rows without a clock."""
        lateness = self.lateness
        if isinstance(lateness, int):
            whole = not isinstance(lateness, bool)
            if whole and (lateness == 0 or (lateness > 0 and not has_clock)):
                return lateness
            raise ConfigError(f"lateness must be a duration such as '30s', {lateness!r} came")
        if not has_clock:
            raise ConfigError(
                f"lateness={lateness!r} needs a clock: without one it is a number of rows"
            )
        return int(np.asarray(parse_duration(lateness)).astype(np.int64))
