"""Telemanom's non-parametric dynamic threshold, with pruning."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from offbeat.errors import ConfigError
from offbeat.runs import label_runs
from offbeat.series import FloatArray
from offbeat.thresholds.base import (
    FEWEST_SCORES,
    MARGIN,
    SMALLEST_CUT,
    Calibration,
    Threshold,
    check_number,
    check_rows,
    power_of_two,
)

__all__ = ["TelemanomThreshold"]

# As the authors' program has them; the paper does not name them
Z_STEP = 0.5
MOST_SEQUENCES = 5  # a cut that finds more in one window is not considered ...
MOST_FLAGGED = 0.5  # ... nor one that flags so large a share of it


@dataclass(frozen=True)
class TelemanomThreshold(Threshold):
    """The cut that, taking away what lies above it, makes the rest smallest and calmest.

    Hundman et al. 2018 (https://arxiv.org/abs/1802.04431), section 3.2: of the cuts
    mean + z sd over a window that looks back from the end of each batch, the one that
    maximises (drop of the mean / mean + drop of the sd / sd) / (points + sequences squared)
    among the points above it. Then pruning: in the falling order of the sequences' peaks, ended
    by the highest score that is no alarm, those after the last step that falls by more than
    `prune` are no alarms; there the cut is raised to their peak.

    The scores are smoothed already and are not smoothed again. A batch is judged with all of its
    rows, so a row's cut may depend on up to `batch` - 1 later ones; the first window judges all
    of its rows. The training scores serve where a window has fewer than two scores.

    Parameters
    ----------
    batch
        Rows that are judged at once.
    window
        Rows that the mean and the deviation are taken over, at least `batch`.
    prune
        In [0, 1): least relative step from one peak to the next. 0 keeps all.
    z_min, z_max
        Range of z. `z_max` also serves where no z finds anything.
    """

    batch: int = 70
    window: int = 2100
    prune: float = 0.13
    z_min: float = 2.0
    z_max: float = 12.0
    kind: ClassVar[str] = "telemanom"

    def __post_init__(self) -> None:
        check_rows("the batch", self.batch, 1)
        check_rows("the window", self.window, 2)
        check_number("the pruning step", self.prune, 0.0, 1.0, ends=True)
        check_number("z_min", self.z_min, 0.0)
        check_number("z_max", self.z_max, 0.0)
        if self.window < self.batch or self.z_max < self.z_min:
            raise ConfigError(
                f"the window must hold the batch and z_max be at least z_min; window="
                f"{self.window}, batch={self.batch}, z_min={self.z_min}, z_max={self.z_max} came"
            )

    @property
    def title(self) -> str:
        """`telemanom, window 2100`."""
        return f"telemanom, window {self.window}"

    def cut(self, calibration: Calibration, score: FloatArray) -> FloatArray:
        """Shape (T,): one level a batch, higher where a sequence was pruned."""
        reference = calibration.finite
        known = np.where(np.isfinite(score), score, np.nan)
        unit = power_of_two(np.concatenate((reference, known[np.isfinite(known)])))
        scaled = known / unit
        z = np.append(np.arange(self.z_min, self.z_max, Z_STEP), self.z_max)
        spare = float((reference / unit).mean() + self.z_max * (reference / unit).std())
        curve = np.empty(len(scaled))
        for start, stop in self._batches(len(scaled)):
            begin = max(0, stop - self.window)
            judged = _window_cut(scaled[begin:stop], z, self.prune, spare)
            curve[start:stop] = judged[start - begin :]
        largest = np.finfo(float).max / max(unit, 1.0)
        return np.asarray(np.maximum(np.minimum(curve, largest) * unit, SMALLEST_CUT))

    def _batches(self, n_rows: int) -> Iterator[tuple[int, int]]:
        start, stop = 0, min(self.window, n_rows)
        while start < n_rows:
            yield start, stop
            start, stop = stop, min(stop + self.batch, n_rows)


def _window_cut(errors: FloatArray, z: FloatArray, prune: float, spare: float) -> FloatArray:
    """The cut in each row of one window, pruned."""
    known = np.isfinite(errors)
    if known.sum() < FEWEST_SCORES:
        return np.full(len(errors), spare)
    level = _best_level(errors, errors[known], z)
    return _pruned(np.where(known, errors, -np.inf), level, prune)


def _best_level(errors: FloatArray, values: FloatArray, z: FloatArray) -> float:
    """The mean + z sd that takes most away with the fewest points and sequences."""
    mean, deviation, highest = float(values.mean()), float(values.std()), float(values.max())
    if deviation <= MARGIN * abs(mean):
        return highest + MARGIN * abs(highest)
    levels = mean + z * deviation
    last = float(levels[-1])
    levels = levels[levels < highest]
    above = errors > levels[:, None]  # (Z, rows); NaN lies above nothing
    n_above = above.sum(axis=1)
    n_sequences = above[:, 0] + (above[:, 1:] & ~above[:, :-1]).sum(axis=1)
    usable = (n_sequences <= MOST_SEQUENCES) & (n_above < MOST_FLAGGED * len(values))
    if not usable.any():
        return last
    centred = np.where(np.isfinite(errors), errors - mean, 0.0)
    taken = above[usable].astype(float) @ np.column_stack((centred, centred**2))  # (Z, 2)
    n_rest = len(values) - n_above[usable]
    mean_drop = taken[:, 0] / n_rest  # mean - mean of the rest
    rest_variance = (len(values) * deviation**2 - taken[:, 1]) / n_rest - mean_drop**2
    sd_drop = deviation - np.sqrt(np.maximum(rest_variance, 0.0))
    gain = mean_drop / mean + sd_drop / deviation
    gain /= n_above[usable] + n_sequences[usable] ** 2
    best = len(gain) - 1 - int(np.argmax(gain[::-1]))  # of equal ones the highest
    return float(levels[usable][best])


def _pruned(errors: FloatArray, level: float, prune: float) -> FloatArray:
    """The level, raised to their peak where sequences do not stand out from the next lower."""
    curve = np.full(len(errors), level)
    flagged = errors > level
    runs = label_runs(flagged)
    if not len(runs):
        return curve
    peaks = np.array([errors[start:end].max() for start, end in runs])
    order = np.argsort(-peaks, kind="stable")
    ladder = np.append(peaks[order], errors[~flagged].max())
    steps = np.flatnonzero((ladder[:-1] - ladder[1:]) > prune * ladder[:-1])
    n_kept = int(steps[-1]) + 1 if len(steps) else 0
    for i in order[n_kept:]:
        curve[runs[i, 0] : runs[i, 1]] = peaks[i]
    return curve
