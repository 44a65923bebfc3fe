"""Does the cost grow with the rows and no faster? 10,000 to 1,000,000, and memory at 5 million.

Whole processes of our own LSTM, trained on the first 40 %.
"""

from __future__ import annotations

import numpy as np

from speed_runs import OURS, Run, run
from speed_series import Timed, endless
from speed_tables import Bar

__all__ = ["table"]

SIZES, LARGEST = (10_000, 100_000, 1_000_000), 5_000_000
MAX_EXPONENT, MAX_PEAK_MB = 1.05, 1536.0
LIMIT = 1800.0


def table() -> tuple[list[str], list[Bar]]:
    """The lines of the page, and the bars."""
    runs = [measured(n_rows) for n_rows in (*SIZES, LARGEST)]
    lines = [
        "## Growth",
        "",
        "| rows | fit, s | score, s | fit + score, s | whole process, s | peak, MB |",
        "|---" * 6 + "|",
    ]
    for each in runs:
        cells = [f"{each.n_rows:,}", each.trouble, "", "", "", ""]
        if each.seconds is not None:
            times = (each.fit_seconds, each.score_seconds, total(each), each.seconds)
            cells = [cells[0], *(f"{t:.2f}" for t in times), f"{each.peak_mb:.0f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return [*lines, ""], bars(runs)


def measured(n_rows: int) -> Run:
    """One size."""
    values, label = endless(n_rows, first=2 * n_rows // 5)
    return run(OURS[0], Timed(f"rows{n_rows}", "made", values, label, 2 * n_rows // 5, 50), LIMIT)


def total(each: Run) -> float:
    """Fit and score, without what a process takes to start."""
    return each.fit_seconds + each.score_seconds


def bars(runs: list[Run]) -> list[Bar]:
    """Exponent of the time over the rows, and the peak of the largest."""
    timed = [r for r in runs if r.n_rows in SIZES and r.fit_seconds is not None]
    found = []
    if len(timed) > 1:
        slope = np.polyfit([np.log(r.n_rows) for r in timed], [np.log(total(r)) for r in timed], 1)
        what = f"fit + score grow with the rows, exponent <= {MAX_EXPONENT}"
        found.append(Bar(what, slope[0] <= MAX_EXPONENT, f"{slope[0]:.2f}"))
    largest = next(r for r in runs if r.n_rows == LARGEST)
    if largest.peak_mb is not None:
        what = f"peak memory of {LARGEST:,} rows under 1.5 GB"
        found.append(Bar(what, largest.peak_mb < MAX_PEAK_MB, f"{largest.peak_mb:.0f} MB"))
    return found
