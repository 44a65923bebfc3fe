"""What went off together, against chance and against a count by hand."""

from __future__ import annotations

import numpy as np

from offbeat.fleet.together import find_groups, find_incidents

DAY = 86_400


def at_random(n_events: int, days: int, seed: int = 0) -> tuple[np.ndarray, list[str]]:
    draw = np.random.default_rng(seed)
    begins = np.sort(draw.integers(0, days * DAY, n_events))
    return begins, [f"s{draw.integers(0, 5_000)}" for _ in range(n_events)]


def test_chance_alone_makes_no_incident() -> None:
    for seed in range(5):
        begins, keys = at_random(20_000, 30, seed)
        assert find_incidents(begins, keys, 60, 30 * DAY) == []


def test_what_begins_together_is_found_among_many_others() -> None:
    begins, keys = at_random(20_000, 30)
    planted = 12 * DAY + np.arange(40)  # 40 series within 40 seconds, one every 130 s is usual
    begins = np.concatenate([begins, planted])
    keys = [*keys, *(f"p{n}" for n in range(40))]
    (found,) = find_incidents(begins, keys, 60, 30 * DAY)
    assert {keys[i] for i in found.members} >= {f"p{n}" for n in range(40)}
    assert len(found.members) < 50
    assert found.by_chance < 1e-12


def test_one_series_that_goes_off_often_is_no_incident() -> None:
    begins = np.arange(100)
    assert find_incidents(begins, ["a"] * 100, 60, DAY) == []
    assert find_incidents(begins[:1], ["a"], 60, DAY) == []


def test_groups_share_at_least_two_incidents() -> None:
    groups = find_groups([["a", "b", "c"], ["a", "b", "d"], ["a", "b", "d"], ["e", "f"]])
    assert [(group.keys, group.incidents) for group in groups] == [
        (("a", "b", "d"), (0, 1, 2)),
    ]
