"""River's half-space trees behind its min-max scaler, as documented: score, then learn."""

from __future__ import annotations

from typing import Any

import numpy as np
from frame import measure_points
from river import anomaly, compose, preprocessing


def fit(rows: np.ndarray) -> Any:
    model = compose.Pipeline(preprocessing.MinMaxScaler(), anomaly.HalfSpaceTrees(seed=0))
    for row in rows:
        model.learn_one(named(row))
    return model


def named(row: np.ndarray) -> dict[str, float]:
    """One number a channel, by name."""
    return {f"channel_{i}": float(value) for i, value in enumerate(row)}


def score(model: Any, rows: np.ndarray, last: int) -> float:
    row = named(rows[last])
    found = model.score_one(row)
    model.learn_one(row)
    return found


measure_points(fit, score)
