"""dtaianomaly's VUS in compatibility mode: `python dtaianomaly_vus.py CASES.npz OUT.json`."""

from __future__ import annotations

from dtaianomaly.evaluation import VolumeUnderPR, VolumeUnderROC
from volume import measure


def pr(label: object, score: object, buffer: int) -> float:
    return VolumeUnderPR(max_buffer_size=buffer, compatibility_mode=True).compute(label, score)


def roc(label: object, score: object, buffer: int) -> float:
    return VolumeUnderROC(max_buffer_size=buffer, compatibility_mode=True).compute(label, score)


measure({"pr": pr, "roc": roc})
