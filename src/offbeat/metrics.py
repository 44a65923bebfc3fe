"""Metrics: how good labels and scores are, as pure functions of arrays.

One rule holds at the borders: 0/0 counts as 1. Who raised no alarm raised no false one (precision
1), and where there is nothing to find nothing was missed (recall 1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from offbeat.errors import ConfigError, DataError
from offbeat.runs import label_runs
from offbeat.series import BoolArray, FloatArray, IntArray

__all__ = [
    "EventScores",
    "PrecisionRecall",
    "PrecisionRecallCurve",
    "alarms_per_day",
    "event_scores",
    "point_scores",
    "precision_recall_curve",
]


@dataclass(frozen=True)
class PrecisionRecall:
    """Share of the flagged rows that are anomalous, and of the anomalous that are flagged."""

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class EventScores:
    """How many true events were found, and how many alarms were false.

    `precision` is n_found / (n_found + n_false), so that ten alarms in one true event count once
    (Hundman et al. 2018, https://arxiv.org/abs/1802.04431).
    """

    precision: float
    recall: float
    f1: float
    n_true: int
    n_found: int
    n_false: int


@dataclass(frozen=True, eq=False)
class PrecisionRecallCurve:
    """Precision and recall when rows with score >= threshold are flagged; each of shape (K,)."""

    threshold: FloatArray
    precision: FloatArray
    recall: FloatArray


def point_scores(y_true: IntArray | BoolArray, label: IntArray | BoolArray) -> PrecisionRecall:
    """Precision, recall and F1 counted in rows.

    Parameters
    ----------
    y_true, label
        Shape (T,), 0/1: what is anomalous and what was flagged.

    Returns
    -------
    0/0 counts as 1: without a flagged row precision is 1, without an anomalous row recall is 1.

    Raises
    ------
    DataError
        If the shapes differ or a value is neither 0 nor 1.
    """
    true, flagged = _flags(y_true, label)
    hits = int((true & flagged).sum())
    return _precision_recall(hits, int(flagged.sum()) - hits, int(true.sum()) - hits)


def event_scores(
    y_true: IntArray | BoolArray, label: IntArray | BoolArray, tolerance: int = 0
) -> EventScores:
    """Precision, recall and F1 counted in events.

    A true event is found if any flagged row touches it; a run of flagged rows is false if it
    touches no true event.

    Parameters
    ----------
    y_true, label
        Shape (T,), 0/1.
    tolerance
        Rows before and after a true event that still count as it.

    Returns
    -------
    0/0 counts as 1, as in `point_scores`.

    Raises
    ------
    DataError
        If the shapes differ or a value is neither 0 nor 1.
    """
    if tolerance < 0:
        raise ConfigError(f"tolerance is a number of rows, 0 or more; {tolerance} came")
    true, flagged = _flags(y_true, label)
    events, alarms = label_runs(true), label_runs(flagged)
    n_found = int(_touched(events, alarms, tolerance).sum())
    n_false = int((~_touched(alarms, events, tolerance)).sum())
    rates = _precision_recall(n_found, n_false, len(events) - n_found)
    return EventScores(rates.precision, rates.recall, rates.f1, len(events), n_found, n_false)


def precision_recall_curve(y_true: IntArray | BoolArray, score: FloatArray) -> PrecisionRecallCurve:
    """Precision and recall at every possible threshold, in rows.

    Parameters
    ----------
    y_true
        Shape (T,), 0/1.
    score
        Shape (T,). A row without a score (NaN) is never flagged; if it is anomalous, it is missed.

    Returns
    -------
    One entry per different score, thresholds ascending.

    Raises
    ------
    DataError
        If shapes differ or no anomalous row has a score.
    """
    # Loading it takes a second, and labels and thresholds are used without it.
    from sklearn import metrics

    values = np.asarray(score, dtype=float)
    true = _one_flag("y_true", y_true)
    if values.shape != true.shape:
        raise DataError(f"score of shape {true.shape} was expected, {values.shape} came")
    scored = np.isfinite(values)
    n_reachable = int(true[scored].sum())
    if not n_reachable:
        raise DataError("y_true marks no row that has a score: there is no precision or recall")
    precision, recall, threshold = metrics.precision_recall_curve(true[scored], values[scored])
    reachable = n_reachable / int(true.sum())
    return PrecisionRecallCurve(threshold, precision[:-1], recall[:-1] * reachable)


def alarms_per_day(label: IntArray | BoolArray, rows_per_day: float) -> float:
    """Runs of flagged rows a day; 0 for a label without rows."""
    flagged = _one_flag("label", label)
    if not len(flagged):
        return 0.0
    return len(label_runs(flagged)) * rows_per_day / len(flagged)


def _precision_recall(hits: int, false: int, missed: int) -> PrecisionRecall:
    """The three rates, where 0/0 counts as 1."""
    precision = hits / (hits + false) if hits + false else 1.0
    recall = hits / (hits + missed) if hits + missed else 1.0
    all_three = 2 * hits + false + missed
    return PrecisionRecall(precision, recall, 2 * hits / all_three if all_three else 1.0)


def _touched(runs: IntArray, others: IntArray, tolerance: int) -> BoolArray:
    """Shape (n,): whether one of the other runs comes within `tolerance` rows of each run."""
    if not len(others):
        return np.zeros(len(runs), dtype=bool)
    first = np.searchsorted(others[:, 1], runs[:, 0] - tolerance, side="right")
    start = others[np.minimum(first, len(others) - 1), 0]
    return np.asarray((first < len(others)) & (start < runs[:, 1] + tolerance))


def _flags(
    y_true: IntArray | BoolArray, label: IntArray | BoolArray
) -> tuple[BoolArray, BoolArray]:
    true, flagged = _one_flag("y_true", y_true), _one_flag("label", label)
    if true.shape != flagged.shape:
        raise DataError(
            f"y_true has {len(true)} rows, label has {len(flagged)}: give the same rows"
        )
    return true, flagged


def _one_flag(what: str, values: IntArray | BoolArray) -> BoolArray:
    given = np.asarray(values)
    if given.ndim != 1:
        raise DataError(f"{what} of shape (T,) was expected, shape {given.shape} came")
    odd = (given != 0) & (given != 1)
    if odd.any():
        row = int(np.argmax(odd))
        raise DataError(f"{what} must be 0 or 1; row {row} has {given[row]}")
    return np.asarray(given != 0)
