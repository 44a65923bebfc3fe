"""Whole collections by family: events found at the default cut, alarms, delay, and VUS-PR.

Each series is learned up to `train_end`, the end of the part its source calls normal, or its first
15 %, and judged on the rest, live. Nothing is chosen by collection. A break between two recordings
becomes a gap. Figures are kept in `out/families/`, so a run that was stopped goes on where it was.
Writes `benchmarks/results/families.csv` and `families.md`. `--minutes 30` stops after half an hour.
"""

from __future__ import annotations

import json
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import polars as pl
import torch

from cases import SHARED
from jobs import keep, measure, minutes_asked
from offbeat import Series, evaluate
from offbeat.errors import OffbeatError
from offbeat.lesson import Lesson
from offbeat.roster import DETECTORS

ROOT = Path(__file__).resolve().parents[1]
KEPT, RESULTS = ROOT / "out" / "families", ROOT / "benchmarks" / "results"
SEED, FIRST_SHARE = 0, 0.15
BREAK_ROWS = 100
"""So many rows without a value stand for a break: more than are ever filled."""
FIRST = ("smoothed-z", "random", "lstm", "ensemble")
"""Measured before the others are, all of them on a series before the next."""


@dataclass(frozen=True)
class Recording:
    """One series of a collection, as the index describes it."""

    collection: str
    name: str
    n_train: int
    n_events: int
    breaks: tuple[int, ...]

    def read(self) -> Series:
        """Values, labels and time, with a gap at each break."""
        frame = pl.read_parquet(SHARED / "data" / self.collection / f"{self.name}.parquet")
        channels = [name for name in frame.columns if name not in ("timestamp", "label")]
        time = frame["timestamp"].to_numpy()
        if time.dtype.kind == "M":
            time = time.astype("datetime64[ns]")
        step = np.median(np.diff(time)).astype(np.diff(time).dtype)
        for row in self.breaks:
            time = np.concatenate([time[:row], time[row:] + BREAK_ROWS * step])
        label = frame["label"].to_numpy().astype(np.int8)
        values = frame.select(channels).to_numpy().astype(np.float64)
        return Series(values, time, tuple(channels), label, name=self.name)


Job = tuple[Recording, str]


def main() -> None:
    """Measure what is not measured yet, then make the tables."""
    minutes = minutes_asked(__doc__.splitlines()[0])
    KEPT.mkdir(parents=True, exist_ok=True)
    recordings = all_recordings()
    jobs = [(r, name) for r in recordings for name in FIRST]
    jobs += [(r, name) for name in DETECTORS if name not in FIRST for r in recordings]
    measure(judge, [job for job in jobs if not kept(*job).exists()], minutes)
    write_tables(recordings)


def all_recordings() -> list[Recording]:
    """Every series of the index, the short ones first; one of each collection in turn."""
    found: dict[str, list[Recording]] = {}
    index = pl.read_csv(SHARED / "data" / "index.csv", infer_schema_length=None).sort("rows")
    for row in index.iter_rows(named=True):
        n_train = row["train_end"] or FIRST_SHARE * row["rows"]
        breaks = tuple(int(float(b)) for b in str(row["breaks"] or "").replace(";", " ").split())
        found.setdefault(row["collection"], []).append(
            Recording(row["collection"], row["series"], int(n_train), row["anomaly_events"], breaks)
        )
    longest = max(map(len, found.values()))
    return [own[i] for i in range(longest) for own in found.values() if i < len(own)]


def kept(recording: Recording, detector: str) -> Path:
    """Where the figures of a detector on a series lie."""
    return KEPT / f"{recording.collection}__{recording.name}__{detector}.json"


def judge(job: Job) -> None:
    """Train one detector on the first part of a series, judge it on the rest, keep the figures."""
    recording, name = job
    torch.set_num_threads(1)
    about = {
        "collection": recording.collection, "series": recording.name, "detector": name
    }  # fmt: skip
    try:
        series = recording.read()
        detector = DETECTORS[name]().set_params(random_state=SEED)
        found = evaluate(detector, series, lesson=Lesson(train=recording.n_train))
    except OffbeatError as problem:
        keep({**about, "problem": str(problem)}, kept(recording, name))
        return
    accuracy = found.accuracy
    figures: dict[str, object] = {
        "n_events": accuracy.n_true if accuracy else 0,
        "found": accuracy.n_found if accuracy else 0,
        "false_events": accuracy.n_false if accuracy else found.n_events,
        "event_f1": accuracy.events.f1 if accuracy and accuracy.events else None,
        "vus_pr": accuracy.vus_pr if accuracy else None,
        "buffer": accuracy.buffer if accuracy else None,
        "delay_rows": accuracy.mean_delay if accuracy else None,
        "alarms_per_day": found.alarms_per_day,
        "threshold": found.threshold,
        "fit_seconds": round(found.fit_seconds or 0.0, 2),
        "score_seconds": round(found.score_seconds, 3),
    }
    keep({**about, **figures}, kept(recording, name))


def write_tables(recordings: list[Recording]) -> None:
    """One line a series and detector as CSV, means by collection as Markdown."""
    rows = [
        json.loads(kept(recording, name).read_text())
        for recording in recordings
        for name in DETECTORS
        if kept(recording, name).exists()
    ]
    table = pl.DataFrame(rows, infer_schema_length=None).sort("collection", "series", "detector")
    table.write_csv(RESULTS / "families.csv")
    good = table.filter(pl.col("problem").is_null()) if "problem" in table.columns else table
    lines = ["# Collections by family", "", heading(table)]
    for title, column, part in (
        ("Event F1 at the default cut, series with events", "event_f1", pl.col("n_events") > 0),
        ("VUS-PR, series with events", "vus_pr", pl.col("n_events") > 0),
        ("False events a series, where there is nothing to find", "false_events",
         pl.col("n_events") == 0),
        ("Mean delay of the events found, in rows", "delay_rows", pl.col("n_events") > 0),
    ):  # fmt: skip
        lines += ["", f"## {title}", "", *means(good.filter(part), column)]
    (RESULTS / "families.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


def heading(table: pl.DataFrame) -> str:
    """How much was measured, with what."""
    n_of = table.group_by("detector").len().sort("len", descending=True)
    counts = ", ".join(f"{name} {n}" for name, n in n_of.iter_rows())
    return (
        f"Live (trailing), seed {SEED}, one default configuration; the rows after the training "
        "part are judged, the buffer of VUS stands in `families.csv`. Series measured: "
        f"{counts}. Means are over the series that all detectors of the table were measured on. "
        f"offbeat {version('offbeat')}, torch {torch.__version__}, NumPy {np.__version__}, "
        f"{platform.machine()}, one thread. Made by `make bench-accuracy`."
    )


def means(table: pl.DataFrame, column: str) -> list[str]:
    """A table of means, collections down and detectors across, on the series all of them share."""
    known = table.filter(pl.col(column).is_not_null() | (column == "delay_rows"))
    most = known.group_by("detector").len()["len"].max() or 0
    counts = dict(known.group_by("detector").len().iter_rows())
    names = [name for name in DETECTORS if counts.get(name, 0) >= most / 2]
    if not names:
        return ["Nothing is measured yet."]
    shared = (
        known.filter(pl.col("detector").is_in(names))
        .group_by("collection", "series")
        .agg(pl.col("detector").n_unique().alias("n"))
        .filter(pl.col("n") == len(names))
    )
    both = known.join(shared, on=["collection", "series"])
    lines = ["| | series |" + "|".join(f" {name} " for name in names) + "|"]
    lines.append("|---" * (len(names) + 2) + "|")
    for collection in sorted(both["collection"].unique()):
        own = both.filter(pl.col("collection") == collection)
        figures = [own.filter(pl.col("detector") == name)[column].mean() for name in names]
        cells = " | ".join("" if f is None else f"{f:.3f}" for f in figures)
        lines.append(f"| {collection} | {own['series'].n_unique()} | {cells} |")
    return lines


if __name__ == "__main__":
    main()
