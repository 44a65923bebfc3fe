"""Forecasters of many series as one: their weights stacked, their steps one batched product."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from offbeat.fleet.cells import Workspace, stacked_layer
from offbeat.networks import MAX_SCALE, MIN_SCALE, Forecast, LSTMForecaster

__all__ = ["StackedForecaster"]


class StackedForecaster:
    """S `LSTMForecaster` of one shape with weights of their own.

    Parameters
    ----------
    weights
        State of each network.
    like
        A network of that shape.
    """

    def __init__(self, weights: Sequence[Mapping[str, Tensor]], like: LSTMForecaster) -> None:
        self._like = like
        self._spaces = [Workspace() for _ in range(like.lstm.num_layers)]
        self.parameters: dict[str, Tensor] = {}
        for layer in range(like.lstm.num_layers):
            joined = [
                torch.cat([w[f"lstm.weight_ih_l{layer}"], w[f"lstm.weight_hh_l{layer}"]], dim=1).T
                for w in weights
            ]
            self._add(f"weight_{layer}", joined)  # (S, I + D, 4 D)
            for name in ("bias_ih", "bias_hh"):
                self._add(f"{name}_{layer}", [w[f"lstm.{name}_l{layer}"][None] for w in weights])
        self._add("head", [w["head.weight"].T for w in weights])  # (S, D + I, numbers)
        self._add("head_bias", [w["head.bias"][None] for w in weights])

    def _add(self, name: str, parts: Sequence[Tensor]) -> None:
        self.parameters[name] = torch.stack([p.contiguous() for p in parts]).requires_grad_()

    def __len__(self) -> int:
        return len(self.parameters["head"])

    def keep(self, kept: Tensor) -> None:
        """Only these series from now on."""
        for name, stack in self.parameters.items():
            self.parameters[name] = stack.detach()[kept].contiguous().requires_grad_()

    def state_of(self, i: int) -> dict[str, Tensor]:
        """The state of one network, as torch names it."""
        made, size = dict[str, Tensor](), self._like.hidden_size
        for layer in range(self._like.lstm.num_layers):
            joined = self.parameters[f"weight_{layer}"][i].detach().T
            made[f"lstm.weight_ih_l{layer}"] = joined[:, :-size].clone()
            made[f"lstm.weight_hh_l{layer}"] = joined[:, -size:].clone()
            for name in ("bias_ih", "bias_hh"):
                bias = self.parameters[f"{name}_{layer}"][i, 0]
                made[f"lstm.{name}_l{layer}"] = bias.detach().clone()
        made["head.weight"] = self.parameters["head"][i].detach().T.clone()
        made["head.bias"] = self.parameters["head_bias"][i, 0].detach().clone()
        return made

    def forward(self, rows: Tensor, step: int, dropped: Sequence[Tensor] | None) -> Forecast:
        """Forecast from every `step`-th row.

        Parameters
        ----------
        rows
            Shape (W, S, B, n_inputs).
        step
            1 issues from all.
        dropped
            What the output of each layer is multiplied by, (W, S or 1, B, D), the last for the rows
            issued; None in evaluation.

        Returns
        -------
        Mean and scale, (W issued, S, B, H, C).
        """
        hidden, parameters = rows, self.parameters
        n_layers = self._like.lstm.num_layers
        for layer in range(n_layers):
            hidden = self._single(hidden, layer) if len(self) == 1 else self._stack(hidden, layer)
            if layer + 1 == n_layers:
                hidden, rows = hidden[::step], rows[::step]
            if dropped is not None:
                hidden = hidden * dropped[layer]
        n_issued, n_series, n_chunks, _ = hidden.shape
        seen = torch.cat([hidden, rows], dim=-1).transpose(0, 1).flatten(1, 2)  # (S, W B, D + I)
        numbers = torch.baddbmm(parameters["head_bias"], seen, parameters["head"])
        shape = (n_series, n_issued, n_chunks, -1, self._like.horizon, self._like.n_targets)
        parts = numbers.view(shape).transpose(0, 1)  # (W, S, B, 1 or 2, H, C)
        if not self._like.gaussian:
            return Forecast(parts[..., 0, :, :], None)
        scale = nn.functional.softplus(parts[..., 1, :, :]) + MIN_SCALE
        return Forecast(parts[..., 0, :, :], scale.clamp(max=MAX_SCALE))

    def _stack(self, rows: Tensor, layer: int) -> Tensor:
        """What a layer makes of rows (W, S, B, ...), (W, S, B, D)."""
        parameters = self.parameters
        bias = parameters[f"bias_ih_{layer}"] + parameters[f"bias_hh_{layer}"]
        weights = torch.cat([parameters[f"weight_{layer}"], bias], dim=1)
        return stacked_layer(rows, weights, self._spaces[layer])

    def _single(self, rows: Tensor, layer: int) -> Tensor:
        """The same of one series, by torch's own layer."""
        size, joined = self._like.hidden_size, self.parameters[f"weight_{layer}"][0].T
        biases = [self.parameters[f"{name}_{layer}"][0, 0] for name in ("bias_ih", "bias_hh")]
        weights = [joined[:, :-size].contiguous(), joined[:, -size:].contiguous(), *biases]
        start = rows.new_zeros(1, rows.shape[2], size)
        options = (True, 1, 0.0, self.parameters["head"].requires_grad, False, False)
        hidden, _, _ = torch.lstm(rows[:, 0], (start, start), weights, *options)
        return hidden[:, None]
