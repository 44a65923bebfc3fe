"""Events: from a score and its cut to stretches that a person can look at.

Runs of flagged rows are joined over short gaps, short ones are dropped, and each of the rest
becomes an `Event` with its peak, severity, direction and leading channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from offbeat.errors import ConfigError, DataError
from offbeat.runs import drop_short, label_runs, merge_runs, runs_label
from offbeat.series import FloatArray, IntArray, TimeArray

__all__ = [
    "Direction",
    "Event",
    "alarm_runs",
    "drop_short",
    "find_events",
    "label_runs",
    "leading_channels",
    "merge_runs",
    "ranked_shares",
    "runs_label",
    "side_of",
]

Direction = Literal["above", "below", "mixed"]

LEADING = 0.5  # share of an event that its leading channels make up
AGREEMENT = 0.75  # share of an event's deviation that must lie on one side to name a direction


@dataclass(frozen=True)
class Event:
    """One alarm.

    Parameters
    ----------
    start, end
        Rows, half-open.
    peak
        Row of the largest score relative to the threshold.
    start_time, end_time, peak_time
        Time of the first row, of the last row that belongs to it and of the peak: `datetime64`
        in UTC, or row numbers.
    score, threshold
        Both at the peak.
    severity
        score / threshold at the peak: 1.0 is the limit.
    direction
        Whether the leading channel lies above or below what was expected, "mixed" if less
        than three quarters of the whole deviation lies on that side.
    channel
        The channel with the largest share.
    actual, expected
        Of that channel, in the row of its largest deviation inside the event; NaN if unknown.
    channels
        Name and share of every channel over the event, largest first; the shares sum to 1.
    muted_by
        Why it is kept quiet; "" for one that is heard.
    """

    start: int
    end: int
    peak: int
    start_time: np.datetime64 | int
    end_time: np.datetime64 | int
    peak_time: np.datetime64 | int
    score: float
    threshold: float
    severity: float
    direction: Direction
    channel: str
    actual: float
    expected: float
    channels: tuple[tuple[str, float], ...]
    muted_by: str = ""

    @property
    def length(self) -> int:
        """Rows."""
        return self.end - self.start

    def to_dict(self) -> dict[str, Any]:
        """JSON-able: time stamps as ISO text in UTC, unknown numbers as None, shares by name."""
        return {
            "start": self.start,
            "end": self.end,
            "peak": self.peak,
            "start_time": _time_text(self.start_time),
            "end_time": _time_text(self.end_time),
            "peak_time": _time_text(self.peak_time),
            "score": _number_or_none(self.score),
            "threshold": _number_or_none(self.threshold),
            "severity": _number_or_none(self.severity),
            "direction": self.direction,
            "channel": self.channel,
            "actual": _number_or_none(self.actual),
            "expected": _number_or_none(self.expected),
            "channels": dict(self.channels),
            **({"muted_by": self.muted_by} if self.muted_by else {}),
        }


def leading_channels(event: Event) -> tuple[str, ...]:
    """The fewest channels that make up at least half of an event, largest share first."""
    total, leading = 0.0, list[str]()
    for name, share in event.channels:
        leading.append(name)
        total += share
        if total >= LEADING:
            break
    return tuple(leading)


@dataclass(frozen=True, eq=False)
class _Scene:
    """What all events of one series are read from."""

    score: FloatArray  # (T,)
    cut: FloatArray  # (T,)
    time: TimeArray  # (T,)
    channels: tuple[str, ...]
    shares: FloatArray  # (T, C)
    actual: FloatArray  # (T, C)
    expected: FloatArray  # (T, C)


def alarm_runs(
    score: FloatArray, cut: FloatArray | float, *, merge_gap: int = 0, min_length: int = 1
) -> IntArray:
    """Runs of rows whose score lies above the cut.

    Parameters
    ----------
    score
        Shape (T,); a row without a score (NaN) is not flagged.
    cut
        Shape (T,) or one number.
    merge_gap
        Runs with at most so many rows between them become one.
    min_length
        Shorter runs (after joining) are dropped.

    Returns
    -------
    Shape (n, 2), half-open.
    """
    if merge_gap < 0 or min_length < 1:
        raise ConfigError(
            f"merge_gap is 0 or more rows and min_length 1 or more; "
            f"{merge_gap} and {min_length} came"
        )
    return drop_short(merge_runs(label_runs(np.asarray(score > cut)), merge_gap), min_length)


def find_events(
    score: FloatArray,
    cut: FloatArray,
    *,
    time: TimeArray,
    channels: tuple[str, ...],
    shares: FloatArray,
    actual: FloatArray,
    expected: FloatArray,
    merge_gap: int = 0,
    min_length: int = 1,
) -> tuple[Event, ...]:
    """Everything about each alarm of a series.

    Parameters
    ----------
    score, cut
        Shape (T,), cut > 0; a row without a score (NaN) is not flagged.
    time
        Shape (T,).
    channels
        C names.
    shares
        Shape (T, C): what each channel contributed to the score; NaN where nobody knows.
    actual, expected
        Shape (T, C), in the data's units.
    merge_gap, min_length
        Rows, see `alarm_runs`.

    Raises
    ------
    DataError
        If shapes do not fit.
    """
    scene = _Scene(score, cut, time, channels, shares, actual, expected)
    _check_shapes(scene)
    runs = alarm_runs(score, cut, merge_gap=merge_gap, min_length=min_length)
    return tuple(_event(scene, start, end) for start, end in runs.tolist())


def _event(scene: _Scene, start: int, end: int) -> Event:
    ratio = scene.score[start:end] / scene.cut[start:end]
    peak = start + int(np.nanargmax(ratio))
    ranked = _ranked_shares(scene, start, end)
    leading = scene.channels.index(ranked[0][0])
    direction, row = _deviation(scene, start, end, leading)
    return Event(
        start=start,
        end=end,
        peak=peak,
        start_time=_moment(scene.time[start]),
        end_time=_moment(scene.time[end - 1]),
        peak_time=_moment(scene.time[peak]),
        score=float(scene.score[peak]),
        threshold=float(scene.cut[peak]),
        severity=float(ratio[peak - start]),
        direction=direction,
        channel=ranked[0][0],
        actual=float(scene.actual[peak if row is None else row, leading]),
        expected=float(scene.expected[peak if row is None else row, leading]),
        channels=ranked,
    )


def _ranked_shares(scene: _Scene, start: int, end: int) -> tuple[tuple[str, float], ...]:
    """Shares over the event; a row weighs as much as its score, so its peak has most to say."""
    score, shares = scene.score[start:end], np.nan_to_num(scene.shares[start:end])  # (rows, C)
    weight = np.where(np.isfinite(score), score, 0.0)
    total = weight / max(float(weight.max()), np.finfo(float).tiny) @ shares  # (C,)
    return ranked_shares(scene.channels, total)


def ranked_shares(channels: tuple[str, ...], total: FloatArray) -> tuple[tuple[str, float], ...]:
    """Channels with their part of a total (C,), largest first; all alike where it is 0."""
    parts = total.tolist()  # a few numbers, for each of many events: quicker without arrays
    whole = sum(parts)
    if not whole > 0:
        parts, whole = [1.0] * len(parts), float(len(parts))  # nobody knows
    shares = [(name, each / whole) for name, each in zip(channels, parts, strict=True)]
    return tuple(sorted(shares, key=lambda pair: -pair[1]))


def _deviation(scene: _Scene, start: int, end: int, channel: int) -> tuple[Direction, int | None]:
    """On which side of its forecast the channel lies, and where it is farthest from it."""
    away = scene.actual[start:end, channel] - scene.expected[start:end, channel]
    known = np.isfinite(away)
    if not known.any():
        return "mixed", None
    row = start + int(np.argmax(np.where(known, np.abs(away), -1.0)))
    side = float(np.sign(away[row - start]))
    total = float(np.abs(away[known]).sum())
    return side_of(side, float(np.maximum(side * away[known], 0.0).sum()), total), row


def side_of(side: float, towards: float, total: float) -> Direction:
    """The name of a side (1, -1 or 0), of a deviation of which so much lies on that side."""
    if side == 0 or towards < AGREEMENT * total:
        return "mixed"
    return "above" if side > 0 else "below"


def _check_shapes(scene: _Scene) -> None:
    n_rows, wide = len(scene.score), (len(scene.score), len(scene.channels))
    for name, array in (("score", scene.score), ("cut", scene.cut), ("time", scene.time)):
        if array.shape != (n_rows,):
            raise DataError(f"{name} of shape ({n_rows},) was expected, shape {array.shape} came")
    for name, table in (
        ("shares", scene.shares),
        ("actual", scene.actual),
        ("expected", scene.expected),
    ):
        if table.shape != wide:
            raise DataError(f"{name} of shape {wide} was expected, shape {table.shape} came")


def _moment(time: Any) -> np.datetime64 | int:
    return time if isinstance(time, np.datetime64) else int(time)


def _time_text(time: np.datetime64 | int) -> str | int:
    """ISO text, no finer than needed: whole seconds, else milliseconds, else all there is."""
    if not isinstance(time, np.datetime64):
        return time
    for unit in ("s", "ms", "us"):
        if time.astype(f"datetime64[{unit}]") == time:
            return str(np.datetime_as_string(time, unit=unit))
    return str(time)


def _number_or_none(value: float) -> float | None:
    return value if np.isfinite(value) else None
