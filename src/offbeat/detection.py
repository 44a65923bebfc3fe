"""Detection: what a detector says about one series, and what can be asked of it afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from offbeat.checks import CheckReport, check
from offbeat.events import Event, alarm_runs, find_events
from offbeat.preparation import Outlier
from offbeat.rules import EventRules
from offbeat.series import BoolArray, FloatArray, IntArray, Series, TimeArray
from offbeat.thresholds import Calibration, Threshold, ThresholdRow, alarm_reach, threshold_table
from offbeat.training import EpochLog

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = ["Detection", "EventRules", "TrainingRecord"]


@dataclass(frozen=True)
class TrainingRecord:
    """What is remembered of the training, for the report.

    Parameters
    ----------
    settings
        Every option and every choice made from the data, the seed and the versions; JSON-able.
    log
        The epochs.
    outliers
        What the Hampel filter found in the training part.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    log: tuple[EpochLog, ...] = ()
    outliers: tuple[Outlier, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "settings": dict(self.settings),
            "log": [asdict(epoch) for epoch in self.log],
            "outliers": [outlier.to_dict() for outlier in self.outliers],
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> TrainingRecord:
        """What `to_dict` gave."""
        return cls(
            record["settings"],
            tuple(EpochLog(**epoch) for epoch in record["log"]),
            tuple(Outlier.from_dict(outlier) for outlier in record["outliers"]),
        )


@dataclass(frozen=True, eq=False)
class Detection:
    """Scores, labels and events of one series, row by row on its regular grid.

    Parameters
    ----------
    source
        The series as it came.
    series
        The regular series, short gaps filled; NaN in long gaps. T rows, C channels.
    score, cut
        Shape (T,): anomaly score (NaN in the warm-up and in long gaps) and the threshold there.
    expected, lower, upper
        Shape (T, C), in the data's units: the forecast and its band; NaN where there is none.
    imputed
        Shape (T, C): values that were filled, not measured.
    learned
        Shape (T,): rows that the detector was trained on.
    channel_shares, signal_shares
        Shapes (T, C) and (T, S): who made the score; rows sum to 1, or NaN.
    signals
        S names.
    calibration
        The training scores that thresholds are taken from.
    threshold
        The method in force.
    rules
        When flagged rows are one event, and which are kept quiet.
    slot
        Shape (rows of the input,): grid row of each input row.
    record
        What is remembered of the training.
    events, muted_events, label
        Made from the others: the events that are heard, those kept quiet, and shape (T,) 1 where
        one is heard.
    """

    source: Series
    series: Series
    score: FloatArray
    cut: FloatArray
    expected: FloatArray
    lower: FloatArray
    upper: FloatArray
    imputed: BoolArray
    learned: BoolArray
    channel_shares: FloatArray
    signal_shares: FloatArray
    signals: tuple[str, ...]
    calibration: Calibration
    threshold: Threshold
    rules: EventRules
    slot: IntArray
    rows_per_day: float | None = None
    record: TrainingRecord = field(default_factory=TrainingRecord)
    events: tuple[Event, ...] = field(init=False)
    muted_events: tuple[Event, ...] = field(init=False)
    label: IntArray = field(init=False)

    def __post_init__(self) -> None:
        found = find_events(
            self.score,
            self.cut,
            time=self.time,
            channels=self.series.channels,
            shares=self.channel_shares,
            actual=self.series.values,
            expected=self.expected,
            merge_gap=self.rules.merge_gap or 0,
            min_length=self.rules.min_length,
        )
        events, muted = self.rules.heard_and_muted(
            found, self.series.zone, has_clock=self.series.has_clock
        )
        label = np.zeros(len(self.series), dtype=np.int8)
        for event in events:
            label[event.start : event.end] = 1
        object.__setattr__(self, "events", events)  # frozen: the one place that completes it
        object.__setattr__(self, "muted_events", muted)
        object.__setattr__(self, "label", label)

    @property
    def time(self) -> TimeArray:
        """Shape (T,): time stamps in UTC, or row numbers."""
        return self.series.time

    @property
    def settings(self) -> Mapping[str, Any]:
        """Every option, every choice made from the data, the seed and the versions."""
        return self.record.settings

    @property
    def training_log(self) -> tuple[EpochLog, ...]:
        """The epochs of the training."""
        return self.record.log

    @property
    def train_outliers(self) -> tuple[Outlier, ...]:
        """What the Hampel filter found in the training part."""
        return self.record.outliers

    @cached_property
    def check(self) -> CheckReport:
        """The data check of the series as it came."""
        return check(self.source)

    @cached_property
    def reach(self) -> int:
        """Rows by which an alarm may be late or early, for `event_scores`."""
        return alarm_reach(self.score, self.rules.merge_gap or 0)

    @property
    def alarms_per_day(self) -> float | None:
        """Events a day over the rows that could be scored; None without a clock."""
        n_scored = int((~np.isnan(self.score)).sum())
        if self.rows_per_day is None or not n_scored:
            return None
        return len(self.events) * self.rows_per_day / n_scored

    def with_threshold(self, threshold: Threshold) -> Detection:
        """The same scores cut elsewhere. Nothing is trained or scored again.

        Parameters
        ----------
        threshold
            Any method of `offbeat.thresholds`; those that need labels take the series' own where
            the calibration has none.
        """
        calibration = self._labelled() if threshold.needs_labels else self.calibration
        return replace(self, threshold=threshold, cut=threshold.cut(calibration, self.score))

    def with_rules(self, rules: EventRules) -> Detection:
        """The same scores and cut under other rules; a `merge_gap` of None keeps the one in force.

        Parameters
        ----------
        rules
            When flagged rows are one event, and which are kept quiet.
        """
        gap = self.rules.merge_gap if rules.merge_gap is None else rules.merge_gap
        return replace(self, rules=replace(rules, merge_gap=gap))

    def preview(self, threshold: Threshold, y_true: IntArray | None = None) -> ThresholdRow:
        """What another cut would do: events, alarms a day and, with labels, how right it is.

        Parameters
        ----------
        threshold
            Any method; `FixedThreshold(x)` for a line that is dragged.
        y_true
            As in `threshold_table`.
        """
        (row,) = self.threshold_table(y_true, [threshold])
        return row

    def threshold_table(
        self, y_true: IntArray | None = None, thresholds: Sequence[Threshold] | None = None
    ) -> list[ThresholdRow]:
        """All methods side by side: cut, share flagged, events, alarms a day.

        Parameters
        ----------
        y_true
            Shape (T,), 0/1; None takes the labels of the series. With labels the table also has
            precision, recall and F1 of the events, and the methods that learn from labels.
        thresholds
            The methods; None takes all that can be applied.
        """
        truth = self.series.label if y_true is None else np.asarray(y_true)
        return threshold_table(
            self.calibration,
            self.score,
            y_true=truth,
            rows_per_day=self.rows_per_day,
            merge_gap=self.rules.merge_gap or 0,
            min_length=self.rules.min_length,
            thresholds=thresholds,
            silence=self.runs_at if self.rules.silence_some else None,
            reach=None if truth is None else self.reach,
        )

    def runs_at(self, cut: FloatArray) -> IntArray:
        """Runs [start, end), (n, 2), of the events that would be heard at another cut, (T,)."""
        if not self.rules.silence_some:
            gap, shortest = self.rules.merge_gap or 0, self.rules.min_length
            return alarm_runs(self.score, cut, merge_gap=gap, min_length=shortest)
        events = replace(self, cut=cut).events
        return np.array([(e.start, e.end) for e in events], dtype=np.int64).reshape(-1, 2)

    def _labelled(self) -> Calibration:
        if self.calibration.y_true is not None or self.series.label is None:
            return self.calibration
        gap = self.rules.merge_gap or 0
        return Calibration(self.score, self.rows_per_day, self.series.label, gap)

    def to_frame(self) -> pl.DataFrame:
        """One row a grid row: time, values, score, threshold, label; what was expected."""
        columns: dict[str, Any] = {"time": self._shown_time(self.time)}
        for i, channel in enumerate(self.series.channels):
            columns[channel] = self.series.values[:, i]
        columns |= {"score": self.score, "threshold": self.cut, "label": self.label}
        for i, channel in enumerate(self.series.channels):
            for name, values in (
                ("expected", self.expected),
                ("lower", self.lower),
                ("upper", self.upper),
                ("imputed", self.imputed),
                ("share", self.channel_shares),
            ):
                columns[f"{channel}.{name}"] = values[:, i]
        return pl.DataFrame(columns).fill_nan(None)

    def events_frame(self) -> pl.DataFrame:
        """One row an event, the columns of `Event`; shares as text."""
        rows = [event.to_dict() for event in self.events]
        for row, event in zip(rows, self.events, strict=True):
            row["channels"] = ", ".join(f"{name} {share:.0%}" for name, share in event.channels[:3])
        if not rows:
            return pl.DataFrame(schema=dict.fromkeys(("start", "end", "severity"), pl.Float64))
        frame = pl.DataFrame(rows, infer_schema_length=None)
        stamps = {
            name: self._shown_time(np.array([getattr(e, name) for e in self.events]))
            for name in ("start_time", "end_time", "peak_time")
        }
        return frame.with_columns(**{name: pl.Series(values) for name, values in stamps.items()})

    def _shown_time(self, time: TimeArray) -> pl.Series:
        """Time stamps in the zone of the series."""
        stamps = pl.Series("time", time)
        if self.series.has_clock and self.series.zone is not None:
            stamps = stamps.dt.replace_time_zone("UTC").dt.convert_time_zone(self.series.zone)
        return stamps

    def plot(self) -> go.Figure:
        """Values with band and events, and the score with its cut, as a Plotly figure."""
        from offbeat.figures import overview_figure  # the door upwards, see docs/decisions

        return overview_figure(self)

    def report(self, path: str | Path) -> Path:
        """Write one HTML file that opens offline: figures, events, thresholds, settings."""
        from offbeat.report import write_report  # the door upwards, see docs/decisions

        return write_report(self, path)
