"""All methods side by side, so that a person can choose with open eyes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from offbeat.errors import DataError
from offbeat.events import alarm_runs
from offbeat.metrics import event_scores
from offbeat.runs import runs_label
from offbeat.series import FloatArray, IntArray
from offbeat.thresholds.base import Calibration, Threshold
from offbeat.thresholds.budget import RESOLVED_EVENTS, BudgetThreshold
from offbeat.thresholds.counting import alarm_reach
from offbeat.thresholds.labelled import CostThreshold, FBetaThreshold
from offbeat.thresholds.rolling import RollingThreshold
from offbeat.thresholds.static import (
    IQRThreshold,
    MADThreshold,
    PercentileThreshold,
    SigmaThreshold,
)
from offbeat.thresholds.tail import POTThreshold
from offbeat.thresholds.telemanom import TelemanomThreshold

__all__ = ["ThresholdRow", "candidates", "default_threshold", "threshold_table"]

SAME_LABELS = "tuned on these labels"
FEWEST_SPANS = 4  # a rolling cut for a table follows a quarter of the training part ...
SPANS = (100, 10_000)  # ... within these rows
DEFAULT_BUDGETS = (("1/week", 7.0), ("1/day", 1.0), ("1/hour", 1 / 24))
"""Budgets by default and the days that they speak of, the quietest first."""
FARTHEST = 30
"""A cut is extrapolated to stretches at most so many times longer than the training part."""


@dataclass(frozen=True)
class ThresholdRow:
    """What one method would have done to a scored series.

    Parameters
    ----------
    method
        Its title.
    cut
        Median of its curve, in the unit of the scores.
    flagged
        Share of the scored rows that belong to an event.
    events
        Number of events.
    alarms_per_day
        Events a day of scored rows; None without a clock.
    precision, recall, f1
        Counted in events, where an alarm over more than it should is a false one (see
        `offbeat.metrics.events.true_alarms`); None without labels.
    note
        What to know before trusting the row; mostly empty.
    threshold
        The method itself, to be applied.
    """

    method: str
    cut: float
    flagged: float
    events: int
    alarms_per_day: float | None
    precision: float | None
    recall: float | None
    f1: float | None
    note: str
    threshold: Threshold

    def to_dict(self) -> dict[str, Any]:
        """JSON-able; the threshold as `threshold_from_dict` reads it."""
        return {**asdict(self), "threshold": self.threshold.to_dict()}


def default_threshold(rows_per_day: float | None, n_rows: int) -> Threshold:
    """The method in force where nobody has chosen: one false alarm a week, or in 10,000 rows.

    A training part that is shorter than a thirtieth of a week cannot vouch for one a week: then it
    is one a day, and below a thirtieth of a day one an hour.
    """
    if rows_per_day is None:
        return BudgetThreshold("1/10000rows")
    days = n_rows / rows_per_day
    for budget, stretch in DEFAULT_BUDGETS:
        if stretch <= FARTHEST * days:
            return BudgetThreshold(budget)
    return BudgetThreshold(DEFAULT_BUDGETS[-1][0])


def candidates(calibration: Calibration) -> tuple[Threshold, ...]:
    """The methods that can be applied: budgets by clock or rows, the labelled ones with labels."""
    n_rows = len(calibration.finite)
    span = min(max(n_rows // FEWEST_SPANS, SPANS[0]), SPANS[1])
    budgets: tuple[str, ...] = ("1/1000rows", "1/10000rows")
    if calibration.rows_per_day is not None:
        days = n_rows / calibration.rows_per_day
        budgets = ("1/hour", "1/day", "1/week") if days < 1 else ("1/day", "1/week", "1/month")
    methods: list[Threshold] = [
        PercentileThreshold(99.0),
        PercentileThreshold(99.9),
        SigmaThreshold(3.0),
        IQRThreshold(1.5),
        MADThreshold(3.5),
        POTThreshold(),
        TelemanomThreshold(),
        RollingThreshold(span),
        *(BudgetThreshold(budget) for budget in budgets),
    ]
    if calibration.y_true is not None and (calibration.y_true == 1).any():
        methods += [FBetaThreshold(1.0), CostThreshold()]
    return tuple(methods)


def threshold_table(
    calibration: Calibration,
    score: FloatArray,
    *,
    y_true: IntArray | None = None,
    rows_per_day: float | None = None,
    merge_gap: int = 0,
    min_length: int = 1,
    thresholds: Sequence[Threshold] | None = None,
    silence: Callable[[FloatArray], IntArray] | None = None,
    reach: int | None = None,
) -> list[ThresholdRow]:
    """Apply all methods to one scored series.

    Parameters
    ----------
    calibration
        The scores that the cuts are taken from.
    score
        Shape (T,): the scores to be cut; NaN allowed.
    y_true
        Shape (T,), 0/1, the truth about `score`. If only these labels are known, the methods
        that learn from labels are tuned on them, and their rows say so: such figures flatter.
    rows_per_day
        Of `score`; None takes the calibration's.
    merge_gap, min_length
        How flagged rows become events, see `offbeat.events.alarm_runs`.
    thresholds
        The methods; None takes `candidates`.
    silence
        Gives the runs (n, 2) that are heard at a cut (T,), where some events are kept quiet.
    reach
        Rows by which an alarm may be late or early, see `event_scores`; None takes `alarm_reach`.

    Raises
    ------
    DataError
        If fewer than two calibration scores are finite, or y_true has another shape.
    """
    if y_true is not None and y_true.shape != score.shape:
        raise DataError(f"y_true of shape {score.shape} was expected, {y_true.shape} came")
    pace = calibration.rows_per_day if rows_per_day is None else rows_per_day
    labelled = calibration
    if calibration.y_true is None and y_true is not None and np.isfinite(score).sum() > 1:
        labelled = Calibration(score, pace, y_true, merge_gap)
    if thresholds is None:
        learners = (method for method in candidates(labelled) if method.needs_labels)
        thresholds = (*candidates(replace(calibration, y_true=None)), *learners)
    if reach is None and y_true is not None:
        reach = alarm_reach(score, merge_gap)
    trial = _Trial(score, y_true, pace, merge_gap, min_length, silence, reach)
    return [
        _row(threshold, labelled if threshold.needs_labels else calibration, trial)
        for threshold in thresholds
    ]


@dataclass(frozen=True, eq=False)
class _Trial:
    """What the methods are tried on."""

    score: FloatArray  # (T,)
    y_true: IntArray | None  # (T,)
    rows_per_day: float | None
    merge_gap: int
    min_length: int
    silence: Callable[[FloatArray], IntArray] | None
    reach: int | None

    def runs(self, cut: FloatArray) -> IntArray:
        """The events that are heard, (n, 2)."""
        if self.silence is not None:
            return self.silence(cut)
        return alarm_runs(self.score, cut, merge_gap=self.merge_gap, min_length=self.min_length)


def _row(threshold: Threshold, source: Calibration, trial: _Trial) -> ThresholdRow:
    cut = threshold.cut(source, trial.score)
    runs = trial.runs(cut)
    scored = np.isfinite(trial.score)
    n_scored = int(scored.sum())
    label = runs_label(runs, len(scored))
    pace = trial.rows_per_day if n_scored else None
    found = None if trial.y_true is None else event_scores(trial.y_true, label, reach=trial.reach)
    return ThresholdRow(
        method=threshold.title,
        cut=float(np.median(cut)) if len(cut) else float("nan"),
        flagged=float(label[scored].mean()) if n_scored else 0.0,
        events=len(runs),
        alarms_per_day=None if pace is None else len(runs) * pace / n_scored,
        precision=None if found is None else found.precision,
        recall=None if found is None else found.recall,
        f1=None if found is None else found.f1,
        note=_note(threshold, source, trial.score),
        threshold=threshold,
    )


def _note(threshold: Threshold, source: Calibration, score: FloatArray) -> str:
    if threshold.needs_labels and source.score is score:
        return SAME_LABELS
    if isinstance(threshold, BudgetThreshold):
        expected = threshold.expected_events(source)
        if expected < RESOLVED_EVENTS:
            return f"extrapolated: {expected:.2g} such alarms fit into the training part"
    return ""
