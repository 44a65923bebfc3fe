"""All ways to cut side by side, then one of them, without training again."""

import numpy as np

from offbeat import LSTMDetector
from offbeat.thresholds import BudgetThreshold, FBetaThreshold

generator = np.random.default_rng(0)
rows = np.arange(6_000)
load = 10 + 3 * np.sin(2 * np.pi * rows / 60) + generator.normal(0, 0.3, len(rows))
y_true = np.zeros(len(rows), dtype=int)
for start in (3_500, 4_800):
    load[start : start + 45] = 10.0  # inside the normal range, at the wrong time
    y_true[start : start + 45] = 1

detector = LSTMDetector().fit(load[:3_000])
detection = detector.detect(load)
for row in detection.threshold_table(y_true):
    print(f"{row.method:34} cut {row.cut:6.2f}  events {row.events:3d}  F1 {row.f1:.2f}")

strict = detection.with_threshold(BudgetThreshold("1/10000rows"))
print("a budget of one false alarm in 10,000 rows:", len(strict.events), "events")

detector.set_threshold(FBetaThreshold(beta=2.0), load, y_true)  # a miss weighs more
print("best F2 on the labels:", len(detector.detect(load).events), "events")
