"""Unclean training parts: what the second pass, without the rows that are off themselves, changes.

Series of the collections whose training parts hold labelled anomalies, learned up to `train_end` or
from the first 15 %, judged on the rest, live; once with the second pass and once without. Figures
are kept in `out/contamination/`, so a run that was stopped goes on where it was. Writes
`benchmarks/results/contamination.md`. `--minutes 30` stops after half an hour.
"""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import torch

from families import Recording, all_recordings
from jobs import keep, measure, minutes_asked
from offbeat import LSTMDetector, Preparation, evaluate
from offbeat.errors import OffbeatError
from offbeat.lesson import Lesson

ROOT = Path(__file__).resolve().parents[1]
KEPT, RESULTS = ROOT / "out" / "contamination", ROOT / "benchmarks" / "results"
UNCLEAN = ("aiops_kpi", "wsd")
PASSES = {"one pass": "off", "second pass": "auto"}
FIGURES = {"vus_pr": "VUS-PR", "event_f1": "event F1", "false_events": "false events a series"}
Job = tuple[Recording, str]


def main() -> None:
    """Measure what is not measured yet, then make the table."""
    minutes = minutes_asked(__doc__.splitlines()[0])
    KEPT.mkdir(parents=True, exist_ok=True)
    jobs = [(one, name) for one in all_recordings() if one.collection in UNCLEAN for name in PASSES]
    measure(judge, [job for job in jobs if not kept(*job).exists()], minutes)
    write_table()


def kept(one: Recording, name: str) -> Path:
    """Where the figures of one series lie."""
    return KEPT / f"{one.collection}__{one.name}__{name.replace(' ', '-')}.json"


def judge(job: Job) -> None:
    """Train on the first part of a series, judge on the rest, keep the figures."""
    one, name = job
    torch.set_num_threads(1)
    detector = LSTMDetector(preparation=Preparation(contamination=PASSES[name]))  # type: ignore[arg-type]
    about = {"collection": one.collection, "series": one.name, "pass": name}
    try:
        found = evaluate(detector, one.read(), lesson=Lesson(train=one.n_train))
    except OffbeatError as problem:
        keep({**about, "problem": str(problem)}, kept(one, name))
        return
    accuracy = found.accuracy
    figures = {
        "left_out": sum(end - start for start, end in detector.left_out_),
        "vus_pr": accuracy.vus_pr if accuracy else None,
        "event_f1": accuracy.events.f1 if accuracy and accuracy.events else None,
        "false_events": accuracy.n_false if accuracy else None,
        "fit_seconds": round(found.fit_seconds or 0.0, 2),
    }
    keep({**about, **figures}, kept(one, name))


def write_table() -> None:
    """Means by collection, of the series in which the second pass left something out."""
    rows = [json.loads(path.read_text()) for path in sorted(KEPT.glob("*.json"))]
    table = pl.DataFrame(rows, infer_schema_length=None)
    both = [pl.col("pass").n_unique().over("collection", "series") == len(PASSES)]
    both += [pl.col("vus_pr").is_not_null().all().over("collection", "series")]
    table = table.filter(*both)
    second = pl.col("left_out").max().over("collection", "series") > 0
    lines = ["# Unclean training parts", ""]
    lines.append(
        "The LSTM, seed 0, live, judged after the training part, on the series in which the second "
        "pass left rows out; in the others the two are the same. Made by `make bench-accuracy`."
    )
    lines += ["", "| | series, of all |" + "|".join(
        f" {title}, {name} " for title in (*FIGURES.values(), "fit, s") for name in PASSES
    ) + "|"]  # fmt: skip
    lines.append("|---" * (2 + len(PASSES) * (len(FIGURES) + 1)) + "|")
    for collection in UNCLEAN:
        whole = table.filter(pl.col("collection") == collection)
        own = whole.filter(second)
        cells = [f"{own['series'].n_unique()} of {whole['series'].n_unique()}"]
        for column in (*FIGURES, "fit_seconds"):
            for name in PASSES:
                mean = own.filter(pl.col("pass") == name)[column].mean()
                cells.append("" if mean is None else f"{mean:.3f}")
        lines.append(f"| {collection} | " + " | ".join(cells) + " |")
    (RESULTS / "contamination.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
