"""Offbeat itself, run as the peers are; a name of `KINDS` as the third argument."""

from __future__ import annotations

import sys

from frame import measure

from offbeat import EnsembleDetector, LSTMDetector, Training

KINDS = {
    "lstm": LSTMDetector,
    "back": lambda: LSTMDetector(smoothing="centred"),
    "lstm10": lambda: LSTMDetector(training=Training(max_epochs=10)),
    "tutorial": LSTMDetector.tutorial,
    "flagship": EnsembleDetector,
}
kind = KINDS[sys.argv[3]]
measure(lambda rows: kind().fit(rows), lambda model, rows: model.anomaly_score(rows))
