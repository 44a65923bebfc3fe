"""Readings: what a stream says of the rows that came in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from offbeat.series import BoolArray, FloatArray, IntArray, TimeArray
from offbeat.stream.happening import LiveEvent

__all__ = ["AHEAD", "Reading", "Readings", "Status"]

Status = Literal["scored", "no score", "late", "repeated", "waiting", "ahead"]
STATUSES: tuple[Status, ...] = ("scored", "no score", "late", "repeated", "waiting", "ahead")
SCORED, NO_SCORE, LATE, REPEATED, WAITING, AHEAD = range(len(STATUSES))


@dataclass(frozen=True, eq=False)
class Reading:
    """What is said of one row of one series.

    Parameters
    ----------
    series, time, row
        Whose, when, and its number in the grid of the stream; -1 where it became no row.
    status
        "scored"; "no score": in the warm-up, in a long gap or after one; "late", "repeated" and
        "ahead": left out, see `offbeat.stream.POLICIES`; "waiting": held until nothing can come
        before it, or until the rows after it say whether a clock has jumped.
    score, threshold, severity
        As `anomaly_score` gives it, the cut, and score / cut; NaN without a score.
    values, imputed
        Shape (C,): the row with missing values filled, and which were.
    expected, lower, upper
        Shape (C,), in the data's units; NaN where nothing is foreseen.
    channels
        Name and share of each channel that made the score, largest first; () without a score.
    event
        The anomaly that this row belongs to, if it is known already.
    events
        What opened, went on or closed with this row, "no data", "stuck" and "drift" too.
    before
        Readings of rows that waited and were released before this one by the same call.
    """

    series: str
    time: np.datetime64 | int
    row: int
    status: Status
    score: float
    threshold: float
    severity: float
    values: FloatArray
    imputed: BoolArray
    expected: FloatArray
    lower: FloatArray
    upper: FloatArray
    channels: tuple[tuple[str, float], ...]
    event: LiveEvent | None = None
    events: tuple[LiveEvent, ...] = ()
    before: tuple[Reading, ...] = ()

    @property
    def is_alarm(self) -> bool:
        """Whether the score lies above the cut."""
        return bool(self.score > self.threshold)


@dataclass(frozen=True, eq=False)
class Readings:
    """What is said of one row each of N series or times; `readings[i]` is a `Reading`.

    Parameters
    ----------
    series, time, row, status
        Names, times (N,), row numbers (N,), and places in `STATUSES` (N,).
    score, threshold
        Shape (N,).
    values, imputed, expected, lower, upper, shares
        Shape (N, C), as in `Reading`; `shares` of the channels, NaN for those that are not judged.
    events, places
        What opened, went on or closed, in the order of its rows, and with which reading each; -1
        with none.
    channels
        C names.
    """

    series: Sequence[str]
    time: TimeArray
    row: IntArray
    status: IntArray
    score: FloatArray
    threshold: FloatArray
    values: FloatArray
    imputed: BoolArray
    expected: FloatArray
    lower: FloatArray
    upper: FloatArray
    shares: FloatArray
    events: tuple[LiveEvent, ...]
    channels: tuple[str, ...]
    places: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.score)

    def __iter__(self) -> Iterator[Reading]:
        return (self[i] for i in range(len(self)))

    @property
    def severity(self) -> FloatArray:
        """score / threshold, (N,)."""
        return self.score / self.threshold

    def __getitem__(self, i: int) -> Reading:
        i = range(len(self))[i]
        series, shares = self.series[i], self.shares[i]
        order = np.argsort(-np.nan_to_num(shares), kind="stable")
        placed = zip(self.places, self.events, strict=True)
        events = tuple(event for place, event in placed if place == i)
        anomalies = [e for e in events if e.kind == "anomaly" and e.phase != "closed"]
        moment = self.time[i]
        return Reading(
            series=series,
            time=moment if isinstance(moment, np.datetime64) else int(moment),
            row=int(self.row[i]),
            status=STATUSES[self.status[i]],
            score=float(self.score[i]),
            threshold=float(self.threshold[i]),
            severity=float(self.score[i] / self.threshold[i]),
            values=self.values[i],
            imputed=self.imputed[i],
            expected=self.expected[i],
            lower=self.lower[i],
            upper=self.upper[i],
            channels=tuple(
                (self.channels[c], float(shares[c])) for c in order if not np.isnan(shares[c])
            ),
            event=anomalies[-1] if anomalies else None,
            events=events,
        )


def no_readings(
    series: Sequence[str], time: TimeArray, status: int | IntArray, channels: tuple[str, ...]
) -> Readings:
    """Of measurements that became no row."""
    n, n_channels = len(series), len(channels)

    def nothing(*shape: int) -> FloatArray:
        return np.full(shape, np.nan)

    return Readings(
        series,
        time,
        np.full(n, -1),
        np.full(n, status),
        nothing(n),
        nothing(n),
        nothing(n, n_channels),
        np.zeros((n, n_channels), dtype=bool),
        nothing(n, n_channels),
        nothing(n, n_channels),
        nothing(n, n_channels),
        nothing(n, n_channels),
        (),
        channels,
    )


_ARRAYS = (
    "row",
    "status",
    "score",
    "threshold",
    "values",
    "imputed",
    "expected",
    "lower",
    "upper",
    "shares",
)


def put(whole: Readings, places: IntArray, some: Readings) -> None:
    """Write readings into some places of others."""
    for name in _ARRAYS:
        getattr(whole, name)[places] = getattr(some, name)


def joined(parts: Sequence[Readings], channels: tuple[str, ...]) -> Readings:
    """Readings one after the other."""
    parts = [each for each in parts if len(each) or each.events] or parts[:1]
    if len(parts) == 1:
        return parts[0]
    names = [name for each in parts for name in each.series]
    time = np.concatenate([each.time for each in parts])
    whole, start = no_readings(names, time, WAITING, channels), 0
    events, places = list[LiveEvent](), list[int]()
    for each in parts:
        put(whole, np.arange(start, start + len(each)), each)
        events += each.events
        places += [place if place < 0 else place + start for place in each.places]
        start += len(each)
    return replace(whole, events=tuple(events), places=tuple(places))
