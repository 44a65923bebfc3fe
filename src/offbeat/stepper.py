"""The trained network one row at a time, of one series or of many at once, in plain NumPy.

A call of the network on one row costs 15 times the arithmetic in it (weights are laid out anew each
time). Where every few rows something must be decided before the next is read, this is the way.
"""

from __future__ import annotations

import numpy as np
import torch

from offbeat.networks import MAX_SCALE, MIN_SCALE, LSTMForecaster, LSTMState

__all__ = ["Stepper"]


class Stepper:
    """Steps an `LSTMForecaster` in evaluation mode; it holds no state.

    Parameters
    ----------
    network
        Its weights are copied.
    """

    def __init__(self, network: LSTMForecaster) -> None:
        lstm = network.lstm
        size, self._n_layers = lstm.hidden_size, lstm.num_layers
        self._shape = (2 if network.gaussian else 1, network.horizon, network.n_targets)
        # sigmoid(z) = tanh(z / 2) / 2 + 1 / 2: one tanh for all gates, in torch's order i, f, g, o
        half = np.full(4 * size, 0.5, dtype=np.float32)
        half[2 * size : 3 * size] = 1.0
        self._times, self._plus = half, 1.0 - half
        self._weights, self._biases = list[np.ndarray](), list[np.ndarray]()
        for layer in range(self._n_layers):
            input_hidden, hidden_hidden, bias, more = (
                _array(getattr(lstm, f"{name}_l{layer}"))
                for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            )
            joined = np.concatenate([input_hidden, hidden_hidden], axis=1)
            self._weights.append(half[:, None] * joined)
            self._biases.append(half * (bias + more))
        self._head, self._head_bias = _array(network.head.weight), _array(network.head.bias)
        parts = np.arange(len(self._head)).reshape(self._shape)[:, 0]  # the next row's, (1 or 2, C)
        self._next_head, self._next_bias = self._head[parts], self._head_bias[parts]

    def stand(self, state: LSTMState | None) -> tuple[np.ndarray, np.ndarray]:
        """Hidden and cell state of one series for `step`, from the network's; None is afresh."""
        if state is None:
            size = len(self._times) // 4
            hidden, cell = np.zeros((2, self._n_layers, size), np.float32)
            return hidden, cell
        hidden, cell = (_array(part)[:, 0].copy() for part in state)
        return hidden, cell

    def step(self, row: np.ndarray, hidden: np.ndarray, cell: np.ndarray) -> np.ndarray:
        """Read one row each of many series, and forecast.

        Parameters
        ----------
        row, hidden, cell
            As in `advance`.

        Returns
        -------
        Mean and, for a Gaussian head, scale: (1 or 2, H, C), or (B, 1 or 2, H, C).
        """
        self.advance(row, hidden, cell)
        numbers = np.concatenate([hidden[-1], row], axis=-1) @ self._head.T
        numbers += self._head_bias
        parts: np.ndarray = numbers.reshape(*row.shape[:-1], *self._shape)
        if self._shape[0] > 1:
            _to_scale(parts[..., 1, :, :])
        return parts

    def advance(self, row: np.ndarray, hidden: np.ndarray, cell: np.ndarray) -> None:
        """Read one row each of many series, of which the caller keeps the states.

        Parameters
        ----------
        row
            Shape (n_inputs,), or (B, n_inputs) for B series; float32.
        hidden, cell
            Shape (n_layers, D), or (n_layers, B, D); changed in place.
        """
        size = hidden.shape[-1]
        below = row
        for layer in range(self._n_layers):
            gates = np.concatenate([below, hidden[layer]], axis=-1) @ self._weights[layer].T
            gates += self._biases[layer]
            np.tanh(gates, out=gates)
            gates *= self._times
            gates += self._plus
            cell[layer] *= gates[..., size : 2 * size]
            cell[layer] += gates[..., :size] * gates[..., 2 * size : 3 * size]
            below = hidden[layer]
            np.multiply(gates[..., 3 * size :], np.tanh(cell[layer]), out=below)

    def issue_next(self, row: np.ndarray, top: np.ndarray) -> np.ndarray:
        """Forecast of the next row alone, (1 or 2, C), from a row (n_inputs,) and the last layer's
        hidden state after it, (D,)."""
        parts: np.ndarray = self._next_head @ np.concatenate([top, row]) + self._next_bias
        if len(parts) > 1:
            _to_scale(parts[1])
        return parts


def _to_scale(numbers: np.ndarray) -> None:
    """In place: softplus, as the network has it."""
    np.logaddexp(0.0, numbers, out=numbers)
    numbers += MIN_SCALE
    np.minimum(numbers, MAX_SCALE, out=numbers)


def _array(tensor: torch.Tensor) -> np.ndarray:
    array: np.ndarray = tensor.detach().cpu().numpy()
    return array
