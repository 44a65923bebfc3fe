"""Time of day and day of week as inputs, where real time stamps show such a season."""

from __future__ import annotations

from typing import Literal

import numpy as np

from offbeat.series import FloatArray, TimeArray

__all__ = ["Cycle", "calendar_inputs", "find_cycles"]

Cycle = Literal["day", "week"]
DAYS: dict[Cycle, float] = {"day": 1.0, "week": 7.0}
SAME_PERIOD = 0.05
"""A period that differs from a day or a week by no more than this share is one."""
MIN_CYCLES = 2.5
"""So many cycles must be seen before a network may learn from them."""


def find_cycles(period: int | None, n_rows: int, rows_per_day: float | None) -> tuple[Cycle, ...]:
    """Which cycles of the calendar the training part shows.

    Parameters
    ----------
    period
        Rows after which the training part repeats; None where it does not.
    n_rows
        Its rows.
    rows_per_day
        None without a clock.

    Returns
    -------
    ("day",) where it repeats daily; ("day", "week") where it repeats weekly, as a week holds days.
    """
    if period is None or rows_per_day is None:
        return ()

    def repeats(cycle: Cycle) -> bool:
        rows = DAYS[cycle] * rows_per_day
        return abs(period / rows - 1) <= SAME_PERIOD and n_rows >= MIN_CYCLES * rows

    if repeats("day"):
        return ("day",)
    return ("day", "week") if repeats("week") else ()


def calendar_inputs(time: TimeArray, cycles: tuple[Cycle, ...]) -> FloatArray:
    """Sine and cosine of where in each cycle a row lies.

    Parameters
    ----------
    time
        Shape (T,), time stamps in UTC.
    cycles
        As `find_cycles` gives them.

    Returns
    -------
    Shape (T, 2 x cycles), from -1 to 1.
    """
    since = time.astype("datetime64[s]").astype(np.int64) / 86_400  # days
    angles = np.stack([2 * np.pi * (since / DAYS[cycle]) for cycle in cycles], axis=1)
    # (T, cycles) twice -> (T, 2 x cycles)
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
