"""dtaianomaly `LongShortTermMemoryNetwork` over windows of 50, else its defaults."""

from __future__ import annotations

from dtaianomaly.anomaly_detection import LongShortTermMemoryNetwork
from frame import measure

measure(
    lambda rows: LongShortTermMemoryNetwork(window_size=50, seed=0).fit(rows),
    lambda model, rows: model.decision_function(rows),
)
