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
    irregular
        Whether time stamps keep no step: a row is the mean of what fell into one step then, as in
        a file without one, and is scored when the step is over. If not, a row follows each
        measurement and its time stamp may stray from the step.
    max_ahead, max_behind
        A row so many rows ahead of its series waits until the two after it agree: a clock that
        jumps once does no harm, a long gap is one. A clock is set back once 30 rows in order are
        so many behind; until then they are late.
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
    irregular: bool = False
    max_ahead: int = 1_000
    max_behind: int = 2_500
    stall_after: int | None = None
    stuck_after: int | None = None
    drift_span: int | None = None
    history: int = 0
    max_series: int = 100_000
    zone: str | None = None

    def check(self) -> None:
        """Raise a `ConfigError` for the first value that it cannot have."""
        for name, least in (("history", 0), ("max_series", 1), ("max_ahead", 2), ("max_behind", 2)):
            whole_number(name, getattr(self, name), least=least)
        for name in ("stall_after", "stuck_after", "drift_span"):
            if getattr(self, name) is not None:
                whole_number(name, getattr(self, name), least=2)

    def lateness_units(self, has_clock: bool) -> int:
        """The lateness in nanoseconds, or in rows without a clock."""
        lateness = self.lateness
        if self.irregular and not has_clock:
            raise ConfigError("irregular time stamps need a clock: the model was trained without")
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
