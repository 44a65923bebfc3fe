"""The engine: rows of many series at once through judge, cut, events and sensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from offbeat.detector import Detector
from offbeat.series import FloatArray, IntArray
from offbeat.stream.arrival import as_time
from offbeat.stream.cutting import live_cut
from offbeat.stream.drift import DriftWatch
from offbeat.stream.happening import AlarmRows, LiveEvent, OpenEvent, Phase, with_rows
from offbeat.stream.judging import MODE, Verdict, live_judge
from offbeat.stream.options import StreamOptions
from offbeat.stream.perseries import PerSeries
from offbeat.stream.readings import NO_SCORE, SCORED, Readings
from offbeat.stream.sensors import StuckChannels

__all__ = ["Engine"]


class Engine(PerSeries):
    """Everything that is remembered of every series, and the one step forward.

    Parameters
    ----------
    detector
        Fitted.
    options
        How the stream is watched.

    Attributes
    ----------
    quiet
        While it is set no anomaly is opened, gone on with or closed.

    Raises
    ------
    ConfigError
        If detector or threshold cannot be told row by row.
    """

    quiet = False

    def __init__(self, detector: Detector, options: StreamOptions) -> None:
        super().__init__()
        origin = detector.origin_
        self.channels, self.targets = origin.channels, origin.targets
        self._over_all, self.has_clock = origin.over_all_channels, origin.has_clock
        self.rules, self.zone = detector.event_rules(MODE), options.zone
        self.rules.heard_and_muted((), self.zone, has_clock=self.has_clock)  # refuses now
        calibration = detector.calibrations_[MODE]
        self.judge = live_judge(detector)
        self.cut = live_cut(detector.threshold_, calibration)
        windows = detector.windows_[MODE]
        memory = windows[len(windows) // 2]
        self.drift = DriftWatch(calibration, options.drift_span, memory, self.has_clock)
        self.stuck = StuckChannels(detector, options.stuck_after)
        self.open: dict[int, OpenEvent] = {}
        max_gap = detector.preparation.max_gap
        self.settled = self.judge.reach() + max_gap + (self.rules.merge_gap or 0) + 2
        """Rows of a gap after which another one changes nothing but the count."""

    def step(
        self,
        rows: IntArray,
        numbers: IntArray,
        moments: IntArray,
        values: FloatArray,
        names: list[str],
    ) -> tuple[Readings, list[LiveEvent]]:
        """The next row of some series.

        Parameters
        ----------
        rows
            Which, (B,), no one twice.
        numbers, moments
            Row numbers and times as whole numbers, (B,).
        values
            Shape (B, C); NaN where nothing was measured.
        names
            Of all series.
        """
        time = as_time(moments, self.has_clock)
        verdict = self.judge.step(rows, time, values)
        score = verdict.joined.score
        cut = self.cut.step(rows, score)
        events = self.stuck.step(rows, moments, values, names)
        shares = self._over_all(verdict.joined.channel_shares)
        events += self._alarms(rows, numbers, time, verdict, shares, cut, names)
        events += self.drift.step(rows, moments, score, names)
        readings = Readings(
            [],
            time,
            numbers,
            np.where(np.isnan(score), NO_SCORE, SCORED),
            score,
            cut,
            verdict.filled,
            verdict.imputed,
            verdict.expected,
            verdict.lower,
            verdict.upper,
            shares,
            (),
            self.channels,
        )
        return readings, events

    def _alarms(
        self,
        rows: IntArray,
        numbers: IntArray,
        time: Any,
        verdict: Verdict,
        shares: FloatArray,
        cut: FloatArray,
        names: list[str],
    ) -> list[LiveEvent]:
        """Open, go on with and close events; rows without any cost nothing."""
        score = verdict.joined.score
        with np.errstate(invalid="ignore"):
            alarms = score > cut
        if self.quiet or (not self.open and not alarms.any()):
            return []
        touched = alarms | np.isin(rows, list(self.open)) if self.open else alarms
        some = np.flatnonzero(touched)
        if not len(some):
            return []
        moments = list(time[some]) if self.has_clock else time[some].tolist()
        table = (shares, verdict.filled, verdict.expected)
        seen = AlarmRows(
            numbers[some].tolist(), moments, score[some], cut[some], *(each[some] for each in table)
        )
        return self._go_on(rows[some].tolist(), seen, names)

    def _go_on(self, rows: list[int], seen: AlarmRows, names: list[str]) -> list[LiveEvent]:
        """Open events of these series go on by a row each; those without one begin."""
        for i, row in enumerate(rows):
            if row not in self.open:
                place = (seen.row[i], seen.time[i], names[row])
                self.open[row] = OpenEvent.at(*place, self.channels)
        tallies = np.stack([self.open[row].rest for row in rows])
        events = list[LiveEvent]()
        for i, (row, tally) in enumerate(zip(rows, with_rows(tallies, seen), strict=True)):
            event = self.open[row]
            event.take(seen, i, tally)
            over = seen.row[i] - event.last > (self.rules.merge_gap or 0)
            if over:
                del self.open[row]
            if event.length < self.rules.min_length:
                continue
            phase: Phase = "closed" if over else "going on" if event.announced else "opened"
            event.announced = True
            events.append(event.seen_as(phase, self.rules, self.zone))
        return events

    def finish(self, row: int) -> list[LiveEvent]:
        """Close what is open of a series, as at the end of a file."""
        event = self.open.pop(row, None)
        if event is None or event.length < self.rules.min_length:
            return []
        return [event.seen_as("closed", self.rules, self.zone)]

    def open_events(self) -> dict[str, Any]:
        """JSON-able."""
        return {str(row): event.to_dict() for row, event in self.open.items()}

    def restore_events(self, plain: Mapping[str, Any]) -> None:
        """Take back what `open_events` gave."""
        self.open = {
            int(row): OpenEvent.from_dict(event, self.has_clock) for row, event in plain.items()
        }
