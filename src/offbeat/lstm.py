"""LSTMDetector: an LSTM learns to forecast normal data; what it did not foresee is off."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, Self, get_args

import numpy as np
import torch

from offbeat.calendar import calendar_inputs, find_cycles
from offbeat.detection import EventRules
from offbeat.errors import ConfigError, one_of, whole_number
from offbeat.judging import Foresight
from offbeat.keeping import Arrays, State
from offbeat.losses import absolute_loss, gaussian_loss, squared_loss
from offbeat.networked import NetworkDetector
from offbeat.networks import LSTMForecaster
from offbeat.preparation import Preparation, Prepared
from offbeat.scores import Scoring, Smoothing, error_size
from offbeat.series import BoolArray, FloatArray
from offbeat.thresholds import PercentileThreshold, Threshold
from offbeat.training import (
    EpochLog,
    Material,
    ProgressHook,
    Training,
)
from offbeat.walk import Block, Walk

__all__ = ["LSTMDetector", "LossName"]

LossName = Literal["gaussian", "mse", "mae"]
LOSSES = {"gaussian": gaussian_loss, "mse": squared_loss, "mae": absolute_loss}

INPUT_CLIP = 8.0
"""Inputs further than so many training deviations from usual are read as that far: one absurd value
must not drive the LSTM's gates to their stops."""
DEFAULT_WINDOW, MIN_WINDOW, MAX_WINDOW = 64, 8, 128
DEFAULT_HORIZON = 8
WINDOWS_OF_HISTORY = 6
"""A training part should hold so many windows, else the window is made smaller."""
LIMIT_QUANTILE, MIN_LIMIT = 0.999, 4.0
"""What the state reads is limited to this quantile of the training residuals, at least 4 scales."""


class LSTMDetector(NetworkDetector):
    """Forecasts the next rows with a stacked LSTM and scores how far the data went another way.

    The network is trained on sequences with a loss at every row, and scores by carrying its state
    through the series: cost grows with the length, not with length times window.

    Parameters
    ----------
    window
        Rows of context: the warm-up before the first score, and half of a training sequence. None
        takes the period found in the training part, or 64.
    horizon
        Rows ahead that each row forecasts. The error of a row is the mean over the forecasts issued
        1 to `horizon` rows before it. None takes 8.
    hidden_size, n_layers, dropout
        Size of the LSTM.
    loss
        "gaussian": a mean and a scale are forecast (negative log-likelihood). "mse", "mae": a mean
        only; its scale is taken from the training residuals.
    robust_state
        Whether the LSTM reads a value that is far from its forecast as less far (a winsorised
        innovation), so that one odd value does not spoil the forecasts after it, and something that
        stays away is missed for longer than once. Scores always see the value as it is.
    smoothing
        "trailing" (default): what a live watcher would have seen. "centred": looking back.
    random_state
        Seed of weights, dropout and order. The global random state is left alone.
    device
        "cpu", "cuda", ...
    covariates
        Channels that are read but not judged, such as commands. None takes those that look like
        switches in the training part (`offbeat.commands`), () none.
    calendar
        Whether the time of day and the day of the week are read too, where the training part has a
        clock and repeats daily or weekly.
    preparation, training, scoring, rules
        Options in groups, see `Preparation`, `Training`, `Scoring`, `EventRules`.
    threshold
        Method of `offbeat.thresholds`; None takes the default.

    Attributes
    ----------
    network_
        The trained `LSTMForecaster`.
    training_log_
        Its diary.
    threshold_, standards_, calibrations_
        What is usual and where the cut lies, from the training part.

    References
    ----------
    Malhotra et al. 2015, "Long Short Term Memory Networks for Anomaly Detection in Time Series";
    Hundman et al. 2018, "Detecting Spacecraft Anomalies Using LSTMs and Nonparametric Dynamic
    Thresholding".
    """

    network_: LSTMForecaster

    def __init__(
        self,
        *,
        window: int | None = None,
        horizon: int | None = None,
        hidden_size: int = 64,
        n_layers: int = 2,
        dropout: float = 0.1,
        loss: LossName = "gaussian",
        robust_state: bool = True,
        smoothing: Smoothing = "trailing",
        random_state: int = 0,
        device: str = "cpu",
        covariates: tuple[str, ...] | None = None,
        calendar: bool = True,
        preparation: Preparation = Preparation(),
        training: Training = Training(),
        scoring: Scoring = Scoring(),
        threshold: Threshold | None = None,
        rules: EventRules = EventRules(),
    ) -> None:
        self.window = window
        self.horizon = horizon
        self.hidden_size = hidden_size
        self.n_layers = n_layers
        self.dropout = dropout
        self.loss = loss
        self.robust_state = robust_state
        self.smoothing = smoothing
        self.random_state = random_state
        self.device = device
        self.covariates = covariates
        self.calendar = calendar
        self.preparation = preparation
        self.training = training
        self.scoring = scoring
        self.threshold = threshold
        self.rules = rules

    @classmethod
    def tutorial(cls, *, window: int = 50, random_state: int = 0) -> Self:
        """The configuration of the tutorials, as one preset.

        One step ahead, a point forecast, mean squared error, min-max scaling to [0, 1], no
        smoothing, cut at the 99th percentile of the training errors.
        """
        return cls(
            window=window,
            horizon=1,
            loss="mse",
            robust_state=False,
            calendar=False,
            random_state=random_state,
            preparation=Preparation(
                scaling="minmax", outliers="off", contamination="off", difference="never"
            ),
            training=Training(trim=0.0),
            scoring=Scoring(error="mse", smoothing_window=1, aggregate="mean", spike=0.0),
            threshold=PercentileThreshold(99.0),
        )

    # ------------------------------------------------------------ the two steps, and the choices

    def _check_options(self) -> None:
        one_of("loss", self.loss, get_args(LossName))
        for name, least in (("window", 2), ("horizon", 1), ("hidden_size", 1), ("n_layers", 1)):
            value = getattr(self, name)
            if value is not None:
                whole_number(name, value, least=least)
        if not 0.0 <= self.dropout < 1.0:
            raise ConfigError(f"dropout must lie in [0, 1), {self.dropout!r} came")
        self.training.check()
        try:
            torch.zeros(1, device=self.device)
        except (RuntimeError, AssertionError) as reason:
            first_line = str(reason).splitlines()[0]
            raise ConfigError(f"device {self.device!r} cannot be used: {first_line}") from None

    def _configure(self, n_rows: int) -> None:
        usual = self.season_.period if self.season_ else DEFAULT_WINDOW
        most = min(MAX_WINDOW, max(MIN_WINDOW, n_rows // WINDOWS_OF_HISTORY))
        self.window_ = self.window or int(np.clip(usual, MIN_WINDOW, most))
        self.horizon_ = self.horizon or min(DEFAULT_HORIZON, max(1, self.window_ // 4))
        period = self.season_.period if self.season_ else None
        self.cycles_ = find_cycles(period, n_rows, self.rows_per_day_) if self.calendar else ()
        self.warm_up_ = self.window_
        self.min_rows_ = self.window_ + self.horizon_ + 1
        self._require_rows(n_rows, "the training part")

    def _chosen(self) -> dict[str, object]:
        return {
            "window": self.window_,
            "horizon": self.horizon_,
            "calendar": list(self.cycles_),
            **self._chosen_in_training(),
        }

    def _reasons(self) -> dict[str, str]:
        usual = f"no period was found: {DEFAULT_WINDOW}, or less where there are few rows"
        if self.season_:
            usual = f"the period, within {MIN_WINDOW} and {MAX_WINDOW} rows"
        return {
            "window": "as given" if self.window else usual,
            "horizon": "as given" if self.horizon else "a quarter of the window, at most 8",
            "calendar": "the period is a day or a week, and there is a clock"
            if self.cycles_
            else "no daily or weekly period of rows with a clock",
        }

    def _learn(
        self,
        prepared: Prepared,
        learned: BoolArray,  # noqa: ARG002 - what is not learned is empty in `prepared`
        progress: ProgressHook | None,
    ) -> tuple[EpochLog, ...]:
        self._train(self._material(prepared), LOSSES[self.loss], progress)
        self._measure(prepared)
        return self.training_log_.epochs

    def _material(self, prepared: Prepared) -> Material:
        """What the network learns from."""
        targets = prepared.observed[:, self.targets_]
        return Material(
            torch.from_numpy(self._inputs(prepared)),
            torch.from_numpy(np.clip(targets, -INPUT_CLIP, INPUT_CLIP).astype(np.float32)),
            prepared.segments,
            chunk=2 * self.window_,
            warm_up=max(1, self.window_ // 4),
        )

    def _measure(self, prepared: Prepared) -> None:
        """How large the residuals of the trained network are on its training part."""
        self._forget_measures()
        if self.loss != "gaussian":
            self._measure_point_scale(prepared, self._forecasts(prepared, None))
        if self.robust_state:
            self._measure_limit(prepared, self._forecasts(prepared, None))

    def _forget_measures(self) -> None:
        """Nothing is known of the residuals yet."""
        self.point_scale_: FloatArray = np.ones((self.horizon_, len(self.targets_)))
        self.limit_: FloatArray | None = None

    def state(self) -> tuple[State, Arrays]:
        """As `NetworkDetector.state`, with the residuals' scale and limit."""
        state, arrays = super().state()
        arrays["point_scale"] = self.point_scale_
        if self.limit_ is not None:
            arrays["limit"] = self.limit_
        return state, arrays

    def _restore(self, state: State, arrays: Arrays) -> None:
        super()._restore(state, arrays)
        self.point_scale_ = arrays["point_scale"]
        self.limit_ = arrays.get("limit")

    def _inputs(self, prepared: Prepared) -> np.ndarray:
        """What the network reads, float32, shape (T, channels + 2 x cycles)."""
        channels = prepared.network_inputs(INPUT_CLIP)
        if not self.cycles_:
            return channels
        hours = calendar_inputs(prepared.grid.series.time, self.cycles_).astype(np.float32)
        return np.concatenate([channels, hours], axis=1)

    def _build_network(self) -> LSTMForecaster:
        return LSTMForecaster(
            len(self.channels_) + 2 * len(self.cycles_),
            len(self.targets_),
            horizon=self.horizon_,
            hidden_size=self.hidden_size,
            n_layers=self.n_layers,
            dropout=self.dropout,
            gaussian=self.loss == "gaussian",
        )

    def _measure_point_scale(self, prepared: Prepared, blocks: Iterable[Block]) -> None:
        """Deviation of the training residuals per step ahead, (H, C)."""
        shape = self.point_scale_.shape
        sums, counts = np.zeros(shape), np.zeros(shape)
        targets = prepared.observed[:, self.targets_]
        for start, mean, _ in blocks:
            for ahead in range(self.horizon_):
                rows = targets[start + ahead + 1 : start + ahead + 1 + len(mean)]
                residual = rows - mean[: len(rows), ahead]
                sums[ahead] += np.nansum(residual**2, axis=0)
                counts[ahead] += (~np.isnan(residual)).sum(axis=0)
        self.point_scale_ = np.maximum(np.sqrt(sums / np.maximum(counts, 1)), 1e-3)

    def _forecasts(self, prepared: Prepared, limit: FloatArray | None) -> Iterator[Block]:
        """Forecasts from every row, in blocks; see `Walk`."""
        walk = Walk(self.network_, self.targets_, self.point_scale_, limit, self.device)
        return walk.forecasts(self._inputs(prepared), prepared.segments)

    def _measure_limit(self, prepared: Prepared, blocks: Iterable[Block]) -> None:
        """How far each target usually strays from its one-step forecast, in scales, (C,)."""
        observed = prepared.observed[:, self.targets_]
        ratios = [
            np.abs(observed[at + 1 : at + len(mean)] - mean[:-1, 0]) / scale[:-1, 0]
            for at, mean, scale in blocks
        ]
        columns = (column[~np.isnan(column)] for column in np.concatenate(ratios).T)
        strays = [np.quantile(c, LIMIT_QUANTILE) if len(c) else 0.0 for c in columns]
        self.limit_ = np.maximum(strays, MIN_LIMIT)

    def _foresee(self, prepared: Prepared, *, training: bool = False) -> Foresight:  # noqa: ARG002
        return self._foresight(prepared, self._forecasts(prepared, self.limit_))

    def _foresight(self, prepared: Prepared, blocks: Iterable[Block]) -> Foresight:
        """What these forecasts say of the rows."""
        observed = prepared.observed[:, self.targets_]
        shape = observed.shape
        error, expected, scale = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        n_judged = np.zeros(shape, dtype=np.uint16)
        n_issued = np.zeros((shape[0], 1), dtype=np.uint16)
        ends = dict(prepared.segments)
        segment_end = 0
        for at, mean, deviation in blocks:
            segment_end = ends.get(at, segment_end)
            for ahead in range(self.horizon_):
                # the forecast issued at row s is about row s + ahead + 1
                to = slice(at + ahead + 1, min(at + ahead + 1 + len(mean), segment_end))
                n_rows = max(0, to.stop - to.start)
                foreseen = mean[:n_rows, ahead]
                spread = deviation[:n_rows, ahead]
                size = error_size(observed[to] - foreseen, spread, self.scoring.error)
                known = ~np.isnan(size)
                error[to] += np.where(known, size, 0.0)
                n_judged[to] += known
                expected[to] += foreseen
                scale[to] += spread
                n_issued[to] += 1
        return Foresight(
            _mean_or_nan(error, n_judged),
            _mean_or_nan(expected, n_issued),
            _mean_or_nan(scale, n_issued),
        )


def _mean_or_nan(total: FloatArray, count: np.ndarray) -> FloatArray:
    """`total` itself, divided by `count`, NaN where that is 0; shape (T, C) and (T, C or 1)."""
    total /= np.maximum(count, 1)
    np.copyto(total, np.nan, where=count == 0)
    return total
