"""TSB-AD `LSTMAD` as its `run_LSTMAD` calls it: window 100, learning rate 0.0008, batch 128."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from frame import measure
from TSB_AD.models.LSTMAD import LSTMAD


def fit(rows: np.ndarray) -> Any:
    model = LSTMAD(window_size=100, pred_len=1, lr=0.0008, feats=rows.shape[1], batch_size=128)
    model.fit(rows)
    return model


torch.manual_seed(0)
measure(fit, lambda model, rows: model.decision_function(rows))
