"""Forecasts that need no network: the last value, or the value one period before."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from offbeat.detector import Detector
from offbeat.errors import whole_number
from offbeat.judging import Foresight
from offbeat.options import LevelOptions
from offbeat.preparation import Prepared
from offbeat.runs import label_runs
from offbeat.scores import LARGEST, error_size
from offbeat.series import BoolArray, FloatArray
from offbeat.training import EpochLog, ProgressHook

__all__ = ["ForecastDetector", "PersistenceDetector", "SeasonalNaiveDetector"]

INPUT_CLIP = 8.0
"""Values further than so many training deviations from usual are read as that far, so that one
absurd value does not spoil the forecasts after it."""

MIN_DEVIATION = 0.01
"""Smallest deviation of the residuals, in training deviations: what was forecast perfectly in
training does not alarm at its first wobble."""


class ForecastDetector(LevelOptions, Detector):
    """Base of the detectors that expect one value a row and score the residual.

    Residuals are measured by their deviation in the training part. A method fills in what it
    expects of a stretch of rows without a gap, so nothing is ever said across one.
    """

    @abstractmethod
    def _expect(self, values: FloatArray) -> FloatArray:
        """What each row was expected to be, from the rows before it.

        Parameters
        ----------
        values
            Scaled values of the targets in one stretch without a gap, shape (n, C); NaN where a
            channel has none.

        Returns
        -------
        Shape (n, C); NaN where nothing can be said.
        """

    def _learn_to_expect(self, prepared: Prepared) -> None:
        """Learn what `_expect` needs; nothing, if a method does not say otherwise."""

    def _check_options(self) -> None:
        """There is nothing that no data could satisfy."""

    def _configure(self, n_rows: int) -> None:
        self.warm_up_ = 1
        self.min_rows_ = 2
        self._require_rows(n_rows, "the training part")

    def _chosen(self) -> dict[str, object]:
        return {}

    def _learn(
        self,
        prepared: Prepared,
        learned: BoolArray,  # noqa: ARG002 - what is not learned is empty in `prepared`
        progress: ProgressHook | None,  # noqa: ARG002 - over at once
    ) -> tuple[EpochLog, ...]:
        self._learn_to_expect(prepared)
        self.deviation_ = deviation(self._observed(prepared) - self._expected(prepared))
        return ()

    def _foresee(self, prepared: Prepared, *, training: bool = False) -> Foresight:  # noqa: ARG002
        expected = self._expected(prepared)
        residual = self._observed(prepared) - expected
        return Foresight(
            error_size(residual, self.deviation_, self.scoring.error),
            expected,
            np.broadcast_to(self.deviation_, expected.shape),
        )

    def _expected(self, prepared: Prepared) -> FloatArray:
        """What every row was expected to be, (T, targets)."""
        values = np.clip(prepared.scaled[:, self.targets_], -LARGEST, LARGEST)
        expected = np.full(values.shape, np.nan)
        for start, end in prepared.segments:
            expected[start:end] = self._expect(values[start:end])
        return expected

    def _observed(self, prepared: Prepared) -> FloatArray:
        """What was measured, (T, targets); NaN where it was filled in."""
        return np.clip(prepared.observed[:, self.targets_], -LARGEST, LARGEST)

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """As `Detector.state`, with the deviation of the residuals."""
        state, arrays = super().state()
        return state, arrays | {"deviation": self.deviation_}

    def _restore(self, state: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        super()._restore(state, arrays)
        self.deviation_ = arrays["deviation"]


class PersistenceDetector(ForecastDetector):
    """Expects every row to be as the row before it.

    The forecast that any other has to beat: good where values move slowly, blind for shape.

    Parameters
    ----------
    smoothing, random_state, covariates, preparation, scoring, threshold, rules
        As in `LSTMDetector`.

    Attributes
    ----------
    deviation_
        Deviation of the residuals in the training part per target, shape (C,), scaled units.

    References
    ----------
    Hyndman & Athanasopoulos, "Forecasting: Principles and Practice", the naive method.
    """

    def _expect(self, values: FloatArray) -> FloatArray:
        return earlier(values, 1)


@dataclass(kw_only=True, eq=False, repr=False)
class SeasonalNaiveDetector(ForecastDetector):
    """Expects every row to be as the row one period before it.

    Good where the same comes round again; what was odd once is odd again one period later.
    After a gap nothing is said for one period.

    Parameters
    ----------
    period
        Rows of a period; None takes that of the training part, and 1 (the row before) where it
        has none.
    smoothing, random_state, covariates, preparation, scoring, threshold, rules
        As in `LSTMDetector`.

    Attributes
    ----------
    period_
        The period used.
    deviation_
        Deviation of the residuals in the training part per target, shape (C,), scaled units.

    References
    ----------
    Hyndman & Athanasopoulos, "Forecasting: Principles and Practice", the seasonal naive method.
    """

    period: int | None = None

    def _check_options(self) -> None:
        if self.period is not None:
            whole_number("period", self.period, least=1)

    def _configure(self, n_rows: int) -> None:
        self.period_ = self.period or (self.season_.period if self.season_ else 1)
        self.warm_up_ = self.period_
        self.min_rows_ = self.period_ + 1
        self._require_rows(n_rows, "the training part")

    def _chosen(self) -> dict[str, object]:
        return {"season": self.period_}

    def _expect(self, values: FloatArray) -> FloatArray:
        return earlier(values, self.period_)


def earlier(values: FloatArray, n_rows: int) -> FloatArray:
    """The value so many rows before each row, shape (n, C); NaN where there is none."""
    before = np.full(values.shape, np.nan)
    before[n_rows:] = values[: max(0, len(values) - n_rows)]
    return before


def winsorised(values: FloatArray) -> FloatArray:
    """Scaled values as a forecast reads them."""
    return np.clip(values, -INPUT_CLIP, INPUT_CLIP)


def known_runs(values: FloatArray) -> Iterator[FloatArray]:
    """Stretches of one channel, (n,), without NaN."""
    for start, end in label_runs(~np.isnan(values)):
        yield values[start:end]


def deviation(residual: FloatArray) -> FloatArray:
    """Root mean square of each channel, shape (T, C) -> (C,), without NaN; 1 where none is left."""
    known = ~np.isnan(residual)
    squares = np.where(known, np.clip(residual, -LARGEST, LARGEST), 0.0) ** 2
    count = known.sum(axis=0)
    root = np.sqrt(squares.sum(axis=0) / np.maximum(count, 1))
    return np.where(count > 0, np.maximum(root, MIN_DEVIATION), 1.0)
