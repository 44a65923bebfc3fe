"""How many alarm events a series of scores shows at every possible cut."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from offbeat.metrics.events import n_touched, rows_before, true_alarms
from offbeat.runs import index_runs, label_runs, merge_runs
from offbeat.series import FloatArray, IntArray

__all__ = ["EventCounts", "JudgedCounts", "alarm_reach", "event_peaks", "run_gap"]

LONGEST_LOOK = 100_000  # rows that the memory of a score is estimated on: the last ones
MOST_CUTS = 200
"""Cuts that are held against labels, so that their number of flagged rows grows by a share."""
CALM = 3  # so many times its memory a score must stay low before the next alarm is a new event


@dataclass(frozen=True, eq=False)
class EventCounts:
    """Number of events as a function of the cut.

    Parameters
    ----------
    levels
        Shape (K,), ascending: the cuts where the number changes.
    events
        Shape (K,): number of events for cuts in [levels[k], levels[k + 1]).
    """

    levels: FloatArray
    events: IntArray

    @classmethod
    def of(cls, score: FloatArray, merge_gap: int) -> EventCounts:
        """Count at all cuts at once.

        A new event starts in row t if its score lies above the cut while those of the
        `merge_gap` + 1 rows before do not. So the row counts for the cuts between the largest of
        those scores and its own, and sorting both ends gives all counts.

        Parameters
        ----------
        score
            Shape (T,), at least one finite.
        merge_gap
            As in `offbeat.events.alarm_runs`.
        """
        low = np.full(len(score), -np.inf)
        known = np.where(np.isfinite(score), score, -np.inf)
        trailing = pl.Series(known).rolling_max(merge_gap + 1, min_samples=1)
        low[1:] = trailing.to_numpy()[:-1]
        rises = low < known
        starts, ends = np.sort(low[rises]), np.sort(known[rises])
        levels = np.unique(np.concatenate((starts[np.isfinite(starts)], ends)))
        begun = np.searchsorted(starts, levels, side="right")
        return cls(levels, begun - np.searchsorted(ends, levels, side="right"))

    @property
    def most(self) -> int:
        """Events at the cut that has most of them."""
        return int(self.events.max())

    def level(self, allowed: float) -> float:
        """The lowest cut above which there are never more than `allowed` events.

        It stops at the cut with most events: below it alarms only flow together.
        """
        too_many = np.flatnonzero(self.events > allowed)
        if len(too_many):
            return float(self.levels[too_many[-1] + 1])
        return float(self.levels[np.flatnonzero(self.events == self.events.max())[-1]])


@dataclass(frozen=True, eq=False)
class JudgedCounts:
    """How many labelled events are found, and how many alarms are false, the highest cut first.

    Parameters
    ----------
    upper, lower
        Shape (K,): cuts from `lower` up to below `upper` flag the same rows.
    found, false
        Shape (K,): labelled events found by true alarms, and alarms that are none, see
        `offbeat.metrics.events.true_alarms`.
    n_true
        Number of labelled events.
    """

    upper: FloatArray
    lower: FloatArray
    found: FloatArray
    false: FloatArray
    n_true: int

    @classmethod
    def of(cls, score: FloatArray, y_true: IntArray, merge_gap: int) -> JudgedCounts:
        """Count at all cuts, or at `MOST_CUTS` where there are more.

        Parameters
        ----------
        score
            Shape (T,), at least one finite.
        y_true
            Shape (T,), 0/1.
        merge_gap
            As in `offbeat.events.alarm_runs`.
        """
        rows = np.flatnonzero(np.isfinite(score))
        falling = -np.sort(-score[rows])
        last = np.append(np.flatnonzero(np.diff(falling)) + 1, len(falling))  # equal ones together
        spread = np.geomspace(1, len(falling), MOST_CUTS).round().astype(np.int64)
        n_flagged = last[np.unique(np.searchsorted(last, spread))]  # (K,)
        upper, lower = falling[n_flagged - 1], np.append(falling, 0.0)[n_flagged]
        events, n_before = label_runs(y_true), rows_before(y_true)
        reach = alarm_reach(score, merge_gap)
        found, false = np.zeros((2, len(upper)))
        for k in range(len(upper) - 1, -1, -1):  # ever fewer rows
            rows = rows[score[rows] >= upper[k]]
            alarms = index_runs(rows, merge_gap)
            right = true_alarms(alarms, n_before, reach)
            found[k], false[k] = n_touched(events, alarms[right]), (~right).sum()
        return cls(upper, lower, found, false, len(events))


def alarm_reach(score: FloatArray, merge_gap: int) -> int:
    """Rows by which an alarm may be late or early: as far as the score remembers, or joins."""
    return max(merge_gap, run_gap(score))


def event_peaks(score: FloatArray, level: float, gap: int) -> FloatArray:
    """The highest score of each event above a level, shape (n,)."""
    known = np.where(np.isfinite(score), score, -np.inf)
    starts = merge_runs(label_runs(known > level), gap)[:, 0]
    return np.maximum.reduceat(known, starts) if len(starts) else np.empty(0)


def run_gap(score: FloatArray) -> int:
    """Rows of calm after which the next alarm is a new event, chosen from the scores.

    Three times the memory of the scores: the lag at which the autocorrelation of their ranks
    falls below 1/e. Ranks, so that a few huge scores do not decide it. At most a fiftieth of
    the rows.

    Parameters
    ----------
    score
        Shape (T,); NaN allowed.
    """
    recent = score[-LONGEST_LOOK:]
    longest = len(recent) // 50
    autocorrelation = _rank_autocorrelation(recent)
    forgotten = np.flatnonzero(autocorrelation[1 : longest + 1] < np.exp(-1))
    memory = int(forgotten[0]) + 1 if len(forgotten) else longest
    return min(CALM * memory, longest)


def _rank_autocorrelation(score: FloatArray) -> FloatArray:
    """Shape (T,); all 0 for scores that do not vary."""
    known = np.isfinite(score)
    ordered = np.sort(score[known])
    ranks = np.zeros(len(score))
    ranks[known] = np.searchsorted(ordered, score[known], side="left")
    ranks[known] += np.searchsorted(ordered, score[known], side="right")
    if known.any():
        ranks[known] -= ranks[known].mean()
    size = 1 << (2 * len(score)).bit_length()
    products = np.fft.irfft(np.abs(np.fft.rfft(ranks, size)) ** 2, size)[: len(score)]
    pairs = np.fft.irfft(np.abs(np.fft.rfft(known.astype(float), size)) ** 2, size)[: len(score)]
    if not len(score) or not (ranks**2).sum() > 0:
        return np.zeros(len(score))
    covariance = products / np.maximum(pairs, 1.0)
    return np.asarray(covariance / covariance[0])
