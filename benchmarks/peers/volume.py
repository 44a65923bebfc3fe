"""What the scripts that measure VUS share: value and seconds of each case, first call untimed."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

__all__ = ["measure"]


def measure(metrics: dict[str, Callable[..., float]]) -> None:
    """Every metric on every case `N_label`, `N_score`, `N_buffer` of the file."""
    cases, found = np.load(sys.argv[1]), {}
    label, score = np.tile([0, 0, 1, 1, 0], 100), np.random.default_rng(0).random(500)
    for metric in metrics.values():
        metric(label, score, 2)  # what is compiled at the first call
    for number in sorted({name.split("_")[0] for name in cases.files}):
        label, score = cases[f"{number}_label"], cases[f"{number}_score"]
        for name, metric in metrics.items():
            start = time.perf_counter()
            value = metric(label.astype(int), score, int(cases[f"{number}_buffer"]))
            found[f"{number}_{name}"] = [float(value), time.perf_counter() - start]
    Path(sys.argv[2]).write_text(json.dumps(found))
