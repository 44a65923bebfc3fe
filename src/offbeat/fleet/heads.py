"""Heads: a shared network's last layer made anew for one series, by least squares.

What a network learned from a whole fleet to see in rows serves each of its series; what follows
from it for the next rows is each series' own. So the LSTM stays shared and the linear layer behind
it is solved for, which takes one reading of the series and no training. The ridge is what dropout
is in training: noise on what the layer reads (Wager, Wang & Liang 2013).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import softplus

from offbeat.chunks import Material
from offbeat.networks import MAX_SCALE, MIN_SCALE, LSTMForecaster, sharing

__all__ = ["MOST_ROWS", "Read", "last_rows", "own_head"]

Read = tuple[int, Tensor]
"""First row of a stretch, and what the head reads at each row of it, (T, D + n_inputs)."""

MOST_ROWS = 20_000
"""Last rows of a training part that a head is solved from, at most."""
LEAST_ROWS = 250
"""With fewer a series keeps the fleet's head."""
JUDGED = 0.2
"""Last share of the rows that says whether the own head forecasts better than the fleet's."""
ODD = 3.0
"""A residual counts as so many scales at most: what is odd in the training part draws no head."""
RIDGES = (0.02, 0.1, 0.5)
"""Shares of what the LSTM says that are taken for noise; the one that forecasts best is taken."""
SCALE_ROWS, HALVINGS, SHIFT = 1_000, 8, 4.0
"""Rows that the scale is measured on, how finely, and how far its raw number may be moved."""


@dataclass(frozen=True, eq=False)
class _Rows:
    """Rows that teach or judge a head, float64.

    Parameters
    ----------
    read
        What the head reads, with a last column of ones, (N, F + 1).
    residual
        Of the fleet's head, limited, (N, H C).
    raw
        What the fleet's head says of the scale, (N, H C).
    """

    read: Tensor
    residual: Tensor
    raw: Tensor

    def part(self, which: slice) -> _Rows:
        return _Rows(self.read[which], self.residual[which], self.raw[which])


def last_rows(material: Material) -> list[tuple[int, int]]:
    """The segments, without what lies before the last `MOST_ROWS` of their rows."""
    left, found = MOST_ROWS, list[tuple[int, int]]()
    for start, end in reversed(material.segments):
        if left > 0:
            found.append((max(start, end - left), end))
        left -= end - start
    return found[::-1]


@torch.no_grad()
def own_head(
    network: LSTMForecaster, material: Material, read: list[Read]
) -> LSTMForecaster | None:
    """A network with the same LSTM and a head of its own; None if the fleet's is no worse.

    Parameters
    ----------
    network
        The fleet's.
    material
        Of the series.
    read
        What the head reads there.
    """
    rows = _rows(network, material, read)
    n_taught = int(len(rows.read) * (1 - JUDGED))
    if len(rows.read) < LEAST_ROWS:
        return None
    taught, judged = rows.part(slice(n_taught)), rows.part(slice(n_taught, None))
    best, chosen = _loss(judged.residual, judged.raw), None
    solver = _Solver(taught, network)
    for ridge in RIDGES:
        change, shift = solver.solved(ridge)
        loss = _loss(judged.residual - judged.read @ change, judged.raw + shift)
        if loss < best:
            best, chosen = loss, ridge
    return None if chosen is None else _with_head(network, *_Solver(rows, network).solved(chosen))


def _rows(network: LSTMForecaster, material: Material, read: list[Read]) -> _Rows:
    """Every row of which all forecasts can be judged, in order."""
    parts, targets, head = list[_Rows](), material.targets.double(), _numbers(network)
    for start, stretch in read:
        issued = torch.arange(material.warm_up, len(stretch) - network.horizon)
        ahead = start + issued[:, None] + 1 + torch.arange(network.horizon)
        told = targets[ahead].flatten(1)  # (N, H, C) -> (N, H C)
        known = ~told.isnan().any(dim=1)
        seen = stretch[issued[known]].double()
        seen = torch.cat([seen, seen.new_ones(len(seen), 1)], dim=1)
        said = seen @ head
        mean, raw = said[:, : told.shape[1]], said[:, told.shape[1] :]
        residual = told[known] - mean
        raw = raw if network.gaussian else _constant(residual)
        limit = ODD * _scale(raw)
        parts.append(_Rows(seen, residual.clamp(-limit, limit), raw))
    return _Rows(
        torch.cat([each.read for each in parts]),
        torch.cat([each.residual for each in parts]),
        torch.cat([each.raw for each in parts]),
    )


def _numbers(network: LSTMForecaster) -> Tensor:
    """Weights and bias of the head, (F + 1, numbers)."""
    head = network.head
    return torch.cat([head.weight.T, head.bias[None]]).cpu().double()


def _constant(residual: Tensor) -> Tensor:
    """Raw numbers of the usual size of each column: a point forecast says no scale."""
    usual = residual.new_zeros(residual.shape[1])
    if len(residual):
        usual = 1.4826 * residual.abs().median(dim=0).values
    return (usual - MIN_SCALE).clamp(min=1e-3).expm1().log().expand_as(residual)


def _scale(raw: Tensor) -> Tensor:
    """As the network makes a scale of its raw number."""
    return (softplus(raw) + MIN_SCALE).clamp(max=MAX_SCALE)


def _loss(residual: Tensor, raw: Tensor) -> float:
    """Mean negative log-likelihood, without its constant."""
    scale = _scale(raw)
    loss = float((0.5 * (residual / scale).square() + scale.log()).mean())
    return loss if math.isfinite(loss) else math.inf


class _Solver:
    """Heads from rows, for any ridge."""

    def __init__(self, rows: _Rows, network: LSTMForecaster) -> None:
        self._rows, self._network = rows, network
        self._means = _numbers(network)[:, : rows.residual.shape[1]]
        self._products = rows.read.T @ rows.read
        self._goal = rows.read.T @ rows.residual + self._products @ self._means

    def solved(self, ridge: float) -> tuple[Tensor, Tensor]:
        """What is added to the means' weights, (F + 1, H C), and to the raw scales, (H C,)."""
        rows, size = self._rows, self._network.hidden_size
        penalty = torch.full((len(self._products),), 1e-6 * len(rows.read), dtype=torch.float64)
        penalty[:size] += ridge * self._products.diagonal()[:size]  # dropout falls on the LSTM's
        change = torch.linalg.solve(self._products + penalty.diag(), self._goal) - self._means
        if not self._network.gaussian:
            return change, change.new_zeros(change.shape[1])
        some = rows.part(slice(None, None, max(1, len(rows.read) // SCALE_ROWS)))
        return change, _shift(some.residual - some.read @ change, some.raw)


def _shift(residual: Tensor, raw: Tensor) -> Tensor:
    """What, added to the raw scale of a column, makes its residuals likeliest; by bisection."""
    high = raw.new_full((raw.shape[1],), SHIFT)
    low = -high
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        moved = raw + middle
        scale = _scale(moved)
        slope = ((1 - (residual / scale).square()) / scale * moved.sigmoid()).mean(dim=0)
        low, high = torch.where(slope < 0, middle, low), torch.where(slope < 0, high, middle)
    return (low + high) / 2


def _with_head(network: LSTMForecaster, change: Tensor, shift: Tensor) -> LSTMForecaster:
    """The network with this added to its head; everything else is shared."""
    n_told = change.shape[1]
    head, bias = network.head.weight.detach().clone(), network.head.bias.detach().clone()
    head[:n_told] += change[:-1].T.to(head)
    bias[:n_told] += change[-1].to(bias)
    if network.gaussian:
        bias[n_told:] += shift.to(bias)
    return sharing(network, {"head.weight": head, "head.bias": bias})
