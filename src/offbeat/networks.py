"""The networks: a stacked LSTM that forecasts the next `horizon` rows from every row, and two
autoencoders that say a window again after it went through a few numbers.

Tensors in, tensors out: nothing here knows about time, channels' names or thresholds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

__all__ = [
    "DenseAutoencoder",
    "Forecast",
    "LSTMAutoencoder",
    "LSTMForecaster",
    "LSTMState",
    "RowNetwork",
    "sharing",
    "tensors_of",
    "weights_of",
    "with_weights",
]

N = TypeVar("N", bound=nn.Module)
LSTMState = tuple[Tensor, Tensor]
"""Hidden and cell state, each (n_layers, B, D)."""

MIN_SCALE = 0.1
"""Smallest standard deviation that is forecast, in training deviations.

Without a floor a channel that stands still is forecast with certainty, and its first tick after
that scores millions.
"""
MAX_SCALE = 20.0


@dataclass(frozen=True)
class Forecast:
    """What is said from each row: element h is the row h + 1 ahead, of a `RowNetwork` whose
    `first_ahead` is 0 the row itself.

    Parameters
    ----------
    mean
        Shape (B, W, H, C), in scaled units.
    scale
        Standard deviation, shape (B, W, H, C); None for a point forecast.
    """

    mean: Tensor
    scale: Tensor | None


class RowNetwork(nn.Module):
    """A network that the training loop can train: from every row it speaks of some rows.

    Attributes
    ----------
    horizon
        Of how many rows.
    first_ahead
        How far ahead the first of them is: 1 forecasts what follows, 0 says the row itself again.
    hidden_size
        Numbers that it computes with at each row.
    """

    horizon: int
    hidden_size: int
    first_ahead: int = 1


class LSTMForecaster(RowNetwork):
    """Stacked LSTM (Hochreiter & Schmidhuber 1997) with one linear layer for all steps ahead.

    The linear layer sees the hidden state and the row itself, so that "as now" costs the LSTM
    nothing to learn. With `gaussian` it gives a mean and a scale, else a mean.

    Parameters
    ----------
    n_inputs
        Channels of a row, targets and covariates.
    n_targets
        Channels that are forecast.
    horizon
        Rows ahead.
    hidden_size, n_layers, dropout
        As `torch.nn.LSTM`.
    gaussian
        Whether a scale is forecast beside the mean.
    """

    def __init__(
        self,
        n_inputs: int,
        n_targets: int,
        *,
        horizon: int,
        hidden_size: int,
        n_layers: int,
        dropout: float,
        gaussian: bool,
    ) -> None:
        super().__init__()
        self.n_targets, self.horizon, self.gaussian = n_targets, horizon, gaussian
        self.hidden_size = hidden_size
        between_layers = dropout if n_layers > 1 else 0.0  # torch warns where there is no between
        self.lstm = nn.LSTM(
            n_inputs, hidden_size, n_layers, dropout=between_layers, batch_first=True
        )
        self.dropout = nn.Dropout(dropout)
        n_numbers = (2 if gaussian else 1) * horizon * n_targets
        self.head = nn.Linear(hidden_size + n_inputs, n_numbers)
        self._open_forget_gates()

    @property
    def shape(self) -> dict[str, Any]:
        """What another one of the same shape is made from."""
        return {
            "n_inputs": self.lstm.input_size,
            "n_targets": self.n_targets,
            "horizon": self.horizon,
            "hidden_size": self.hidden_size,
            "n_layers": self.lstm.num_layers,
            "dropout": self.dropout.p,
            "gaussian": self.gaussian,
        }

    def _open_forget_gates(self) -> None:
        """Start with a memory that keeps: forget-gate bias 1 (Jozefowicz et al. 2015)."""
        hidden = self.lstm.hidden_size
        for name, bias in self.lstm.named_parameters():
            if name.startswith("bias"):
                nn.init.zeros_(bias)
            if name.startswith("bias_ih"):
                with torch.no_grad():
                    bias[hidden : 2 * hidden] = 1.0

    def forward(
        self, rows: Tensor, state: LSTMState | None = None, issued: slice = slice(None)
    ) -> tuple[Forecast, LSTMState]:
        """Forecast from the rows `issued`, carrying the state through all.

        Parameters
        ----------
        rows
            Shape (B, W, n_inputs).
        state
            Where the previous call stopped; None starts afresh.
        issued
            Which rows of W issue a forecast; all.

        Returns
        -------
        The forecasts, (B, W, H, C) each, or fewer than W, and the state after the last row.
        """
        hidden, state = self.lstm(rows, state)  # (B, W, n_inputs) -> (B, W, D)
        return self.issue(rows[:, issued], hidden[:, issued]), state

    def issue(self, rows: Tensor, hidden: Tensor) -> Forecast:
        """Forecasts from rows (B, W, n_inputs) and what the LSTM says after them (B, W, D)."""
        numbers = self.head(torch.cat([self.dropout(hidden), rows], dim=-1))
        shape = (*rows.shape[:2], -1, self.horizon, self.n_targets)
        parts = numbers.view(shape)  # (B, W, 1 or 2, H, C)
        if not self.gaussian:
            return Forecast(parts[:, :, 0], None)
        scale = nn.functional.softplus(parts[:, :, 1]) + MIN_SCALE
        return Forecast(parts[:, :, 0], scale.clamp(max=MAX_SCALE))


class DenseAutoencoder(RowNetwork):
    """Presses a window through a few numbers and says it again (Sakurada & Yairi 2014).

    Parameters
    ----------
    n_inputs
        Channels of a row, targets and covariates.
    n_targets
        Channels that are said again.
    window
        Rows of a window, W.
    hidden_size, code_size
        Numbers between the layers, and in the middle.
    """

    horizon = 1
    first_ahead = 0

    def __init__(
        self, n_inputs: int, n_targets: int, *, window: int, hidden_size: int, code_size: int
    ) -> None:
        super().__init__()
        self.shape = (window, 1, n_targets)
        self.hidden_size = hidden_size
        self.encoder = nn.Sequential(
            nn.Flatten(),
            nn.Linear(window * n_inputs, hidden_size),
            nn.ReLU(),
            nn.Linear(hidden_size, code_size),
        )
        self.decoder = nn.Sequential(
            nn.Linear(code_size, hidden_size),
            nn.ReLU(),
            nn.Linear(hidden_size, window * n_targets),
        )

    def forward(self, rows: Tensor, issued: slice = slice(None)) -> tuple[Forecast, None]:
        """Say windows (B, W, n_inputs) again, the rows `issued` of W: (B, W, 1, C)."""
        numbers = self.decoder(self.encoder(rows))  # (B, W, n_inputs) -> (B, W * C)
        return Forecast(numbers.view(-1, *self.shape)[:, issued], None), None


class LSTMAutoencoder(RowNetwork):
    """One LSTM reads a window, another says it again from the last row to the first.

    As Malhotra et al. 2016 (https://arxiv.org/abs/1607.00148), but the second LSTM reads the first
    one's last hidden state at every row instead of the row said before: it cannot copy, and
    training and scoring are the same computation.

    Parameters
    ----------
    n_inputs
        Channels of a row, targets and covariates.
    n_targets
        Channels that are said again.
    hidden_size
        Size of both LSTMs.
    """

    horizon = 1
    first_ahead = 0

    def __init__(self, n_inputs: int, n_targets: int, *, hidden_size: int) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.encoder = nn.LSTM(n_inputs, hidden_size, batch_first=True)
        self.decoder = nn.LSTM(hidden_size, hidden_size, batch_first=True)
        self.head = nn.Linear(hidden_size, n_targets)

    def forward(self, rows: Tensor, issued: slice = slice(None)) -> tuple[Forecast, None]:
        """Say windows (B, W, n_inputs) again, the rows `issued` of W: (B, W, 1, C)."""
        _, state = self.encoder(rows)  # two of (1, B, D)
        code = state[0][0][:, None].expand(-1, rows.shape[1], -1)  # (B, W, D)
        hidden, _ = self.decoder(code, state)
        backwards = self.head(hidden)  # (B, W, D) -> (B, W, C)
        return Forecast(backwards.flip(1)[:, issued, None], None), None


def weights_of(network: nn.Module) -> dict[str, np.ndarray]:
    """The weights of a network as arrays, by torch's names."""
    return {name: weights.cpu().numpy() for name, weights in network.state_dict().items()}


def tensors_of(arrays: Mapping[str, np.ndarray]) -> dict[str, Tensor]:
    """What `weights_of` gave, in memory of its own."""
    return {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}


def with_weights(build: Callable[[], N], weights: Mapping[str, Tensor]) -> N:
    """A network that holds these very weights.

    It is built without memory first, so that sizes are held against the weights, and nothing is
    drawn.
    """
    with torch.device("meta"):
        network = build()
    network.load_state_dict(weights, assign=True)
    return network


def sharing(network: LSTMForecaster, own: Mapping[str, Tensor]) -> LSTMForecaster:
    """A network with these weights of its own, which shares all others, in evaluation mode."""
    weights = {**network.state_dict(), **own}
    return with_weights(lambda: LSTMForecaster(**network.shape), weights).eval()
