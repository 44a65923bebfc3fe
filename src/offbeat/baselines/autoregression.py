"""Linear autoregression by least squares: what the rows just before say of the next one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from offbeat.baselines.forecasts import ForecastDetector, known_runs, winsorised
from offbeat.errors import whole_number
from offbeat.preparation import Prepared
from offbeat.runs import label_runs
from offbeat.series import FloatArray
from offbeat.sliding import sliding_windows

__all__ = ["ARDetector"]

RIDGE = 1e-6
"""Share of a row's square that is added to each coefficient's own: lags that say the same do not
cancel each other with huge coefficients."""
MAX_ROWS = 20_000
"""Last rows that the coefficients are fitted on."""
ROWS_A_LAG = 4
"""Training rows that a lag needs."""


@dataclass(kw_only=True, eq=False, repr=False)
class ARDetector(ForecastDetector):
    """Forecasts every row of a channel linearly from the rows before it and scores the residual.

    One solution of linear equations a channel, and one filter to score: by far the cheapest of the
    detectors that forecast. Where a channel is smooth nothing foresees the next row better, so a
    small jerk stands out that is far within what an LSTM's own scale allows.

    Parameters
    ----------
    n_lags
        Rows looked back at; fewer where the training part is short.
    smoothing, random_state, covariates, preparation, scoring, threshold, rules
        As in `LSTMDetector`.

    Attributes
    ----------
    coefficients_
        Shape (C, n_lags + 1), of the row `n_lags` before, ..., the row before, and the constant;
        scaled units.
    deviation_
        Deviation of the residuals in the training part per target, shape (C,), scaled units.

    References
    ----------
    Box & Jenkins 1970, "Time Series Analysis: Forecasting and Control".
    """

    n_lags: int = 64

    def _check_options(self) -> None:
        whole_number("n_lags", self.n_lags, least=1)

    def _configure(self, n_rows: int) -> None:
        self.n_lags_ = max(1, min(self.n_lags, n_rows // ROWS_A_LAG))
        self.warm_up_ = self.n_lags_
        self.min_rows_ = self.n_lags_ + 2
        self._require_rows(n_rows, "the training part")

    def _chosen(self) -> dict[str, object]:
        return {"lags": self.n_lags_}

    def _learn_to_expect(self, prepared: Prepared) -> None:
        values = winsorised(prepared.scaled[:, self.targets_])
        self.coefficients_: FloatArray = np.zeros((values.shape[1], self.n_lags_ + 1))
        for column, coefficients in zip(values.T, self.coefficients_, strict=True):
            runs = [
                run for start, end in prepared.segments for run in known_runs(column[start:end])
            ]
            windows = _last_windows(runs, self.n_lags_ + 1)
            if len(windows):
                coefficients[:] = _solved(windows)

    def _expect(self, values: FloatArray) -> FloatArray:
        fed = winsorised(values)
        expected = np.full(values.shape, np.nan)
        for column, coefficients in enumerate(self.coefficients_):
            for start, end in label_runs(~np.isnan(fed[:, column])):
                if end - start > self.n_lags_:
                    # a convolution turns its second argument round: the oldest row comes last
                    said = np.convolve(fed[start : end - 1, column], coefficients[-2::-1], "valid")
                    expected[start + self.n_lags_ : end, column] = said + coefficients[-1]
        return expected

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """As `ForecastDetector.state`, with the coefficients."""
        state, arrays = super().state()
        return state, arrays | {"coefficients": self.coefficients_}

    def _restore(self, state: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        super()._restore(state, arrays)
        self.coefficients_ = arrays["coefficients"]
        self.n_lags_ = self.coefficients_.shape[1] - 1


def _last_windows(runs: list[FloatArray], n_rows: int) -> FloatArray:
    """The last `MAX_ROWS` windows of the runs, (N, n_rows); earlier ones are not even copied."""
    found: list[FloatArray] = [np.empty((0, n_rows))]
    wanted = MAX_ROWS
    for run in reversed(runs):
        if wanted and len(run) >= n_rows:
            found.append(sliding_windows(run, n_rows)[-wanted:])
            wanted -= len(found[-1])
    return np.concatenate(found[::-1])


def _solved(windows: FloatArray) -> FloatArray:
    """Coefficients and constant that tell the last row of each window, (N, W), from the others."""
    known = np.concatenate([windows[:, :-1], np.ones((len(windows), 1))], axis=1)
    products = known.T @ known
    products[np.diag_indices(len(products))] += RIDGE * len(windows)
    found: FloatArray = np.linalg.solve(products, known.T @ windows[:, -1])
    return found
