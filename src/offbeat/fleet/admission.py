"""Admission: the fleet's LSTM reads each series once, and from that its own head is solved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from offbeat.chunks import Material
from offbeat.fleet.foreseeing import LEAST_LANES
from offbeat.fleet.heads import Read, last_rows, own_head
from offbeat.fleet.lanes import Lane, lane_reads
from offbeat.fleet.learning import Apprentice
from offbeat.networks import LSTMForecaster

__all__ = ["give_heads"]

MOST_NUMBERS = 40_000_000
"""Numbers that the heads of series read together may read."""


@dataclass(frozen=True, eq=False)
class _Newcomer:
    """A series that has the fleet's network, and the rows that its head is solved from."""

    apprentice: Apprentice
    material: Material
    stretches: list[tuple[int, int]]

    @classmethod
    def of(cls, apprentice: Apprentice) -> _Newcomer:
        material = apprentice.detector._material(apprentice.prepared)
        return cls(apprentice, material, last_rows(material))

    @property
    def network(self) -> LSTMForecaster:
        return self.apprentice.detector.network_

    @property
    def n_rows(self) -> int:
        """Of the longest stretch."""
        return max((end - start for start, end in self.stretches), default=0)


def give_heads(apprentices: Sequence[Apprentice]) -> None:
    """Let each that forecasts better with one have a head of its own.

    Parameters
    ----------
    apprentices
        With networks of one LSTM; biases may differ.
    """
    newcomers = [_Newcomer.of(one) for one in apprentices]
    newcomers.sort(key=lambda one: -one.n_rows)
    for handful in _handfuls(newcomers):
        _give(handful)


def _handfuls(newcomers: Sequence[_Newcomer]) -> Iterator[Sequence[_Newcomer]]:
    """Longest first, so many as may be read together."""
    at = 0
    while at < len(newcomers):
        first = newcomers[at]
        n_numbers = max(1, first.n_rows) * first.network.head.in_features
        n_taken = max(1, MOST_NUMBERS // n_numbers)
        yield newcomers[at : at + n_taken]
        at += n_taken


def _give(handful: Sequence[_Newcomer]) -> None:
    on_processor = all(one.apprentice.detector.device == "cpu" for one in handful)
    together = on_processor and len(handful) >= LEAST_LANES
    reads = _together(handful) if together else [_alone(one) for one in handful]
    for one, read in zip(handful, reads, strict=True):
        made = own_head(one.network, one.material, read)
        if made is not None:
            one.apprentice.detector.network_ = made


def _together(handful: Sequence[_Newcomer]) -> list[list[Read]]:
    """All of them in step."""
    lanes, places = list[Lane](), list[tuple[int, int]]()
    for i, one in enumerate(handful):
        targets, scale = one.apprentice.detector.targets_, np.ones((1, one.network.n_targets))
        for start, end in one.stretches:
            fed = one.material.inputs[start:end].numpy()
            lanes.append(Lane(one.network, fed, targets, None, scale))
            places.append((i, start))
    order = np.argsort([-len(lane) for lane in lanes], kind="stable")
    found: list[list[Read]] = [[] for _ in handful]
    if not lanes:
        return found
    read = lane_reads([lanes[k] for k in order])
    for column, k in enumerate(order):
        i, start = places[k]
        found[i].append((start, read[: len(lanes[k]), column]))
    return [sorted(each, key=lambda stretch: stretch[0]) for each in found]


@torch.no_grad()
def _alone(one: _Newcomer) -> list[Read]:
    """One series by itself, on its device."""
    found: list[Read] = []
    for start, end in one.stretches:
        rows = one.material.inputs[None, start:end]
        hidden, _ = one.network.lstm(rows.to(one.apprentice.detector.device))
        found.append((start, torch.cat([hidden.cpu(), rows], dim=-1)[0]))
    return found
