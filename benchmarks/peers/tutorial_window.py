"""The tutorial's model called with the window before each point: by `predict`, or directly.

With `many` one `predict` takes the windows of a thousand series, as somebody would who has these.
"""

from __future__ import annotations

import sys
from typing import Any

import keras
import numpy as np
from frame import measure_points
from tutorial_keras import WINDOW, fit

WAY, N_SERIES = sys.argv[3], 1000


def score(fitted: Any, rows: np.ndarray, last: int) -> float:
    scaler, model = fitted
    scaled = scaler.transform(rows[last - WINDOW : last + 1])
    window = scaled[None, :-1]
    if WAY == "many":
        forecast = model.predict(np.repeat(window, N_SERIES, axis=0), verbose=0)
    elif WAY == "predict":
        forecast = model.predict(window, verbose=0)
    else:
        forecast = model(window, training=False).numpy()
    return float(np.mean((scaled[-1] - forecast[0]) ** 2))


keras.utils.set_random_seed(0)
measure_points(fit, score, n_series=N_SERIES if WAY == "many" else 1)
