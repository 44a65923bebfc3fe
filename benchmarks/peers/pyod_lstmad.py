"""PyOD `LSTMAD` (in PyOD from the 3 series on, `pyod.models.ts_lstm`) with its defaults."""

from __future__ import annotations

import torch
from frame import measure
from pyod.models.ts_lstm import LSTMAD

torch.manual_seed(0)
measure(
    lambda rows: LSTMAD().fit(rows),
    lambda model, rows: model.decision_function(rows),
)
