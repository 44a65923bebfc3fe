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


TALLY = ("shares", "away", "above", "largest", "side", "actual", "expected")
"""Of an event, per channel: sums of shares of the score, of |actual - expected| and of the part of
that above; and where that is largest (-1 if unknown), its side, what came and what was expected.
A tally is an array (7, C)."""
SHARES, AWAY, ABOVE, LARGEST, SIDE, ACTUAL, EXPECTED = range(len(TALLY))


def empty_tally(n_channels: int) -> FloatArray:
    """Before the first row."""
    tally = np.zeros((len(TALLY), n_channels))
    tally[LARGEST] = -1
    tally[[ACTUAL, EXPECTED]] = np.nan
    return tally


def with_rows(tallies: FloatArray, rows: AlarmRows) -> FloatArray:
    """Tallies (B, 7, C) with one more row each; new ones, as others may hold on to the old."""
    grown = tallies.copy()
    weight = np.where(np.isfinite(rows.score), rows.score, 0.0)[:, None]
    away = rows.actual - rows.expected
    known = np.isfinite(away)
    away = np.where(known, away, 0.0)
    far = np.abs(away)
    grown[:, SHARES] += weight * np.nan_to_num(rows.shares)
    grown[:, AWAY] += far
    grown[:, ABOVE] += np.maximum(away, 0.0)
    further = known & (far > grown[:, LARGEST])
    there = np.stack([far, np.sign(away), rows.actual, rows.expected], axis=1)
    grown[:, LARGEST:] = np.where(further[:, None], there, grown[:, LARGEST:])
    return grown


def _tally_to_dict(tally: FloatArray) -> dict[str, list[float]]:
    return dict(zip(TALLY, tally.tolist(), strict=True))


def _tally_from_dict(plain: Mapping[str, list[float]]) -> FloatArray:
    return np.array([plain[name] for name in TALLY])


@dataclass(frozen=True, eq=False)
class AlarmRows:
    """One row each of B series as their events see them: (B,), and (B, C)."""

    row: list[int]
    time: list[np.datetime64 | int]
    score: FloatArray
    cut: FloatArray
    shares: FloatArray
    actual: FloatArray
    expected: FloatArray

    def __len__(self) -> int:
        return len(self.row)


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
    sure: FloatArray | None = None
    rest: FloatArray = field(default_factory=lambda: empty_tally(0))

    @classmethod
    def at(
        cls, row: int, time: np.datetime64 | int, series: str, channels: tuple[str, ...]
    ) -> OpenEvent:
        """One that begins here."""
        name = event_id(series, "anomaly", time)
        return cls(name, series, row, time, channels, rest=empty_tally(len(channels)))

    def take(self, rows: AlarmRows, i: int, rest: FloatArray) -> None:
        """Go on by the i-th of these rows, which alarms or not, to a tally with it."""
        self.rest = rest
        score, cut = float(rows.score[i]), float(rows.cut[i])
        if not score > cut:
            return
        row, time = rows.row[i], rows.time[i]
        self.sure, self.last, self.last_time = rest, row, time
        if score / cut > self.severity:
            self.severity = score / cut
            self.peak = (row, time, score, cut)
            self.peak_actual, self.peak_expected = (
                rows.actual[i].tolist(),
                rows.expected[i].tolist(),
            )

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
        sure = empty_tally(len(self.channels)) if self.sure is None else self.sure
        ranked = ranked_shares(self.channels, sure[SHARES])
        i = self.channels.index(ranked[0][0])
        _, away, above, largest, side, actual, expected = sure[:, i].tolist()
        known = largest >= 0
        towards = above if side > 0 else away - above
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
            direction=side_of(side, towards, away) if known else "mixed",
            channel=ranked[0][0],
            actual=actual if known else self.peak_actual[i],
            expected=expected if known else self.peak_expected[i],
            channels=ranked,
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        plain = dict(vars(self))
        plain["sure"] = None if self.sure is None else _tally_to_dict(self.sure)
        plain["rest"] = _tally_to_dict(self.rest)
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
            sure=_tally_from_dict(plain["sure"]) if plain["sure"] else None,
            rest=_tally_from_dict(plain["rest"]),
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
