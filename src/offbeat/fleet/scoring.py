"""Scores of many series at once, each as its own detector would give them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from offbeat.detection import Detection
from offbeat.errors import OffbeatError
from offbeat.fleet.failure import Failure, Fleet
from offbeat.fleet.foreseeing import Question, answers
from offbeat.grid import Grid
from offbeat.judging import Foreseen
from offbeat.lstm import LSTMDetector
from offbeat.preparation import Prepared
from offbeat.series import Series

__all__ = ["score_each", "score_many"]

WAVE = 1024
"""Series scored at a time."""


@dataclass(frozen=True, eq=False)
class _Asked:
    """A series that is to be scored, ready to be foreseen."""

    key: str
    detector: LSTMDetector
    series: Series
    grid: Grid
    prepared: Prepared

    @classmethod
    def of(cls, key: str, detector: LSTMDetector, series: Series) -> _Asked:
        source, grid = detector._scored_grid(series)
        causal = detector.smoothing == "trailing"
        return cls(key, detector, source, grid, detector.prepared_by_.prepare(grid, causal=causal))


def score_many(
    detectors: Mapping[str, LSTMDetector | Failure], fleet: Fleet
) -> dict[str, Detection | Failure]:
    """Detections of all series; those of detectors that share a network come of one batch.

    Parameters
    ----------
    detectors
        Fitted, by key; what failed in learning stays failed.
    fleet
        Series to score, by key.

    Returns
    -------
    By key, in the fleet's order: what `detector.detect(series)` gives, to 1e-5, or why there is
    nothing.
    """
    found = dict(score_each(detectors, fleet))
    return {key: found[key] for key in fleet}


def score_each(
    detectors: Mapping[str, LSTMDetector | Failure], fleet: Fleet
) -> Iterator[tuple[str, Detection | Failure]]:
    """As `score_many`, one after the other as they are made, in any order: for fleets whose
    detections do not all fit into memory."""
    ordered = sorted(fleet, key=lambda key: len(fleet[key]))
    for at in range(0, len(ordered), WAVE):
        asked = list[_Asked]()
        for key in ordered[at : at + WAVE]:
            detector = detectors.get(key)
            if detector is None:
                yield key, Failure(key, "no detector has learned this series: learn or admit it")
            elif isinstance(detector, Failure):
                yield key, detector
            else:
                try:
                    asked.append(_Asked.of(key, detector, fleet[key]))
                except OffbeatError as problem:
                    yield key, Failure.of(key, problem)
        yield from _scored(asked)


def _scored(asked: list[_Asked]) -> Iterator[tuple[str, Detection | Failure]]:
    questions = [Question(one.detector, one.prepared, one.detector.limit_) for one in asked]
    for i, blocks in answers(questions):
        one = asked[i]
        seen = Foreseen(one.prepared, one.detector._foresight(one.prepared, blocks))
        judged = one.detector._judged(seen, one.detector.smoothing)
        yield one.key, one.detector._detection(one.series, one.grid, judged)
