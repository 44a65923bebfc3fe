"""Labels: what a person said of stretches of a series, in and out as CSV or JSON."""

from __future__ import annotations

from offbeat.labels.collection import Labels, event_span, label_event
from offbeat.labels.label import ANOMALOUS, VERDICTS, Label, Moment, Verdict, usual_verdict
from offbeat.labels.text import read_moment

__all__ = [
    "ANOMALOUS",
    "VERDICTS",
    "Label",
    "Labels",
    "Moment",
    "Verdict",
    "event_span",
    "label_event",
    "read_moment",
    "usual_verdict",
]
