"""Lanes: one network read by many series at once, a row of each a step.

A `Walk` guesses that nothing must be limited and runs blocks of one series; here a step is one
matrix product over all series, so that each row can be limited before it is read and nothing is
guessed. The numbers are those of a `Walk`, to float32's rounding.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from offbeat.networks import MAX_SCALE, MIN_SCALE, LSTMForecaster
from offbeat.series import FloatArray
from offbeat.threads import threads_worth
from offbeat.walk import BLOCK, Block

__all__ = ["Lane", "lane_blocks", "lane_numbers", "lane_reads"]


@dataclass(frozen=True, eq=False)
class Lane:
    """One stretch of rows without a gap.

    Parameters
    ----------
    network
        Of the same LSTM weights in all lanes that are walked together; its biases and the head may
        differ.
    fed
        What it reads, shape (T, n_inputs), float32.
    targets
        Columns that are forecast, C.
    limit
        Shape (C,), in forecast scales, see `Walk`; None reads all as it is.
    point_scale
        Shape (H, C): the scale of a network that forecasts a mean only.
    """

    network: LSTMForecaster
    fed: np.ndarray
    targets: list[int]
    limit: FloatArray | None
    point_scale: FloatArray

    def __len__(self) -> int:
        return len(self.fed)


def lane_numbers(lanes: Sequence[Lane]) -> Tensor:
    """What the network's head says of every row.

    Parameters
    ----------
    lanes
        The longest first; all with a limit or all without.

    Returns
    -------
    Shape (T, B, numbers), rows of the longest; zeros after the end of a lane.
    """
    return _Steps(lanes).run()


def lane_reads(lanes: Sequence[Lane]) -> Tensor:
    """What the head reads at every row, its hidden state and the row: as `lane_numbers`, (T, B, F).

    Parameters
    ----------
    lanes
        The longest first, without a limit.
    """
    return _Steps(lanes).reads()


def lane_blocks(lanes: Sequence[Lane], numbers: Tensor) -> Iterator[list[Block]]:
    """Forecasts of each lane, in the order given, as `Walk.forecasts` gives them from row 0.

    Parameters
    ----------
    lanes
        As they were given to `lane_numbers`.
    numbers
        What that gave.
    """
    network = lanes[0].network
    for i, lane in enumerate(lanes):
        shape = (len(lane), -1, network.horizon, network.n_targets)
        parts = numbers[: len(lane), i].reshape(shape)
        mean = parts[:, 0].numpy().astype(np.float64)
        if network.gaussian:
            scale = _softplus(parts[:, 1]).numpy().astype(np.float64)
        else:
            scale = np.broadcast_to(lane.point_scale, mean.shape)
        yield [
            (at, mean[at : at + BLOCK], scale[at : at + BLOCK]) for at in range(0, len(lane), BLOCK)
        ]


def _softplus(raw: Tensor) -> Tensor:
    """A network's scale from its raw number: log(1 + exp(x)) + `MIN_SCALE`, cut at `MAX_SCALE`."""
    return torch.sigmoid(-raw).log_().neg_().add_(MIN_SCALE).clamp_(max=MAX_SCALE)


class _Steps:
    """The state of all lanes, and one step of it."""

    def __init__(self, lanes: Sequence[Lane]) -> None:
        network = lanes[0].network
        self._network, self._lanes = network, lanes
        self._size, n_inputs = network.hidden_size, lanes[0].fed.shape[1]
        n_lanes, n_rows = len(lanes), len(lanes[0])
        self._fed = torch.zeros(n_rows, n_lanes, n_inputs)
        for i, lane in enumerate(lanes):
            self._fed[: len(lane), i] = torch.from_numpy(lane.fed)
        lengths = np.array([len(lane) for lane in lanes])
        # how many lanes still have a row at each step
        self._active = n_lanes - np.searchsorted(lengths[::-1], np.arange(n_rows), side="right")
        # sigmoid(z) for all gates: tanh(z) = 2 sigmoid(2 z) - 1, so the third gate counts double
        twice = torch.ones(4 * self._size)
        twice[2 * self._size : 3 * self._size] = 2.0
        weights = network.state_dict()
        self._weights, self._biases = list[Tensor](), list[Tensor]()
        states = [lane.network.state_dict() for lane in lanes]
        for layer in range(network.lstm.num_layers):
            names = [f"lstm.{part}_l{layer}" for part in ("weight_ih", "weight_hh")]
            joined = torch.cat([weights[name] for name in names], dim=1)
            self._weights.append((joined * twice[:, None]).T.contiguous())
            both = [f"lstm.{part}_l{layer}" for part in ("bias_ih", "bias_hh")]
            self._biases.append(_rows([twice * (s[both[0]] + s[both[1]]) for s in states]))
        self._head = _rows([state["head.weight"].T for state in states])  # (1 or B, F, numbers)
        self._head_bias = _rows([state["head.bias"] for state in states])
        self._limits: Tensor | None = None
        if lanes[0].limit is not None:
            self._limits = torch.stack([_float(lane.limit) for lane in lanes])  # (B, C)
        self._point = torch.stack([_float(lane.point_scale[0]) for lane in lanes])  # (B, C)

    @torch.no_grad()
    def run(self) -> Tensor:
        """Every step; the head's numbers, (T, B, n_numbers)."""
        numbers = torch.zeros(*self._fed.shape[:2], self._head.shape[2])
        with threads_worth(len(self._lanes), self._size):
            for row, step in self._walked():
                n_active = int(self._active[row])
                step.speak(numbers[row, :n_active])
                if self._limits is not None and row + 1 < len(self._active):
                    n_next = int(self._active[row + 1])
                    self._limit(self._fed[row + 1, :n_next], numbers[row, :n_next], n_next)
        return numbers

    @torch.no_grad()
    def reads(self) -> Tensor:
        """Every step; what the head reads, (T, B, F)."""
        found = torch.zeros(*self._fed.shape[:2], self._head.shape[1])
        with threads_worth(len(self._lanes), self._size):
            for row, step in self._walked():
                found[row, : int(self._active[row])] = step.seen
        return found

    def _walked(self) -> Iterator[tuple[int, _Step]]:
        """Each row, with the step after it was read."""
        n_before, step = -1, None
        for row, n_active in enumerate(self._active.tolist()):
            if n_active != n_before:
                step = _Step(self, n_active, step)
                n_before = n_active
            assert step is not None
            step.read(self._fed[row, :n_active])
            yield row, step

    def _limit(self, rows: Tensor, numbers: Tensor, n_lanes: int) -> None:
        """Bring the targets of the next rows to within the limit of what was forecast of them."""
        assert self._limits is not None
        network, targets = self._network, self._lanes[0].targets
        n_targets = network.n_targets
        mean, scale = numbers[:, :n_targets], self._point[:n_lanes]
        if network.gaussian:
            at = network.horizon * n_targets
            scale = _softplus(numbers[:, at : at + n_targets])
        half = scale * self._limits[:n_lanes]
        if len(targets) == rows.shape[1]:
            torch.clamp(rows, mean - half, mean + half, out=rows)
        else:
            rows[:, targets] = torch.clamp(rows[:, targets], mean - half, mean + half)


class _Step:
    """One step of the first `n_lanes` lanes, with the numbers that it writes to."""

    def __init__(self, steps: _Steps, n_lanes: int, before: _Step | None) -> None:
        size, self._steps = steps._size, steps
        n_layers = len(steps._weights)
        self._biases = [_first(bias, n_lanes) for bias in steps._biases]
        self._head, self._head_bias = (
            _first(each, n_lanes) for each in (steps._head, steps._head_bias)
        )
        self._gates = torch.empty(n_lanes, 4 * size)
        self._more, self._twice = torch.empty(n_lanes, size), torch.empty(n_lanes, size)
        n_inputs = steps._fed.shape[2]
        # (B, what is read + D): what a layer reads, its own last hidden state included
        self._read = [
            torch.zeros(n_lanes, (n_inputs if layer == 0 else size) + size)
            for layer in range(n_layers)
        ]
        self.seen = torch.zeros(n_lanes, size + n_inputs)  # what the head reads
        self._cells = [torch.zeros(n_lanes, size) for _ in range(n_layers)]
        if before is not None:
            for own, old in zip(
                self._read + self._cells, before._read + before._cells, strict=True
            ):
                own.copy_(old[:n_lanes])

    def read(self, rows: Tensor) -> None:
        """Read a row of each lane, (B, n_inputs)."""
        size, gates = self._steps._size, self._gates
        n_layers = len(self._read)
        n_inputs = rows.shape[1]
        self._read[0][:, :n_inputs] = rows
        for layer in range(n_layers):
            weights = self._steps._weights[layer]
            torch.addmm(self._biases[layer], self._read[layer], weights, out=gates)
            gates.sigmoid_()
            taken, kept, new, shown = torch.split(gates, size, dim=1)
            torch.mul(new, 2.0, out=self._more).sub_(1.0).mul_(taken)
            cell = self._cells[layer].mul_(kept).add_(self._more)
            torch.mul(cell, 2.0, out=self._twice).sigmoid_().mul_(2.0).sub_(1.0)
            hidden = self._read[layer][:, -size:]
            torch.mul(shown, self._twice, out=hidden)
            if layer + 1 < n_layers:
                self._read[layer + 1][:, :size] = hidden
            else:
                self.seen[:, :size] = hidden
        self.seen[:, size:] = rows

    def speak(self, numbers: Tensor) -> None:
        """Write the head's numbers, (B, n_numbers)."""
        if len(self._head) == 1:
            torch.addmm(self._head_bias, self.seen, self._head[0], out=numbers)
            return
        bias, out = self._head_bias[:, None], numbers[:, None]
        torch.baddbmm(bias, self.seen[:, None], self._head, out=out)


def _rows(parts: list[Tensor]) -> Tensor:
    """One for all lanes where they are equal, else one a lane."""
    if all(torch.equal(part, parts[0]) for part in parts[1:]):
        return parts[0][None].contiguous()
    return torch.stack(parts)


def _first(parts: Tensor, n_lanes: int) -> Tensor:
    return parts if len(parts) == 1 else parts[:n_lanes]


def _float(values: Any) -> Tensor:
    return torch.from_numpy(np.asarray(values, dtype=np.float32))
