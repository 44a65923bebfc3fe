"""Accuracy on the published series: VUS-PR by family, ours beside what others published.

Protocol of the published figures: train on the first rows, score the whole series, VUS-PR with the
largest soft edge (`buffer`) equal to their period. One default configuration for all series.

Figures are kept in `out/accuracy/`, one file a series and detector, so a run that was stopped goes
on where it was. Writes `benchmarks/results/accuracy_series.csv` and `accuracy.md`.
`--minutes 30` stops after half an hour and makes the tables from what is there.
"""

from __future__ import annotations

import json
import platform
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import polars as pl
import torch

from cases import FAMILIES, Case, published_cases
from jobs import keep, measure, minutes_asked
from offbeat.detector import Detector
from offbeat.errors import OffbeatError
from offbeat.metrics import vus_pr
from offbeat.roster import DETECTORS
from offbeat.scores import MODES

ROOT = Path(__file__).resolve().parents[1]
KEPT, RESULTS = ROOT / "out" / "accuracy", ROOT / "benchmarks" / "results"
SEED = 0
LONG = 300_000
"""Bytes of a series that waits until the others are measured by all."""
MEMBERS = ("lstm", "memory")
"""Detectors that are measured as members of the ensemble: they are trained once."""
Job = tuple[Case, str]


def main() -> None:
    """Measure what is not measured yet, then make the tables."""
    minutes = minutes_asked(__doc__.splitlines()[0])
    KEPT.mkdir(parents=True, exist_ok=True)
    RESULTS.mkdir(parents=True, exist_ok=True)
    cases = sorted(published_cases(), key=lambda case: case.path.stat().st_size)
    names = [name for name in DETECTORS if name not in MEMBERS]  # ours first, on every series
    jobs = [(case, name) for name in names for case in cases]
    jobs.sort(key=lambda job: job[0].path.stat().st_size > LONG)  # the long ones come last
    todo = [job for job in jobs if not kept(*job).exists()]
    measure(score_case, todo, minutes)
    write_tables(cases)


def kept(case: Case, detector: str) -> Path:
    """Where the figures of a detector on a case lie."""
    name = f"{case.family}__{case.name}__{case.first_row}_{case.n_train}"
    return KEPT / f"{name}__{detector}.json"


def score_case(job: Job) -> None:
    """Train one detector on one series, look both ways, and keep the figures."""
    case, name = job
    torch.set_num_threads(1)
    frame, label = case.read()
    data = frame.drop("timestamp")
    detector = DETECTORS[name]().set_params(random_state=SEED)
    start = time.perf_counter()
    try:
        detector.fit(data[: case.n_train])
        rows = figures(name, detector, data, label, case.buffer, time.perf_counter() - start)
    except OffbeatError as problem:
        rows = [{"detector": name, "look": look, "problem": str(problem)} for look in MODES]
    keep(rows, kept(case, name))


def figures(
    name: str,
    detector: Detector,
    data: pl.DataFrame,
    label: np.ndarray,
    buffer: int,
    fit_seconds: float,
) -> list[dict[str, object]]:
    """VUS-PR of a detector and, of the ensemble, of each member; both ways of looking."""
    inner = zip(MEMBERS, detector.members_, strict=True) if name == "ensemble" else ()
    rows = []
    for each, fitted in ((name, detector), *inner):
        for look in MODES:
            fitted.set_params(smoothing=look)
            start = time.perf_counter()
            score = np.asarray(fitted.anomaly_score(data)["score"])
            rows.append(
                {
                    "detector": each,
                    "look": look,
                    "vus_pr": round(vus_pr(label, score, buffer), 4),
                    "fit_seconds": round(fit_seconds, 2),
                    "score_seconds": round(time.perf_counter() - start, 3),
                }
            )
    return rows


COLUMNS = (
    "family",
    "series",
    "buffer",
    "detector",
    "look",
    "vus_pr",
    "fit_seconds",
    "score_seconds",
)


def write_tables(cases: list[Case]) -> None:
    """One line a series as CSV, and the means by family as Markdown."""
    rows, problems = [], list[str]()
    for case in cases:
        for path in (kept(case, name) for name in DETECTORS if name not in MEMBERS):
            for row in json.loads(path.read_text()) if path.exists() else ():
                if "problem" in row:
                    problems.append(f"- {row['detector']}, {case.name}: {row['problem']}")
                    continue
                about = {"family": case.family, "series": case.name, "buffer": case.buffer}
                rows.append({**about, **row})
    table = (
        pl.DataFrame(rows).select(COLUMNS).sort("family", "series", "buffer", "detector", "look")
    )
    table.write_csv(RESULTS / "accuracy_series.csv")
    lines = ["# Accuracy", "", heading(cases, table)]
    lines.append("| |" + "|".join(f" {family} " for family in FAMILIES) + "| mean |")
    lines.append("|---" * (len(FAMILIES) + 2) + "|")
    lines += [line(name, means) for name, means in published_means(cases, table).items()]
    for look in reversed(MODES):
        for name in DETECTORS:
            part = table.filter(pl.col("detector") == name, pl.col("look") == look)
            if len(part):
                lines.append(line(f"{name}, {look}", family_means(part, table)))
    if problems:
        lines += ["", "Without a figure:", "", *sorted(set(problems))]
    (RESULTS / "accuracy.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


def family_means(part: pl.DataFrame, table: pl.DataFrame) -> dict[str, float | None]:
    """Means of one row, of families in which it was measured wherever the ensemble was."""
    means: dict[str, float | None] = {}
    for family in FAMILIES:
        wanted = series_of(table.filter(pl.col("detector") == "ensemble"), family)
        whole = series_of(part, family) >= wanted
        figures = part.filter(pl.col("family") == family)["vus_pr"]
        means[family] = float(figures.mean()) if whole and len(figures) else None
    return means


def series_of(table: pl.DataFrame, family: str) -> set[tuple[str, int]]:
    """The series of a family that a table holds."""
    here = table.filter(pl.col("family") == family)
    return set(here.select("series", "buffer").iter_rows())


def heading(cases: list[Case], table: pl.DataFrame) -> str:
    """What was measured, how much of it, with what."""
    ours = table.filter(pl.col("detector") == "ensemble")
    wanted = {f: len({(c.name, c.buffer) for c in cases if c.family == f}) for f in FAMILIES}
    series = ", ".join(f"{f} {len(series_of(ours, f))} of {wanted[f]}" for f in FAMILIES)
    return (
        "Mean VUS-PR; the buffer of each series and the seconds stand in `accuracy_series.csv`. "
        f"Different series measured: {series}. One default configuration, seed {SEED}; offbeat "
        f"{version('offbeat')}, torch {torch.__version__}, NumPy {np.__version__}, "
        f"{platform.machine()}, one thread. Trailing is what a live watcher sees, centred looks "
        "back. `ensemble` is ours, with `lstm` leading, `memory` beside it and `ar` as a witness. "
        "A family stands empty where a detector is not measured on all of its series yet. Made by "
        "`make bench-accuracy`.\n"
    )


def published_means(cases: list[Case], table: pl.DataFrame) -> dict[str, dict[str, float]]:
    """The published LSTM and the best published method of each family, on the same series."""
    done = set(
        table.filter(pl.col("detector") == "ensemble").select("family", "series").iter_rows()
    )
    lstm, best = {}, {}
    for family in FAMILIES:
        here = [c.published for c in cases if c.family == family and (family, c.name) in done]
        means = {
            n: float(np.mean([p[n] for p in here if n in p])) for n in (here[0] if here else ())
        }
        if means:
            lstm[family], best[family] = means["LSTMAD"], max(means.values())
    return {"published LSTM (LSTMAD)": lstm, "best published of the family": best}


def line(name: str, means: dict[str, float | None]) -> str:
    """One line of the table."""
    known = [mean for mean in means.values() if mean is not None]
    cells = [f"{means[f]:.3f}" if means.get(f) is not None else "" for f in FAMILIES]
    return f"| {name.replace('|', chr(92) + '|')} | " + " | ".join(
        [*cells, f"{np.mean(known):.3f} |"]
    )


if __name__ == "__main__":
    main()
