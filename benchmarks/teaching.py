"""What ten labels teach, measured on everything that was not labelled.

Of the events shown on the recorded machine, and of the faults that were missed, ten are drawn at
random and labelled by the truth; the labels act; the rest is counted before and after. One row a
detector and a cut to start from, over several draws. Run it from the root of the project:
`python benchmarks/teaching.py` (about four minutes on two cores).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

from offbeat import Detector, LSTMDetector, ShapeMemoryDetector, read_series, split_time
from offbeat.detection import Detection
from offbeat.labels import Label, Labels
from offbeat.recalibration import recalibrate
from offbeat.runs import label_runs, runs_label
from offbeat.series import BoolArray
from offbeat.thresholds import FixedThreshold, parse_threshold

N_LABELS, DRAWS = 10, 25
STARTS = ("default", "0.7 x", "1.4 x", "1/day", "1/10000rows", "pot:1e-4", "sigma:3")
DETECTORS: dict[str, Detector] = {
    **{f"lstm, seed {seed}": LSTMDetector(random_state=seed) for seed in (0, 1, 2)},
    "memory, seed 0": ShapeMemoryDetector(),
}
RESULT = Path(__file__).parent / "results" / "teaching.md"


@dataclass
class Tally:
    """Found, false and missed over all draws, and how many draws rose and fell in F1."""

    before: np.ndarray
    after: np.ndarray
    rose: int = 0
    fell: int = 0

    @classmethod
    def empty(cls) -> Tally:
        return cls(np.zeros(3, dtype=int), np.zeros(3, dtype=int))

    def count(self, before: np.ndarray, after: np.ndarray) -> None:
        self.before, self.after = self.before + before, self.after + after
        self.rose += f1(after) > f1(before)
        self.fell += f1(after) < f1(before)

    def join(self, other: Tally) -> None:
        self.before, self.after = self.before + other.before, self.after + other.after
        self.rose, self.fell = self.rose + other.rose, self.fell + other.fell

    def cells(self) -> str:
        gain = f"{f1(self.before):.3f} | {f1(self.after):.3f}"
        return f"{gain} | {self.rose} | {self.fell}"


def f1(counts: np.ndarray) -> float:
    found, false, missed = counts.tolist()
    return 2 * found / (2 * found + false + missed) if counts.sum() else 1.0


def units(detection: Detection) -> list[Label]:
    """All that a person could label: every event shown, and every fault that was missed."""
    y_true, rows = detection.series.label, detection.time
    shown = [(e.start, e.end) for e in detection.events if not detection.learned[e.start]]
    missed = [run for run in label_runs(y_true).tolist() if not detection.label[slice(*run)].any()]
    end = [*rows, rows[-1] + (rows[-1] - rows[-2])]
    return [
        *(Label(end[a], end[b], verdict(y_true[a:b])) for a, b in shown),
        *(Label(end[a], end[b], "missed") for a, b in missed),
    ]


def verdict(y_true: np.ndarray) -> str:
    return "true alarm" if y_true.any() else "false alarm"


def rest(detection: Detection, known: BoolArray) -> np.ndarray:
    """Found, false and missed where nothing was labelled.

    A fault that a label touches is known; an event that reaches from the labelled part into the
    rest may find a fault there, but is no false one.
    """
    y_true = np.asarray(detection.series.label) == 1
    for start, end in label_runs(y_true):
        if known[start:end].any():
            y_true[start:end] = False
    events = [(e.start, e.end) for e in detection.events if not detection.learned[e.start]]
    flagged = runs_label(np.array(events, dtype=int).reshape(-1, 2), len(y_true))
    faults = label_runs(y_true)
    found = sum(bool(flagged[start:end].any()) for start, end in faults)
    unknown = [run for run in events if not known[slice(*run)].any()]
    false = sum(not y_true[slice(*run)].any() for run in unknown)
    return np.array([found, false, len(faults) - found])


def teach(detector: Detector, detection: Detection, *, n_labels: int, alike: bool = True) -> Tally:
    tally, everything = Tally.empty(), units(detection)
    draw = np.random.default_rng(0)
    for _ in range(DRAWS):
        chosen = draw.choice(len(everything), min(n_labels, len(everything)), replace=False)
        labels = Labels(tuple(everything[i] for i in chosen))
        taught = recalibrate(detector, detection, labels, alike=alike)
        known = labels.known(detection.series)
        tally.count(rest(taught.before, known), rest(taught.after, known))
    return tally


def start_at(detection: Detection, start: str) -> Detection:
    if start == "default":
        return detection
    if start.endswith(" x"):
        level = float(start.removesuffix(" x")) * float(np.median(detection.cut))
        return detection.with_threshold(FixedThreshold(level))
    return detection.with_threshold(parse_threshold(start))


def measure(n_labels: int, known: dict[str, tuple[Detector, Detection]]) -> list[str]:
    lines = ["| detector | start | alarms | F1 of the rest | taught | rose | fell | cut alone |"]
    lines.append("|---|---|---|---|---|---|---|---|")
    whole, plain = Tally.empty(), Tally.empty()
    for name, (detector, detection) in known.items():
        for start in STARTS:
            shown = start_at(detection, start)
            tally = teach(detector, shown, n_labels=n_labels)
            alone = teach(detector, shown, n_labels=n_labels, alike=False)
            whole.join(tally)
            plain.join(alone)
            events = len(shown.events)
            last = f"{f1(alone.after):.3f}"
            lines.append(f"| {name} | {start} | {events} | {tally.cells()} | {last} |")
            print(lines[-1], flush=True)
    lines.append(f"| all | | | {whole.cells()} | {f1(plain.after):.3f} |")
    print(lines[-1], flush=True)
    return lines


def preview_times() -> list[str]:
    """Milliseconds for one cut on 100,000 rows, best and worst of 20 (labels, 14 channels)."""
    from offbeat import SmoothedZDetector

    draw = np.random.default_rng(0)
    data = draw.normal(size=(100_000, 14)).cumsum(axis=0) * 0.01 + draw.normal(size=(100_000, 14))
    y_true = (np.arange(len(data)) % 5_000 < 50).astype(int)
    data[y_true == 1] += 3
    detection = SmoothedZDetector().fit(data[:40_000]).detect(data)
    lines = [
        "| cut | events | preview, ms | worst | whole detection, ms |",
        "|---|---|---|---|---|",
    ]
    for q in (99.9, 99.0, 95.0, 80.0):
        level = float(np.nanpercentile(detection.score, q))
        seconds = list[float]()
        for _ in range(20):
            begin = time.perf_counter()
            row = detection.preview(FixedThreshold(level), y_true)
            seconds.append(1e3 * (time.perf_counter() - begin))
        begin = time.perf_counter()
        detection.with_threshold(FixedThreshold(level))
        whole = 1e3 * (time.perf_counter() - begin)
        cells = f"{row.events} | {min(seconds):.1f} | {max(seconds):.1f} | {whole:.0f}"
        lines.append(f"| {q:g} % of the scores lie below | {cells} |")
        print(lines[-1], flush=True)
    return lines


def main() -> None:
    series = read_series("examples/machine/machine.csv")
    train, _ = split_time(series, 0.4)
    known = dict[str, tuple[Detector, Detection]]()
    for name, detector in DETECTORS.items():
        detector.fit(train)
        known[name] = detector, detector.detect(series)
    tables = {n: measure(n, known) for n in (N_LABELS, 5)}
    parts = [__doc__.split("\n\n")[1].replace("\n", " ")]
    parts.append(
        "F1 counts all draws together; `rose` and `fell` count draws. `cut alone` is F1 without "
        "muting what is like a false alarm."
    )
    for n, lines in tables.items():
        parts += [f"## {n} labels, {DRAWS} draws", "\n".join(lines)]
    parts += ["## One cut tried on 100,000 rows of 14 channels", "\n".join(preview_times())]
    parts.append(f"offbeat {version('offbeat')}, torch {version('torch')}, one thread.")
    RESULT.write_text("# What ten labels teach\n\n" + "\n\n".join(parts) + "\n")


if __name__ == "__main__":
    main()
