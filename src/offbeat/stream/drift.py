"""Drift: whether scores lie elsewhere than they did in training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from offbeat.series import FloatArray, IntArray
from offbeat.stream.arrival import as_time
from offbeat.stream.happening import EventKind, LiveEvent, Phase, event_id
from offbeat.stream.perseries import PerSeries
from offbeat.thresholds import Calibration

__all__ = ["Drift", "DriftWatch"]

N_BINS = 20
MATTERS, CHANCE = 0.1, 1.6
"""Drift is said from this distance on, and the second number over the root of the independent
scores more, what chance makes of one in a hundred; rows of one smoothing window count as one."""
SETTLED = 2 / 3
"""It is over below this share of that."""
SPANS_OF_MEMORY, SHORTEST_SPAN = 40, 1000
"""So many smoothing windows, and at least so many rows, are compared if nothing else is asked."""
EVERY = 16
"""Rows from one look to the next."""


@dataclass(frozen=True)
class Drift:
    """How far recent scores are from those of training.

    Parameters
    ----------
    distance
        Largest difference of the two distribution functions (Kolmogorov-Smirnov), 0 to 1.
    above
        Share of the recent scores that lie above the training median: 0.5 is as in training.
    n_rows
        Scores that it rests on, the last ones counting most.
    drifted
        Whether that is far enough to say so.
    """

    distance: float
    above: float
    n_rows: float
    drifted: bool

    @property
    def message(self) -> str:
        """One sentence."""
        shown = f"{self.above:.0%} of recent scores lie above the training median"
        if not self.drifted:
            return f"scores are spread as in training: {shown}"
        return f"scores have drifted: {shown}; look for a cause, or retrain on recent history"


class DriftWatch(PerSeries):
    """Counts the scores of every series in the bins of its training scores, older ones less and
    less.

    Parameters
    ----------
    calibration
        The training scores.
    span
        Rows after which a score counts 1/e; None takes 40 smoothing windows, at least 1000.
    memory
        Rows of the middle smoothing window.
    """

    counts: FloatArray  # (S, bins)
    n_steps: IntArray  # (S,)
    since: IntArray  # (S,): when drift began; -1 where there is none

    def __init__(
        self, calibration: Calibration, span: int | None, memory: int, has_clock: bool
    ) -> None:
        super().__init__()
        shares = np.linspace(0, 1, N_BINS + 1)[1:-1]
        known = np.sort(calibration.finite)
        self._edges = np.quantile(known, shares)
        # ties: what the bins of the training scores really hold
        self._usual = np.searchsorted(known, self._edges, side="right") / len(known)
        span = span or max(SHORTEST_SPAN, SPANS_OF_MEMORY * memory)
        self._memory, self._fade, self._has_clock = memory, 1.0 - 1.0 / span, has_clock
        self._remember("counts", np.zeros(N_BINS))
        self._remember("n_steps", 0, np.int64)
        self._remember("since", -1, np.int64)
        self._remember("drifting", 0, np.bool_)

    drifting: np.ndarray  # (S,)

    def step(
        self, rows: IntArray, time: IntArray, score: FloatArray, names: list[str]
    ) -> list[LiveEvent]:
        """Count these scores (B,), NaN left out; drift that began or ended."""
        known = ~np.isnan(score)
        if not known.any():
            return []
        if not known.all():
            rows, time, score = rows[known], time[known], score[known]
        self.counts[rows] *= self._fade
        self.counts[rows, np.searchsorted(self._edges, score)] += 1.0
        self.n_steps[rows] += 1
        looked = self.n_steps[rows] % EVERY == 0
        return self._look(rows[looked], time[looked], names) if looked.any() else []

    def of(self, row: int) -> Drift:
        """How it stands with one series."""
        distance, total = self._distances(np.array([row]))
        above = float(self.counts[row, N_BINS // 2 :].sum() / max(total[0], 1e-9))
        return Drift(float(distance[0]), above, float(total[0]), bool(self.drifting[row]))

    def _distances(self, rows: IntArray) -> tuple[FloatArray, FloatArray]:
        counts = self.counts[rows]
        total = counts.sum(axis=1)
        below = counts[:, :-1].cumsum(axis=1) / np.maximum(total, 1e-9)[:, None]
        distance = np.abs(below - self._usual).max(axis=1)
        return np.where(total > 0, distance, 0.0), total

    def _look(self, rows: IntArray, time: IntArray, names: list[str]) -> list[LiveEvent]:
        distance, total = self._distances(rows)
        was = self.drifting[rows]
        limit = MATTERS + CHANCE * np.sqrt(self._memory / np.maximum(total, 1.0))
        now = distance > np.where(was, SETTLED * limit, limit)
        events = list[LiveEvent]()
        for i in np.flatnonzero(now != was):
            row = int(rows[i])
            self.drifting[row] = now[i]
            if now[i]:
                self.since[row] = time[i]
            events.append(self._event(row, "opened" if now[i] else "closed", int(time[i]), names))
        return events

    def _event(self, row: int, phase: Phase, at: int, names: list[str]) -> LiveEvent:
        since, until = as_time(np.array([self.since[row], at]), self._has_clock)
        kind: EventKind = "drift"
        name = event_id(names[row], kind, since)
        return LiveEvent(name, names[row], kind, phase, since, until, self.of(row).message)
