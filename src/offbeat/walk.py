"""A trained network carried through a series: its forecasts from every row, block by block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from offbeat.networks import LSTMForecaster, LSTMState
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
        limit = self.limit
        for start, end in segments:
            state, at, size = None, start, BLOCK if limit is None else FIRST_GUESS
            while at < end:
                if limit is not None and size < NEXT_GUESS:
                    mean, scale, state, is_odd = self._stepwise(fed, at, end, state, limit)
                    yield at, mean, scale
                    at += len(mean)
                    size = 1 if is_odd else NEXT_GUESS
                    continue
                rows = fed[at : min(end, at + size)]
                mean, scale, after = self._run(rows, state)
                n_kept = len(rows) if limit is None else self._n_foreseen(rows, mean, scale, limit)
                if n_kept < len(rows):
                    # Rows were run on the guess that nothing needs limiting; from here on it does.
                    mean, scale, after = self._run(rows[:n_kept], state)
                yield at, mean, scale
                if limit is not None and at + n_kept < end:
                    self._limit(fed[at + n_kept], mean[-1, 0], scale[-1, 0], limit)
                if n_kept == len(rows):
                    size = min(BLOCK, 2 * size)
                else:
                    size = NEXT_GUESS if n_kept >= NEXT_GUESS else 1
                state, at = after, at + n_kept

    @torch.no_grad()
    def _run(
        self, rows: np.ndarray, state: LSTMState | None
    ) -> tuple[np.ndarray, np.ndarray, LSTMState]:
        """Rows (W, n_inputs) -> mean and scale (W, H, C), and the state after them."""
        with threads_worth(1, self.network.hidden_size):
            forecast, state = self.network(torch.from_numpy(rows[None]).to(self.device), state)
        mean = forecast.mean[0].cpu().numpy().astype(np.float64)
        if forecast.scale is None:
            return mean, np.broadcast_to(self.point_scale, mean.shape), state
        return mean, forecast.scale[0].cpu().numpy().astype(np.float64), state

    @cached_property
    def _stepper(self) -> Stepper:
        return Stepper(self.network)

    def _stepwise(
        self, fed: np.ndarray, at: int, end: int, state: LSTMState | None, limit: FloatArray
    ) -> tuple[np.ndarray, np.ndarray, LSTMState, bool]:
        """The next few rows one at a time, each limited before it is read; whether one was odd."""
        stepper, parts, is_odd = self._stepper, list[np.ndarray](), False
        hidden, cell = stepper.stand(state)
        for row in range(at, min(end, at + STEPPED)):
            parts.append(stepper.step(fed[row], hidden, cell))
            scale = parts[-1][1, 0] if len(parts[-1]) > 1 else self.point_scale[0]
            if row + 1 < end:
                before = fed[row + 1].copy()
                self._limit(fed[row + 1], parts[-1][0, 0], scale, limit)
                is_odd |= not np.array_equal(before, fed[row + 1])
        numbers = np.stack(parts).astype(np.float64)  # (rows, 1 or 2, H, C)
        mean = numbers[:, 0]
        scales = (
            numbers[:, 1] if numbers.shape[1] > 1 else np.broadcast_to(self.point_scale, mean.shape)
        )
        h, c = (torch.from_numpy(part)[:, None].to(self.device) for part in (hidden, cell))
        return mean, scales, (h, c), is_odd

    def _n_foreseen(
        self, rows: np.ndarray, mean: np.ndarray, scale: np.ndarray, limit: FloatArray
    ) -> int:
        """How many rows come before the first one that its forecast did not foresee; at least 1."""
        away = np.abs(rows[1:, self.targets] - mean[:-1, 0]) > limit * scale[:-1, 0]
        odd = away.any(axis=1)
        return 1 + int(np.argmax(odd)) if odd.any() else len(rows)

    def _limit(
        self, row: np.ndarray, mean: np.ndarray, scale: np.ndarray, limit: FloatArray
    ) -> None:
        """Bring the targets of a row (n_inputs,) in place to within `limit` scales of its mean."""
        row[self.targets] = np.clip(row[self.targets], mean - limit * scale, mean + limit * scale)
