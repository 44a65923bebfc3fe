"""How many alarm events a series of scores shows at every possible cut."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from offbeat.runs import label_runs, merge_runs
from offbeat.series import FloatArray, IntArray

__all__ = ["EventCounts", "event_peaks", "run_gap"]

LONGEST_LOOK = 100_000  # rows that the memory of a score is estimated on: the last ones
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
        from scipy.ndimage import maximum_filter1d

        low = np.full(len(score), -np.inf)
        known = np.where(np.isfinite(score), score, -np.inf)
        size = merge_gap + 1
        trailing = maximum_filter1d(
            known, size, origin=(size - 1) // 2, mode="constant", cval=-np.inf
        )
        low[1:] = trailing[:-1]
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
