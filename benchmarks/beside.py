"""Beside the families: the tutorial's own sine, and made series whose anomalies are a row or three.

Both are judged as a tutorial would: the sine trained on its first 800 rows and scored whole, the
short anomalies trained up to `train_end` or on the first 15 %, buffer one period. Figures are kept
in `out/beside/`. Writes `benchmarks/results/beside.md`. `--minutes 10` stops after ten minutes.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

from cases import both_looks
from families import Recording, all_recordings
from jobs import keep, measure, minutes_asked
from offbeat import (
    EnsembleDetector,
    LSTMDetector,
    Scoring,
    ShapeMemoryDetector,
)
from offbeat.baselines import SmoothedZDetector
from offbeat.detector import Detector
from offbeat.runs import label_runs
from offbeat.scores import MODES
from offbeat.season import estimate_period
from speed_series import Timed, tutorial_sine

ROOT = Path(__file__).resolve().parents[1]
KEPT, RESULTS = ROOT / "out" / "beside", ROOT / "benchmarks" / "results"
MADE = "_syn"
"""Collections of made series end so."""
SHORT, NO_PERIOD = 3, 100
ASKED: dict[str, Callable[[], Detector]] = {
    "ensemble": EnsembleDetector,
    "lstm": LSTMDetector,
    "memory": ShapeMemoryDetector,
    "one-step error alone": lambda: LSTMDetector(
        horizon=1, scoring=Scoring(smoothing_window=1, spike=0.0)
    ),
    "tutorial preset": LSTMDetector.tutorial,
    "smoothed-z": SmoothedZDetector,
}
Job = tuple[Timed, str]


def main() -> None:
    """Measure what is not measured yet, then make the table."""
    minutes = minutes_asked(__doc__.splitlines()[0])
    KEPT.mkdir(parents=True, exist_ok=True)
    series = [tutorial_sine(), *map(timed, filter(short_events, all_recordings()))]
    jobs: list[Job] = [(one, name) for one in series for name in ASKED]
    measure(score, [job for job in jobs if not kept(*job).exists()], minutes)
    write_table(series)


def short_events(recording: Recording) -> bool:
    """Whether it is a made series with events, none of them longer than `SHORT` rows."""
    if not recording.collection.endswith(MADE) or not recording.n_events:
        return False
    label = recording.read().label
    lengths = [end - start for start, end in label_runs(label.astype(bool))]
    return bool(lengths) and max(lengths) <= SHORT


def timed(recording: Recording) -> Timed:
    """The series with its training part and one period as buffer."""
    series = recording.read()
    season = estimate_period(series.values[: recording.n_train, 0])
    buffer = season.period if season else NO_PERIOD
    return Timed(
        recording.name,
        recording.collection,
        series.values,
        series.label,
        recording.n_train,
        buffer,
    )


def kept(series: Timed, name: str) -> Path:
    """Where the figures of a detector on a series lie."""
    return KEPT / f"{series.what}__{series.name}__{name}.json".replace(" ", "-")


def score(job: Job) -> None:
    """Both ways of looking at one series with one detector."""
    series, name = job
    torch.set_num_threads(1)
    detector = ASKED[name]().fit(series.values[: series.n_train])
    figures = both_looks(detector, series.values, series.label, series.buffer)
    keep(figures, kept(series, name))


def write_table(series: list[Timed]) -> None:
    """Series across, detectors down."""
    lines = [
        "# Beside the families",
        "",
        "VUS-PR, seed 0, one default configuration. The tutorial's sine (buffer 63) and the made "
        f"series whose anomalies last at most {SHORT} rows (buffer one period, or {NO_PERIOD}). "
        f"offbeat {version('offbeat')}, torch {torch.__version__}, NumPy {np.__version__}, "
        f"{platform.machine()}, one thread. Made by `make bench-accuracy`.",
        "",
        "| | " + " | ".join(one.name for one in series) + " |",
        "|---" * (len(series) + 1) + "|",
    ]
    for look in reversed(MODES):
        for name in ASKED:
            cells = [
                f"{json.loads(kept(one, name).read_text())[look]:.3f}"
                if kept(one, name).exists()
                else ""
                for one in series
            ]
            lines.append(f"| {name}, {look} | " + " | ".join(cells) + " |")
    (RESULTS / "beside.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
