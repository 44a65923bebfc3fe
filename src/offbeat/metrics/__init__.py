"""Metrics: how good labels and scores are, as pure functions of arrays.

Rules at the borders, which `tests/metrics/test_edges.py` holds:

- Labels. 0/0 counts as 1: who raised no alarm raised no false one (precision 1), and where there is
  nothing to find nothing was missed (recall 1). This holds for empty arrays too.
- Scores. A row without a score (NaN) ranks below all others (in volumes: level with the lowest);
  where all scores are equal nothing is ranked, and each metric is what chance gives. An infinite
  score is refused.
- Where a metric has no meaning (no anomalous row, or nothing but such rows, as its docstring says),
  arrays differ in length or a label is neither 0 nor 1, it raises a `DataError` with the reason.

A point-adjusted F1, which counts a whole event as found for one flagged row in it, is not here: a
random score does well by it (Kim et al. 2022, https://arxiv.org/abs/2109.05257).
"""

from offbeat.metrics.affiliation import affiliation_scores
from offbeat.metrics.events import EventScores, alarms_per_day, detection_delays, event_scores
from offbeat.metrics.flags import PrecisionRecall
from offbeat.metrics.nab import NABScore, nab_score
from offbeat.metrics.points import (
    PrecisionRecallCurve,
    auc_pr,
    auc_roc,
    point_scores,
    precision_recall_curve,
)
from offbeat.metrics.ranges import range_scores
from offbeat.metrics.vus import Volumes, volumes, vus_pr, vus_roc

__all__ = [
    "EventScores",
    "NABScore",
    "PrecisionRecall",
    "PrecisionRecallCurve",
    "Volumes",
    "affiliation_scores",
    "alarms_per_day",
    "auc_pr",
    "auc_roc",
    "detection_delays",
    "event_scores",
    "nab_score",
    "point_scores",
    "precision_recall_curve",
    "range_scores",
    "volumes",
    "vus_pr",
    "vus_roc",
]
