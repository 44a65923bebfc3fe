"""Offbeat itself, run as the peers are: `lstm`, `tutorial` or `flagship` as the third argument."""

from __future__ import annotations

import sys

from frame import measure

from offbeat import EnsembleDetector, LSTMDetector

KINDS = {"lstm": LSTMDetector, "tutorial": LSTMDetector.tutorial, "flagship": EnsembleDetector}
kind = KINDS[sys.argv[3]]
measure(lambda rows: kind().fit(rows), lambda model, rows: model.anomaly_score(rows))
