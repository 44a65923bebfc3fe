"""ARIMA: the linear forecast, fitted by statsmodels and scored by one linear filter."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from offbeat.baselines.forecasts import ForecastDetector, known_runs, winsorised
from offbeat.errors import whole_number
from offbeat.parts import optional_part
from offbeat.preparation import Prepared
from offbeat.runs import label_runs
from offbeat.series import FloatArray

__all__ = ["ARIMADetector"]

WARM_UP = 50
"""Rows after which the filter has all but forgotten that it began with nothing."""
MAX_STEPS = 50
"""Most steps of the search for the coefficients: what a few thousand rows tell is found by then."""
ROWS_A_COEFFICIENT = 10
"""Fewer rows are described by their mean alone."""


@dataclass(kw_only=True, eq=False, repr=False)
class ARIMADetector(ForecastDetector):
    """Forecasts every row of a channel linearly from those before it and scores the residual.

    The coefficients are fitted once, on the end of the training part; scoring is one pass of a
    linear filter, so it takes as long as reading the data. Needs `offbeat[arima]` to be fitted; a
    model that was saved is scored without it.

    Parameters
    ----------
    p, d, q
        Rows looked back at, how often differences are taken, and residuals looked back at.
    n_rows
        Last rows of the longest stretch without a gap that the coefficients are fitted on.
    smoothing, random_state, covariates, preparation, scoring, threshold, rules
        As in `LSTMDetector`.

    Attributes
    ----------
    ar_, ma_
        Coefficients of the filter per target, shapes (C, p + d + 1) and (C, q + 1), differences
        included: ma_ applied to the residuals is ar_ applied to the values less their mean.
    mean_
        Mean per target, shape (C,), scaled units; 0 where differences are taken.
    deviation_
        Deviation of the residuals in the training part per target, shape (C,), scaled units.

    References
    ----------
    Box & Jenkins 1970, "Time Series Analysis: Forecasting and Control".
    """

    p: int = 4
    d: int = 0
    q: int = 1
    n_rows: int = 2000

    def _check_options(self) -> None:
        for name in ("p", "d", "q"):
            whole_number(name, getattr(self, name), least=0)
        whole_number("n_rows", self.n_rows, least=WARM_UP)

    def _configure(self, n_rows: int) -> None:
        self.warm_up_ = WARM_UP + self.p + self.d + self.q
        self.min_rows_ = 2 * self.warm_up_
        self._require_rows(n_rows, "the training part")

    def _chosen(self) -> dict[str, object]:
        return {
            "order": [self.p, self.d, self.q],
            "mean_only": int((~self.ar_[:, 1:].any(1)).sum()),
        }

    def _learn_to_expect(self, prepared: Prepared) -> None:
        statsmodels = optional_part(
            "statsmodels.tsa.arima.model", extra="arima", needed_by="ARIMADetector"
        )
        n_targets = len(self.targets_)
        self.ar_: FloatArray = np.zeros((n_targets, self.p + self.d + 1))
        self.ma_: FloatArray = np.zeros((n_targets, self.q + 1))
        self.mean_: FloatArray = np.zeros(n_targets)
        self.ar_[:, 0] = self.ma_[:, 0] = 1.0
        values = winsorised(prepared.scaled[:, self.targets_])
        for column in range(n_targets):
            runs = [run for s, e in prepared.segments for run in known_runs(values[s:e, column])]
            longest = max(runs, key=len, default=np.empty(0))[-self.n_rows :]
            if self._says_enough(longest):
                self._fit_column(statsmodels.ARIMA, column, longest)
            elif len(longest):
                self.mean_[column] = longest.mean()

    def _says_enough(self, values: FloatArray) -> bool:
        """Whether coefficients can be told from these rows."""
        n_needed = ROWS_A_COEFFICIENT * (self.p + self.d + self.q + 1)
        return len(values) >= n_needed and bool(values.std() > 0) and self.p + self.d + self.q > 0

    def _fit_column(self, kind: Any, column: int, values: FloatArray) -> None:
        order = (self.p, self.d, self.q)
        # Matrices of a handful of numbers: threads would only wait for each other.
        with threadpool_limits(limits=1), warnings.catch_warnings():
            # "did not converge" is no news here: any coefficients are scored by their residuals
            warnings.simplefilter("ignore")
            model = kind(values, order=order, trend="n" if self.d else "c")
            try:
                search = {"maxiter": MAX_STEPS, "disp": False}
                fitted = model.fit(method_kwargs=search, cov_type="none")
            except np.linalg.LinAlgError:  # numbers too much alike to be solved for
                self.mean_[column] = values.mean()
                return
        ar = np.asarray(fitted.polynomial_ar, dtype=np.float64)
        for _ in range(self.d):
            ar = np.convolve(ar, [1.0, -1.0])
        self.ar_[column] = ar
        self.ma_[column] = fitted.polynomial_ma
        self.mean_[column] = 0.0 if self.d else fitted.params[0]

    def _expect(self, values: FloatArray) -> FloatArray:
        from scipy.signal import lfilter  # loading it takes a second

        fed = winsorised(values)
        expected = np.full(values.shape, np.nan)
        for column in range(values.shape[1]):
            for start, end in label_runs(~np.isnan(fed[:, column])):
                run = fed[start:end, column]
                residual = lfilter(self.ar_[column], self.ma_[column], run - self.mean_[column])
                known = slice(start + self.warm_up_, end)
                expected[known, column] = (run - residual)[self.warm_up_ :]
        return expected

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """As `ForecastDetector.state`, with the coefficients."""
        state, arrays = super().state()
        return state, arrays | {"ar": self.ar_, "ma": self.ma_, "mean": self.mean_}

    def _restore(self, state: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        super()._restore(state, arrays)
        self.ar_, self.ma_, self.mean_ = arrays["ar"], arrays["ma"], arrays["mean"]
