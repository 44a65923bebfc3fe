"""Our VUS beside TSB-AD's, aeon's and dtaianomaly's: the figure, and how long it takes.

The same labels, score and buffer for all; figures are kept as `out/speed/vus_NAME.json`.
"""

from __future__ import annotations

import json
import subprocess
import time

import numpy as np

from offbeat.metrics import vus_pr, vus_roc
from speed_runs import KEPT, SCRIPTS, calm, environment, python_of
from speed_series import Timed, timed_series
from speed_tables import Bar

__all__ = ["table"]

PEERS = {"TSB-AD": "tsbad", "aeon": "aeon", "dtaianomaly": "dtaianomaly"}
SAME_DEFINITION, LARGEST_DIFFERENCE = "TSB-AD", 1e-12
LIMIT = 900
OURS = {"pr": vus_pr, "roc": vus_roc}


def table() -> tuple[list[str], list[Bar]]:
    """The lines of the page, and the bar."""
    cases = [s for s in timed_series() if s.name != "wide"]
    ours = own_figures(cases)
    lines = [
        "## VUS",
        "",
        "| | rows, buffer | peer | peer's figure | ours | relative difference | peer, s | ours, s "
        "| ratio |",
        "|---" * 9 + "|",
    ]
    differences, ratios = [], []
    for peer, name in PEERS.items():
        found = peer_figures(name, cases)
        if isinstance(found, str):
            lines.append(f"| | | {peer} | {found} | | | | | |")
            continue
        for number, series in enumerate(cases):
            for metric in OURS:
                theirs, mine = found[f"{number}_{metric}"], ours[f"{number}_{metric}"]
                lines.append(line(peer, series, metric, theirs, mine))
                ratios.append(theirs[1] / mine[1])
                if peer == SAME_DEFINITION:
                    differences.append(abs(theirs[0] / mine[0] - 1))
    bars = []
    if differences:
        what = f"VUS equals {SAME_DEFINITION}'s to {LARGEST_DIFFERENCE:g}, relative"
        bars.append(Bar(what, max(differences) <= LARGEST_DIFFERENCE, f"{max(differences):.1e}"))
    if ratios:
        bars.append(Bar("VUS is faster than every peer's", min(ratios) > 1, f"{min(ratios):.0f} x"))
    return [*lines, ""], bars


def line(peer: str, series: Timed, metric: str, theirs: list[float], mine: list[float]) -> str:
    """One line of the table."""
    return (
        f"| VUS-{metric.upper()} | {len(series.values):,}, {series.buffer} | {peer} | "
        f"{theirs[0]:.6f} | {mine[0]:.6f} | {abs(theirs[0] / mine[0] - 1):.1e} | "
        f"{theirs[1]:.3f} | {mine[1]:.4f} | {theirs[1] / mine[1]:.0f} x |"
    )


def plain_score(series: Timed) -> np.ndarray:
    """A score with ties, hits and misses: distance from the usual, in 3 digits."""
    values = series.values[:, 0]
    return np.round(np.abs(values - np.median(values)), 3)


def own_figures(cases: list[Timed]) -> dict[str, list[float]]:
    """Value and seconds (the quickest of three) of each case."""
    found = {}
    for number, series in enumerate(cases):
        score = plain_score(series)
        for name, metric in OURS.items():
            times = []
            for _ in range(3):
                start = time.perf_counter()
                value = metric(series.label, score, series.buffer)
                times.append(time.perf_counter() - start)
            found[f"{number}_{name}"] = [value, min(times)]
    return found


def peer_figures(name: str, cases: list[Timed]) -> dict[str, list[float]] | str:
    """Value and seconds of each case, or what went wrong."""
    kept = KEPT / f"vus_{name}.json"
    if kept.exists():
        return json.loads(kept.read_text())
    trouble = environment(name)
    if trouble:
        return trouble
    arrays = {}
    for number, series in enumerate(cases):
        arrays |= {
            f"{number}_label": series.label,
            f"{number}_score": plain_score(series),
            f"{number}_buffer": series.buffer,
        }
    np.savez(KEPT / "vus.npz", **arrays)
    command = [
        str(python_of(name)),
        str(SCRIPTS / f"{name}_vus.py"),
        str(KEPT / "vus.npz"),
        str(kept),
    ]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=LIMIT, env=calm()
        )
    except subprocess.TimeoutExpired:
        return f"> {LIMIT} s"
    if done.returncode:
        return f"failed: {done.stderr.strip().splitlines()[-1][:100]}"
    return json.loads(kept.read_text())
