"""Gathering: the rows of a fleet that one network learns from, and what the fleet has in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from offbeat.errors import DataError, OffbeatError
from offbeat.fleet.failure import Failure, Fleet
from offbeat.fleet.learning import Apprentice
from offbeat.lstm import LSTMDetector
from offbeat.series import Series
from offbeat.stamps import step_text
from offbeat.training import Material

__all__ = ["Common", "fleet_material", "opened", "sampled"]

SAME_STEP = 0.01
"""Steps that differ by less than this share are one."""
FAIR_SHARE = 4
"""A series teaches with at most so many times the rows of the usual one."""


@dataclass(frozen=True)
class Common:
    """What every series of a fleet that shares a network has.

    Parameters
    ----------
    channels
        Names of all channels.
    covariates
        Those that are read, not judged.
    step
        In nanoseconds, or a number of rows where there is no clock.
    has_clock
        Whether there is one.
    """

    channels: tuple[str, ...]
    covariates: tuple[str, ...]
    step: int
    has_clock: bool

    @classmethod
    def of(cls, apprentices: Sequence[Apprentice]) -> Common:
        """What most of the series have."""
        kinds = Counter(_kind(one) for one in apprentices)
        channels, step, has_clock = kinds.most_common(1)[0][0]
        spared = Counter(
            tuple(n for i, n in enumerate(channels) if i not in one.detector.targets_)
            for one in apprentices
            if _kind(one) == (channels, step, has_clock)
        )
        return cls(channels, spared.most_common(1)[0][0], step, has_clock)

    def check(self, apprentice: Apprentice) -> None:
        """Raise a `DataError` for a series that is not alike."""
        channels, step, has_clock = _kind(apprentice)
        name = apprentice.grid.series.name
        if channels != self.channels:
            raise DataError(
                f"{name} has the channels {_listed(channels)}, the fleet's are "
                f"{_listed(self.channels)}: learn it with a model of its own"
            )
        if has_clock != self.has_clock:
            raise DataError(f"{name} and the fleet do not both have a clock")
        if abs(step / self.step - 1) > SAME_STEP:
            raise DataError(
                f"{name} has a step of {_step(step, has_clock)}, the fleet's is "
                f"{_step(self.step, has_clock)}: resample it or give it a model of its own"
            )


def _kind(apprentice: Apprentice) -> tuple[tuple[str, ...], int, bool]:
    origin = apprentice.detector.origin_
    step = origin.step
    if isinstance(step, np.timedelta64):
        step = int(step.astype("timedelta64[ns]").astype(np.int64))
    return origin.channels, int(step), origin.has_clock


def _step(step: int, has_clock: bool) -> str:
    return step_text(step) if has_clock else f"{step} row(s)"


def _listed(channels: Sequence[str], most: int = 5) -> str:
    shown = ", ".join(channels[:most])
    return f"{shown} and {len(channels) - most} more" if len(channels) > most else shown


def sampled(fleet: Fleet, most: int, seed: int) -> dict[str, Series]:
    """At most so many series of a fleet, each as likely as any other, in the fleet's order."""
    if len(fleet) <= most:
        return dict(fleet)
    draw = np.random.default_rng(seed)
    keys = list(fleet)
    chosen = np.sort(draw.choice(len(keys), size=most, replace=False))
    return {keys[i]: fleet[keys[i]] for i in chosen}


def opened(
    fleet: Fleet, make: Callable[[], LSTMDetector]
) -> tuple[list[Apprentice], dict[str, Failure]]:
    """Every series with what was chosen from it, and those that nothing can be chosen from."""
    good, failed = list[Apprentice](), dict[str, Failure]()
    for key, series in fleet.items():
        try:
            one = Apprentice.of(key, series, make())
            one.open()
        except OffbeatError as problem:
            failed[key] = Failure.of(key, problem)
        else:
            good.append(one)
    return good, failed


def fleet_material(
    apprentices: Sequence[Apprentice],
    *,
    chunk: int,
    warm_up: int,
    validation: float,
    most_rows: int,
    seed: int,
    numbered: bool = False,
) -> Material:
    """The rows of all series as one material.

    The first rows of each series stand before the last rows of every one, as what judges the
    training is its end: so each series teaches and each judges. A long series gives a stretch,
    at most `FAIR_SHARE` times the rows of the usual one, so that it does not drown the small ones.

    Parameters
    ----------
    apprentices
        Opened series with the same channels.
    chunk, warm_up
        As in `Material`.
    validation
        Last share of each series that judges.
    most_rows
        Rows in all.
    seed
        Of the stretches.
    numbered
        Whether a last input says which series a row belongs to.
    """
    draw = np.random.default_rng(seed)
    usual = float(np.median([one.prepared.n_rows for one in apprentices]))
    each = int(max(2 * chunk, min(FAIR_SHARE * usual, most_rows / len(apprentices))))
    inputs, targets = list[torch.Tensor](), list[torch.Tensor]()
    heads, tails, at = list[tuple[int, int]](), list[tuple[int, int]](), 0
    for number, one in enumerate(apprentices):
        whole = one.detector._material(one.prepared)
        n_rows = len(whole.inputs)
        first = int(draw.integers(0, max(1, n_rows - each)))
        rows = slice(first, min(n_rows, first + each))
        fed = whole.inputs[rows]
        if numbered:
            fed = torch.cat([fed, torch.full((len(fed), 1), float(number))], dim=1)
        inputs.append(fed)
        targets.append(whole.targets[rows])
        own = [(max(a, first), min(b, rows.stop)) for a, b in whole.segments]
        own = [(a - first + at, b - first + at) for a, b in own if b > a]
        before, after = _parted(own, validation)
        heads, tails, at = heads + before, tails + after, at + len(fed)
    return Material(torch.cat(inputs), torch.cat(targets), heads + tails, chunk, warm_up)


def _parted(
    segments: Sequence[tuple[int, int]], share: float
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Segments of one series, cut where the last `share` of its rows begins."""
    n_rows = sum(end - start for start, end in segments)
    left = n_rows - int(n_rows * share)
    before, after = list[tuple[int, int]](), list[tuple[int, int]]()
    for start, end in segments:
        cut = min(end, start + max(0, left))
        left -= end - start
        if cut > start:
            before.append((start, cut))
        if end > cut:
            after.append((cut, end))
    return before, after
