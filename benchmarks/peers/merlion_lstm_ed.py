"""Merlion `LSTMED` with its defaults."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import torch
from frame import measure, padded
from merlion.models.anomaly.lstm_ed import LSTMED, LSTMEDConfig
from merlion.utils import TimeSeries


def series(rows: np.ndarray) -> TimeSeries:
    """One row a minute: Merlion wants a clock."""
    time = pd.date_range("2024-01-01", periods=len(rows), freq="min")
    return TimeSeries.from_pd(pd.DataFrame(rows, index=time))


def fit(rows: np.ndarray) -> Any:
    model = LSTMED(LSTMEDConfig())
    model.train(series(rows))
    return model


def score(model: Any, rows: np.ndarray) -> np.ndarray:
    found = model.get_anomaly_score(series(rows)).to_pd().to_numpy()
    return padded(np.abs(found), len(rows))


torch.manual_seed(0)
measure(fit, score)
