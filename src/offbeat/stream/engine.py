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
from offbeat.stream.happening import AlarmRow, LiveEvent, OpenEvent, Phase
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

    Raises
    ------
    ConfigError
        If detector or threshold cannot be told row by row.
    """

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
        if not self.open and not alarms.any():
            return []
        events = list[LiveEvent]()
        touched = alarms | np.isin(rows, list(self.open)) if self.open else alarms
        for i in np.flatnonzero(touched):
            row = int(rows[i])
            moment = time[i] if self.has_clock else int(time[i])
            seen = AlarmRow(
                int(numbers[i]),
                moment,
                float(score[i]),
                float(cut[i]),
                shares[i],
                verdict.filled[i],
                verdict.expected[i],
            )
            if row not in self.open:
                self.open[row] = OpenEvent.at(seen, names[row], self.channels)
            events += self._go_on(row, seen)
        return events

    def _go_on(self, row: int, seen: AlarmRow) -> list[LiveEvent]:
        event = self.open[row]
        event.take(seen)
        over = seen.row - event.last > (self.rules.merge_gap or 0)
        if over:
            del self.open[row]
        if event.length < self.rules.min_length:
            return []
        if over:
            return [event.seen_as("closed", self.rules, self.zone)]
        phase: Phase = "going on" if event.announced else "opened"
        event.announced = True
        return [event.seen_as(phase, self.rules, self.zone)]

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
