"""Darts: `BlockRNNModel("LSTM")` with its defaults in a `ForecastingAnomalyModel`, norm scorer."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
from darts import TimeSeries
from darts.ad import ForecastingAnomalyModel
from darts.ad.scorers import NormScorer
from darts.dataprocessing.transformers import Scaler
from darts.models import BlockRNNModel
from frame import measure, padded

CONTEXT = 50


def fit(rows: np.ndarray) -> Any:
    scaler = Scaler()
    series = scaler.fit_transform(TimeSeries.from_values(rows.astype(np.float32)))
    trainer = {"enable_progress_bar": False, "accelerator": "cpu", "logger": False}
    network = BlockRNNModel(
        input_chunk_length=CONTEXT,
        output_chunk_length=1,
        model="LSTM",
        random_state=0,
        pl_trainer_kwargs=trainer,
    )
    model = ForecastingAnomalyModel(network, NormScorer())
    model.fit(series, start=CONTEXT, allow_model_training=True)
    return scaler, model


def score(fitted: Any, rows: np.ndarray) -> np.ndarray:
    scaler, model = fitted
    series = scaler.transform(TimeSeries.from_values(rows.astype(np.float32)))
    return padded(model.score(series, start=CONTEXT).values(), len(rows))


logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
measure(fit, score)
