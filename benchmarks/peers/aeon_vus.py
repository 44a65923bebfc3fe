"""aeon's VUS: `python aeon_vus.py CASES.npz OUT.json`."""

from __future__ import annotations

from aeon.benchmarking.metrics.anomaly_detection import range_pr_vus_score, range_roc_vus_score
from volume import measure

measure({"pr": range_pr_vus_score, "roc": range_roc_vus_score})
