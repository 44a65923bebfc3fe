"""Metrics that count events: found, false, how late, how many alarms a day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from offbeat.errors import ConfigError
from offbeat.metrics.flags import as_flags, check_rows, precision_recall, same_flags
from offbeat.runs import label_runs
from offbeat.series import BoolArray, FloatArray, IntArray

__all__ = ["EventScores", "alarms_per_day", "detection_delays", "event_scores"]


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
        Rows before and after a true event that still count as it; it may reach beyond the series.

    Returns
    -------
    0/0 counts as 1, as in `point_scores`.

    Raises
    ------
    DataError
        If the shapes differ or a value is neither 0 nor 1.
    ConfigError
        If the tolerance is no whole number >= 0.
    """
    check_rows("tolerance", tolerance)
    true, flagged = same_flags(y_true, label)
    events, alarms = label_runs(true), label_runs(flagged)
    n_found = int(_touched(events, alarms, tolerance).sum())
    n_false = int((~_touched(alarms, events, tolerance)).sum())
    rates = precision_recall(n_found, n_false, len(events) - n_found)
    return EventScores(rates.precision, rates.recall, rates.f1, len(events), n_found, n_false)


def detection_delays(y_true: IntArray | BoolArray, label: IntArray | BoolArray) -> FloatArray:
    """Rows from the start of each true event to its first flagged row.

    Parameters
    ----------
    y_true, label
        Shape (T,), 0/1.

    Returns
    -------
    Shape (n events,), 0 or more; NaN for an event that was not found. An alarm that began before
    the event and reaches into it has a delay of 0.

    Raises
    ------
    DataError
        If the shapes differ or a value is neither 0 nor 1.
    """
    true, flagged = same_flags(y_true, label)
    marks = np.flatnonzero(flagged)
    events = label_runs(true)
    if not len(marks):
        return np.full(len(events), np.nan)
    first = np.searchsorted(marks, events[:, 0])
    at = marks[np.minimum(first, len(marks) - 1)]
    found = (first < len(marks)) & (at < events[:, 1])
    return np.where(found, at - events[:, 0], np.nan)


def alarms_per_day(label: IntArray | BoolArray, rows_per_day: float) -> float:
    """Runs of flagged rows a day.

    Parameters
    ----------
    label
        Shape (T,), 0/1.
    rows_per_day
        > 0, finite.

    Returns
    -------
    0 for a label without rows.

    Raises
    ------
    DataError
        If a value is neither 0 nor 1.
    ConfigError
        If `rows_per_day` is no number > 0.
    """
    if not 0 < rows_per_day < np.inf:
        raise ConfigError(f"rows_per_day must be a number > 0, {rows_per_day!r} came")
    flagged = as_flags("label", label)
    if not len(flagged):
        return 0.0
    return len(label_runs(flagged)) * rows_per_day / len(flagged)


def _touched(runs: IntArray, others: IntArray, tolerance: int) -> BoolArray:
    """Shape (n,): whether one of the other runs comes within `tolerance` rows of each run."""
    if not len(others):
        return np.zeros(len(runs), dtype=bool)
    first = np.searchsorted(others[:, 1], runs[:, 0] - tolerance, side="right")
    start = others[np.minimum(first, len(others) - 1), 0]
    return np.asarray((first < len(others)) & (start < runs[:, 1] + tolerance))
