"""Series that go off together: more alarms begin at once than chance explains."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Group", "Incident", "find_groups", "find_incidents"]

SURE = 0.01
"""Chance that any incident at all is found where alarms begin at random."""
ROUNDS = 5
"""Times that the usual rate is measured anew without the incidents found so far."""
ALIKE = 0.5
"""Share of their incidents that series of a group have in common, at least."""
MOST_PATTERNS = 2_000
"""Patterns of incidents that are compared; rarer ones stay without a group."""


@dataclass(frozen=True)
class Incident:
    """Alarms of several series that began together.

    Parameters
    ----------
    start, end
        First and last begin, in the unit of the times.
    members
        Positions of the alarms.
    by_chance
        How likely so many are where alarms begin at random at the usual rate.
    """

    start: int
    end: int
    members: tuple[int, ...]
    by_chance: float


@dataclass(frozen=True)
class Group:
    """Series that shared at least two incidents.

    Parameters
    ----------
    keys
        Of the series, in order.
    incidents
        Positions of the incidents that most of them share.
    """

    keys: tuple[str, ...]
    incidents: tuple[int, ...]


def find_incidents(
    begins: NDArray[np.int64], keys: Sequence[str], within: int, span: int
) -> list[Incident]:
    """Stretches in which more series went off than chance explains, in order of time.

    Begins are counted in bins of `within`, two bins at a time, so that none is parted by an edge.
    A count that a Poisson process of the usual rate hardly reaches anywhere in the whole time is an
    incident.

    Parameters
    ----------
    begins
        Shape (n,): when each alarm began, whole numbers in any unit.
    keys
        n names of their series; a series counts once.
    within
        How far apart what belongs together may begin, same unit.
    span
        How long the series were watched, same unit.
    """
    if len(begins) < 2:  # noqa: PLR2004 - it takes two
        return []
    bins = (begins - begins.min()) // within
    series_in: dict[int, set[str]] = defaultdict(set)
    for place, key in zip(bins.tolist(), keys, strict=True):
        series_in[place].add(key)
        series_in[place - 1].add(key)  # the window that begins one bin earlier
    counts = {place: len(names) for place, names in series_in.items()}
    n_windows = max(int(bins.max()) + 1, span // within)
    chance = _marked(counts, n_windows)
    found = []
    for first, last, likely in _stretches(chance):
        members = np.flatnonzero((bins >= first) & (bins <= last + 1))
        times = begins[members]
        found.append(Incident(int(times.min()), int(times.max()), tuple(members.tolist()), likely))
    return found


def find_groups(incidents: Iterable[Iterable[str]]) -> list[Group]:
    """Series that were in the same incidents at least twice, the largest group first.

    Parameters
    ----------
    incidents
        Keys of the series in each.
    """
    seen: dict[str, set[int]] = defaultdict(set)
    for number, keys in enumerate(incidents):
        for key in keys:
            seen[key].add(number)
    patterns: dict[frozenset[int], list[str]] = defaultdict(list)
    for key, numbers in seen.items():
        if len(numbers) > 1:
            patterns[frozenset(numbers)].append(key)
    usual = sorted(patterns.items(), key=lambda each: (-len(each[1]), sorted(each[0])))
    seeds: list[tuple[frozenset[int], list[str]]] = []
    for pattern, keys in usual[:MOST_PATTERNS]:
        like = next((held for seed, held in seeds if _shared(seed, pattern) >= ALIKE), None)
        if like is None:
            seeds.append((pattern, list(keys)))
        else:
            like.extend(keys)
    groups = [Group(tuple(sorted(k)), tuple(sorted(n))) for n, k in seeds if len(k) > 1]
    return sorted(groups, key=lambda group: (-len(group.keys), group.incidents))


def _marked(counts: dict[int, int], n_windows: int) -> dict[int, float]:
    """Windows that hold too many, and how likely that is."""
    from scipy.stats import poisson  # slow to import

    marked: dict[int, float] = {}
    for _ in range(ROUNDS):
        usual = [count for place, count in counts.items() if place not in marked]
        rate = max(sum(usual), 1) / max(n_windows - len(marked), 1)
        tails = {n: float(poisson.sf(n - 1, rate)) for n in set(counts.values()) if n > 1}
        again = {
            place: tails[count]
            for place, count in counts.items()
            if count > 1 and tails[count] * n_windows < SURE
        }
        if again.keys() == marked.keys():
            break
        marked = again
    return marked


def _stretches(chance: dict[int, float]) -> list[tuple[int, int, float]]:
    """First and last of each run of neighbouring windows, and the smallest chance in it."""
    runs: list[tuple[int, int, float]] = []
    for place in sorted(chance):
        if runs and place <= runs[-1][1] + 1:
            first, _, likely = runs[-1]
            runs[-1] = (first, place, min(likely, chance[place]))
        else:
            runs.append((place, place, chance[place]))
    return runs


def _shared(one: frozenset[int], other: frozenset[int]) -> float:
    return len(one & other) / len(one | other)
