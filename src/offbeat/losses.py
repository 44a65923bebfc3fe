"""What a forecast costs, number by number, and what a batch of them costs."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from offbeat.networks import Forecast

__all__ = ["Loss", "absolute_loss", "gaussian_loss", "squared_loss", "trimmed_mean"]

Loss = Callable[[Forecast, Tensor], Tensor]


def gaussian_loss(forecast: Forecast, target: Tensor) -> Tensor:
    """Negative log-likelihood without its constant; shapes (..., H, C) in and out."""
    assert forecast.scale is not None
    return 0.5 * ((target - forecast.mean) / forecast.scale).square() + forecast.scale.log()


def squared_loss(forecast: Forecast, target: Tensor) -> Tensor:
    """Squared residual, (..., H, C)."""
    return (target - forecast.mean).square()


def absolute_loss(forecast: Forecast, target: Tensor) -> Tensor:
    """Absolute residual, (..., H, C)."""
    return (target - forecast.mean).abs()


def trimmed_mean(losses: Tensor, known: Tensor, trim: float) -> Tensor:
    """Mean over time stamps and channels, without the share `trim` that fits worst."""
    n_known = known.sum(dim=2)  # (B, W, H, C) -> (B, W, C)
    per_point = losses.sum(dim=2) / n_known.clamp(min=1)
    kept = per_point[n_known > 0]
    if trim > 0 and len(kept) > 50:  # noqa: PLR2004 - below that one point is more than the share
        # the largest that is kept: as a quantile cuts, without sorting them all
        limit = kept.detach().kthvalue(1 + int((1 - trim) * (len(kept) - 1))).values
        kept = kept[kept <= limit]
    return kept.mean() if len(kept) else losses.sum() * 0.0
