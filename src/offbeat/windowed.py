"""Detectors that look at one window at a time: how unusual is the window that ends here?"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from offbeat.detection import EventRules
from offbeat.detector import Detector
from offbeat.errors import whole_number
from offbeat.judging import Foresight
from offbeat.memory import ShapeMemory
from offbeat.options import LEVEL_PREPARATION, WINDOW_SCORING
from offbeat.preparation import Preparation, Prepared
from offbeat.scores import Scoring, Smoothing
from offbeat.season import Season
from offbeat.series import BoolArray, FloatArray, IntArray
from offbeat.sliding import sliding_windows
from offbeat.thresholds import Threshold
from offbeat.training import EpochLog, ProgressHook

__all__ = [
    "VALUE_CLIP",
    "ShapeMemoryDetector",
    "Unit",
    "WindowDetector",
    "joined_distance",
    "usual_window",
]

DEFAULT_WINDOW, MIN_WINDOW, MAX_WINDOW = 64, 8, 200
WINDOWS_OF_HISTORY = 4
"""A training part should hold so many windows, else the window is made smaller."""
VALUE_CLIP = 8.0
"""Scaled values are compared up to so many training deviations from usual."""
USUAL, UNUSUAL = 0.5, 0.99
MIN_UNIT = 0.02
"""Smallest unit of a distance, in training deviations."""
WINDOW_SCALES: Mapping[Smoothing, tuple[int, ...]] = {"trailing": (0, 1), "centred": (1, 2, 4)}
"""Rows of the moving means in windows; 0 is the window that ends here, alone."""


class WindowDetector(Detector):
    """Base of the detectors that compare windows; a method fills in two steps.

    The error of a row is that of the window that ends there. Looking back, a row gets the mean
    over the windows that cover it.
    """

    window: int | None

    @abstractmethod
    def _learn_windows(self, scaled: FloatArray, starts: list[IntArray]) -> None:
        """Learn from scaled values (T, C) and, per channel, the starts of its whole windows."""

    @abstractmethod
    def _distances(
        self, scaled: FloatArray, starts: list[IntArray], *, training: bool
    ) -> list[FloatArray]:
        """How unusual each window is: per channel an array as long as its starts, >= 0."""

    def _check_options(self) -> None:
        if self.window is not None:
            whole_number("window", self.window, least=2)

    def _configure(self, n_rows: int) -> None:
        self.window_ = self.window or usual_window(self.season_, n_rows)
        self.warm_up_ = self.window_ - 1
        self.min_rows_ = 2 * self.window_
        self._require_rows(n_rows, "the training part")

    def _chosen(self) -> dict[str, object]:
        return {"window": self.window_}

    def _reasons(self) -> dict[str, str]:
        if self.window:
            return {"window": "as given"}
        return {"window": "the period" if self.season_ else f"no period: {DEFAULT_WINDOW}"}

    def _smoothing_windows(self, mode: Smoothing) -> tuple[int, ...]:
        if self.scoring.smoothing_window is not None:
            return super()._smoothing_windows(mode)
        return tuple(max(1, scale * self.window_) for scale in WINDOW_SCALES[mode])

    def _learn(
        self,
        prepared: Prepared,
        learned: BoolArray,  # noqa: ARG002 - what is not learned is empty in `prepared`
        progress: ProgressHook | None,  # noqa: ARG002 - over at once
    ) -> tuple[EpochLog, ...]:
        self._learn_windows(*self._windows(prepared))
        return ()

    def _foresee(self, prepared: Prepared, *, training: bool = False) -> Foresight:
        scaled, starts = self._windows(prepared)
        error = np.full(scaled.shape, np.nan)
        distances = self._distances(scaled, starts, training=training)
        for column, (at, distance) in enumerate(zip(starts, distances, strict=True)):
            error[at + self.window_ - 1, column] = distance
        nothing = np.full(scaled.shape, np.nan)
        return Foresight(error, nothing, nothing, reach=self.window_)

    def _windows(self, prepared: Prepared) -> tuple[FloatArray, list[IntArray]]:
        """Clipped scaled values (T, C) of the targets, and where each channel's windows start."""
        scaled = np.clip(prepared.scaled[:, self.targets_], -VALUE_CLIP, VALUE_CLIP)
        inside = np.zeros(len(scaled), dtype=bool)  # rows from which a window stays in its segment
        for start, end in prepared.segments:
            inside[start : max(start, end - self.window_ + 1)] = True
        starts = list[IntArray]()
        for column in scaled.T:
            holes = np.concatenate([[0], np.cumsum(np.isnan(column))])
            whole = inside.copy()
            n_starts = max(0, len(column) - self.window_ + 1)
            whole[:n_starts] &= holes[self.window_ :] == holes[:n_starts]
            whole[n_starts:] = False
            starts.append(np.flatnonzero(whole))
        return np.nan_to_num(scaled), starts


def usual_window(season: Season | None, n_rows: int) -> int:
    """The period, if there is one, within what `n_rows` rows of history can fill."""
    usual = season.period if season else DEFAULT_WINDOW
    most = min(MAX_WINDOW, max(MIN_WINDOW, n_rows // WINDOWS_OF_HISTORY))
    return int(np.clip(usual, MIN_WINDOW, most))


@dataclass(frozen=True)
class Unit:
    """What distance is usual, and how much more the unusual ones of the training part are.

    Parameters
    ----------
    usual
        Median of the training part's distances.
    more
        How far their 99th percentile lies above it, at least `MIN_UNIT`.
    """

    usual: float
    more: float

    @classmethod
    def of(cls, distance: FloatArray) -> Unit:
        """From the distances of the training part, shape (N,); NaN is left out."""
        known = distance[~np.isnan(distance)]
        if not len(known):
            return cls(0.0, 1.0)
        usual, unusual = np.quantile(known, (USUAL, UNUSUAL))
        return cls(float(usual), max(float(unusual - usual), MIN_UNIT))

    def measure(self, distance: FloatArray) -> FloatArray:
        """log(1 + standardised distance), not below 0."""
        measured: FloatArray = np.log1p(self.standardised(distance))
        return measured

    def standardised(self, distance: FloatArray) -> FloatArray:
        """How far a distance is above what is usual, in units of the training part; >= 0."""
        above: FloatArray = np.maximum(distance - self.usual, 0.0) / self.more
        return above


def joined_distance(distances: FloatArray, units: Sequence[Unit]) -> FloatArray:
    """One distance (N,) of those in every view, (3, N), each measured by its own unit."""
    far = [unit.measure(each) for unit, each in zip(units, distances, strict=True)]
    joined: FloatArray = np.expm1(np.mean(far, axis=0))
    return joined


class ShapeMemoryDetector(WindowDetector):
    """Remembers windows of normal data and scores how far a window is from the nearest of them.

    Windows are compared in three ways: by their scaled values, without their level, and by their
    shape alone. Each distance is measured against those of the training part, where a window is
    not compared with windows that overlap it, and joined by the mean of log(1 + distance).

    Parameters
    ----------
    window
        Rows of a window; None takes the period found in the training part (8 to 200), or 64.
    n_windows
        Most windows remembered, drawn at random from the training part.
    smoothing, random_state, covariates, preparation, scoring, threshold, rules
        As in `LSTMDetector`.

    References
    ----------
    Yeh et al. 2016, "Matrix Profile I" (nearest window); Ramaswamy et al. 2000, "Efficient
    Algorithms for Mining Outliers from Large Data Sets" (distance to the nearest neighbour).
    """

    def __init__(
        self,
        *,
        window: int | None = None,
        n_windows: int = 2500,
        smoothing: Smoothing = "trailing",
        random_state: int = 0,
        covariates: tuple[str, ...] | None = None,
        preparation: Preparation = LEVEL_PREPARATION,  # changes have lost the shape
        scoring: Scoring = WINDOW_SCORING,
        threshold: Threshold | None = None,
        rules: EventRules = EventRules(),
    ) -> None:
        self.window = window
        self.n_windows = n_windows
        self.smoothing = smoothing
        self.random_state = random_state
        self.covariates = covariates
        self.preparation = preparation
        self.scoring = scoring
        self.threshold = threshold
        self.rules = rules

    def _check_options(self) -> None:
        super()._check_options()
        whole_number("n_windows", self.n_windows, least=1)

    def _learn_windows(self, scaled: FloatArray, starts: list[IntArray]) -> None:
        draw = np.random.default_rng(self.random_state)
        self.memories_: list[ShapeMemory] = []
        self.units_: list[tuple[Unit, ...]] = []
        for column, own in zip(scaled.T, starts, strict=True):
            kept = np.sort(draw.permutation(own)[: self.n_windows])
            windows = sliding_windows(column, self.window_)[kept].astype(np.float32)
            self.memories_.append(ShapeMemory(windows, kept))
            distances = self.memories_[-1].distances(column, own, leave_out=True)
            self.units_.append(tuple(Unit.of(distance) for distance in distances))

    def _distances(
        self, scaled: FloatArray, starts: list[IntArray], *, training: bool
    ) -> list[FloatArray]:
        made = []
        for column, own, memory, units in zip(
            scaled.T, starts, self.memories_, self.units_, strict=True
        ):
            distances = memory.distances(column, own, leave_out=training)
            made.append(joined_distance(distances, units))
        return made

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """As `Detector.state`, with the windows remembered."""
        state, arrays = super().state()
        for column, (memory, units) in enumerate(zip(self.memories_, self.units_, strict=True)):
            arrays[f"memory{column}.windows"] = memory.windows
            arrays[f"memory{column}.starts"] = memory.starts
            arrays[f"memory{column}.units"] = np.array([(u.usual, u.more) for u in units])
        return state, arrays

    def _restore(self, state: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        super()._restore(state, arrays)
        self.memories_, self.units_ = [], []
        for column in range(len(self.targets_)):
            windows, starts = arrays[f"memory{column}.windows"], arrays[f"memory{column}.starts"]
            if windows.shape != (len(starts), self.window_):
                raise ValueError(f"windows of {self.window_} rows were expected, {windows.shape}")
            self.memories_.append(ShapeMemory(windows, starts))
            units = arrays[f"memory{column}.units"]
            self.units_.append(tuple(Unit(float(usual), float(more)) for usual, more in units))
