"""The score of the Numenta Anomaly Benchmark (Lavin and Ahmad 2015, arXiv:1510.03336)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from offbeat.errors import ConfigError, DataError
from offbeat.metrics.flags import same_flags
from offbeat.runs import label_runs
from offbeat.series import BoolArray, FloatArray, IntArray

__all__ = ["NABScore", "nab_score"]

FAR = 3.0
"""Window lengths behind a window from where on a false alarm costs in full."""
N_RANDOM = 50


@dataclass(frozen=True)
class NABScore:
    """0 is no alarm at all, 100 every window found at its first row without a false alarm.

    `random` is the mean score of as many flagged rows spread at random: what is not clearly above
    it has shown nothing.
    """

    score: float
    random: float


def nab_score(
    y_true: IntArray | BoolArray,
    label: IntArray | BoolArray,
    *,
    false_alarm: float = 0.11,
    miss: float = 1.0,
    probation: float = 0.15,
    random_state: int = 0,
) -> NABScore:
    """Reward for early finds, cost for false alarms and misses, in the standard profile.

    Parameters
    ----------
    y_true
        Shape (T,), 0/1; each run of 1 is a window in which an alarm counts.
    label
        Shape (T,), 0/1; every flagged row is an alarm.
    false_alarm, miss
        Costs of a flagged row outside all windows and of a window without one.
    probation
        First share of the rows in which nothing is counted.
    random_state
        Seed of the random line.

    Returns
    -------
    Where all rows are anomalous there is one window, and an alarm in its first row gets 100.

    Raises
    ------
    DataError
        If no window lies behind the probation, the shapes differ or a value is neither 0 nor 1.
    ConfigError
        If the probation lies outside [0, 1) or a cost is below 0.
    """
    if not 0.0 <= probation < 1.0:
        raise ConfigError(f"probation must lie in [0, 1), {probation!r} came")
    if not (0 <= false_alarm < np.inf and 0 <= miss < np.inf):
        raise ConfigError(f"costs must be numbers >= 0, {false_alarm!r} and {miss!r} came")
    true, flagged = same_flags(y_true, label)
    first = int(probation * len(true))
    true, flagged = true[first:], flagged[first:]
    windows = label_runs(true)
    if not len(windows):
        raise DataError("y_true marks no row behind the probation: there is no window to find")
    weight = _row_weights(windows, len(true), false_alarm)
    generator = np.random.default_rng(random_state)
    drawn = [_score(windows, weight, generator.permutation(flagged), miss) for _ in range(N_RANDOM)]
    return NABScore(_score(windows, weight, flagged, miss), float(np.mean(drawn)))


def _score(windows: IntArray, weight: FloatArray, flagged: BoolArray, miss: float) -> float:
    """From 0 (no alarm) to 100 (perfect)."""
    inside = np.zeros(len(flagged), dtype=bool)
    raw = 0.0
    for start, end in windows:
        inside[start:end] = True
        marks = np.flatnonzero(flagged[start:end])
        raw += weight[start + marks[0]] if len(marks) else -miss
    raw += float(weight[flagged & ~inside].sum())
    nothing = -miss * len(windows)
    return 100.0 * (raw - nothing) / (len(windows) - nothing)


def _row_weights(windows: IntArray, n_rows: int, false_alarm: float) -> FloatArray:
    """What an alarm at each row is worth: up to 1 in a window, down to -false_alarm outside."""
    weight = np.full(n_rows, -false_alarm)
    for place, (start, end) in enumerate(windows):
        length = end - start
        inside = (np.arange(start, end) - end) / length  # -1 ... 0
        weight[start:end] = _sigmoid(inside) / _sigmoid(np.array(-1.0))
        until = windows[place + 1, 0] if place + 1 < len(windows) else n_rows
        behind = np.arange(end, until) - end + 1
        past = behind / max(length - 1, 1)
        weight[end:until] = false_alarm * np.where(past > FAR, -1.0, _sigmoid(past))
    return weight


def _sigmoid(position: FloatArray) -> FloatArray:
    """From 1 far ahead of the end of a window to -1 far behind it."""
    value: FloatArray = -np.tanh(2.5 * position)  # 2 / (1 + exp(5 position)) - 1, never too large
    return value
