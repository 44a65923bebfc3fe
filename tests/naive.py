"""Oracles: slow, obviously right twins of the fast functions."""

from __future__ import annotations

import numpy as np

from offbeat.series import BoolArray, FloatArray, IntArray


def runs(flags: IntArray | BoolArray, merge_gap: int = 0, min_length: int = 1) -> list[list[int]]:
    """Flagged stretches [start, end), joined over short gaps, then without the short ones."""
    found: list[list[int]] = []
    for row, flag in enumerate(flags):
        if not flag:
            continue
        if found and row - found[-1][1] <= merge_gap:
            found[-1][1] = row + 1
        else:
            found.append([row, row + 1])
    return [run for run in found if run[1] - run[0] >= min_length]


def found_and_false(y_true: IntArray, label: IntArray, tolerance: int) -> tuple[int, int]:
    """True events with a flagged row within the tolerance, and flagged runs far from all."""
    near = [set(range(start - tolerance, end + tolerance)) for start, end in runs(y_true)]
    alarms = [set(range(start, end)) for start, end in runs(label)]
    n_found = sum(any(event & alarm for alarm in alarms) for event in near)
    n_false = sum(not any(event & alarm for event in near) for alarm in alarms)
    return n_found, n_false


def lowest_cut_with(score: FloatArray, allowed: float, merge_gap: int) -> float:
    """Lower the cut from score to score, as long as there are no more events than allowed.

    If there never are, the highest cut that has most events is taken.
    """
    levels = sorted(set(score[np.isfinite(score)]), reverse=True)
    counts = [len(runs(score > level, merge_gap)) for level in levels]
    for i, count in enumerate(counts):
        if count > allowed:
            return float(levels[i - 1])
    return float(levels[counts.index(max(counts))])


def found_and_false_within(
    y_true: IntArray, label: IntArray | BoolArray, merge_gap: int, reach: int
) -> tuple[int, int]:
    """True events that a true alarm touches, and alarms that lie over too much else, or over none.

    An alarm is true if it holds a true row and, besides true rows, as many others and reach more.
    """
    true = {row for row, flag in enumerate(y_true) if flag}
    found, n_false = set(), 0
    for start, end in runs(label, merge_gap):
        inside = [row for row in range(start, end) if row in true]
        if inside and end - start - len(inside) <= len(inside) + reach:
            found |= set(inside)
        else:
            n_false += 1
    return sum(bool(found & set(range(a, b))) for a, b in runs(y_true)), n_false


def best_worth(
    score: FloatArray, y_true: IntArray, worth: str, weight: float, merge_gap: int, reach: int
) -> float:
    """Best F-beta, or lowest cost with its sign turned, over all cuts."""
    finite = score[np.isfinite(score)]
    best = -np.inf
    for cut in [-1.0, *finite]:
        best = max(best, worth_of(score > cut, y_true, worth, weight, merge_gap, reach))
    return best


def worth_of(
    label: BoolArray, y_true: IntArray, worth: str, weight: float, merge_gap: int, reach: int
) -> float:
    """F-beta with beta = weight, or the cost with a miss that costs weight, its sign turned."""
    hits, false = found_and_false_within(y_true, label, merge_gap, reach)
    missed = len(runs(y_true)) - hits
    if worth == "cost":
        return -(false + weight * missed)
    return (1 + weight**2) * hits / ((1 + weight**2) * hits + weight**2 * missed + false)


def telemanom_window(errors: FloatArray, z_values: FloatArray, prune: float) -> BoolArray:
    """Which errors of one window are anomalous: the paper's sentences, one by one."""
    known = np.isfinite(errors)
    mean, sd = np.mean(errors[known]), np.std(errors[known])
    best_gain, cut = -np.inf, mean + z_values[-1] * sd
    for z in z_values:
        epsilon = mean + z * sd
        above = known & (errors > epsilon)
        rest = errors[known & ~above]
        sequences = runs(above)
        if not above.any() or len(sequences) > 5 or above.sum() >= known.sum() / 2:
            continue
        drops = (mean - np.mean(rest)) / mean + (sd - np.std(rest)) / sd
        gain = drops / (above.sum() + len(sequences) ** 2)
        if gain >= best_gain - 1e-12 * abs(gain):
            best_gain, cut = gain, epsilon
    above = known & (errors > cut)
    ordered = sorted(runs(above), key=lambda run: -np.max(errors[run[0] : run[1]]))
    peaks = [np.max(errors[start:end]) for start, end in ordered]
    peaks.append(np.max(errors[known & ~above]))
    last_kept = 0
    for i in range(1, len(peaks)):
        if (peaks[i - 1] - peaks[i]) / peaks[i - 1] > prune:
            last_kept = i
    flagged = np.zeros(len(errors), dtype=bool)
    for start, end in ordered[:last_kept]:
        flagged[start:end] = True
    return flagged


def autocorrelation(values: FloatArray, lag: int) -> float:
    """Over the pairs where both are known, of values with mean 0."""
    pairs = [
        values[i] * values[i + lag]
        for i in range(len(values) - lag)
        if np.isfinite(values[i]) and np.isfinite(values[i + lag])
    ]
    return float(np.mean(pairs) / np.nanmean(values**2))
