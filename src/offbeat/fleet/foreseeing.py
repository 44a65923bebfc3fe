"""What trained networks say of many series: those of one network together, the others one by one.

One network is read by all series that share it in one product a step (see `lanes`). Series with
networks of their own are walked one by one, each on one thread: a step of theirs is a product of a
matrix and one row, which is bound by the memory it reads, and stacking such products was no faster
than a block of rows of one series (docs/decisions/0021-fleets.md).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from offbeat.fleet.lanes import Lane, lane_blocks, lane_numbers
from offbeat.lstm import LSTMDetector
from offbeat.preparation import Prepared
from offbeat.series import FloatArray
from offbeat.walk import Block

__all__ = ["Question", "answers"]

MOST_LANES, LEAST_LANES = 512, 12
"""Lanes walked together, and how many make a step cheaper than walking them one by one."""
LONG = 2.0
"""A lane so many times as long as the 12th is walked alone: it would step nearly by itself."""
MOST_NUMBERS = 45_000_000
"""Numbers that lanes walked together may hold."""


@dataclass(frozen=True, eq=False)
class Question:
    """What is asked of a fitted or half fitted detector: its forecasts from every row."""

    detector: LSTMDetector
    prepared: Prepared
    limit: FloatArray | None

    def alone(self) -> Iterable[Block]:
        """The answer of the detector by itself."""
        return self.detector._forecasts(self.prepared, self.limit)


def answers(questions: Sequence[Question]) -> Iterator[tuple[int, Iterable[Block]]]:
    """Which question, and the blocks of forecasts; every question once, in any order."""
    for group in _by_network(questions):
        if len(group) < LEAST_LANES:
            yield from ((i, questions[i].alone()) for i in group)
        else:
            yield from _together(questions, group)


def _by_network(questions: Sequence[Question]) -> list[list[int]]:
    """Questions whose networks have the same weights, biases and heads apart."""
    groups: dict[tuple[object, ...], list[int]] = {}
    known: dict[int, str] = {}  # by the place of the LSTM's weights: shared ones are read once
    for i, question in enumerate(questions):
        detector = question.detector
        place = detector.network_.lstm.get_parameter("weight_ih_l0").data_ptr()
        if place not in known:
            known[place] = _fingerprint(detector)
        limited = question.limit is not None
        key = (known[place], tuple(detector.targets_), limited, detector.device)
        groups.setdefault(key if detector.device == "cpu" else (i,), []).append(i)
    return list(groups.values())


def _fingerprint(detector: LSTMDetector) -> str:
    """Equal for networks with the same LSTM."""
    digest, network = hashlib.sha1(usedforsecurity=False), detector.network_
    digest.update(repr((network.horizon, network.n_targets, network.gaussian)).encode())
    for name, weights in network.state_dict().items():
        if name.startswith("lstm.weight"):
            digest.update(f"{name} {tuple(weights.shape)}".encode())
            digest.update(weights.cpu().numpy().tobytes())
    return digest.hexdigest()


def _together(
    questions: Sequence[Question], group: Sequence[int]
) -> Iterator[tuple[int, Iterable[Block]]]:
    """The answers to questions to one network."""
    size = {i: max((b - a for a, b in questions[i].prepared.segments), default=0) for i in group}
    ordered = sorted(group, key=lambda i: -size[i])
    usual = size[ordered[LEAST_LANES - 1]]
    alone = [i for i in ordered if size[i] > LONG * usual]
    handfuls = list[list[int]]()
    for some in _handfuls(ordered[len(alone) :], questions, size):
        if len(some) < LEAST_LANES:
            alone += some
        else:
            handfuls.append(some)
    yield from ((i, questions[i].alone()) for i in alone)
    for some in handfuls:
        yield from _walked(questions, some).answers()


def _handfuls(
    ordered: Sequence[int], questions: Sequence[Question], size: dict[int, int]
) -> Iterator[list[int]]:
    """Questions, longest first, cut so that what is walked together fits into memory."""
    at = 0
    while at < len(ordered):
        n_numbers = questions[ordered[at]].detector.network_.head.out_features
        most = MOST_NUMBERS // max(1, size[ordered[at]] * n_numbers)
        n_taken = min(MOST_LANES, max(1, most))
        yield list(ordered[at : at + n_taken])
        at += n_taken


@dataclass(frozen=True, eq=False)
class _Walked:
    """A handful of questions whose lanes were walked.

    Parameters
    ----------
    lanes, numbers
        As `lane_numbers` takes and gives them.
    places
        Question and first row of each lane.
    n_lanes
        How many each question has.
    """

    lanes: Sequence[Lane]
    numbers: Tensor | None
    places: Sequence[tuple[int, int]]
    n_lanes: dict[int, int]

    def answers(self) -> Iterator[tuple[int, Iterable[Block]]]:
        """Each question with its blocks; they are large, and are let go at once."""
        found: dict[int, list[Block]] = {i: [] for i in self.n_lanes}
        left = dict(self.n_lanes)
        yield from ((i, []) for i, n_lanes in left.items() if not n_lanes)
        if self.numbers is None:
            return
        walked = lane_blocks(self.lanes, self.numbers)
        for (i, start), blocks in zip(self.places, walked, strict=True):
            found[i] += [(start + at, mean, scale) for at, mean, scale in blocks]
            left[i] -= 1
            if not left[i]:
                yield i, sorted(found.pop(i), key=lambda block: block[0])


def _walked(questions: Sequence[Question], some: Sequence[int]) -> _Walked:
    """Walk a handful of questions to one network."""
    lanes, places = list[Lane](), list[tuple[int, int]]()
    for i in some:
        detector, prepared = questions[i].detector, questions[i].prepared
        fed, limit = detector._inputs(prepared), questions[i].limit
        for start, end in prepared.segments:
            rows, scale = fed[start:end], detector.point_scale_
            lanes.append(Lane(detector.network_, rows, detector.targets_, limit, scale))
            places.append((i, start))
    order = np.argsort([-len(lane) for lane in lanes], kind="stable")
    lanes, places = [lanes[k] for k in order], [places[k] for k in order]
    n_lanes = {i: len(questions[i].prepared.segments) for i in some}
    return _Walked(lanes, lane_numbers(lanes) if lanes else None, places, n_lanes)
