"""The threshold that a person can choose: so many false alarms a week."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from offbeat.durations import parse_duration
from offbeat.errors import ConfigError
from offbeat.series import FloatArray
from offbeat.thresholds.base import Calibration, StaticThreshold
from offbeat.thresholds.counting import EventCounts, event_peaks, run_gap
from offbeat.thresholds.tail import Tail, fit_tail

__all__ = ["BudgetThreshold"]

RESOLVED_EVENTS = 10  # counted as they are; the share of fewer is left to the tail
TAIL_EVENTS = 100  # the tail is fitted to the peaks of the largest so many events ...
TAIL_LEVEL = 0.9  # ... if they lie above so many of the scores

BUDGET = re.compile(r"\s*([\d.]+(?:e[+-]?\d+)?)\s*(?:/|per)\s*(.+?)\s*", re.IGNORECASE)
ROWS = re.compile(r"([\d_]+)?\s*rows?", re.IGNORECASE)
DAY = np.timedelta64(1, "D")


@dataclass(frozen=True)
class BudgetThreshold(StaticThreshold):
    """At most so many false alarms in a stretch of time.

    Alarms are counted as events in the training scores: runs above the cut, joined over the
    calibration's `merge_gap`. Down to ten of them the count itself decides. A rarer alarm lies
    beyond what the training part can show; there a generalised Pareto tail of the events' peaks
    carries on from the tenth, never lighter than an exponential one, and never so low that the
    training part would hold more events than allowed (one is always forgiven). A larger budget
    never gives a higher cut.

    Parameters
    ----------
    false_alarms
        Number and stretch: "1/week", "3/day", "0.5/hour", "2/1000rows", "1/2 weeks": a duration
        or a number of rows. Data without a clock need rows.
    """

    false_alarms: str = "1/week"
    kind: ClassVar[str] = "budget"

    def __post_init__(self) -> None:
        parse_budget(self.false_alarms)

    @property
    def title(self) -> str:
        """`budget 1/week`."""
        return f"budget {self.false_alarms}"

    def expected_events(self, calibration: Calibration) -> float:
        """How many alarms the budget allows in the stretch that was seen in training.

        Below 10 the cut is extrapolated, the more boldly the smaller the number.

        Raises
        ------
        ConfigError
            If the budget is by time and the data have no clock.
        """
        budget = parse_budget(self.false_alarms)
        if budget.rows is not None:
            stretch = budget.rows
        elif calibration.rows_per_day is not None:
            stretch = budget.days * calibration.rows_per_day
        else:
            raise ConfigError(
                f"false_alarms={self.false_alarms!r} is by time, and the data have no time "
                "column: give rows, such as '1/10000rows'"
            )
        return budget.events * len(calibration.finite) / stretch

    def _level(self, calibration: Calibration) -> float:
        allowed = self.expected_events(calibration) * (1 + 1e-9)  # 3 stays 3 after rounding
        counts = EventCounts.of(calibration.score, calibration.merge_gap)
        if allowed >= RESOLVED_EVENTS:
            return counts.level(allowed)
        resolved = max(1, min(RESOLVED_EVENTS, counts.most))
        anchor = counts.level(resolved)
        tail = _tail_above(calibration.score, anchor, calibration.merge_gap)
        return max(
            anchor + tail.excess(allowed / resolved),
            counts.level(max(1.0, allowed)),
        )


@dataclass(frozen=True)
class Budget:
    """So many events in so many rows, or, where `rows` is None, in so many days."""

    events: float
    days: float
    rows: float | None


def parse_budget(text: object) -> Budget:
    """Read `1/week` or `2/1000rows`.

    Raises
    ------
    ConfigError
        If it is no such text.
    """
    match = BUDGET.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ConfigError(
            f"a budget is a number and a stretch, such as '1/week' or '2/1000rows'; {text!r} came"
        )
    try:
        events = float(match[1])
        in_rows = ROWS.fullmatch(match[2])
        rows = float(in_rows[1] or 1) if in_rows else None
    except ValueError:
        raise ConfigError(f"the budget {text!r} has a number that cannot be read") from None
    if not 0 < events < math.inf or rows == 0:
        raise ConfigError(f"a budget must be more than 0, {text!r} came")
    days = 0.0 if in_rows else float(parse_duration(match[2]) / DAY)
    return Budget(events, days, rows)


def _tail_above(score: FloatArray, anchor: float, merge_gap: int) -> Tail:
    """The tail of the events' peaks, as seen from the anchor.

    Peaks of events that lie well apart, because the peaks of one anomaly are no independent
    witnesses. A generalised Pareto tail keeps its shape when it is seen from a higher level.
    """
    gap = max(merge_gap, run_gap(score))
    largest = EventCounts.of(score, gap).level(TAIL_EVENTS)
    start = max(largest, float(np.quantile(score[np.isfinite(score)], TAIL_LEVEL)))
    tail = fit_tail(event_peaks(score, start, gap) - start, lightest=0.0)
    return Tail(tail.shape, tail.scale + tail.shape * max(anchor - start, 0.0))
