"""A PyOD detector with its defaults, called with the window that ends at each point."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from frame import measure_points
from pyod.models.hbos import HBOS
from pyod.models.iforest import IForest

WINDOW = 50
KINDS = {"iforest": lambda: IForest(random_state=0), "hbos": HBOS}


def fit(rows: np.ndarray) -> Any:
    windows = np.array([rows[i : i + WINDOW].ravel() for i in range(len(rows) - WINDOW + 1)])
    return KINDS[sys.argv[3]]().fit(windows)


def score(model: Any, rows: np.ndarray, last: int) -> float:
    window = rows[last - WINDOW + 1 : last + 1].reshape(1, -1)
    return float(model.decision_function(window)[0])


measure_points(fit, score)
