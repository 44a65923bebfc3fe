"""One label: what a person said of one stretch of a series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from offbeat.errors import ConfigError, DataError, nearest_names, one_of
from offbeat.stamps import read_stamp, time_text

__all__ = ["ANOMALOUS", "VERDICTS", "Label", "Moment", "Verdict", "as_moment", "usual_verdict"]

Verdict = Literal["true alarm", "false alarm", "expected", "missed"]
"""Right to alarm; nothing was wrong; off, but as planned; off, and no alarm came."""
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
ANOMALOUS: tuple[Verdict, ...] = ("true alarm", "missed")
Moment = np.datetime64 | int
"""A time stamp in UTC, or a row number."""
OTHER_WORDS: dict[str, Verdict] = {
    "anomaly": "true alarm",
    "normal": "false alarm",
    "maintenance": "expected",
}
FARTHEST = 1 << 62
"""No row has so high a number, and it still fits into 64 bits."""


@dataclass(frozen=True)
class Label:
    """What a person said of one stretch [start, end).

    Parameters
    ----------
    start, end
        Time stamps (`datetime64` in UTC, `datetime`, ISO text), or row numbers where the data have
        no clock. `end` is the first one that no longer belongs to it.
    verdict
        "true alarm"; "false alarm"; "expected", such as maintenance: off, but nobody needs to
        know; "missed": an anomaly without an alarm.
    channels
        The channels that it speaks of; () speaks of all.
    who, when, note
        Who said so, when (UTC), and why.

    Raises
    ------
    ConfigError
        If it does not end after its start, mixes rows and time stamps, or its verdict is unknown.
    """

    start: Moment
    end: Moment
    verdict: Verdict
    channels: tuple[str, ...] = ()
    who: str = ""
    when: np.datetime64 | None = None
    note: str = ""

    def __post_init__(self) -> None:
        one_of("verdict", self.verdict, VERDICTS)
        for name in ("start", "end"):
            object.__setattr__(self, name, as_moment(getattr(self, name)))
        if self.when is not None:
            object.__setattr__(self, "when", read_stamp(self.when, None).astype("datetime64[ns]"))
        if isinstance(self.start, np.datetime64) != isinstance(self.end, np.datetime64):
            raise ConfigError(f"a label is from row to row or from time to time, {self.text} came")
        if not self.start < self.end:
            raise ConfigError(f"a label must end after its start, {self.text} came")
        if isinstance(self.channels, str):
            raise ConfigError(f"channels are several names: give ({self.channels!r},)")
        object.__setattr__(self, "channels", tuple(self.channels))

    @property
    def is_anomalous(self) -> bool:
        """Whether something was wrong there, found or missed."""
        return self.verdict in ANOMALOUS

    @property
    def text(self) -> str:
        """`'false alarm' from row 5 to row 9`, for messages."""
        return f"{self.verdict!r} from {time_text(self.start)} to {time_text(self.end)}"

    def to_dict(self) -> dict[str, Any]:
        """JSON-able: time stamps as ISO text in UTC."""
        return {
            "start": _written(self.start),
            "end": _written(self.end),
            "verdict": self.verdict,
            "channels": list(self.channels),
            "who": self.who,
            "when": None if self.when is None else _written(self.when),
            "note": self.note,
        }

    def check_fits(self, name: str, channels: Sequence[str], *, has_clock: bool) -> None:
        """Refuse a series that it cannot speak of: without a clock, say, or without its channels.

        Raises
        ------
        DataError
            That names the series.
        """
        if isinstance(self.start, np.datetime64) != has_clock:
            wanted = "time stamps" if has_clock else "row numbers"
            raise DataError(f"the label {self.text}: labels of {name} must be {wanted}")
        for channel in self.channels:
            if channel not in channels:
                near = nearest_names(channel, channels)
                raise DataError(f"the label {self.text} names no channel {channel!r}: {near}")

    def contradicts(self, other: Label) -> bool:
        """Whether both cannot hold: they overlap in time and channels and say different things."""
        apart = not (self.start < other.end and other.start < self.end)
        strangers = self.channels and other.channels and not {*self.channels} & {*other.channels}
        same = self.verdict == other.verdict or (self.is_anomalous and other.is_anomalous)
        return not (apart or strangers or same)


def as_moment(at: object) -> Moment:
    """A row number, or a time stamp in UTC in nanoseconds."""
    if isinstance(at, int | np.integer) and not isinstance(at, bool):
        if not -FARTHEST < at < FARTHEST:
            raise ConfigError(f"no series has a row {at}")
        return int(at)
    stamp: np.datetime64 = read_stamp(at, None).astype("datetime64[ns]")
    if np.isnat(stamp):
        raise ConfigError("a label needs two time stamps, one of them is missing")
    return stamp


def usual_verdict(word: object) -> object:
    """The verdict that another word or spelling stands for; anything else as it came."""
    if not isinstance(word, str):
        return word
    plain = " ".join(word.replace("_", " ").lower().split())
    return OTHER_WORDS.get(plain, plain)


def _written(at: Moment) -> str | int:
    return f"{time_text(at)}Z" if isinstance(at, np.datetime64) else at
