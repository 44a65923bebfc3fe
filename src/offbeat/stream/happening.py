"""Events while they happen: opened, going on, closed; the ones that `find_events` finds later."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from offbeat.events import Event, ranked_shares, side_of
from offbeat.rules import EventRules
from offbeat.series import FloatArray

__all__ = ["EventKind", "LiveEvent", "OpenEvent", "Phase", "event_id"]

EventKind = Literal["anomaly", "no data", "stuck", "drift"]
Phase = Literal["opened", "going on", "closed"]


@dataclass(frozen=True)
class LiveEvent:
    """An event of a stream as it stands now.

    Parameters
    ----------
    id
        The same whenever the same rows come again: a sink that has seen it knows it.
    series, kind, phase
        Whose, what and whether it is over.
    start_time, end_time
        First and last row that belong to it so far: `datetime64` in UTC, or row numbers.
    message
        One sentence.
    event
        Of an anomaly all that `detect` would say of it, rows counted from the first of the stream.
        What it says can change while it is not closed, and it closes `merge_gap` rows after its
        last alarm, as one that follows sooner belongs to it.
    """

    id: str
    series: str
    kind: EventKind
    phase: Phase
    start_time: np.datetime64 | int
    end_time: np.datetime64 | int
    message: str
    event: Event | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-able: time stamps as ISO text in UTC."""
        about = {} if self.event is None else {"event": self.event.to_dict()}
        return {
            "id": self.id,
            "series": self.series,
            "kind": self.kind,
            "phase": self.phase,
            "start_time": _written(self.start_time),
            "end_time": _written(self.end_time),
            "message": self.message,
            **about,
        }


def event_id(series: str, kind: EventKind, start_time: np.datetime64 | int, of: str = "") -> str:
    """Sixteen hexadecimal digits that follow from what an event is and when it began."""
    text = "\n".join((series, kind, of, str(start_time)))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass
class _Tally:
    """Sums over the rows of an event, per channel (C,)."""

    shares: FloatArray
    away: FloatArray  # of |actual - expected|
    above: FloatArray  # of the part of that above what was expected
    largest: FloatArray  # |actual - expected| where it is largest; -1 if unknown
    side: FloatArray  # there
    actual: FloatArray
    expected: FloatArray

    @classmethod
    def empty(cls, n_channels: int) -> _Tally:
        zero = np.zeros(n_channels)
        return cls(zero, zero, zero, zero - 1, zero, zero * np.nan, zero * np.nan)

    def plus(self, row: AlarmRow) -> _Tally:
        """With one more row."""
        weight = row.score if np.isfinite(row.score) else 0.0
        away = row.actual - row.expected
        known = np.isfinite(away)
        away = np.where(known, away, 0.0)
        further = known & (np.abs(away) > self.largest)
        return _Tally(
            self.shares + weight * np.nan_to_num(row.shares),
            self.away + np.abs(away),
            self.above + np.maximum(away, 0.0),
            np.where(further, np.abs(away), self.largest),
            np.where(further, np.sign(away), self.side),
            np.where(further, row.actual, self.actual),
            np.where(further, row.expected, self.expected),
        )

    def to_dict(self) -> dict[str, list[float]]:
        return {name: array.tolist() for name, array in vars(self).items()}

    @classmethod
    def from_dict(cls, plain: Mapping[str, list[float]] | None) -> _Tally | None:
        return cls(**{name: np.array(each) for name, each in plain.items()}) if plain else None


@dataclass(frozen=True, eq=False)
class AlarmRow:
    """One row of one series as an event sees it; arrays are (C,)."""

    row: int
    time: np.datetime64 | int
    score: float
    cut: float
    shares: FloatArray
    actual: FloatArray
    expected: FloatArray


@dataclass
class OpenEvent:
    """An alarm that is not over yet; memory does not grow with its length.

    Rows after the last alarm wait in `rest`: they belong to it only if another alarm follows.
    """

    id: str
    series: str
    start: int
    start_time: np.datetime64 | int
    channels: tuple[str, ...]
    last: int = -1
    last_time: np.datetime64 | int = 0
    announced: bool = False
    severity: float = 0.0
    peak: tuple[int, np.datetime64 | int, float, float] = (0, 0, 0.0, 0.0)
    peak_actual: list[float] = field(default_factory=list)
    peak_expected: list[float] = field(default_factory=list)
    sure: _Tally | None = None
    rest: _Tally | None = None

    @classmethod
    def at(cls, row: AlarmRow, series: str, channels: tuple[str, ...]) -> OpenEvent:
        """One that begins here."""
        name = event_id(series, "anomaly", row.time)
        return cls(name, series, row.row, row.time, channels, rest=_Tally.empty(len(channels)))

    def take(self, row: AlarmRow) -> None:
        """Go on by one row, which alarms or not."""
        self.rest = (self.rest or _Tally.empty(len(self.channels))).plus(row)
        if not row.score > row.cut:
            return
        self.sure, self.last, self.last_time = self.rest, row.row, row.time
        if row.score / row.cut > self.severity:
            self.severity = row.score / row.cut
            self.peak = (row.row, row.time, row.score, row.cut)
            self.peak_actual, self.peak_expected = row.actual.tolist(), row.expected.tolist()

    @property
    def length(self) -> int:
        """Rows from the first alarm to the last."""
        return self.last + 1 - self.start

    def seen_as(self, phase: Phase, rules: EventRules, zone: str | None) -> LiveEvent:
        """As it stands now."""
        event = self._event()
        if rules.silence_some:
            heard, muted = rules.heard_and_muted([event], zone)
            event = (*heard, *muted)[0]
        name = event.channel
        message = f"{name} is {event.direction} what was expected, severity {event.severity:.2f}"
        if event.direction == "mixed":
            message = f"{name} is not as expected, severity {event.severity:.2f}"
        return LiveEvent(
            self.id, self.series, "anomaly", phase, self.start_time, self.last_time, message, event
        )

    def _event(self) -> Event:
        sure = self.sure or _Tally.empty(len(self.channels))
        ranked = ranked_shares(self.channels, sure.shares)
        i = self.channels.index(ranked[0][0])
        known = bool(sure.largest[i] >= 0)
        towards = sure.above[i] if sure.side[i] > 0 else sure.away[i] - sure.above[i]
        peak, peak_time, score, threshold = self.peak
        return Event(
            start=self.start,
            end=self.last + 1,
            peak=peak,
            start_time=self.start_time,
            end_time=self.last_time,
            peak_time=peak_time,
            score=score,
            threshold=threshold,
            severity=self.severity,
            direction=side_of(sure.side[i], towards, sure.away[i]) if known else "mixed",
            channel=ranked[0][0],
            actual=float(sure.actual[i] if known else self.peak_actual[i]),
            expected=float(sure.expected[i] if known else self.peak_expected[i]),
            channels=ranked,
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        plain = dict(vars(self))
        plain |= {name: plain[name].to_dict() for name in ("sure", "rest") if plain[name]}
        for name in ("start_time", "last_time"):
            plain[name] = _kept(plain[name])
        peak, peak_time, score, threshold = self.peak
        return plain | {"peak": [peak, _kept(peak_time), score, threshold]}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any], has_clock: bool) -> OpenEvent:
        """What `to_dict` gave."""
        peak, peak_time, score, threshold = plain["peak"]
        made = cls(**{**plain, "channels": tuple(plain["channels"])})
        return replace(
            made,
            start_time=_moment(plain["start_time"], has_clock),
            last_time=_moment(plain["last_time"], has_clock),
            peak=(peak, _moment(peak_time, has_clock), score, threshold),
            sure=_Tally.from_dict(plain["sure"]),
            rest=_Tally.from_dict(plain["rest"]),
        )


def _kept(time: np.datetime64 | int) -> int:
    return (
        int(time.astype("datetime64[ns]").astype(np.int64))
        if isinstance(time, np.datetime64)
        else int(time)
    )


def _moment(time: int, has_clock: bool) -> np.datetime64 | int:
    return np.datetime64(time, "ns") if has_clock else time


def _written(time: np.datetime64 | int) -> str | int:
    return str(time) if isinstance(time, np.datetime64) else int(time)
