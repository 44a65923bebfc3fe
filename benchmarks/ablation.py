"""What each lever gives: each switched off alone, VUS-PR by family on the short published series.

Figures are kept in `out/ablation/`, so a run that was stopped goes on where it was. Writes
`benchmarks/results/ablation.md`. `--minutes 30` stops after half an hour.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import polars as pl
import torch

from cases import FAMILIES, Case, both_looks, published_cases
from families import Recording, all_recordings
from jobs import keep, measure, minutes_asked
from offbeat import (
    ARDetector,
    EnsembleDetector,
    LSTMAutoencoderDetector,
    LSTMDetector,
    Preparation,
    Scoring,
    ShapeMemoryDetector,
    Training,
    evaluate,
)
from offbeat.detector import Detector
from offbeat.errors import OffbeatError
from offbeat.lesson import Lesson
from offbeat.scores import MODES

ROOT = Path(__file__).resolve().parents[1]
KEPT, RESULTS = ROOT / "out" / "ablation", ROOT / "benchmarks" / "results"
MAX_ROWS, MAX_CLOCK_ROWS = 9_000, 20_000
LEVERS: dict[str, Callable[[], Detector]] = {
    "LSTM": LSTMDetector,
    "LSTM, horizon 1": lambda: LSTMDetector(horizon=1),
    "LSTM, no Gaussian head": lambda: LSTMDetector(loss="mse"),
    "LSTM, not smoothed": lambda: LSTMDetector(scoring=Scoring(smoothing_window=1)),
    "LSTM, no spike": lambda: LSTMDetector(scoring=Scoring(spike=0.0)),
    "LSTM, all channels judged": lambda: LSTMDetector(covariates=()),
    "LSTM, no trimmed loss": lambda: LSTMDetector(training=Training(trim=0.0)),
    "LSTM, input not winsorised": lambda: LSTMDetector(robust_state=False),
    "LSTM, odd rows count as usual": lambda: LSTMDetector(
        preparation=Preparation(contamination="off")
    ),
    "LSTM, no changes learned": lambda: LSTMDetector(preparation=Preparation(difference="never")),
    "LSTM, half the epochs": lambda: LSTMDetector(training=Training(max_epochs=15)),
    "LSTM, seed 1": lambda: LSTMDetector(random_state=1),
    "LSTM, seed 2": lambda: LSTMDetector(random_state=2),
    "ensemble": EnsembleDetector,
    "ensemble, no LSTM (memory)": ShapeMemoryDetector,
    "ensemble, no witness": lambda: EnsembleDetector(witnesses=()),
    "ensemble, a reconstruction beside": lambda: EnsembleDetector(
        members=(LSTMDetector(), ShapeMemoryDetector(), LSTMAutoencoderDetector()),
        witnesses=(ARDetector(),),
    ),
}
CLOCK_LEVERS: dict[str, Callable[[], Detector]] = {
    "LSTM": LSTMDetector,
    "LSTM, no calendar": lambda: LSTMDetector(calendar=False),
}
Job = tuple[Case | Recording, str]


def main() -> None:
    """Measure what is not measured yet, then make the table."""
    minutes = minutes_asked(__doc__.splitlines()[0])
    KEPT.mkdir(parents=True, exist_ok=True)
    jobs: list[Job] = [(case, name) for case in short_cases() for name in LEVERS]
    jobs += [(one, name) for one in with_clock() for name in CLOCK_LEVERS]
    measure(score, [job for job in jobs if not kept(*job).exists()], minutes)
    write_table()


def short_cases() -> list[Case]:
    """Published series that are short enough to try every lever on."""
    sized = [
        (pl.scan_parquet(c.path).select(pl.len()).collect().item(), c) for c in published_cases()
    ]
    short = [(rows, case) for rows, case in sized if rows <= MAX_ROWS]
    return [case for _, case in sorted(short, key=lambda each: each[0])]


def with_clock() -> list[Recording]:
    """Short series with events and real time stamps."""
    found = []
    for one in all_recordings():
        path = ROOT.parent / "shared" / "data" / one.collection / f"{one.name}.parquet"
        scan = pl.scan_parquet(path)
        clock = scan.collect_schema()["timestamp"].is_temporal()
        short = scan.select(pl.len()).collect().item() <= MAX_CLOCK_ROWS
        if clock and short and one.n_events:
            found.append(one)
    return found


def kept(what: Case | Recording, name: str) -> Path:
    """Where the figures of a lever on a series lie."""
    family = what.family if isinstance(what, Case) else f"clock {what.collection}"
    plain = "".join(letter if letter.isalnum() else "-" for letter in name)
    return KEPT / f"{family}__{what.name}__{what.n_train}__{plain}.json"


def score(job: Job) -> None:
    """Measure one lever on one series."""
    what, name = job
    torch.set_num_threads(1)
    try:
        figures = of_case(what, name) if isinstance(what, Case) else of_clock(what, name)
    except OffbeatError as problem:
        figures = {"problem": str(problem)}
    family = what.family if isinstance(what, Case) else "clock"
    keep({"family": family, "series": what.name, "lever": name, **figures}, kept(what, name))


def of_case(case: Case, name: str) -> dict[str, float]:
    """VUS-PR by the published protocol, both ways of looking."""
    frame, label = case.read()
    values = frame.drop("timestamp").to_numpy()
    detector = LEVERS[name]().fit(values[: case.n_train])
    return both_looks(detector, values, label, case.buffer)


def of_clock(one: Recording, name: str) -> dict[str, object]:
    """VUS-PR on the rows after the training part, live; and which cycles were read."""
    detector = CLOCK_LEVERS[name]()
    found = evaluate(detector, one.read(), lesson=Lesson(train=one.n_train))
    cycles = {choice.name: choice.value for choice in detector.config_report_}["calendar"]
    return {"trailing": found.accuracy.vus_pr if found.accuracy else None, "cycles": cycles}


def write_table() -> None:
    """Means by family, on the series that every lever was measured on."""
    rows = [json.loads(path.read_text()) for path in sorted(KEPT.glob("*.json"))]
    lines = ["# What each lever gives", "", heading(), ""]
    published = [row for row in rows if row["family"] != "clock" and "trailing" in row]
    for look in reversed(MODES):
        lines += [f"## {look}", "", *by_family(published, look), ""]
    lines += ["## Calendar", "", *calendar([row for row in rows if row["family"] == "clock"])]
    (RESULTS / "ablation.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


def heading() -> str:
    """With what."""
    return (
        f"Mean VUS-PR on the published series of at most {MAX_ROWS:,} rows, their protocol, each "
        "lever alone changed from the default; only series on which all levers were measured. "
        "A memory in a space that the LSTM encodes is not built. "
        f"offbeat {version('offbeat')}, torch {torch.__version__}, NumPy {np.__version__}, "
        f"{platform.machine()}, one thread. Made by `make bench-accuracy`."
    )


def by_family(rows: list[dict[str, object]], look: str) -> list[str]:
    """One row a lever, one column a family."""
    table = pl.DataFrame(rows, infer_schema_length=None) if rows else pl.DataFrame()
    if table.is_empty():
        return ["Nothing is measured yet."]
    whole = table.group_by("family", "series").agg(pl.col("lever").n_unique().alias("n"))
    table = table.join(whole.filter(pl.col("n") == len(LEVERS)), on=["family", "series"])
    families = [family for family in FAMILIES if family in set(table["family"])]
    n_of = {f: table.filter(pl.col("family") == f)["series"].n_unique() for f in families}
    lines = ["| |" + "|".join(f" {f} ({n_of[f]}) " for f in families) + "| mean |"]
    lines.append("|---" * (len(families) + 2) + "|")
    for name in LEVERS:
        own = table.filter(pl.col("lever") == name)
        means = [own.filter(pl.col("family") == f)[look].mean() for f in families]
        cells = " | ".join(f"{mean:.3f}" for mean in means)
        lines.append(f"| {name} | {cells} | {np.mean(means):.3f} |")
    return lines


def calendar(rows: list[dict[str, object]]) -> list[str]:
    """With and without the calendar, on the series in which a cycle was found."""
    read = {row["series"] for row in rows if row.get("cycles")}
    figures: dict[str, list[float]] = {name: [] for name in CLOCK_LEVERS}
    both = {
        series
        for series in read
        if sum(row["series"] == series and row.get("trailing") is not None for row in rows) == 2
    }
    for row in rows:
        if row["series"] in both:
            figures[str(row["lever"])].append(float(row["trailing"]))  # type: ignore[arg-type]
    if not both:
        return ["Nothing is measured yet."]
    lines = [f"Live, rows after the training part, {len(both)} series with a daily season:", ""]
    return [*lines, *(f"- {name}: {np.mean(own):.3f}" for name, own in figures.items())]


if __name__ == "__main__":
    main()
