"""Sensors that fail: a series that stalls, and a channel that is stuck at one value."""

from __future__ import annotations

import numpy as np

from offbeat.detector import Detector
from offbeat.series import FloatArray, IntArray
from offbeat.stamps import time_text
from offbeat.stream.arrival import as_time
from offbeat.stream.happening import EventKind, LiveEvent, Phase, event_id
from offbeat.stream.perseries import PerSeries

__all__ = ["Silence", "StuckChannels"]

LONGER = 3
"""A channel is stuck when it keeps a value so many times as long as ever in the training part."""
MIN_STUCK = 30
"""Rows; shorter holds happen by chance."""


class Silence(PerSeries):
    """Says of a series that has sent nothing for too long that it has no data.

    Parameters
    ----------
    after
        Time units after the last row.
    has_clock
        Whether these are nanoseconds, or rows.
    """

    silent: np.ndarray  # (S,): whether it is said already

    def __init__(self, after: int, has_clock: bool) -> None:
        super().__init__()
        self._after, self._has_clock = after, has_clock
        self._remember("silent", 0, np.bool_)

    def begun(
        self, rows: IntArray, seen: IntArray, now: IntArray, names: list[str]
    ) -> list[LiveEvent]:
        """Series that have been silent for too long now, and of which it was not said yet."""
        new = (now - seen > self._after) & ~self.silent[rows]
        self.silent[rows[new]] = True
        return [
            self._event(names[row], "opened", int(at), int(at))
            for row, at in zip(rows[new], seen[new], strict=True)
        ]

    def ended(
        self, rows: IntArray, seen: IntArray, now: IntArray, names: list[str]
    ) -> list[LiveEvent]:
        """Those of them of which something comes now, `seen` before."""
        over = self.silent[rows]
        self.silent[rows[over]] = False
        places = zip(rows[over], seen[over], now[over], strict=True)
        return [self._event(names[row], "closed", int(at), int(to)) for row, at, to in places]

    def _event(self, series: str, phase: Phase, start: int, end: int) -> LiveEvent:
        since, until = as_time(np.array([start, end]), self._has_clock)
        kind: EventKind = "no data"
        message = f"nothing came since {time_text(since)}"
        return LiveEvent(event_id(series, kind, since), series, kind, phase, since, until, message)


class StuckChannels(PerSeries):
    """Says of a channel that keeps one value for far longer than ever in training that it is stuck.

    Missing rows say nothing about it; channels that are not judged, or never moved in the training
    part, are left alone.

    Parameters
    ----------
    detector
        Fitted.
    after
        Rows; None takes three times what each channel held in the training part, at least 30, and
        none where the model file does not know.
    """

    value: FloatArray  # (S, C)
    run: IntArray  # (S, C): measured rows with this value
    since: IntArray  # (S, C): time of the first of them

    def __init__(self, detector: Detector, after: int | None) -> None:
        super().__init__()
        origin, n_channels = detector.origin_, len(detector.channels_)
        self._names, self._has_clock = origin.channels, origin.has_clock
        self._limit = np.full(n_channels, np.iinfo(np.int64).max)
        for column in origin.targets:
            if after is not None:
                self._limit[column] = after
            elif origin.held and LONGER * origin.held[column] < detector.n_learned_:
                self._limit[column] = max(MIN_STUCK, LONGER * origin.held[column])
        self._remember("value", np.full(n_channels, np.nan))
        self._remember("run", np.zeros(n_channels), np.int64)
        self._remember("since", np.zeros(n_channels), np.int64)

    def step(
        self, rows: IntArray, time: IntArray, values: FloatArray, names: list[str]
    ) -> list[LiveEvent]:
        """What is stuck since these rows (B, C), and what is not any more."""
        known = ~np.isnan(values)
        before, run, since = self.value[rows], self.run[rows], self.since[rows]
        same = known & (values == before)
        moved = known & ~same
        freed = np.argwhere(moved & (run >= self._limit))
        events = [
            self._event(
                names[rows[i]], int(c), "closed", int(since[i, c]), int(time[i]), before[i, c]
            )
            for i, c in freed
        ]
        run = np.where(same, run + 1, np.where(moved, 1, run))
        since = np.where(moved, time[:, None], since)
        caught = np.argwhere(same & (run == self._limit))
        events += [
            self._event(
                names[rows[i]], int(c), "opened", int(since[i, c]), int(time[i]), values[i, c]
            )
            for i, c in caught
        ]
        self.value[rows] = np.where(known, values, before)
        self.run[rows], self.since[rows] = run, since
        return events

    def _event(
        self, series: str, column: int, phase: Phase, start: int, end: int, value: float
    ) -> LiveEvent:
        since, until = as_time(np.array([start, end]), self._has_clock)
        kind: EventKind = "stuck"
        name = event_id(series, kind, since, self._names[column])
        message = f"{self._names[column]} stands still at {value:g} since {time_text(since)}"
        return LiveEvent(name, series, kind, phase, since, until, message)
