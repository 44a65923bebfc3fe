"""Many LSTM layers side by side: one batched product a step, forwards and backwards.

Each of S series has weights of its own. torch's LSTM runs one set of weights at a time and cannot
be stacked; here the gates of all are one `bmm`. All arrays are laid out (W, S, B, ...), so that one
step is one contiguous block.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

__all__ = ["Workspace", "stacked_layer"]


class Workspace:
    """Memory that one layer writes to in every training step: asking for it anew each time costs as
    much as filling it."""

    def __init__(self) -> None:
        self._flat: dict[str, Tensor] = {}

    def array(self, name: str, *shape: int) -> Tensor:
        """An array of this shape with whatever is in it, the same memory at every call."""
        size = math.prod(shape)
        flat = self._flat.get(name)
        if flat is None or len(flat) < size:
            flat = self._flat[name] = torch.empty(size)
        return flat[:size].view(shape)


def stacked_layer(rows: Tensor, weights: Tensor, space: Workspace) -> Tensor:
    """Run S LSTM layers over their own chunks, each from an empty state.

    Parameters
    ----------
    rows
        What is read, shape (W, S, B, I).
    weights
        Of what is read, of the hidden state and the bias, in torch's order of gates,
        (S, I + D + 1, 4 D).
    space
        This layer's own; what is in it is needed until the gradient is taken.

    Returns
    -------
    The hidden states, (W, S, B, D).
    """
    hidden: Tensor = _Layer.apply(rows, weights, space)  # type: ignore[no-untyped-call]
    return hidden


class _Layer(torch.autograd.Function):
    """The layer with its gradient written out: autograd would keep a dozen arrays a step."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, weights: Tensor, space: Workspace) -> Tensor:
        n_steps, n_series, n_chunks, n_read = rows.shape
        size = weights.shape[2] // 4
        # what a step reads: the row, the hidden state before it, and 1 for the bias
        seen = space.array("seen", n_steps + 1, n_series, n_chunks, n_read + size + 1)
        seen[:-1, ..., :n_read] = rows
        seen[0, ..., n_read:-1] = 0.0
        seen[..., -1] = 1.0
        gates = space.array("gates", n_steps, n_series, n_chunks, 4 * size)
        cells = space.array("cells", n_steps + 1, n_series, n_chunks, size)
        cells[0] = 0.0
        shown = space.array("shown", n_steps, n_series, n_chunks, size)
        fresh = space.array("fresh", n_steps, n_series, n_chunks, size)
        # tanh(z) = 2 sigmoid(2 z) - 1: one sigmoid for all gates, the third one's sums doubled
        twice = rows.new_ones(4 * size)
        twice[2 * size : 3 * size] = 2.0
        doubled = weights * twice
        for t in range(n_steps):
            gate, cell, new = gates[t], cells[t + 1], fresh[t]
            taken, kept, asked, out = torch.split(gate, size, dim=-1)
            torch.bmm(seen[t], doubled, out=gate)
            gate.sigmoid_()
            torch.mul(asked, 2.0, out=new).sub_(1.0)
            torch.mul(kept, cells[t], out=cell)
            cell.addcmul_(taken, new)
            torch.mul(cell, 2.0, out=shown[t]).sigmoid_().mul_(2.0).sub_(1.0)
            torch.mul(out, shown[t], out=seen[t + 1][..., n_read:-1])
        ctx.save_for_backward(weights, seen, gates, cells, shown, fresh)
        ctx.needs_rows, ctx.space = rows.requires_grad, space
        return seen[1:, ..., n_read:-1]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor, None]:
        (above,) = gradients  # of the hidden states, (W, S, B, D)
        weights, seen, gates, cells, shown, fresh = ctx.saved_tensors
        n_steps, n_series, n_chunks, size = above.shape
        n_read = seen.shape[3] - size - 1
        of_rows = None
        if ctx.needs_rows:
            of_rows = ctx.space.array("of_rows", n_steps, n_series, n_chunks, n_read)
        of_weights = torch.zeros_like(weights)
        of_seen = above.new_zeros(n_series, n_chunks, n_read + size)
        of_cell, of_hidden, part = above.new_zeros(3, n_series, n_chunks, size)
        of_gate = above.new_empty(n_series, n_chunks, 4 * size)
        of_taken, of_kept, of_asked, of_out = torch.split(of_gate, size, dim=-1)
        backwards = weights[:, :-1].transpose(1, 2).contiguous()
        for t in range(n_steps - 1, -1, -1):
            gate = gates[t]
            taken, kept, _, out = torch.split(gate, size, dim=-1)
            torch.add(of_seen[..., n_read:], above[t], out=of_hidden)
            torch.mul(of_hidden, out, out=part)
            torch.ops.aten.tanh_backward(part, shown[t], grad_input=part)
            of_cell += part
            torch.mul(of_cell, fresh[t], out=of_taken)
            torch.mul(of_cell, cells[t], out=of_kept)
            # the slope of tanh(z) is 4 sigmoid(2 z) (1 - sigmoid(2 z))
            torch.mul(of_cell, taken, out=part)
            torch.mul(part, 4.0, out=of_asked)
            torch.mul(of_hidden, shown[t], out=of_out)
            torch.ops.aten.sigmoid_backward(of_gate, gate, grad_input=of_gate)
            of_cell *= kept
            torch.bmm(of_gate, backwards, out=of_seen)
            of_weights.baddbmm_(seen[t].transpose(1, 2), of_gate)
            if of_rows is not None:
                of_rows[t] = of_seen[..., :n_read]
        return of_rows, of_weights, None
