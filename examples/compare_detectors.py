"""Detectors side by side on labelled data: who finds what, how early, and at what price."""

import numpy as np

from offbeat import KMeansDetector, SeasonalNaiveDetector, ShapeMemoryDetector, compare, evaluate

generator = np.random.default_rng(4)
rows = np.arange(4_000)
requests = 50 + 20 * np.sin(2 * np.pi * rows / 96) + generator.normal(0, 2, len(rows))
y_true = np.zeros(len(rows), dtype=int)
for start, end in ((2_100, 2_160), (3_000, 3_030), (3_600, 3_604)):
    requests[start:end] = 50.0  # a usual value at an unusual time
    y_true[start:end] = 1

made = {
    "memory": ShapeMemoryDetector(),
    "kmeans": KMeansDetector(),
    "one period before": SeasonalNaiveDetector(),
}
for each in compare(requests, made, y_true).evaluations:
    found = each.accuracy
    assert found is not None
    print(
        f"{each.detector:18} VUS-PR {found.vus_pr:.2f} (buffer {found.buffer})  "
        f"found {found.n_found} of {found.n_true}, {found.n_false} false"
    )

back = evaluate(ShapeMemoryDetector(smoothing="centred"), requests, y_true).to_dict()
print(f"the memory looking back: VUS-PR {back['vus_pr']:.2f}, event F1 {back['event_f1']:.2f}")
