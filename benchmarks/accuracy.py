"""Accuracy on the published series: VUS-PR by family, ours beside what others published.

Protocol of the published figures: train on the first rows, score the whole series, VUS-PR with the
largest soft edge (`buffer`) equal to their period. One default configuration for all series.

Scores are kept in `out/accuracy/`, so a run that was stopped goes on where it was. Writes
`benchmarks/results/accuracy_series.csv` and `accuracy.md`.
"""

from __future__ import annotations

import csv
import os
import platform
import time
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import polars as pl
import torch
from rich.progress import track

from cases import FAMILIES, Case, published_cases
from offbeat import EnsembleDetector
from offbeat.commands import find_commands
from offbeat.metrics import vus_pr

ROOT = Path(__file__).resolve().parents[1]
KEPT, RESULTS = ROOT / "out" / "accuracy", ROOT / "benchmarks" / "results"
LOOKS = ("trailing", "centred")
SEED, PROCESSES = 0, 2
Z_WINDOW = 64


def main() -> None:
    """Score what is not scored yet, then make the tables."""
    KEPT.mkdir(parents=True, exist_ok=True)
    RESULTS.mkdir(parents=True, exist_ok=True)
    cases = published_cases()
    todo = [c for c in cases if not kept(c).exists()]
    todo.sort(key=lambda case: case.path.stat().st_size)
    os.environ["OMP_NUM_THREADS"] = "1"  # inherited: one thread a process
    with get_context("spawn").Pool(PROCESSES) as pool:
        for _ in track(pool.imap_unordered(score_case, todo), total=len(todo)):
            pass
    write_tables(cases)


def kept(case: Case) -> Path:
    """Where the scores of a case lie."""
    return KEPT / f"{case.family}__{case.name}__{case.first_row}_{case.n_train}.npz"


def score_case(case: Case) -> None:
    """All rows of the table for one series, from one fit of the ensemble."""
    torch.set_num_threads(1)
    frame, label = case.read()
    data = frame.drop("timestamp")
    switches = find_commands(data[: case.n_train].to_numpy())
    names = tuple(n for n, is_one in zip(data.columns, switches, strict=True) if is_one)
    start = time.perf_counter()
    try:
        fitted = EnsembleDetector(covariates=names, random_state=SEED).fit(data[: case.n_train])
        fit_seconds = time.perf_counter() - start
        scores = {}
        for look in LOOKS:
            for name, detector in (
                ("LSTM + memory", fitted),
                ("LSTM", fitted.members_[0]),
                ("memory", fitted.members_[1]),
            ):
                detector.set_params(smoothing=look)
                score = np.asarray(detector.anomaly_score(data)["score"])
                scores[f"{name}|{look}"] = score.astype(np.float32)
    except Exception as problem:
        print(f"{case.family} {case.name}: {problem}")
        return
    scores |= plain_scores(data[:, 0].to_numpy(), case.n_train)
    figures = {f"vus|{key}": vus_pr(label, score, case.buffer) for key, score in scores.items()}
    seconds = time.perf_counter() - start - fit_seconds
    np.savez(kept(case), fit=fit_seconds, score=seconds, **scores, **figures)


def plain_scores(values: np.ndarray, n_train: int) -> dict[str, np.ndarray]:
    """What no figure should stand without: a random score, and a smoothed |z|."""
    z = np.abs(values - values[:n_train].mean()) / max(float(values[:n_train].std()), 1e-9)
    sums = np.concatenate([[0.0], np.cumsum(z)])
    rows = np.arange(len(z))
    scores = {}
    for look, after in (("trailing", 0), ("centred", Z_WINDOW // 2)):
        stop = np.minimum(rows + 1 + after, len(z))
        start = np.maximum(rows + 1 + after - Z_WINDOW, 0)
        scores[f"smoothed |z||{look}"] = (sums[stop] - sums[start]) / (stop - start)
        scores[f"random|{look}"] = np.random.default_rng(SEED).random(len(z))
    return scores


def write_tables(cases: list[Case]) -> None:
    """One line a series as CSV, and the means by family as Markdown."""
    rows = []
    for case in cases:
        if kept(case).exists():
            rows += figures_of(case)
    header = ("family", "series", "buffer", "detector", "look", "vus_pr", "fit_seconds")
    with (RESULTS / "accuracy_series.csv").open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    table = pl.DataFrame(rows, schema=header, orient="row")
    lines = ["# Accuracy", "", heading(cases, table)]
    lines.append("| |" + "|".join(f" {family} " for family in FAMILIES) + "| mean |")
    lines.append("|---" * (len(FAMILIES) + 2) + "|")
    lines += [line(name, means) for name, means in published_means(cases, table).items()]
    for (name, look), part in table.group_by(["detector", "look"], maintain_order=True):
        means = {f: part.filter(pl.col("family") == f)["vus_pr"].mean() for f in FAMILIES}
        lines.append(line(f"{name}, {look}", means))
    (RESULTS / "accuracy.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


def figures_of(case: Case) -> list[tuple[object, ...]]:
    """One row a detector and look."""
    found = np.load(kept(case))
    seconds = round(float(found["fit"]), 2)
    rows = []
    for key in found.files:
        if key.startswith("vus|"):
            name, _, look = key.removeprefix("vus|").rpartition("|")
            figure = round(float(found[key]), 4)
            rows.append((case.family, case.name, case.buffer, name, look, figure, seconds))
    return rows


def heading(cases: list[Case], table: pl.DataFrame) -> str:
    """What was measured, how much of it, with what."""
    done = table.unique(["family", "series", "buffer"]).group_by("family").len()
    counts = dict(done.iter_rows())
    wanted = {f: len({(c.name, c.buffer) for c in cases if c.family == f}) for f in FAMILIES}
    series = ", ".join(f"{f} {counts.get(f, 0)} of {wanted[f]}" for f in FAMILIES)
    return (
        "Mean VUS-PR; the buffer of each series stands in `accuracy_series.csv`. "
        f"Different series measured: {series}. One default configuration, seed {SEED}; "
        f"torch {torch.__version__}, NumPy {np.__version__}, {platform.machine()}. Trailing is "
        "what a live watcher sees, centred looks back. Made by `make bench-accuracy`.\n"
    )


def published_means(cases: list[Case], table: pl.DataFrame) -> dict[str, dict[str, float]]:
    """The published LSTM and the best published method of each family, on the same series."""
    done = set(table.select("family", "series").iter_rows())
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
