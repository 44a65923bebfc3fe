"""Telemanom's non-parametric dynamic threshold, with pruning."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from offbeat.errors import ConfigError
from offbeat.series import FloatArray, IntArray
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
    known = errors == errors  # noqa: PLR0124 - all but NaN
    values = errors if known.all() else errors[known]
    if len(values) < FEWEST_SCORES:
        return np.full(len(errors), spare)
    return _pruned(errors, _best_level(errors, values, z), prune)


def _best_level(errors: FloatArray, values: FloatArray, z: FloatArray) -> float:
    """The mean + z sd that takes most away with the fewest points and sequences."""
    mean, deviation, highest = _moments(values)
    if deviation <= MARGIN * abs(mean):
        return highest + MARGIN * abs(highest)
    levels = mean + z * deviation
    last = float(levels[-1])
    levels = levels[levels < highest]
    if not len(levels):
        return last
    (rows,) = (errors > levels[0]).nonzero()  # all that any level takes; NaN is not among them
    taken = errors[rows]
    neighbours = np.minimum(taken[1:], taken[:-1])[rows[1:] - rows[:-1] == 1]
    n_above = _n_above(taken, levels)
    n_sequences = n_above - _n_above(neighbours, levels)  # (Z,)
    usable = (n_sequences <= MOST_SEQUENCES) & (n_above < MOST_FLAGGED * len(values))
    if not usable.any():
        return last
    levels, n_above, n_sequences = levels[usable], n_above[usable], n_sequences[usable]
    centred = taken[::-1] - mean  # sorted by now, the highest first
    n_rest = len(values) - n_above
    mean_drop = centred.cumsum()[n_above - 1] / n_rest  # mean - mean of the rest
    squares = (centred * centred).cumsum()[n_above - 1]
    rest_variance = (len(values) * deviation**2 - squares) / n_rest - mean_drop**2
    sd_drop = deviation - np.sqrt(np.maximum(rest_variance, 0.0))
    gain = mean_drop / mean + sd_drop / deviation
    gain /= n_above + n_sequences**2
    best = len(gain) - 1 - int(gain[::-1].argmax())  # of equal ones the highest
    return float(levels[best])


def _n_above(values: FloatArray, levels: FloatArray) -> IntArray:
    """How many of the values (n,), sorted in place, lie above each level; (Z,)."""
    values.sort()
    return np.asarray(len(values) - values.searchsorted(levels, side="right"))


def _moments(values: FloatArray) -> tuple[float, float, float]:
    """Mean, standard deviation and maximum, without the detours of `mean` and `std`."""
    mean = np.add.reduce(values) / len(values)
    centred = values - mean
    deviation = np.sqrt(np.add.reduce(centred * centred) / len(values))
    return float(mean), float(deviation), float(np.maximum.reduce(values))


def _pruned(errors: FloatArray, level: float, prune: float) -> FloatArray:
    """The level, raised to their peak where sequences do not stand out from the next lower."""
    curve = np.full(len(errors), level)
    flagged = errors > level
    (rows,) = flagged.nonzero()
    if not len(rows):
        return curve
    firsts = np.zeros(1, dtype=np.int64)  # places in `rows` where a sequence begins
    if rows[-1] - rows[0] >= len(rows):
        firsts = np.concatenate((firsts, (rows[1:] - rows[:-1] > 1).nonzero()[0] + 1))
    peaks = np.maximum.reduceat(errors[rows], firsts)
    rest = np.fmax.reduce(np.where(flagged, -np.inf, errors))
    order = (-peaks).argsort(kind="stable")
    ladder = [*peaks[order].tolist(), float(rest)]
    steps = [i for i in range(len(order)) if ladder[i] - ladder[i + 1] > prune * ladder[i]]
    for i in order[steps[-1] + 1 if steps else 0 :]:
        curve[rows[firsts[i] : firsts[i + 1] if i + 1 < len(firsts) else None]] = peaks[i]
    return curve
