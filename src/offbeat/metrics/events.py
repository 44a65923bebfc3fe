"""Metrics that count events: found, false, how late, how many alarms a day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from offbeat.errors import ConfigError
from offbeat.metrics.flags import as_flags, check_rows, precision_recall, same_flags
from offbeat.runs import label_runs, runs_label
from offbeat.series import BoolArray, FloatArray, IntArray

__all__ = [
    "EventScores",
    "alarms_per_day",
    "detection_delays",
    "event_scores",
    "n_touched",
    "rows_before",
    "true_alarms",
]


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
    y_true: IntArray | BoolArray,
    label: IntArray | BoolArray,
    tolerance: int = 0,
    *,
    reach: int | None = None,
) -> EventScores:
    """Precision, recall and F1 counted in events.

    A true event is found if any flagged row touches it; a run of flagged rows is false if it
    touches no true event. By this definition one alarm over all rows is perfect: to choose a cut,
    give a `reach`.

    Parameters
    ----------
    y_true, label
        Shape (T,), 0/1.
    tolerance
        Rows before and after a true event that still count as it; it may reach beyond the series.
    reach
        If given, only `true_alarms` find anything, and all others are false.

    Returns
    -------
    0/0 counts as 1, as in `point_scores`.

    Raises
    ------
    DataError
        If the shapes differ or a value is neither 0 nor 1.
    ConfigError
        If the tolerance or the reach is no whole number >= 0.
    """
    check_rows("tolerance", tolerance)
    true, flagged = same_flags(y_true, label)
    events, alarms = label_runs(true), label_runs(flagged)
    if reach is None:
        right = _touched(alarms, events, tolerance)
    else:
        check_rows("reach", reach)
        edges = events + np.array([-tolerance, tolerance])
        wide = np.clip(edges, 0, len(true))
        right = true_alarms(alarms, rows_before(runs_label(wide, len(true))), reach)
    n_found = int(_touched(events, alarms[right], tolerance).sum())
    n_false = int((~right).sum())
    rates = precision_recall(n_found, n_false, len(events) - n_found)
    return EventScores(rates.precision, rates.recall, rates.f1, len(events), n_found, n_false)


def true_alarms(
    alarms: IntArray, n_before: IntArray, reach: int, *, weight: float = 1.0
) -> BoolArray:
    """Which alarms speak of a true event, and not of all that lies around it as well.

    At least one row lies in a true event, and besides them at most as many, and `reach` more: so an
    alarm over everything is false unless half of it is true.

    Parameters
    ----------
    alarms
        Runs [start, end), shape (n, 2).
    n_before
        Shape (T + 1,): rows of true events before each row, as `rows_before` gives.
    reach
        Rows by which an alarm is late or early, >= 0.
    weight
        What a row outside weighs; below 1 where not all that is true is known.
    """
    inside = n_before[alarms[:, 1]] - n_before[alarms[:, 0]]
    outside = alarms[:, 1] - alarms[:, 0] - inside
    return np.asarray((inside > 0) & (weight * outside <= inside + reach))


def rows_before(label: IntArray | BoolArray) -> IntArray:
    """Shape (T + 1,): how many of the rows before each one are flagged."""
    return np.concatenate(([0], np.cumsum(label, dtype=np.int64)))


def n_touched(runs: IntArray, others: IntArray) -> int:
    """How many of the runs share a row with one of the others."""
    return int(_touched(runs, others, 0).sum())


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
