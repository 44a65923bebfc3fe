"""Standing: how each series is doing, in a few figures that the overview can sort by."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from offbeat.detection import Detection
from offbeat.errors import OffbeatError
from offbeat.series import FloatArray
from offbeat.server.records import DetectionRecord, JobRecord, ModelRecord, SeriesRecord
from offbeat.server.workbench import Workbench
from offbeat.wording import moment

__all__ = ["Pair", "Standing", "StandingBook", "State", "Summary", "chosen_pair", "summary_of"]

State = Literal["off", "failed", "busy", "new", "calm", "measuring"]
ORDER: dict[State, int] = {"off": 0, "failed": 1, "busy": 2, "measuring": 3, "new": 4, "calm": 5}
N_BINS = 120
KEPT = 20_000
MOST = 100_000


@dataclass(frozen=True)
class Pair:
    """A series and the model that judges it; `detection` is None until it has been scored."""

    series: SeriesRecord
    model: ModelRecord
    detection: DetectionRecord | None


@dataclass(frozen=True, eq=False)
class Summary:
    """A detection in a line of the overview.

    Parameters
    ----------
    severity
        Highest score in multiples of the cut.
    n_events, per_day
        Events, and alarms a day; None without a clock.
    latest
        When the latest event began, as people read it; empty without one.
    course
        Shape (120,): the severity over time, the highest of each step; NaN where nothing is scored.
    """

    severity: float
    n_events: int
    per_day: float | None
    latest: str
    course: FloatArray


@dataclass(frozen=True, eq=False)
class Standing:
    """One line of the overview."""

    series: SeriesRecord
    state: State
    pair: Pair | None = None
    job: JobRecord | None = None
    summary: Summary | None = None

    @property
    def place(self) -> tuple[int, float, str]:
        """The worst first."""
        severity = 0.0 if self.summary is None else self.summary.severity
        return ORDER[self.state], -severity, self.series.name.lower()


class StandingBook:
    """How all series stand. A summary is made once and kept until the cut or the labels change.

    Parameters
    ----------
    bench
        Where they are.
    """

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self._made: OrderedDict[str, Summary] = OrderedDict()
        self._lock = threading.Lock()

    def all(self, text: str = "", *, make: int = 40) -> list[Standing]:
        """The worst first; at most `make` summaries that are missing are made now."""
        bench = self._bench
        models = {model.id: model for model in bench.models.find(limit=MOST)}
        scored: dict[str, Pair] = {}
        series = {each.id: each for each in bench.series.find(text=text, limit=MOST)}
        for found in bench.detections.find(limit=MOST):
            model = models.get(found.model_id)
            if model is None or found.series_id not in series or found.series_id in scored:
                continue
            if model.active.number == found.version:
                scored[found.series_id] = Pair(series[found.series_id], model, found)
        jobs = _latest(bench.jobs.find(limit=1000))
        standings: list[Standing] = []
        for record in series.values():
            pair = scored.get(record.id)
            summary = None if pair is None else self._known(pair)
            if pair is not None and summary is None and make > 0:
                make -= 1
                summary = self._make(pair)
            standings.append(_standing(record, pair, summary, jobs.get(record.id)))
        return sorted(standings, key=lambda each: each.place)

    def _known(self, pair: Pair) -> Summary | None:
        with self._lock:
            return self._made.get(_key(pair))

    def _make(self, pair: Pair) -> Summary | None:
        try:
            detection = self._bench.detections.open(pair.series.id, pair.model.id)
        except OffbeatError:
            return None  # it went while we looked
        summary = summary_of(detection)
        with self._lock:
            self._made[_key(pair)] = summary
            while len(self._made) > KEPT:
                self._made.popitem(last=False)
        return summary


def chosen_pair(
    bench: Workbench, series_id: str, model_id: str | None = None, version: int | None = None
) -> Pair | None:
    """The series with the model that was asked for, or with the one that judged it last.

    None where no model has to do with the series.
    """
    series = bench.series.get(series_id)
    if model_id is None:
        for found in bench.detections.find(series_id=series_id):
            model = bench.models.get(found.model_id)
            if model.active.number == found.version:
                return Pair(series, model, found)
        trained = [m for m in bench.models.find(limit=MOST) if m.active.series_id == series_id]
        return Pair(series, trained[0], None) if trained else None
    model = bench.models.get(model_id)
    number = model.active.number if version is None else version
    kept = bench.detections.find(series_id=series_id, model_id=model_id)
    return Pair(series, model, next((each for each in kept if each.version == number), None))


def summary_of(detection: Detection) -> Summary:
    """A detection in a line."""
    severity = detection.score / detection.cut
    latest = max(detection.events, key=lambda each: each.start, default=None)
    return Summary(
        severity=float(np.nanmax(severity)) if np.isfinite(severity).any() else 0.0,
        n_events=len(detection.events),
        per_day=detection.alarms_per_day,
        latest="" if latest is None else moment(detection, latest.start_time),
        course=_course(severity),
    )


def _course(severity: FloatArray) -> FloatArray:
    """The highest of each of 120 steps."""
    edges = np.linspace(0, len(severity), min(len(severity), N_BINS) + 1).astype(int)
    filled = np.where(np.isfinite(severity), severity, -1.0)
    highest = np.maximum.reduceat(filled, edges[:-1]) if len(filled) else filled
    return np.where(highest < 0, np.nan, highest)


def _latest(jobs: Iterable[JobRecord]) -> dict[str, JobRecord]:
    """The newest job of each series; `jobs` has the newest first."""
    found: dict[str, JobRecord] = {}
    for job in jobs:
        found.setdefault(job.series_id, job)
    return found


def _standing(
    record: SeriesRecord, pair: Pair | None, summary: Summary | None, job: JobRecord | None
) -> Standing:
    newer = job is not None and (
        pair is None or pair.detection is None or job.created_at > pair.detection.created_at
    )
    state: State = "new"
    if job is not None and not job.ended:
        state = "busy"
    elif job is not None and job.state == "failed" and newer:
        state = "failed"
    elif summary is not None:
        state = "off" if summary.n_events else "calm"
    elif pair is not None:
        state = "measuring"
    return Standing(record, state, pair, job, summary)


def _key(pair: Pair) -> str:
    found = pair.detection
    assert found is not None  # only what was scored has a summary
    return f"{found.id} {pair.model.active.threshold} {pair.series.n_labels}"
