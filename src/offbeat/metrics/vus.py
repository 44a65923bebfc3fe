"""Volumes under the range-based curves (VUS; Paparrizos et al. 2022, VLDB 15(11)).

Labels get soft edges: up to `buffer` // 2 rows before and after each event count in part, by the
root of one minus distance over buffer. For every buffer from 0 to the largest there is a curve of
precision (or false positives) against recall; the volume is the mean of their areas. As in the
TSB-AD benchmark the curves go through 250 thresholds at equal ranks, recall is weighed by the share
of events that are touched at all, and soft rows count only where they are flagged.

Here all thresholds share one sort, and all their sums are differences of one cumulative sum over
the rows near events: O(T log T + buffer x rows near events) instead of O(buffer x thresholds x T).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from offbeat.errors import DataError
from offbeat.metrics.flags import as_flags, as_score, check_rows
from offbeat.runs import label_runs
from offbeat.series import BoolArray, FloatArray, IntArray

__all__ = ["Volumes", "volumes", "vus_pr", "vus_roc"]

N_THRESHOLDS = 250


@dataclass(frozen=True)
class Volumes:
    """Mean areas over all buffers from 0 to `buffer` rows."""

    pr: float
    roc: float
    buffer: int


def vus_pr(y_true: IntArray | BoolArray, score: FloatArray, buffer: int) -> float:
    """Volume under precision and recall; see `volumes`."""
    return volumes(y_true, score, buffer).pr


def vus_roc(y_true: IntArray | BoolArray, score: FloatArray, buffer: int) -> float:
    """Volume under the receiver operating characteristic; see `volumes`."""
    return volumes(y_true, score, buffer).roc


def volumes(
    y_true: IntArray | BoolArray, score: FloatArray, buffer: int, *, thresholds: int = N_THRESHOLDS
) -> Volumes:
    """Both volumes of a score.

    Parameters
    ----------
    y_true
        Shape (T,), 0/1, with both values.
    score
        Shape (T,), high = anomalous. NaN (a warm-up) counts as the lowest score.
    buffer
        Largest soft edge, in rows; a figure means little without it. TSB-AD takes the period. 0
        leaves the areas under the curves of rows, weighed by the events touched. It may be larger
        than the series: edges end where the series does.
    thresholds
        Points of a curve, 2 or more.

    Returns
    -------
    Equal scores rank nothing and get what one flag on every row gets.

    Raises
    ------
    DataError
        If shapes differ, a score is infinite, or all rows are normal or all anomalous.
    ConfigError
        If `buffer` is no whole number >= 0, or `thresholds` none >= 2.
    """
    check_rows("buffer", buffer)
    check_rows("thresholds", thresholds, 2)
    true = as_flags("y_true", y_true)
    values = as_score(score, len(true))
    if true.all() or not true.any():
        raise DataError("y_true marks all rows or none: there is nothing to tell apart")
    scene = _Scene.of(true, values, buffer, thresholds)
    areas = np.array([scene.areas(width) for width in range(buffer + 1)])
    roc, pr = areas.mean(axis=0)
    return Volumes(float(pr), float(roc), buffer)


@dataclass(frozen=True, eq=False)
class _Scene:
    """What all buffers share.

    Parameters
    ----------
    events
        Shape (n, 2), half-open.
    score
        Shape (T,), without NaN.
    cut, n_flagged
        Shape (K,): thresholds from high to low, and rows at or above each.
    near
        Rows that the widest buffer reaches, by descending score, shape (M,).
    n_near
        Shape (K,): how many of them are at or above each threshold.
    hits
        Shape (K,): truly anomalous rows at or above each threshold.
    """

    events: IntArray
    score: FloatArray
    cut: FloatArray
    n_flagged: IntArray
    near: IntArray
    n_near: IntArray
    hits: FloatArray

    @classmethod
    def of(cls, true: BoolArray, score: FloatArray, buffer: int, thresholds: int) -> _Scene:
        known = score[~np.isnan(score)]
        lowest = known.min() if len(known) else 0.0
        score = np.where(np.isnan(score), lowest, score)
        falling = np.sort(score)[::-1]
        cut = falling[np.linspace(0, len(score) - 1, thresholds).astype(int)]
        n_flagged = np.searchsorted(-falling, -cut, side="right")
        events = label_runs(true)
        reach = np.zeros(len(true), dtype=bool)
        for start, end in events:
            reach[max(start - buffer // 2, 0) : end + buffer // 2] = True
        rows = np.flatnonzero(reach)
        near = rows[np.argsort(-score[rows], kind="stable")]
        n_near = np.searchsorted(-score[near], -cut, side="right")
        hits = _first_sums(true[near].astype(np.float64), n_near)
        return cls(events, score, cut, n_flagged, near, n_near, hits)

    def areas(self, width: int) -> tuple[float, float]:
        """Area under ROC and under precision-recall for one buffer."""
        n_rows = len(self.score)
        n_true = float((self.events[:, 1] - self.events[:, 0]).sum())
        soft = self._soft_label(width)
        true_positive = _first_sums(soft[self.near], self.n_near)  # (K,)
        # Soft rows count as positives only where they are flagged; averaged with the hard label.
        n_positive = n_true + (true_positive - self.hits) / 2
        recall = np.minimum(true_positive / n_positive, 1.0) * self._touched(width)
        false_rate = (self.n_flagged - true_positive) / (n_rows - n_positive)
        precision = true_positive / self.n_flagged
        sides = np.concatenate([[0.0], recall, [1.0]])
        bases = np.concatenate([[0.0], false_rate, [1.0]])
        roc = float(np.diff(bases) @ (sides[1:] + sides[:-1]) / 2)
        return roc, float(np.diff(sides[:-1]) @ precision)

    def _soft_label(self, width: int) -> FloatArray:
        """1 in events, falling to the root of one half at half the buffer from them, (T,)."""
        n_rows, half = len(self.score), width // 2
        soft = np.zeros(n_rows)
        if half:
            edge = np.sqrt(1 - np.arange(1, half + 1) / width)
            for start, end in self.events:
                behind, before = min(half, n_rows - end), min(half, start)
                soft[end : end + behind] += edge[:behind]
                soft[start - before : start] += edge[:before][::-1]
        for start, end in self.events:
            soft[start:end] = 1.0
        return np.minimum(soft, 1.0)

    def _touched(self, width: int) -> FloatArray:
        """Share of the events (joined where their edges meet) with a flagged row, (K,)."""
        half, n_rows = width // 2, len(self.score)
        low = self.events[:, 0] - half
        high = self.events[:, 1] - 1 + half  # last row, inclusive
        apart = np.concatenate([[True], high[:-1] < low[1:]])
        starts = np.maximum(low[apart], 0)
        ends = np.minimum(np.append(high[:-1][apart[1:]], high[-1]) + 1, n_rows)
        tops = np.array([self.score[a:b].max() for a, b in zip(starts, ends, strict=True)])
        return np.searchsorted(np.sort(-tops), -self.cut, side="right") / len(tops)


def _first_sums(values: FloatArray, counts: IntArray) -> FloatArray:
    """Sums of the first so many values."""
    return np.concatenate([[0.0], np.cumsum(values)])[counts]
