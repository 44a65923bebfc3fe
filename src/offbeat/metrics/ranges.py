"""Range-based precision and recall (Tatbul et al. 2018, https://arxiv.org/abs/1803.03639)."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from offbeat.errors import ConfigError, one_of
from offbeat.metrics.flags import PrecisionRecall, same_flags
from offbeat.runs import label_runs
from offbeat.series import BoolArray, FloatArray, IntArray

__all__ = ["Bias", "range_scores"]

Bias = Literal["flat", "front", "middle", "back"]


def range_scores(
    y_true: IntArray | BoolArray,
    label: IntArray | BoolArray,
    *,
    alpha: float = 0.0,
    bias: Bias = "flat",
    one_piece: bool = True,
) -> PrecisionRecall:
    """Precision and recall of ranges by how much of each is covered, and in how many pieces.

    Parameters
    ----------
    y_true, label
        Shape (T,), 0/1.
    alpha
        Weight in [0, 1] of finding an event at all; the rest is for how much of it. Recall only.
    bias
        Which part of a true event counts most: "flat", "front", "middle" or "back". Precision is
        always flat.
    one_piece
        Whether an event that is covered in n pieces counts only an n-th.

    Returns
    -------
    Means over the true events (recall) and over the flagged ranges (precision); 0/0 counts as 1.

    Raises
    ------
    DataError
        If the shapes differ or a value is neither 0 nor 1.
    ConfigError
        If `alpha` lies outside [0, 1] or `bias` is unknown.
    """
    if not 0.0 <= alpha <= 1.0:
        raise ConfigError(f"alpha must lie in [0, 1], {alpha!r} came")
    one_of("bias", bias, get_args(Bias))
    true, flagged = same_flags(y_true, label)
    recall = _mean_reward(true, flagged, alpha, bias, one_piece)
    precision = _mean_reward(flagged, true, 0.0, "flat", one_piece)
    both = precision + recall
    return PrecisionRecall(precision, recall, 2 * precision * recall / both if both else 0.0)


def _mean_reward(
    ranges: BoolArray, cover: BoolArray, alpha: float, bias: Bias, one_piece: bool
) -> float:
    """Mean over the runs of `ranges` of how well `cover` meets them."""
    rewards = []
    for start, end in label_runs(ranges):
        met = cover[start:end]
        weight = _position_weight(end - start, bias)
        pieces = len(label_runs(met)) if one_piece else 1
        overlap = float(weight[met].sum() / weight.sum()) / max(pieces, 1)
        rewards.append(alpha * float(met.any()) + (1 - alpha) * overlap)
    return float(np.mean(rewards)) if rewards else 1.0


def _position_weight(length: int, bias: Bias) -> FloatArray:
    place = np.arange(1, length + 1, dtype=np.float64)
    if bias == "front":
        return place[::-1]
    if bias == "back":
        return place
    if bias == "middle":
        return np.minimum(place, place[::-1])
    return np.ones(length)
