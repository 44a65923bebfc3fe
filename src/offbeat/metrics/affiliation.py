"""Affiliation precision and recall (Huet et al. 2022, https://arxiv.org/abs/2206.13167).

Every row belongs to the true event that is nearest. Within that zone a flagged moment is as good as
the share of random moments that lie farther from the event, and a moment of the event is found as
well as the share of random moments that lie farther from it than the nearest flagged one.
"""

from __future__ import annotations

import numpy as np

from offbeat.errors import DataError
from offbeat.metrics.flags import PrecisionRecall, same_flags
from offbeat.runs import label_runs
from offbeat.series import BoolArray, FloatArray, IntArray

__all__ = ["affiliation_scores"]

FINE = 4
"""Parts of a row. All functions that are integrated are linear between quarters of rows (zones end
at halves, and midpoints between a half and a whole are quarters), so their middles are exact."""


def affiliation_scores(
    y_true: IntArray | BoolArray, label: IntArray | BoolArray
) -> PrecisionRecall:
    """Precision and recall by distance in time, each a chance against random flags.

    Parameters
    ----------
    y_true
        Shape (T,), 0/1, with at least one 1.
    label
        Shape (T,), 0/1.

    Returns
    -------
    Recall is the mean over the true events, precision the mean over the zones with a flagged row;
    0/0 counts as 1. Where all rows are anomalous, any flag has precision 1.

    Raises
    ------
    DataError
        If nothing is anomalous (distances to an event need one), the shapes differ or a value is
        neither 0 nor 1.
    """
    true, flagged = same_flags(y_true, label)
    events = label_runs(true)
    if not len(events):
        raise DataError("y_true marks no row: affiliation measures distances to true events")
    borders = np.concatenate([[0.0], (events[:-1, 1] + events[1:, 0]) / 2, [float(len(true))]])
    runs = label_runs(flagged).astype(np.float64)
    precisions, recalls = [], []
    for event, low, high in zip(events, borders[:-1], borders[1:], strict=True):
        inside = np.clip(runs, low, high)
        inside = inside[inside[:, 1] > inside[:, 0]]
        recalls.append(_recall(event, low, high, inside))
        if len(inside):
            precisions.append(_precision(event, low, high, inside))
    precision = float(np.mean(precisions)) if precisions else 1.0
    recall = float(np.mean(recalls))
    both = precision + recall
    return PrecisionRecall(precision, recall, 2 * precision * recall / both if both else 0.0)


def _precision(event: IntArray, low: float, high: float, runs: FloatArray) -> float:
    """Mean over flagged moments of the chance that a random moment lies farther from the event."""
    start, end = float(event[0]), float(event[1])
    moments = np.concatenate([_middles(*run) for run in runs])
    away = np.maximum(np.maximum(start - moments, moments - end), 0.0)
    nearer = end - start + np.minimum(away, start - low) + np.minimum(away, high - end)
    return float(np.where(away > 0, 1 - nearer / (high - low), 1.0).mean())


def _recall(event: IntArray, low: float, high: float, runs: FloatArray) -> float:
    """Mean over the event of the chance that a random moment lies farther than the nearest flag."""
    if not len(runs):
        return 0.0
    moments = _middles(float(event[0]), float(event[1]))
    at = np.searchsorted(runs[:, 1], moments)  # first run that ends at or after the moment
    after = np.where(at < len(runs), runs[np.minimum(at, len(runs) - 1), 0] - moments, np.inf)
    before = np.where(at > 0, moments - runs[np.maximum(at - 1, 0), 1], np.inf)
    away = np.maximum(np.minimum(after, before), 0.0)
    nearer = np.minimum(away, moments - low) + np.minimum(away, high - moments)
    return float((1 - nearer / (high - low)).mean())


def _middles(start: float, end: float) -> FloatArray:
    """Middles of the parts of rows between two moments."""
    n_parts = round((end - start) * FINE)
    return start + (np.arange(n_parts) + 0.5) / FINE
