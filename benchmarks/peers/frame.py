"""What every peer's script shares: read the series, take the time, keep what came.

Called as `python SCRIPT SERIES.npz OUT`; writes `OUT.json` and `OUT.npy`. NumPy is all it needs, as
it runs in every peer's own environment.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["measure", "measure_points", "padded"]

POINT_SECONDS, WARM_POINTS = 8.0, 20
"""So long points are called one by one, after so many that are not timed."""


def measure(fit: Callable[[np.ndarray], Any], score: Callable[[Any, np.ndarray], Any]) -> None:
    """Train on the first rows, score all, and say how long it took.

    Parameters
    ----------
    fit
        From the training rows, (T, C), to a model.
    score
        From the model and all rows to one number a row, shape (T,).
    """
    series, out = np.load(sys.argv[1]), sys.argv[2]
    values, n_train = series["values"], int(series["n_train"])
    start = time.perf_counter()
    model = fit(values[:n_train])
    fitted = time.perf_counter()
    scores = np.asarray(score(model, values), dtype=np.float64).reshape(-1)
    done = time.perf_counter()
    if len(scores) != len(values):
        raise SystemExit(f"{len(values)} scores were expected, {len(scores)} came")
    np.save(f"{out}.npy", scores)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = {"fit_seconds": fitted - start, "score_seconds": done - fitted, "peak_mb": peak}
    Path(f"{out}.json").write_text(json.dumps(found))


def measure_points(
    fit: Callable[[np.ndarray], Any],
    score: Callable[[Any, np.ndarray, int], float],
    n_series: int = 1,
) -> None:
    """Train on the first rows, then call point by point, and say how long each call took.

    Parameters
    ----------
    fit
        From the training rows, (T, C), to a model.
    score
        From the model, all rows and the number of the row to be judged to its score.
    n_series
        Series that a call judges.
    """
    series, out = np.load(sys.argv[1]), sys.argv[2]
    values, n_train = series["values"], int(series["n_train"])
    model = fit(values[:n_train])
    took, until = list[float](), np.inf
    for number, last in enumerate(range(n_train, len(values))):
        if number == WARM_POINTS:
            took, until = [], time.perf_counter() + POINT_SECONDS
        start = time.perf_counter()
        score(model, values, last)
        took.append(time.perf_counter() - start)
        if start > until:
            break
    p50, p99 = np.percentile(took, [50, 99])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = {"points_s": n_series / p50, "p50": p50, "p99": p99, "n": len(took), "peak_mb": peak}
    Path(f"{out}.json").write_text(json.dumps(found))


def padded(scores: np.ndarray, n_rows: int) -> np.ndarray:
    """Scores of the last rows, with the smallest of them before, shape (n_rows,)."""
    scores = np.asarray(scores, dtype=np.float64).reshape(-1)
    return np.concatenate([np.full(n_rows - len(scores), scores.min()), scores])
