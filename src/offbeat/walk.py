"""A trained network carried through a series: its forecasts from every row, block by block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from offbeat.networks import Forecast, LSTMForecaster, LSTMState
from offbeat.series import FloatArray
from offbeat.stepper import Stepper
from offbeat.threads import threads_worth

__all__ = ["Block", "Walk"]

BLOCK = 8192
"""Rows scored in one call of the network, whatever the length of the series."""
FIRST_GUESS, NEXT_GUESS = 64, 16
"""Rows that are guessed to need no limiting, at first and after one that needed it; doubled for as
long as that is so."""
STEPPED = 16
"""Rows that go one at a time where two that must be limited lie closer than `NEXT_GUESS`."""

JOINED = 2048
"""Rows of small blocks that are handed on as one."""

Forecasts = tuple[np.ndarray, np.ndarray]
"""Mean and scale, shape (rows, H, C) each."""
Block = tuple[int, np.ndarray, np.ndarray]
"""First issuing row, mean and scale, the last two of shape (rows, H, C)."""


@dataclass(frozen=True, eq=False)
class Walk:
    """How a network goes through a series.

    Parameters
    ----------
    network
        On `device`, in evaluation mode.
    targets
        Columns of the inputs that are forecast, C.
    point_scale
        Shape (H, C): the scale of a network that forecasts a mean only.
    limit
        Shape (C,), in forecast scales: a value further from its forecast is read as just so far.
        What is absurd, or stays away, is scored as it is but does not become the new normal. None
        reads all as it is.
    device
        "cpu", "cuda", ...
    """

    network: LSTMForecaster
    targets: list[int]
    point_scale: FloatArray
    limit: FloatArray | None
    device: str

    def forecasts(self, fed: np.ndarray, segments: Sequence[tuple[int, int]]) -> Iterator[Block]:
        """Forecasts from every row of the segments, in blocks.

        The state is carried from block to block and starts afresh in every segment.

        Parameters
        ----------
        fed
            What the network reads, shape (T, n_inputs), float32; limited in place.
        segments
            Stretches [start, end) of rows without a gap.
        """
        for start, end in segments:
            walked = self._plain(fed, start, end)
            if self.limit is not None:
                walked = self._limited(fed, start, end, self.limit)
            yield from _joined(walked, start)

    def _plain(self, fed: np.ndarray, start: int, end: int) -> Iterator[Forecasts]:
        """Mean and scale of the blocks of one segment."""
        state = None
        for at in range(start, end, BLOCK):
            mean, scale, state = self._run(fed[at : min(end, at + BLOCK)], state)
            yield mean, scale

    def _limited(
        self, fed: np.ndarray, start: int, end: int, limit: FloatArray
    ) -> Iterator[Forecasts]:
        """The same, with every row limited before it is read.

        Rows are run on the guess that none needs it; where one does, the walk goes on from there.
        """
        state, at, size = None, start, FIRST_GUESS
        while at < end:
            if size < NEXT_GUESS:
                mean, scale, state, is_odd = self._stepwise(fed, at, end, state, limit)
                yield mean, scale
                at += len(mean)
                size = 1 if is_odd else NEXT_GUESS
                continue
            rows = fed[at : min(end, at + size)]
            mean, scale, after = self._run(rows, state)
            n_kept = self._n_foreseen(rows, mean, scale, limit)
            mean, scale = mean[:n_kept], scale[:n_kept]
            yield mean, scale
            at += n_kept
            if n_kept == len(rows):
                state, size = after, min(BLOCK, 2 * size)
            else:
                state = self._state_after(rows[:n_kept], state)
                size = NEXT_GUESS if n_kept >= NEXT_GUESS else 1
            if at < end:
                self._limit(fed[at], mean[-1, 0], scale[-1, 0], limit)

    @torch.no_grad()
    def _run(
        self, rows: np.ndarray, state: LSTMState | None
    ) -> tuple[np.ndarray, np.ndarray, LSTMState]:
        """Rows (W, n_inputs) -> mean and scale (W, H, C), and the state after them."""
        with self._threads:
            forecast, state = self.network(self._tensor(rows), state)
        return *self._numbers(forecast), state

    @torch.no_grad()
    def _state_after(self, rows: np.ndarray, state: LSTMState | None) -> LSTMState:
        with self._threads:
            after: LSTMState = self.network.lstm(self._tensor(rows), state)[1]
        return after

    def _tensor(self, rows: np.ndarray) -> Tensor:
        return torch.from_numpy(rows[None]).to(self.device)

    def _numbers(self, forecast: Forecast) -> Forecasts:
        mean = forecast.mean[0].cpu().numpy().astype(np.float64)
        if forecast.scale is None:
            return mean, np.broadcast_to(self.point_scale, mean.shape)
        return mean, forecast.scale[0].cpu().numpy().astype(np.float64)

    @property
    def _threads(self) -> AbstractContextManager[None]:
        return threads_worth(1, self.network.hidden_size)

    @cached_property
    def _stepper(self) -> Stepper:
        return Stepper(self.network)

    @torch.no_grad()
    def _stepwise(
        self, fed: np.ndarray, at: int, end: int, state: LSTMState | None, limit: FloatArray
    ) -> tuple[np.ndarray, np.ndarray, LSTMState, bool]:
        """The next few rows one at a time, each limited before it is read; whether one was odd."""
        stepper, is_odd, stop = self._stepper, False, min(end, at + STEPPED)
        hidden, cell = stepper.stand(state)
        top = np.empty((stop - at, hidden.shape[-1]), np.float32)
        for row in range(at, stop):
            stepper.advance(fed[row], hidden, cell)
            top[row - at] = hidden[-1]
            if row + 1 < end:
                said = stepper.issue_next(fed[row], hidden[-1])
                scale = said[1] if len(said) > 1 else self.point_scale[0]
                is_odd |= self._limit(fed[row + 1], said[0], scale, limit)
        with self._threads:
            forecast = self.network.issue(self._tensor(fed[at:stop]), self._tensor(top))
        h, c = (torch.from_numpy(part)[:, None].to(self.device) for part in (hidden, cell))
        return *self._numbers(forecast), (h, c), is_odd

    def _n_foreseen(
        self, rows: np.ndarray, mean: np.ndarray, scale: np.ndarray, limit: FloatArray
    ) -> int:
        """How many rows come before the first one that its forecast did not foresee; at least 1."""
        away = np.abs(rows[1:, self._columns] - mean[:-1, 0]) > limit * scale[:-1, 0]
        odd = away.any(axis=1)
        return 1 + int(np.argmax(odd)) if odd.any() else len(rows)

    def _limit(
        self, row: np.ndarray, mean: np.ndarray, scale: np.ndarray, limit: FloatArray
    ) -> bool:
        """Bring the targets of a row (n_inputs,) in place to within `limit` scales of its mean.

        Returns
        -------
        Whether one was further away.
        """
        found, far = row[self._columns], limit * scale
        near = np.minimum(np.maximum(found, mean - far), mean + far)
        is_odd = not (near == found).all()
        if is_odd:
            row[self._columns] = near
        return is_odd

    @cached_property
    def _columns(self) -> np.ndarray | slice:
        """The targets; all together as a slice, which is quicker."""
        first, n = self.targets[0], len(self.targets)
        together = self.targets == list(range(first, first + n))
        return slice(first, first + n) if together else np.array(self.targets)


def _joined(walked: Iterator[Forecasts], at: int) -> Iterator[Block]:
    """Small blocks that follow each other as one, with the row of the first forecast, from `at`."""
    waiting, n_rows = list[Forecasts](), 0
    for mean, scale in walked:
        waiting.append((mean, scale))
        n_rows += len(mean)
        if n_rows >= JOINED:
            yield at, *_as_one(waiting)
            at, waiting, n_rows = at + n_rows, [], 0
    if waiting:
        yield at, *_as_one(waiting)


def _as_one(blocks: list[Forecasts]) -> Forecasts:
    if len(blocks) == 1:
        return blocks[0]
    means, scales = zip(*blocks, strict=True)
    return np.concatenate(means), np.concatenate(scales)
