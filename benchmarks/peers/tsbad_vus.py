"""TSB-AD's own VUS, the one of its tables: `python tsbad_vus.py CASES.npz OUT.json`."""

from __future__ import annotations

import numpy as np
from TSB_AD.evaluation.basic_metrics import basic_metricor
from volume import measure


def both(label: np.ndarray, score: np.ndarray, buffer: int) -> tuple[float, float]:
    found = basic_metricor().RangeAUC_volume_opt_mem(label, score, buffer)
    return found[4], found[5]


measure({"pr": lambda *case: both(*case)[1], "roc": lambda *case: both(*case)[0]})
