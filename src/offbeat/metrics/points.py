"""Metrics that count rows: precision and recall of labels, areas under the curves of scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from offbeat.errors import DataError
from offbeat.metrics.flags import PrecisionRecall, as_flags, as_score, precision_recall, same_flags
from offbeat.series import BoolArray, FloatArray, IntArray

__all__ = ["PrecisionRecallCurve", "auc_pr", "auc_roc", "point_scores", "precision_recall_curve"]


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
    true, flagged = same_flags(y_true, label)
    hits = int((true & flagged).sum())
    return precision_recall(hits, int(flagged.sum()) - hits, int(true.sum()) - hits)


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
        If shapes differ, a score is infinite or no anomalous row has one.
    """
    # Loading it takes a second, and labels and thresholds are used without it.
    from sklearn import metrics

    true = as_flags("y_true", y_true)
    values = as_score(score, len(true))
    scored = ~np.isnan(values)
    n_reachable = int(true[scored].sum())
    if not n_reachable:
        raise DataError("y_true marks no row that has a score: there is no precision or recall")
    precision, recall, threshold = metrics.precision_recall_curve(true[scored], values[scored])
    reachable = n_reachable / int(true.sum())
    return PrecisionRecallCurve(threshold, precision[:-1], recall[:-1] * reachable)


def auc_pr(y_true: IntArray | BoolArray, score: FloatArray) -> float:
    """Area under precision and recall as average precision (no interpolation between points).

    Parameters
    ----------
    y_true
        Shape (T,), 0/1, with at least one 1.
    score
        Shape (T,); NaN ranks below every number.

    Returns
    -------
    Equal scores get the share of anomalous rows, as a random score does in the mean; where all
    rows are anomalous it is 1.

    Raises
    ------
    DataError
        If shapes differ, a score is infinite or no row is anomalous.
    """
    from sklearn import metrics

    true, ranked = _ranked(y_true, score)
    if not true.any():
        raise DataError("y_true marks no row: there is no precision or recall")
    return float(metrics.average_precision_score(true, ranked))


def auc_roc(y_true: IntArray | BoolArray, score: FloatArray) -> float:
    """Chance that an anomalous row scores higher than a normal one.

    Parameters
    ----------
    y_true
        Shape (T,), 0/1, with both values.
    score
        Shape (T,); NaN ranks below every number.

    Returns
    -------
    Equal scores get 0.5.

    Raises
    ------
    DataError
        If shapes differ, a score is infinite, or all rows are normal or all anomalous.
    """
    from sklearn import metrics

    true, ranked = _ranked(y_true, score)
    if true.all() or not true.any():
        raise DataError("y_true marks all rows or none: there is nothing to tell apart")
    return float(metrics.roc_auc_score(true, ranked))


def _ranked(y_true: IntArray | BoolArray, score: FloatArray) -> tuple[BoolArray, FloatArray]:
    """Labels, and scores with what has none put below all others."""
    true = as_flags("y_true", y_true)
    values = as_score(score, len(true))
    known = values[~np.isnan(values)]
    lowest = float(known.min()) if len(known) else 0.0
    below = np.nextafter(lowest, -np.inf)
    return true, np.where(np.isnan(values), below, values)
