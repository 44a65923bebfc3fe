"""Oracles for thresholds, and the scores that they are tried on."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

import naive
from offbeat.series import BoolArray, FloatArray, IntArray
from offbeat.thresholds import Calibration, StaticThreshold

KNOWN = st.floats(0, 10)
SCORES = st.lists(KNOWN | st.just(float("nan")), min_size=2, max_size=60).filter(
    lambda row: sum(np.isfinite(row)) > 1
)


def noise(n_rows: int, seed: int = 0) -> FloatArray:
    """Scores that have no memory, with an exponential tail."""
    return np.random.default_rng(seed).exponential(size=n_rows)


def taken_from(score: Any, **known: Any) -> Calibration:
    """The calibration with these scores."""
    return Calibration(np.array(score, dtype=float), **known)


def percentile(scores: list[float], q: float) -> float:
    """On the straight line between the two neighbours in the ordered scores."""
    ordered = sorted(scores)
    place = q / 100 * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def n_events(score: FloatArray, cut: float, merge_gap: int = 0) -> int:
    """Events above one cut."""
    return len(naive.runs(score > cut, merge_gap))


def peaks(score: FloatArray, level: float, gap: int) -> list[float]:
    """The highest score of each event above a level."""
    return [float(np.nanmax(score[a:b])) for a, b in naive.runs(score > level, gap)]


def ranks(score: FloatArray) -> FloatArray:
    """How many scores are smaller, equal ones counted half; their mean taken away."""
    known = score[np.isfinite(score)]
    found = np.array(
        [np.sum(known < value) + np.sum(known == value) / 2 for value in score], dtype=float
    )
    found[~np.isfinite(score)] = np.nan
    return np.asarray(found - np.nanmean(found))


def rolling_without_alarms(
    base: StaticThreshold, training: FloatArray, score: FloatArray, span: int, every: int
) -> FloatArray:
    """The cut where no score alarms: the base method on the last span before each step."""
    seen = np.concatenate((training, score))
    curve = np.empty(len(score))
    for row in range(len(score)):
        now = len(training) + row - row % every
        curve[row] = base.value(Calibration(seen[max(0, now - span) : now]))
    return curve


def telemanom_flags(
    score: FloatArray, batch: int, window: int, z_values: FloatArray, prune: float
) -> BoolArray:
    """Each row is judged with the window that ends where its batch ends."""
    flagged = np.zeros(len(score), dtype=bool)
    for row in range(len(score)):
        n_batches = max(0, -(-(row + 1 - window) // batch))
        stop = min(window + n_batches * batch, len(score))
        begin = max(0, stop - window)
        judged = naive.telemanom_window(score[begin:stop], z_values, prune)
        flagged[row] = judged[row - begin]
    return flagged


def labels(n_rows: int, *flagged: int) -> IntArray:
    """0, but 1 in these rows."""
    y_true = np.zeros(n_rows, dtype=int)
    y_true[list(flagged)] = 1
    return y_true
