"""What a method expects of the next row of many series: the incremental twins of `_foresee`."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from offbeat.baselines import ARDetector
from offbeat.baselines.forecasts import winsorised
from offbeat.calendar import calendar_inputs
from offbeat.lstm import INPUT_CLIP, LSTMDetector
from offbeat.preparation import network_inputs
from offbeat.scores import LARGEST, error_size
from offbeat.series import FloatArray, IntArray, TimeArray
from offbeat.stepper import Stepper
from offbeat.stream.perseries import PerSeries, Recent
from offbeat.stream.preparing import Ready
from offbeat.windowed import VALUE_CLIP, ShapeMemoryDetector, joined_distance

__all__ = ["LiveAutoregression", "LiveForesight", "LiveLSTM", "LiveMemory", "Said"]


@dataclass(frozen=True, eq=False)
class Said:
    """What a method says of one row each of B series, in scaled units, (B, targets) each.

    Parameters
    ----------
    error, expected, scale
        As in `Foresight`.
    """

    error: FloatArray
    expected: FloatArray
    scale: FloatArray


class LiveForesight(PerSeries):
    """Base: reads one row each of many series after saying what was expected of it."""

    @abstractmethod
    def step(self, rows: IntArray, ready: Ready, time: TimeArray) -> Said:
        """Judge one row each of the series `rows` (B,) at `time` (B,), then read it."""


class LiveLSTM(LiveForesight):
    """One batched step of the LSTM, and the forecasts issued for the next `horizon` rows."""

    hidden: np.ndarray  # (S, L, D), float32
    cell: np.ndarray
    issued: np.ndarray  # (S, H, 1 or 2, H, C), float32: by the last H rows
    at: IntArray  # (S,): where the next row issues

    def __init__(self, detector: LSTMDetector) -> None:
        super().__init__()
        self._targets, self._kind = detector.targets_, detector.scoring.error
        self._cycles, self._limit = detector.cycles_, detector.limit_
        self._point_scale, network = detector.point_scale_, detector.network_
        self._stepper = Stepper(network)
        self._horizon = network.horizon
        state = np.zeros((network.lstm.num_layers, network.hidden_size))
        self._remember("hidden", state, np.float32)
        self._remember("cell", state, np.float32)
        parts = 2 if network.gaussian else 1
        shape = (network.horizon, parts, network.horizon, network.n_targets)
        self._remember("issued", np.zeros(shape), np.float32)
        self._remember("at", 0, np.int64)

    def step(self, rows: IntArray, ready: Ready, time: TimeArray) -> Said:
        """As `LiveForesight.step`."""
        mean, scale = self._forecasts_of(rows)  # (B, H, C) each, issued 1 to H rows before
        valid = (ready.place[:, None] > np.arange(self._horizon))[:, :, None]  # (B, H, 1)
        observed = ready.observed[:, self._targets]
        size = error_size(observed[:, None] - mean, scale, self._kind)
        said = Said(_mean(size, valid & ~np.isnan(size)), _mean(mean, valid), _mean(scale, valid))
        self._read(rows, ready, time, mean[:, 0], scale[:, 0])
        return said

    def _forecasts_of(self, rows: IntArray) -> tuple[FloatArray, FloatArray]:
        ahead = np.arange(self._horizon)
        places = (self.at[rows][:, None] - 1 - ahead) % self._horizon
        found = self.issued[rows[:, None], places, :, ahead].astype(np.float64)  # (B, H, 1|2, C)
        mean = found[:, :, 0]
        if found.shape[2] == 1:
            return mean, np.broadcast_to(self._point_scale, mean.shape)
        return mean, np.where(found[:, :, 1] > 0, found[:, :, 1], 1.0)  # 0 where none was issued

    def _read(
        self, rows: IntArray, ready: Ready, time: TimeArray, mean: FloatArray, scale: FloatArray
    ) -> None:
        """Read the row, limited as `Walk` does, and issue the next forecasts; not in a gap."""
        fed = network_inputs(ready.scaled, INPUT_CLIP)
        if self._limit is not None:
            targets, reach = fed[:, self._targets], self._limit * scale
            limited = np.clip(targets, mean - reach, mean + reach)
            fed[:, self._targets] = np.where(ready.place[:, None] > 0, limited, targets)
        if self._cycles:
            hours = calendar_inputs(time, self._cycles).astype(np.float32)
            fed = np.concatenate([fed, hours], axis=1)
        inside = ready.place >= 0
        if not inside.all():
            rows, fed = rows[inside], fed[inside]
        afresh = rows[ready.place[inside] == 0]
        self.hidden[afresh] = self.cell[afresh] = 0.0
        hidden = np.ascontiguousarray(self.hidden[rows].swapaxes(0, 1))  # (L, B, D)
        cell = np.ascontiguousarray(self.cell[rows].swapaxes(0, 1))
        at = self.at[rows]
        self.issued[rows, at] = self._stepper.step(fed, hidden, cell)
        self.at[rows] = (at + 1) % self._horizon
        self.hidden[rows], self.cell[rows] = hidden.swapaxes(0, 1), cell.swapaxes(0, 1)


class LiveAutoregression(LiveForesight):
    """The linear forecast of every channel from its last `n_lags` rows."""

    run: IntArray  # (S, C): rows since a channel had none

    def __init__(self, detector: ARDetector) -> None:
        super().__init__()
        self._targets, self._kind = detector.targets_, detector.scoring.error
        self._n_lags, self._deviation = detector.n_lags_, detector.deviation_
        self._weights = np.ascontiguousarray(detector.coefficients_[:, :-1].T)  # (n_lags, C)
        self._constant = detector.coefficients_[:, -1]
        self.lags = Recent(self._n_lags, (len(self._targets),), 0.0)
        self._remember("run", np.zeros(len(self._targets)), np.int64)

    def step(self, rows: IntArray, ready: Ready, time: TimeArray) -> Said:  # noqa: ARG002
        """As `LiveForesight.step`."""
        inside = ready.place[:, None] >= 0
        values = np.clip(ready.scaled[:, self._targets], -LARGEST, LARGEST)
        known = ~np.isnan(values) & inside
        run = np.where(ready.place[:, None] > 0, self.run[rows], 0)
        told = np.einsum("bnc,nc->bc", self.lags.window(rows), self._weights) + self._constant
        expected = np.where(known & (run >= self._n_lags), told, np.nan)
        self.lags.push(rows, np.where(known, winsorised(values), 0.0))
        self.run[rows] = np.where(known, run + 1, 0)
        observed = np.clip(ready.observed[:, self._targets], -LARGEST, LARGEST)
        error = error_size(observed - expected, self._deviation, self._kind)
        return Said(error, expected, np.broadcast_to(self._deviation, expected.shape))


class LiveMemory(LiveForesight):
    """The distance of the window that ends here to the nearest remembered one."""

    run: IntArray  # (S, C)

    def __init__(self, detector: ShapeMemoryDetector) -> None:
        super().__init__()
        self._targets, self._window = detector.targets_, detector.window_
        self._memories = [
            (memory, memory.known(), units)
            for memory, units in zip(detector.memories_, detector.units_, strict=True)
        ]
        self.rows = Recent(self._window, (len(self._targets),), 0.0)
        self._remember("run", np.zeros(len(self._targets)), np.int64)

    def step(self, rows: IntArray, ready: Ready, time: TimeArray) -> Said:  # noqa: ARG002
        """As `LiveForesight.step`."""
        values = np.clip(ready.scaled[:, self._targets], -VALUE_CLIP, VALUE_CLIP)
        known = ~np.isnan(values) & (ready.place[:, None] >= 0)
        run = np.where(ready.place[:, None] > 0, self.run[rows], 0)
        run = np.where(known, run + 1, 0)
        self.run[rows] = run
        self.rows.push(rows, np.where(known, values, 0.0))
        windows = self.rows.window(rows)  # (B, W, C)
        error = np.full(values.shape, np.nan)
        for column, (memory, known_windows, units) in enumerate(self._memories):
            whole = np.flatnonzero(run[:, column] >= self._window)
            if len(whole):
                judged = np.ascontiguousarray(windows[whole, :, column])
                distances = memory.distances_of(judged, known_windows)
                error[whole, column] = joined_distance(distances, units)
        nothing = np.full(values.shape, np.nan)
        return Said(error, nothing, nothing)


def _mean(values: FloatArray, known: np.ndarray) -> FloatArray:
    """Mean over the forecasts (B, H, C) that are known; NaN where none is."""
    count = known.sum(axis=1)
    total = np.where(known, values, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
