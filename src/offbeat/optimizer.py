"""AdamW with a one-cycle schedule, to the digit what `torch.optim` computes.

Why not `torch.optim` itself: making one of its optimizers imports torch's compiler, over a second
of the processor, which is more than many a training takes (docs/decisions/0009-speed.md).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["AdamW", "OneCycle"]

BETA2, EPSILON, WEIGHT_DECAY = 0.999, 1e-8, 0.01
"""torch's defaults."""
RISE, START_DIVISOR, END_DIVISOR = 0.3, 25.0, 1e4
"""Share of the steps until the peak; first rate = peak / 25, last = first / 10,000 (Smith 2018)."""
CALM, SWIFT = 0.95, 0.85
"""Decay of the mean gradient away from the peak and at the peak."""


@dataclass(frozen=True)
class OneCycle:
    """Learning rate and momentum of every step: up to the peak and down again, along a cosine.

    Parameters
    ----------
    peak
        Largest learning rate.
    n_steps
        Steps until the end, at least 1.
    """

    peak: float
    n_steps: int

    def at(self, step: int) -> tuple[float, float]:
        """Learning rate and beta1 of the step, counted from 0."""
        first = self.peak / START_DIVISOR
        top = RISE * self.n_steps - 1
        if step <= top:
            share = step / top
            return _cosine(first, self.peak, share), _cosine(CALM, SWIFT, share)
        share = (step - top) / (self.n_steps - 1 - top)
        return _cosine(self.peak, first / END_DIVISOR, share), _cosine(SWIFT, CALM, share)


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) / 2.0 * (math.cos(math.pi * share) + 1)


class AdamW:
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019).

    Parameters
    ----------
    parameters
        What is learned; changed in place.
    schedule
        Learning rate and beta1 of every step.
    """

    def __init__(self, parameters: Iterable[Tensor], schedule: OneCycle) -> None:
        self.parameters = list(parameters)
        self._schedule = schedule
        self._n_done = 0
        self._sizes = [each.numel() for each in self.parameters]
        # both moments as one long vector each: a few calls a step instead of a few a parameter
        like = self.parameters[0]
        self._mean = torch.zeros(sum(self._sizes), device=like.device, dtype=like.dtype)
        self._square = torch.zeros_like(self._mean)

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for each in self.parameters:
            each.grad = None

    def narrow(self, parameters: Iterable[Tensor], kept: Tensor) -> None:
        """Go on with a part of parameters that are stacked along their first axis.

        Parameters
        ----------
        parameters
            The rows `kept` of what was learned so far, in the same order.
        kept
            Indices along the first axis.
        """
        shapes = [each.shape for each in self.parameters]
        self.parameters = list(parameters)
        for name in ("_mean", "_square"):
            parts = torch.split(getattr(self, name), self._sizes)
            rows = [p.view(shape)[kept] for p, shape in zip(parts, shapes, strict=True)]
            setattr(self, name, torch.cat([row.reshape(-1) for row in rows]))
        self._sizes = [each.numel() for each in self.parameters]

    @torch.no_grad()
    def step(self) -> None:
        """Move every parameter once; all must have a gradient."""
        rate, beta1 = self._schedule.at(self._n_done)
        self._n_done += 1
        gradient = torch.cat([each.grad.reshape(-1) for each in self.parameters])  # type: ignore[union-attr]
        self._mean.lerp_(gradient, 1 - beta1)
        self._square.mul_(BETA2).addcmul_(gradient, gradient, value=1 - BETA2)
        size = rate / (1 - beta1**self._n_done)
        spread = (self._square.sqrt() / (1 - BETA2**self._n_done) ** 0.5).add_(EPSILON)
        means, spreads = torch.split(self._mean, self._sizes), torch.split(spread, self._sizes)
        for each, mean, one in zip(self.parameters, means, spreads, strict=True):
            each.mul_(1 - rate * WEIGHT_DECAY)
            each.addcdiv_(mean.view_as(each), one.view_as(each), value=-size)
