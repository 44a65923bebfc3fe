"""A few learned numbers a series, that a shared network reads beside each of its rows."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from offbeat.networks import Forecast, LSTMForecaster, LSTMState, RowNetwork, sharing

__all__ = ["EmbeddedForecaster", "with_biases"]


class EmbeddedForecaster(RowNetwork):
    """An `LSTMForecaster` that reads of which series each row is.

    What is read at every row alike is a bias: so each series gets an ordinary `LSTMForecaster` with
    the shared weights and two biases of its own, see `for_series`.

    Parameters
    ----------
    inner
        Reads n_inputs + `size` numbers.
    n_series
        Series that are learned.
    size
        Numbers a series.
    """

    def __init__(self, inner: LSTMForecaster, n_series: int, size: int) -> None:
        super().__init__()
        self.inner, self.size = inner, size
        self.horizon, self.hidden_size = inner.horizon, inner.hidden_size
        self.series = nn.Embedding(n_series, size)
        nn.init.zeros_(self.series.weight)  # all start as one

    def forward(
        self, rows: Tensor, state: LSTMState | None = None, issued: slice = slice(None)
    ) -> tuple[Forecast, LSTMState]:
        """As `LSTMForecaster`; the last input of (B, W, n_inputs + 1) is the series' number."""
        known = self.series(rows[..., -1].long())  # (B, W) -> (B, W, size)
        forecast: tuple[Forecast, LSTMState] = self.inner(
            torch.cat([rows[..., :-1], known], dim=-1), state, issued
        )
        return forecast

    @torch.no_grad()
    def for_series(self) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """The weights of a network that reads rows only, with what each series adds to its biases.

        Returns
        -------
        The weights with the biases of the mean series; what each of N series has for
        `lstm.bias_ih_l0`, (N, 4 D), and for `head.bias`, (N, numbers).
        """
        weights, size = dict(self.inner.state_dict()), self.size
        first, head = weights["lstm.weight_ih_l0"], weights["head.weight"]
        known = self.series.weight
        gates = weights["lstm.bias_ih_l0"] + known @ first[:, -size:].T
        numbers = weights["head.bias"] + known @ head[:, -size:].T
        weights["lstm.weight_ih_l0"] = first[:, :-size].contiguous()
        weights["head.weight"] = head[:, :-size].contiguous()
        weights["lstm.bias_ih_l0"], weights["head.bias"] = gates.mean(dim=0), numbers.mean(dim=0)
        return weights, gates, numbers


def with_biases(network: LSTMForecaster, gates: Tensor, numbers: Tensor) -> LSTMForecaster:
    """A network that shares the weights of another and has its own two biases."""
    return sharing(network, {"lstm.bias_ih_l0": gates, "head.bias": numbers})
