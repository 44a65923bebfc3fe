"""Faults found on the recorded machine, by variant and seed, with the cut the product takes itself.

The first 40 % are learned; labels are read only to count. Run it from the root of the project:
`python benchmarks/recording.py` (about a quarter of an hour on two cores).
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import numpy as np

from offbeat import LSTMDetector, Preparation, Scoring, read_series, split_time
from offbeat.metrics import event_scores
from offbeat.thresholds import parse_threshold

SEEDS = (0, 1, 2)
VARIANTS: dict[str, dict[str, object]] = {
    "as it comes": {},
    "no differencing": {"preparation": Preparation(difference="never")},
    "state reads all as it is": {"robust_state": False},
    "mean over channels": {"scoring": Scoring(aggregate="mean")},
    "no spike signal": {"scoring": Scoring(spike=0.0)},
    "one window of 50 rows": {"scoring": Scoring(smoothing_window=50)},
}
CUTS = ("1/day", "1/hour", "1/10000rows", "pot:1e-4", "sigma:3", "percentile:99")


def main() -> None:
    series = read_series("examples/machine/machine.csv")
    normal, _ = split_time(series, 0.4)
    calm = len(normal)
    lines = ["| variant | cut | " + " | ".join(f"seed {seed}" for seed in SEEDS) + " |"]
    lines.append("|---|---|" + "---|" * len(SEEDS))
    for name, options in VARIANTS.items():
        detections = []
        for seed in SEEDS:
            detector = LSTMDetector(random_state=seed, **options).fit(normal)  # type: ignore[arg-type]
            detections.append(detector.detect(series))
        for cut in (None, *CUTS) if not options else (None,):
            cells = []
            for detection in detections:
                shown = detection if cut is None else detection.with_threshold(parse_threshold(cut))
                truth = series.label
                assert truth is not None
                found = event_scores(truth[calm:], np.asarray(shown.label)[calm:])
                cells.append(f"{found.n_found} / {found.n_false}")
            lines.append(f"| {name} | {cut or 'default'} | " + " | ".join(cells) + " |")
            print(lines[-1], flush=True)
    versions = f"torch {version('torch')}, NumPy {version('numpy')}"
    head = "# Faults found of 12 / false events, on the recorded machine"
    table = "\n".join(lines)
    Path(__file__).with_suffix(".md").write_text(f"{head}\n\n{table}\n\n{versions}\n")


if __name__ == "__main__":
    main()
