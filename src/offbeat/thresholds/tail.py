"""Extreme values: a generalised Pareto tail, and the threshold at a risk (POT)."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from offbeat.series import FloatArray
from offbeat.thresholds.base import Calibration, StaticThreshold, check_number
from offbeat.thresholds.counting import event_peaks, run_gap

__all__ = ["POTThreshold", "Tail", "fit_tail"]

MIN_EXCESSES = 20  # fewer say nothing about the shape of a tail
LIGHTEST = -0.5  # below it the likelihood has no regular maximum (Smith 1985)
EXPONENTIAL = 1e-9  # shapes so near 0 are 0
HEAVIEST = 0.9  # from 1 on a tail has no mean; a fit there has caught a few freak scores
POOR_FIT = 1.63  # Kolmogorov's 1 % level, times sqrt(n)
FEWEST_EVENTS = 10  # the tail starts so low that so many events exceed it ...
LOWEST_START = 0.5  # ... if need be from the median on
RESOLVED = 10  # so many scores beyond a level are enough to trust their share as it is


@dataclass(frozen=True)
class Tail:
    """A generalised Pareto distribution of what exceeds a level.

    Parameters
    ----------
    shape
        0 is exponential, above 0 heavier, below 0 bounded.
    scale
        In the unit of the excesses.
    """

    shape: float
    scale: float

    def excess(self, share: float) -> float:
        """The excess that this share (0 to 1) of all excesses goes beyond."""
        rarity = -math.log(min(max(share, 1e-300), 1.0))
        if abs(self.shape) < EXPONENTIAL:
            return self.scale * rarity
        return self.scale * math.expm1(self.shape * rarity) / self.shape

    def beyond(self, excesses: FloatArray) -> FloatArray:
        """The share of all excesses beyond each of these."""
        relative = excesses / self.scale
        if abs(self.shape) < EXPONENTIAL:
            return np.asarray(np.exp(-relative))
        return np.asarray(np.maximum(1 + self.shape * relative, 0.0) ** (-1 / self.shape))


def fit_tail(
    excesses: FloatArray,
    *,
    lightest: float = LIGHTEST,
    heaviest: float = HEAVIEST,
    n_independent: int | None = None,
) -> Tail:
    """The tail that fits best, never an absurd one.

    Maximum likelihood if its shape is in bounds and it lies close to the excesses. Else the
    nearest to them, by Kolmogorov's distance, of: the likeliest with its shape put in bounds, the
    one with the same mean and variance, and the exponential one. Fewer than 20 independent
    excesses get an exponential tail.

    Parameters
    ----------
    excesses
        Shape (n,), > 0; n may be 0.
    lightest, heaviest
        Bounds of the shape.
    n_independent
        How many of them are independent; None means all.
    """
    mean = float(excesses.mean()) if len(excesses) else 0.0
    exponential = Tail(0.0, mean)
    n_witnesses = len(excesses) if n_independent is None else n_independent
    if n_witnesses < MIN_EXCESSES or not mean > 0:
        return exponential
    ordered = np.sort(excesses)
    likely = _likeliest(ordered, mean)
    near = POOR_FIT / math.sqrt(len(ordered))
    if likely and lightest <= likely.shape <= heaviest and _distance(likely, ordered) <= near:
        return likely
    rivals = [_in_bounds(_by_moments(ordered), ordered, lightest, heaviest), exponential]
    if likely is not None:
        rivals.insert(0, _in_bounds(likely, ordered, lightest, heaviest))
    return min(rivals, key=lambda tail: _distance(tail, ordered))


def _likeliest(ordered: FloatArray, mean: float) -> Tail | None:
    """Maximum likelihood, None if the search fails."""
    from scipy import stats  # loading it takes a second, and most methods do without

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        shape, _, scale = stats.genpareto.fit(ordered / mean, 0.1, floc=0, scale=1.0)
    if not (math.isfinite(shape) and math.isfinite(scale) and scale > 0):
        return None
    return Tail(float(shape), float(scale) * mean)


def _by_moments(ordered: FloatArray) -> Tail:
    """The tail with the mean and variance of the excesses (Hosking and Wallis 1987)."""
    mean, variance = float(ordered.mean()), float(ordered.var())
    ratio = mean * mean / variance if variance > 0 else 1.0
    return Tail(0.5 * (1 - ratio), 0.5 * mean * (1 + ratio))


def _in_bounds(tail: Tail, ordered: FloatArray, lightest: float, heaviest: float) -> Tail:
    """The tail if its shape is in bounds, else the bound with the median of the excesses."""
    shape = min(max(tail.shape, lightest), heaviest)
    if shape == tail.shape:
        return tail
    unit = Tail(shape, 1.0).excess(0.5)
    return Tail(shape, float(np.median(ordered)) / unit)


def _distance(tail: Tail, ordered: FloatArray) -> float:
    """Kolmogorov's distance between the tail and the excesses."""
    if not tail.scale > 0:
        return math.inf
    below = 1 - tail.beyond(ordered)
    steps = np.arange(len(ordered) + 1) / len(ordered)
    return float(max((steps[1:] - below).max(), (below - steps[:-1]).max()))


@dataclass(frozen=True)
class POTThreshold(StaticThreshold):
    """Peaks over threshold: the score that a row exceeds with a given risk.

    What exceeds a high level follows a generalised Pareto tail, so the cut may lie beyond all
    that was seen (Siffer et al. 2017, https://doi.org/10.1145/3097983.3098144).

    Parameters
    ----------
    risk
        Chance that the score of a normal row lies above the cut, in (0, 1).
    level
        Share of the scores below the level where the tail starts, in (0, 1). Short or smooth
        scores start lower, so that 20 scores and 10 separate events exceed it.
    """

    risk: float = 1e-4
    level: float = 0.98
    kind: ClassVar[str] = "pot"

    def __post_init__(self) -> None:
        check_number("the risk", self.risk, 0.0, 1.0)
        check_number("the level where the tail starts", self.level, 0.0, 1.0)

    @property
    def title(self) -> str:
        """`POT, risk 0.0001`."""
        return f"POT, risk {self.risk:g}"

    def _level(self, calibration: Calibration) -> float:
        scores = calibration.finite
        start, n_events = self._start(calibration.score, scores)
        excesses = scores[scores > start] - start
        share = len(excesses) / len(scores)
        if self.risk >= share:  # asked for a level that lies inside the data
            return min(start, float(np.quantile(scores, 1 - self.risk)))
        seen = float(np.quantile(scores, 1 - max(self.risk, min(RESOLVED / len(scores), share))))
        tail = fit_tail(excesses, n_independent=n_events)
        return max(start + tail.excess(self.risk / share), seen, start)

    def _start(self, score: FloatArray, scores: FloatArray) -> tuple[float, int]:
        """Where the tail starts, and how many events exceed it.

        Neighbouring scores are alike, so what counts as a witness is an event, not a row.
        """
        gap = run_gap(score)
        share = max(1 - self.level, MIN_EXCESSES / len(scores))
        while True:
            start = float(np.quantile(scores, 1 - min(share, LOWEST_START)))
            n_events = len(event_peaks(score, start, gap))
            if n_events >= FEWEST_EVENTS or share >= LOWEST_START:
                return start, n_events
            share *= 1.25
