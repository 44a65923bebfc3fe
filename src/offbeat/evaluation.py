"""Evaluation: one detector on one series, judged on the rows after its training part.

Scaler, choices and threshold come from the training part. The rows after it are scored as they
would be live, and only they are judged.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from offbeat.accuracy import Accuracy, measure_accuracy
from offbeat.detection import Detection
from offbeat.detector import Detector
from offbeat.errors import ConfigError, DataError
from offbeat.grid import regularise
from offbeat.io import as_series
from offbeat.lesson import Lesson
from offbeat.metrics.flags import check_rows
from offbeat.preparation import taught_rows
from offbeat.runs import label_runs
from offbeat.season import common_period
from offbeat.series import BoolArray, FloatArray, IntArray, Series
from offbeat.thresholds import Threshold
from offbeat.training import ProgressHook

__all__ = ["COLUMNS", "Evaluation", "check_task", "evaluate", "labelled"]

DEFAULT_BUFFER, MAX_BUFFER = 125, 400
"""Rows of the soft edge of VUS where no period was found, and the most: the TSB-AD benchmark takes
125 too, and looks no farther than 400 for a period."""
DEFAULT_SHARE = 10
"""Without a period the soft edge is at most this part of the judged rows: where all lie on some
edge, any score looks good."""
DAY_S = 86_400.0
NOTHING_LEFT = (
    "no row is left to judge after the training part: end it earlier, such as at 0.4 of the rows"
)


@dataclass(frozen=True)
class Evaluation:
    """What one detector did on the rows after its training part.

    Parameters
    ----------
    detector
        Its name in tables.
    threshold
        The method of the cut; it is taken from the training part.
    n_learned, n_judged, n_unscored
        Rows learned, rows judged, and judged rows without a score (warm-up and long gaps).
    first_judged
        Time stamp of the first judged row in UTC, or its number where there is no clock.
    rows_per_day
        None where there is no clock.
    flagged
        Share of the judged rows with a score that belong to an event; None if none has one.
    n_events
        Events among the judged rows.
    accuracy
        Against the labels; None where the data have none.
    fit_seconds, score_seconds, rows_per_second
        Wall clock; None for the fit of a detector that came fitted.
    notes
        What to know before trusting the figures.
    """

    detector: str
    threshold: str
    n_learned: int
    n_judged: int
    n_unscored: int
    first_judged: np.datetime64 | int
    rows_per_day: float | None
    flagged: float | None
    n_events: int
    accuracy: Accuracy | None
    fit_seconds: float | None
    score_seconds: float
    rows_per_second: float
    notes: tuple[str, ...] = ()

    @property
    def alarms_per_day(self) -> float | None:
        """Events a day of scored rows; None without a clock or without a score."""
        n_scored = self.n_judged - self.n_unscored
        if self.rows_per_day is None or not n_scored:
            return None
        return self.n_events * self.rows_per_day / n_scored

    def to_dict(self) -> dict[str, Any]:
        """JSON-able and flat; figures that have no value are None."""
        row: dict[str, Any] = dict.fromkeys(COLUMNS)
        if self.accuracy is not None:
            row |= self.accuracy.to_dict()
            for name in ("mean_delay", "median_delay"):
                rows = getattr(self.accuracy, name)
                if rows is not None and self.rows_per_day is not None:
                    row[f"{name}_seconds"] = rows * DAY_S / self.rows_per_day
        return row | {
            "detector": self.detector,
            "threshold": self.threshold,
            "learned_rows": self.n_learned,
            "judged_rows": self.n_judged,
            "unscored_rows": self.n_unscored,
            "flagged": self.flagged,
            "events": self.n_events,
            "alarms_per_day": self.alarms_per_day,
            "fit_seconds": self.fit_seconds,
            "score_seconds": self.score_seconds,
            "rows_per_second": self.rows_per_second,
            "notes": "; ".join(self.notes),
        }

    def to_frame(self) -> pl.DataFrame:
        """One row, the columns of `to_dict`."""
        return pl.DataFrame([self.to_dict()], schema=COLUMNS)


COLUMNS: dict[str, type[pl.DataType]] = {
    "detector": pl.String,
    "vus_pr": pl.Float64,
    "vus_roc": pl.Float64,
    "buffer": pl.Int64,
    "auc_pr": pl.Float64,
    "auc_roc": pl.Float64,
    **{
        f"{unit}_{rate}": pl.Float64
        for unit in ("point", "event", "range", "affiliation")
        for rate in ("precision", "recall", "f1")
    },
    "anomalous_rows": pl.Int64,
    "true_events": pl.Int64,
    "found_events": pl.Int64,
    "false_alarms": pl.Int64,
    "nab": pl.Float64,
    "nab_random": pl.Float64,
    "mean_delay_rows": pl.Float64,
    "median_delay_rows": pl.Float64,
    "mean_delay_seconds": pl.Float64,
    "median_delay_seconds": pl.Float64,
    "threshold": pl.String,
    "learned_rows": pl.Int64,
    "judged_rows": pl.Int64,
    "unscored_rows": pl.Int64,
    "flagged": pl.Float64,
    "events": pl.Int64,
    "alarms_per_day": pl.Float64,
    "fit_seconds": pl.Float64,
    "score_seconds": pl.Float64,
    "rows_per_second": pl.Float64,
    "notes": pl.String,
}
"""Columns of every table of evaluations, whatever could be measured."""


def evaluate(
    detector: Detector,
    X: object,
    y_true: IntArray | None = None,
    *,
    lesson: Lesson | None = Lesson(),
    threshold: Threshold | None = None,
    buffer: int | None = None,
    progress: ProgressHook | None = None,
) -> Evaluation:
    """Train a detector on the first part of the data and judge it on the rest.

    Parameters
    ----------
    detector
        Fitted in place, as by `fit`.
    X
        Data frame, array of shape (T,) or (T, C), or `Series`.
    y_true
        Shape (T,), 0/1; None takes the label column of `X`. Without labels only alarms and times
        are told.
    lesson
        The training part; None says that the detector is fitted already. Then the rows after its
        training part are judged if that is found in these data, else all rows.
    threshold
        Where to cut; None takes the detector's own. A method that learns from labels gets those
        of the training part, never those of the judged rows.
    buffer
        Soft edge of VUS-PR and VUS-ROC in rows; None takes the period found in the training part,
        at most 400. Where there is none it is 125, at most a tenth of the judged rows.
    progress
        Called after every epoch.

    Raises
    ------
    DataError
        If the data cannot be learned from, or no row is left to judge.
    ConfigError
        If the threshold learns from labels and the training part has none.
    """
    series = labelled(X, y_true)
    check_task(series, lesson, threshold, buffer)
    part = None if lesson is None else lesson.part(series)
    started = time.perf_counter()
    if lesson is not None:
        detector.fit(part, normal=lesson.normal, exclude=lesson.exclude, progress=progress)
    fitted = time.perf_counter()
    detection = detector.detect(series)
    scored = time.perf_counter()
    if threshold is not None:
        detection = _cut_elsewhere(detector, detection, threshold, part)
    learned = _learned(detector, detection, lesson)
    judged = _judged(detection, _first_judged(detector, detection, part, learned))
    if buffer is None:
        buffer = _usual_buffer(detector, detection, learned, len(judged.score))
    accuracy = judged.accuracy(buffer)
    return Evaluation(
        detector=type(detector).__name__,
        threshold=detection.threshold.title,
        n_learned=detector.n_learned_,
        n_judged=len(judged.score),
        n_unscored=int((~judged.scored).sum()),
        first_judged=judged.first_time,
        rows_per_day=detection.rows_per_day,
        flagged=judged.flagged,
        n_events=len(label_runs(judged.flag)),
        accuracy=accuracy,
        fit_seconds=None if lesson is None else fitted - started,
        score_seconds=scored - fitted,
        rows_per_second=len(detection.series) / max(scored - fitted, 1e-9),
        notes=_notes(detection, learned, judged, accuracy),
    )


def check_task(
    series: Series, lesson: Lesson | None, threshold: Threshold | None, buffer: int | None
) -> None:
    """Refuse what no detector could do, before anything is trained.

    Raises
    ------
    DataError
        If the training part leaves nothing to judge.
    ConfigError
        If the threshold learns from labels that the training part does not have, or the buffer is
        none.
    """
    if buffer is not None:
        check_rows("buffer", buffer)
    if lesson is None:
        return
    part = lesson.part(series)
    if len(part) == len(series) and not lesson.normal:
        raise DataError(NOTHING_LEFT)
    no_anomaly = part.label is None or not part.label.any()
    if threshold is not None and threshold.needs_labels and no_anomaly:
        raise ConfigError(_unlabelled(threshold))


def labelled(X: object, y_true: IntArray | None = None) -> Series:
    """The data as a series with these labels, or its own.

    Raises
    ------
    DataError
        If there is not one label of 0 or 1 for each row.
    """
    series = as_series(X)
    if y_true is None:
        return series
    checked = replace(series, label=np.asarray(y_true))
    return replace(series, label=np.asarray(checked.label).astype(np.int8))


# ---------------------------------------------------------------- the two parts


@dataclass(frozen=True, eq=False)
class _Judged:
    """The rows that are judged; each of shape (rows,)."""

    score: FloatArray
    flag: IntArray
    label: IntArray | None
    first_time: np.datetime64 | int

    @property
    def scored(self) -> BoolArray:
        return ~np.isnan(self.score)

    @property
    def flagged(self) -> float | None:
        return float(self.flag[self.scored].mean()) if self.scored.any() else None

    def accuracy(self, buffer: int) -> Accuracy | None:
        if self.label is None:
            return None
        return measure_accuracy(self.label, self.flag, self.score, buffer=buffer)


def _judged(detection: Detection, first: int) -> _Judged:
    label, moment = detection.series.label, detection.time[first]
    return _Judged(
        detection.score[first:],
        detection.label[first:],
        None if label is None else label[first:],
        moment if detection.series.has_clock else int(moment),
    )


def _learned(detector: Detector, detection: Detection, lesson: Lesson | None) -> BoolArray:
    """Which rows of the regular series were learned, shape (T,)."""
    if lesson is None:
        return detection.learned
    first, last = detector.span_
    within = (detection.time >= first) & (detection.time <= last)
    return np.asarray(within & taught_rows(detection.series, lesson.normal, lesson.exclude))


def _first_judged(
    detector: Detector, detection: Detection, part: Series | None, learned: BoolArray
) -> int:
    """The first row after the training part, whatever of that was learned."""
    if part is None:
        first = int(np.flatnonzero(learned)[-1]) + 1 if learned.any() else 0
    else:
        whole = len(part) == len(detection.source)
        last = detector.span_[1] if whole else part.time.max()
        first = int(np.searchsorted(detection.time, last, side="right"))
    if first >= len(detection.series):
        raise DataError(NOTHING_LEFT)
    return first


# ---------------------------------------------------------------- choices


def _usual_buffer(
    detector: Detector, detection: Detection, learned: BoolArray, n_judged: int
) -> int:
    """The period of the training part, where it is among these data, or the detector's own."""
    season = detector.season_
    if learned.any():
        rows = np.flatnonzero(learned)
        values = detection.series.values[rows[0] : rows[-1] + 1]
        season = common_period(values[:, detector.targets_])
    if season is None:
        return min(DEFAULT_BUFFER, n_judged // DEFAULT_SHARE)
    return min(int(season.period), MAX_BUFFER)


def _cut_elsewhere(
    detector: Detector, detection: Detection, threshold: Threshold, part: Series | None
) -> Detection:
    """The same scores at another cut, which has seen no label of the judged rows."""
    if threshold.needs_labels and detection.calibration.y_true is None:
        if part is None:
            raise ConfigError(_unlabelled(threshold))
        label = regularise(part, detector.preparation.step).series.label
        calibration = replace(detection.calibration, y_true=label)
        detection = replace(detection, calibration=calibration)
    return detection.with_threshold(threshold)


def _unlabelled(threshold: Threshold) -> str:
    return (
        f"the threshold {threshold.title!r} learns from labels, and the training part has no "
        "labelled anomaly (those of the judged rows must not be seen): choose a method without "
        "labels such as a budget"
    )


def _notes(
    detection: Detection, learned: BoolArray, judged: _Judged, accuracy: Accuracy | None
) -> tuple[str, ...]:
    """What to know of the two parts and of the figures."""
    label, notes = detection.series.label, list[str]()
    n_odd = 0 if label is None else int(label[learned].sum())
    if n_odd:
        notes.append(
            f"{n_odd:,} of the rows learned are labelled as anomalies: they count as normal here"
        )
    n_blind = int((~judged.scored).sum())
    if n_blind:
        notes.append(f"{n_blind:,} of the rows judged have no score (warm-up or gap)")
    return (*notes, *(() if accuracy is None else accuracy.notes))
