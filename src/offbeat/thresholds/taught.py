"""How far judged alarms move a cut: worth most on what was judged, and careful beyond it.

Ten labels alone would drag a cut anywhere: nobody labels the alarms that a lower cut would bring.
So three things stand beside them. Each peak counts softly, as if it could have been a little higher
or lower. Alarms that only a lower cut brings count as false by half, in proportion to how much of
the shown ones was judged; so do those in the training part, which was taken for normal. And the cut
in force is believed as much as one label: one true alarm somewhere above it, one false below.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from offbeat.metrics.events import n_touched, rows_before, true_alarms
from offbeat.runs import index_runs, label_runs, merge_runs
from offbeat.series import FloatArray, IntArray
from offbeat.thresholds.counting import EventCounts
from offbeat.thresholds.labelled import LabelledThreshold

__all__ = ["FACTORS", "UNJUDGED", "Evidence", "best_factor", "events_at", "swallowed_at"]

FACTORS: FloatArray = np.exp(np.arange(-150, 151) / 100)
"""Cuts that are tried, as multiples of the one in force: from 0.22 to 4.5."""
IN_FORCE = len(FACTORS) // 2
SOFTNESS = 0.12
"""Peaks are known to about 12 %: so much the scores of three seeds differ on the recording."""
BELIEF = 1.0
"""Labels that the cut in force is worth."""
SPREAD = 0.5
"""Mean distance of its true alarms above it, in logarithms."""
UNJUDGED = 0.5
"""How false an alarm is that nobody has judged, and each such row of a labelled one."""
PULL = 0.02
"""A cut e times as high must be worth this share more, so that nothing moves for nothing."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known of the alarms around the cut in force.

    Parameters
    ----------
    right, wrong
        Shapes (n,) and (m,): largest score over cut in each stretch that was judged an anomaly,
        and in each that was judged a false alarm.
    unjudged
        Shape (K,): how many alarms that nobody has judged come at each of `FACTORS`; without those
        that the cut in force shows, of which the judged ones are a sample.
    swallowed
        Shape (K,): how many of the anomalies no true alarm finds any more, see `swallowed_at`.
    """

    right: FloatArray
    wrong: FloatArray
    unjudged: FloatArray
    swallowed: FloatArray


def best_factor(evidence: Evidence, goal: LabelledThreshold) -> float:
    """By what to multiply the cut in force; 1 if nothing speaks for another one.

    Parameters
    ----------
    evidence
        What is known.
    goal
        What is worth how much: best F-beta, lowest cost.
    """
    if not len(evidence.right) and not len(evidence.wrong):
        return 1.0
    steps = np.log(FACTORS)
    above = BELIEF * np.exp(-np.maximum(steps, 0.0) / SPREAD)
    below = BELIEF * (1.0 - np.exp(np.minimum(steps, 0.0) / SPREAD))
    hits = np.maximum(_soft_count(evidence.right) - evidence.swallowed, 0.0) + above
    false = _soft_count(evidence.wrong) + below + UNJUDGED * evidence.unjudged
    worth = goal.worth(hits, false, len(evidence.right) + BELIEF - hits)
    span = float(worth.max() - worth.min())
    if span <= 0:
        return 1.0
    best = int(np.argmax(worth / max(span, 1.0) - PULL * np.abs(steps)))
    return float(FACTORS[best]) if best != IN_FORCE else 1.0


def events_at(ratio: FloatArray, merge_gap: int) -> FloatArray:
    """Events at each of `FACTORS`, (K,); at lower cuts never fewer, as they only flow together.

    Parameters
    ----------
    ratio
        Shape (T,): score over cut; NaN allowed.
    merge_gap
        As in `offbeat.events.alarm_runs`.
    """
    if not np.isfinite(ratio).any():
        return np.zeros(len(FACTORS))
    counts = EventCounts.of(ratio, merge_gap)
    place = np.searchsorted(counts.levels, FACTORS, side="right") - 1
    below_all = len(merge_runs(label_runs(np.isfinite(ratio)), merge_gap))
    events = np.where(place < 0, below_all, counts.events[place]).astype(float)
    return np.maximum.accumulate(events[::-1])[::-1]


def swallowed_at(ratio: FloatArray, y_true: IntArray, merge_gap: int, reach: int) -> FloatArray:
    """Labelled anomalies that lie in far larger alarms only, at each of `FACTORS`, (K,).

    Parameters
    ----------
    ratio
        Shape (T,): score over cut; NaN allowed.
    y_true
        Shape (T,), 0/1.
    merge_gap, reach
        As in `offbeat.events.alarm_runs` and `offbeat.metrics.events.true_alarms`.
    """
    events, n_before = label_runs(y_true), rows_before(y_true)
    rows = np.flatnonzero(np.isfinite(ratio))
    swallowed = np.zeros(len(FACTORS))
    for k, factor in enumerate(FACTORS):  # ever fewer rows
        rows = rows[ratio[rows] > factor]
        alarms = index_runs(rows, merge_gap)
        right = true_alarms(alarms, n_before, reach, weight=UNJUDGED)
        swallowed[k] = n_touched(events, alarms) - n_touched(events, alarms[right])
    return swallowed


def _soft_count(peaks: FloatArray) -> FloatArray:
    """How many of the peaks (n,) lie above each of `FACTORS`, (K,), each known to `SOFTNESS`."""
    from scipy.special import expit

    logs = np.log(np.maximum(peaks, np.finfo(float).tiny))
    return np.asarray(expit((logs[None] - np.log(FACTORS)[:, None]) / SOFTNESS).sum(axis=1))
