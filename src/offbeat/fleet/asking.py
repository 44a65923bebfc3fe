"""Asking the core: the detectors of a shard, and what they say of its series."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from offbeat.detection import Detection
from offbeat.errors import OffbeatError
from offbeat.fleet.failure import Failure
from offbeat.fleet.job import Job
from offbeat.fleet.learning import Learned
from offbeat.fleet.own import learn_own
from offbeat.fleet.scoring import score_many
from offbeat.fleet.store import ModelPacks, Packed
from offbeat.lstm import LSTMDetector
from offbeat.series import Series

__all__ = ["Learn", "detect_all", "learn_all", "lessons"]

Learn = Callable[[Mapping[str, Series], LSTMDetector], Learned]
"""Detectors by key, from the training parts and the template."""


def learn_all(job: Job, series: Mapping[str, Series], learn: Learn = learn_own) -> Learned:
    """A detector for each series, or why there is none."""
    parts, failures = lessons(job, series)
    template = job.template
    template._check_every_option()
    return {**learn(parts, template), **failures} if parts else dict(failures)


def lessons(job: Job, series: Mapping[str, Series]) -> tuple[dict[str, Series], dict[str, Failure]]:
    """The training part of each, or why there is none."""
    parts, failures = dict[str, Series](), dict[str, Failure]()
    for key, each in series.items():
        try:
            parts[key] = job.lesson.part(each)
        except OffbeatError as problem:
            failures[key] = Failure.of(key, problem)
    return parts, failures


def detect_all(
    packs: ModelPacks, places: Mapping[str, Packed], series: Mapping[str, Series]
) -> dict[str, Detection | Failure]:
    """What the detector of each series says, or why it says nothing."""
    detectors = Learned()
    for key in series:
        try:
            detectors[key] = packs.read(key, places[key])
        except OffbeatError as problem:
            detectors[key] = Failure.of(key, problem)
    return score_many(detectors, series)
