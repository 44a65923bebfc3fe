"""Unclean training parts: what it changes to leave out the rows that are off themselves.

Series of the collections whose training parts hold labelled anomalies, learned up to `train_end` or
from the first 15 %, judged on the rest, live; once with all rows and once without these. Figures
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
WAYS = {"all rows": "off", "left out": "auto"}
FIGURES = {
    "vus_pr": "VUS-PR",
    "event_f1": "event F1",
    "false_events": "false events a series",
    "fit_seconds": "fit, s",
}
HEADING = (
    "The LSTM, seed 0, live, one default configuration, judged after the training part: with all "
    'its rows, and with `contamination="auto"`, on the series in which that left rows out; in the '
    "others the two are the same. Means over series; better and worse count the series whose "
    "figures differ by more than 0.01, or by a false event. Made by `make bench-accuracy`."
)
EVEN = {"vus_pr": 0.01, "event_f1": 0.01, "false_events": 0.5}
"""Figures that differ by no more than this are alike."""


def main() -> None:
    """Measure what is not measured yet, the short training parts first, then make the table."""
    minutes = minutes_asked(__doc__.splitlines()[0])
    KEPT.mkdir(parents=True, exist_ok=True)
    jobs = [one for one in all_recordings() if one.collection in UNCLEAN]
    jobs.sort(key=lambda one: one.n_train)
    measure(judge, [one for one in jobs if not all(kept(one, n).exists() for n in WAYS)], minutes)
    write_table()


def kept(one: Recording, name: str) -> Path:
    """Where the figures of one series lie."""
    return KEPT / f"{one.collection}__{one.name}__{name.replace(' ', '-')}.json"


def judge(one: Recording) -> None:
    """With odd rows left out, and, if there are any, with all rows."""
    torch.set_num_threads(1)
    figures = figures_of(one, "left out")
    keep({**figures, "way": "left out"}, kept(one, "left out"))
    if figures.get("left_out", 0):
        figures = figures_of(one, "all rows")
    keep({**figures, "way": "all rows"}, kept(one, "all rows"))


def figures_of(one: Recording, name: str) -> dict[str, object]:
    """Train on the first part of a series, judge on the rest."""
    detector = LSTMDetector(preparation=Preparation(contamination=WAYS[name]))  # type: ignore[arg-type]
    about = {"collection": one.collection, "series": one.name}
    try:
        found = evaluate(detector, one.read(), lesson=Lesson(train=one.n_train))
    except OffbeatError as problem:
        return {**about, "problem": str(problem)}
    accuracy = found.accuracy
    return {
        **about,
        "left_out": sum(end - start for start, end in detector.left_out_),
        "vus_pr": accuracy.vus_pr if accuracy else None,
        "event_f1": accuracy.events.f1 if accuracy and accuracy.events else None,
        "false_events": accuracy.n_false if accuracy else None,
        "fit_seconds": round(found.fit_seconds or 0.0, 2),
    }


def write_table() -> None:
    """Means by collection of the series in which something was left out, and in how many of them a
    figure is better or worse for it."""
    table = pl.DataFrame([json.loads(path.read_text()) for path in sorted(KEPT.glob("*.json"))])
    both = [pl.col("way").n_unique().over("collection", "series") == len(WAYS)]
    both += [pl.col("vus_pr").is_not_null().all().over("collection", "series")]
    table = table.filter(*both)
    lines = ["# Unclean training parts", "", HEADING, ""]
    titles = ["series", "of these something left out", "figure", *WAYS, "better", "worse"]
    lines += ["| | " + " | ".join(titles) + " |", "|---" * (1 + len(titles)) + "|"]
    for collection in UNCLEAN:
        whole = table.filter(pl.col("collection") == collection)
        odd = pl.col("left_out").max().over("series") > 0
        own = whole.filter(odd).sort("series")
        counts = f"{whole['series'].n_unique()} | {own['series'].n_unique()}"
        for column, title in FIGURES.items():
            cells = line_of(*(own.filter(pl.col("way") == way)[column] for way in WAYS), column)
            lines.append(f"| {collection} | {counts} | {title} | {cells} |")
    (RESULTS / "contamination.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


def line_of(without: pl.Series, with_it: pl.Series, column: str) -> str:
    """Mean, and median of counts, of two ways; then in how many series the second is better and
    worse."""
    cells = []
    for figures in (without, with_it):
        mean, median = figures.mean(), figures.median()
        middle = f" (median {median:.0f})" if column == "false_events" and len(figures) else ""
        cells.append("" if mean is None else f"{mean:.3f}{middle}")
    if column not in EVEN:
        return " | ".join([*cells, "", ""])
    gain = (with_it - without) * (-1 if column == "false_events" else 1)
    better, worse = (gain > EVEN[column]).sum(), (gain < -EVEN[column]).sum()
    return " | ".join([*cells, str(better), str(worse)])


if __name__ == "__main__":
    main()
