"""What takes no model at all: how far from usual, and chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from offbeat.baselines.forecasts import ForecastDetector
from offbeat.detector import Detector
from offbeat.judging import Foresight
from offbeat.options import SharedOptions
from offbeat.preparation import Prepared
from offbeat.scores import LARGEST, Scoring
from offbeat.series import BoolArray, FloatArray
from offbeat.training import EpochLog, ProgressHook

__all__ = ["RandomDetector", "SmoothedZDetector"]


@dataclass(kw_only=True, eq=False, repr=False)
class SmoothedZDetector(ForecastDetector):
    """Scores how many deviations a row is away from the training part's mean, smoothed.

    Finds a level or a spread that is not usual, and no shape. On many published series it is hard
    to beat, so it belongs beside every figure.

    Parameters
    ----------
    smoothing, random_state, covariates, preparation, threshold, rules
        As in `LSTMDetector`.
    scoring
        As in `LSTMDetector`, without the spike signal: only the smoothed distance counts.

    Attributes
    ----------
    mean_, deviation_
        Of the training part per target, shape (C,), scaled units.
    """

    scoring: Scoring = Scoring(spike=0.0)

    def _learn_to_expect(self, prepared: Prepared) -> None:
        values = self._observed(prepared)
        known = ~np.isnan(values)
        total = np.where(known, values, 0.0).sum(axis=0)
        self.mean_: FloatArray = total / np.maximum(known.sum(axis=0), 1)

    def _expect(self, values: FloatArray) -> FloatArray:
        return np.broadcast_to(self.mean_, values.shape)

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """As `ForecastDetector.state`, with the means."""
        state, arrays = super().state()
        return state, arrays | {"mean": self.mean_}

    def _restore(self, state: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        super()._restore(state, arrays)
        self.mean_ = arrays["mean"]


@dataclass(kw_only=True, eq=False, repr=False)
class RandomDetector(SharedOptions, Detector):
    """Scores by chance: what a figure is worth that any other method reaches.

    The score of a row follows from the seed and the row's place in time alone, so it is the same
    however the data are cut, and no other row takes part in it.

    Parameters
    ----------
    random_state
        The seed.
    smoothing, covariates, preparation, threshold, rules
        As in `LSTMDetector`.
    scoring
        As in `LSTMDetector`; not smoothed, if nothing else is asked for.
    """

    scoring: Scoring = Scoring(smoothing_window=1, spike=0.0)

    def _check_options(self) -> None:
        """There is nothing that no data could satisfy."""

    def _configure(self, n_rows: int) -> None:
        self.warm_up_ = 1
        self.min_rows_ = 2
        self._require_rows(n_rows, "the training part")

    def _learn(
        self,
        prepared: Prepared,  # noqa: ARG002
        learned: BoolArray,  # noqa: ARG002
        progress: ProgressHook | None,  # noqa: ARG002
    ) -> tuple[EpochLog, ...]:
        return ()  # chance learns nothing

    def _foresee(self, prepared: Prepared, *, training: bool = False) -> Foresight:  # noqa: ARG002
        observed = prepared.observed[:, self.targets_]
        place = self._place(prepared)
        columns = [
            chance(int(self.random_state), column, place, len(observed))
            for column in range(observed.shape[1])
        ]
        error = np.where(np.isnan(observed), np.nan, np.stack(columns, axis=1))
        nothing = np.full(observed.shape, np.nan)
        return Foresight(np.minimum(error, LARGEST), nothing, nothing)

    def _place(self, prepared: Prepared) -> int:
        """Which row of all time the first row is, in steps."""
        first = prepared.grid.series.time[:1].astype(np.int64)[0]
        step = np.asarray(prepared.grid.step)
        if step.dtype.kind == "m":
            step = step.astype("timedelta64[ns]")
        return int(first) // max(1, int(step.astype(np.int64)))

    def _chosen(self) -> dict[str, object]:
        return {}


def chance(seed: int, column: int, place: int, n_rows: int) -> FloatArray:
    """Uniform numbers in [0, 1) for the rows from `place` on, shape (n_rows,)."""
    source = np.random.PCG64([seed % 2**64, column])
    source.advance(place)  # one number a row, so that each row keeps its own
    return np.random.Generator(source).random(n_rows)
