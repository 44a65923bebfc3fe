"""Tables and bars of the speed benchmark, from what the runs left."""

from __future__ import annotations

import csv
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from speed_runs import Run

__all__ = ["Bar", "peer_bars", "series_table", "write_csv"]

OURS, REFERENCE = "offbeat LSTM", "tutorial's Keras script"
FASTER_THAN_REFERENCE, SCORES_REFERENCE, SCORES_NEXT = 10.0, 50.0, 5.0
HEAD = (
    "| | whole process, s | x ours | processor, s | fit, s | score, s | points/s | x ours "
    "| peak, MB | VUS-PR |"
)


@dataclass(frozen=True)
class Bar:
    """Something that should hold; `found` says what came."""

    what: str
    holds: bool
    found: str

    def line(self) -> str:
        """One line of the table of bars."""
        return f"| {self.what} | {'yes' if self.holds else '**no**'} | {self.found} |"


def series_table(title: str, runs: list[Run]) -> list[str]:
    """One table: a line a run, ratios to our first line."""
    ours = next((r for r in runs if r.peer == OURS and r.seconds), None)
    lines = [f"### {title}", "", HEAD, "|---" * 10 + "|"]
    return [*lines, *(_line(run, ours) for run in runs), ""]


def _line(run: Run, ours: Run | None) -> str:
    if run.seconds is None:
        ratio = "" if ours is None or late_after(run) is None else _ratio(run, ours)
        cells = [run.peer, run.trouble.replace("|", " "), ratio, *[""] * 7]
        return "| " + " | ".join(cells) + " |"
    cells = [
        run.peer,
        f"{run.seconds:.1f}",
        "" if ours is None else _ratio(run, ours),
        f"{run.cpu_seconds:.1f}",
        f"{run.fit_seconds:.2f}",
        f"{run.score_seconds:.3f}",
        f"{points(run):,.0f}",
        "" if ours is None else f"{points(run) / points(ours):.3g}",
        f"{run.peak_mb:.0f}",
        f"{run.vus_pr:.3f}",
    ]
    return "| " + " | ".join(cells) + " |"


def points(run: Run) -> float:
    """Rows scored a second."""
    return run.n_rows / max(run.score_seconds or 0.0, 1e-9)


def late_after(run: Run) -> float | None:
    """Seconds after which a run was ended; None where it was not."""
    return float(run.trouble.split()[1]) if run.trouble.startswith("> ") else None


def at_least(run: Run) -> float | None:
    """Seconds of the whole process, or the limit that it ran over."""
    return run.seconds if run.seconds is not None else late_after(run)


def _ratio(run: Run, ours: Run) -> str:
    return f"{'> ' if run.seconds is None else ''}{at_least(run) / ours.seconds:.2g}"


def peer_bars(series: str, runs: list[Run]) -> list[Bar]:
    """What our LSTM should reach against the others on one series."""
    ours = next((r for r in runs if r.peer == OURS and r.seconds), None)
    if ours is None:
        return [Bar(f"{series}: our own run", False, "missing")]
    others = [r for r in runs if not r.peer.startswith("offbeat")]
    slower = {r.peer: at_least(r) / ours.seconds for r in others if at_least(r)}
    bars = []
    if REFERENCE in slower:
        ratio = slower[REFERENCE]
        what = f"{series}: whole process {FASTER_THAN_REFERENCE:g} x faster than the tutorial's"
        late = any(r.peer == REFERENCE and r.seconds is None for r in others)
        found = f"{ratio:.1f} x" + (" or more: it was ended" if late else "")
        bars.append(Bar(what, ratio >= FASTER_THAN_REFERENCE, found))
    if slower:
        nearest = min(slower, key=slower.__getitem__)
        found = f"{slower[nearest]:.2f} x ({nearest})"
        bars.append(Bar(f"{series}: faster than every peer", slower[nearest] > 1, found))
    return bars + _accuracy_bar(series, ours, others) + _scoring_bars(series, ours, others)


def _accuracy_bar(series: str, ours: Run, others: list[Run]) -> list[Bar]:
    figures = {r.peer: r.vus_pr for r in others if r.vus_pr is not None}
    if not figures:
        return []
    best = max(figures, key=figures.__getitem__)
    found = f"{ours.vus_pr:.3f}; {figures[best]:.3f} ({best})"
    return [Bar(f"{series}: no lower VUS-PR", ours.vus_pr >= figures[best] - 5e-4, found)]


def _scoring_bars(series: str, ours: Run, others: list[Run]) -> list[Bar]:
    speeds = {r.peer: points(ours) / points(r) for r in others if r.score_seconds}
    bars = []
    if REFERENCE in speeds:
        ratio = speeds[REFERENCE]
        what = f"{series}: scores {SCORES_REFERENCE:g} x the points a second of the tutorial's"
        bars.append(Bar(what, ratio >= SCORES_REFERENCE, f"{ratio:.0f} x"))
    if speeds:
        next_best = min(speeds, key=speeds.__getitem__)
        what = f"{series}: scores {SCORES_NEXT:g} x the next fastest"
        found = f"{speeds[next_best]:.1f} x ({next_best})"
        bars.append(Bar(what, speeds[next_best] >= SCORES_NEXT, found))
    return bars


def write_csv(path: Path, runs: list[Run]) -> None:
    """Every run, one line each."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Run)])
        writer.writeheader()
        for run in runs:
            writer.writerow(
                {k: round(v, 4) if isinstance(v, float) else v for k, v in asdict(run).items()}
            )
