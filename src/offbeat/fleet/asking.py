"""Learning and judging a handful of series, each with a detector of its own."""

from __future__ import annotations

from collections.abc import Mapping

from offbeat.detection import Detection
from offbeat.detector import Detector
from offbeat.errors import OffbeatError
from offbeat.fleet.failure import Failure
from offbeat.fleet.job import Job
from offbeat.fleet.store import ModelPacks, Packed
from offbeat.series import Series

__all__ = ["detect_all", "learn_all"]


def learn_all(job: Job, series: Mapping[str, Series]) -> dict[str, Detector | Failure]:
    """A detector for each series, or why there is none."""
    made: dict[str, Detector | Failure] = {}
    for key, each in series.items():
        try:
            made[key] = job.template.fit(job.lesson.part(each))
        except OffbeatError as problem:
            made[key] = Failure(key, str(problem))
    return made


def detect_all(
    packs: ModelPacks, places: Mapping[str, Packed], series: Mapping[str, Series]
) -> dict[str, Detection | Failure]:
    """What the detector of each series says, or why it says nothing."""
    found: dict[str, Detection | Failure] = {}
    for key, each in series.items():
        try:
            found[key] = packs.read(key, places[key]).detect(each)
        except OffbeatError as problem:
            found[key] = Failure(key, str(problem))
    return found
