"""Heads: a shared network's last layer made anew for one series, by least squares.

What a network learned from a whole fleet to see in rows serves each of its series; what follows
from it for the next rows is each series' own. So the LSTM stays shared and the linear layer behind
it is solved for, which takes one reading of the series and no training. The ridge is what dropout
was in training: noise on what the layer reads (Wager, Wang & Liang 2013).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from offbeat.chunks import Material
from offbeat.networks import MAX_SCALE, MIN_SCALE, LSTMForecaster, with_weights
from offbeat.series import BoolArray, FloatArray

__all__ = ["MOST_ROWS", "last_rows", "own_head"]

MOST_ROWS = 20_000
"""Last rows of a training part that a head is solved from, at most."""
LEAST_ROWS = 250
"""With fewer a series keeps the fleet's head."""
JUDGED = 0.2
"""Last share of the rows that says whether the own head forecasts better than the fleet's."""
ODD = 3.0
"""A residual counts as so many scales at most: what is odd in the training part draws no head."""
LEAST_RIDGE = 0.01
"""Where the network was trained without dropout."""
SCALE_ROWS, HALVINGS, SHIFT = 2_000, 10, 4.0
"""Rows that the scale is measured on, how finely, and how far its raw number may be moved."""


@dataclass(frozen=True, eq=False)
class _Rows:
    """Rows that teach or judge a head.

    Parameters
    ----------
    read
        What the head reads, with a last column of ones, (N, F + 1).
    residual
        Of the fleet's head, limited, (N, H C).
    raw
        What the fleet's head says of the scale, (N, H C); of a point forecast zeros.
    """

    read: FloatArray
    residual: FloatArray
    raw: FloatArray

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


def own_head(
    network: LSTMForecaster, material: Material, read: list[tuple[int, FloatArray]]
) -> LSTMForecaster | None:
    """A network with the same LSTM and a head of its own; None if the fleet's is no worse.

    Parameters
    ----------
    network
        The fleet's.
    material
        Of the series.
    read
        First row of each stretch, and what the head reads at each row of it, (T, D + n_inputs).
    """
    rows = _rows(network, material, read)
    n_taught = int(len(rows.read) * (1 - JUDGED))
    if len(rows.read) < LEAST_ROWS:
        return None
    ridge = max(network.dropout.p / (1 - network.dropout.p), LEAST_RIDGE)
    weights = _numbers(network)
    taught, judged = rows.part(slice(n_taught)), rows.part(slice(n_taught, None))
    change, shift = _solved(taught, weights, network, ridge)
    tried = judged.residual - judged.read @ change
    if _loss(tried, judged.raw + shift) >= _loss(judged.residual, judged.raw):
        return None
    change, shift = _solved(rows, weights, network, ridge)
    return _with_head(network, change, shift)


def _rows(network: LSTMForecaster, material: Material, read: list[tuple[int, FloatArray]]) -> _Rows:
    """Every row of which all forecasts can be judged, in order."""
    parts, targets = list[_Rows](), material.targets.numpy().astype(np.float64)
    for start, stretch in read:
        issued = np.arange(material.warm_up, len(stretch) - network.horizon)
        ahead = start + issued[:, None] + 1 + np.arange(network.horizon)
        told = targets[ahead].reshape(len(issued), -1)  # (N, H, C) -> (N, H C)
        known: BoolArray = ~np.isnan(told).any(axis=1)
        seen = stretch[issued[known]].astype(np.float64)
        seen = np.concatenate([seen, np.ones((len(seen), 1))], axis=1)
        said: FloatArray = seen @ _numbers(network)
        mean, raw = said[:, : told.shape[1]], said[:, told.shape[1] :]
        residual = told[known] - mean
        raw = raw if network.gaussian else _constant(residual)
        limit = ODD * _scale(raw)
        parts.append(_Rows(seen, np.clip(residual, -limit, limit), raw))
    return _Rows(
        np.concatenate([each.read for each in parts]),
        np.concatenate([each.residual for each in parts]),
        np.concatenate([each.raw for each in parts]),
    )


def _numbers(network: LSTMForecaster) -> FloatArray:
    """Weights and bias of the head, (F + 1, numbers)."""
    head = network.head
    joined: np.ndarray = torch.cat([head.weight.T, head.bias[None]]).detach().cpu().numpy()
    return joined.astype(np.float64)


def _constant(residual: FloatArray) -> FloatArray:
    """Raw numbers of the usual size of each column: a point forecast says no scale."""
    usual = 1.4826 * np.median(np.abs(residual), axis=0) if len(residual) else np.zeros(1)
    raw = np.log(np.expm1(np.maximum(usual - MIN_SCALE, 1e-3)))
    return np.broadcast_to(raw, residual.shape)


def _scale(raw: FloatArray) -> FloatArray:
    """As the network makes a scale of its raw number."""
    return np.minimum(np.logaddexp(0.0, raw) + MIN_SCALE, MAX_SCALE)


def _loss(residual: FloatArray, raw: FloatArray) -> float:
    """Mean negative log-likelihood, without its constant."""
    scale = _scale(raw)
    return float((0.5 * (residual / scale) ** 2 + np.log(scale)).mean())


def _solved(
    rows: _Rows, weights: FloatArray, network: LSTMForecaster, ridge: float
) -> tuple[FloatArray, FloatArray]:
    """What is added to the weights of the means, (F + 1, H C), and to the raw scales, (H C,)."""
    n_told = rows.residual.shape[1]
    means = weights[:, :n_told]
    products = rows.read.T @ rows.read
    penalty = np.full(len(products), 1e-6 * len(rows.read))
    size = network.hidden_size
    penalty[:size] += ridge * np.diag(products)[:size]  # dropout falls on what the LSTM says
    goal = rows.read.T @ rows.residual + products @ means
    change: FloatArray = np.linalg.solve(products + np.diag(penalty), goal) - means
    if not network.gaussian:
        return change, np.zeros(n_told)
    some = rows.part(slice(None, None, max(1, len(rows.read) // SCALE_ROWS)))
    return change, _shift(some.residual - some.read @ change, some.raw)


def _shift(residual: FloatArray, raw: FloatArray) -> FloatArray:
    """What, added to the raw scale of a column, makes its residuals likeliest; by bisection."""
    high: FloatArray = np.full(raw.shape[1], SHIFT)
    low = -high
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        moved = raw + middle
        scale = _scale(moved)
        slope = ((1 - (residual / scale) ** 2) / scale / (1 + np.exp(-moved))).mean(axis=0)
        low, high = np.where(slope < 0, middle, low), np.where(slope < 0, high, middle)
    return (low + high) / 2


def _with_head(network: LSTMForecaster, change: FloatArray, shift: FloatArray) -> LSTMForecaster:
    """The network with this added to its head; everything else is shared."""
    weights = dict(network.state_dict())
    n_told = change.shape[1]
    head, bias = weights["head.weight"].clone(), weights["head.bias"].clone()
    head[:n_told] += torch.from_numpy(change[:-1].T).to(head)
    bias[:n_told] += torch.from_numpy(change[-1]).to(bias)
    if network.gaussian:
        bias[n_told:] += torch.from_numpy(shift).to(bias)
    weights |= {"head.weight": head, "head.bias": bias}
    return with_weights(lambda: LSTMForecaster(**network.shape), weights).eval()
