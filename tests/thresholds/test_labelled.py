"""Cuts learned from labels: nothing is worth more, by the slow twin that tries every cut."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_thresholds import labels, noise, taken_from

import naive
from offbeat.errors import ConfigError, DataError
from offbeat.events import alarm_runs
from offbeat.thresholds import (
    Calibration,
    CostThreshold,
    FBetaThreshold,
    FixedThreshold,
    alarm_reach,
    threshold_table,
)
from offbeat.thresholds.counting import MOST_CUTS, JudgedCounts

GAPS = st.sampled_from([0, 1, 4])
LEARNERS = [FBetaThreshold(1.0), CostThreshold()]
each = pytest.mark.parametrize("threshold", LEARNERS, ids=lambda method: method.kind)


def known_values(rows: list[tuple[float, int]]) -> set[float]:
    return {value for value, _ in rows if np.isfinite(value)}


VALUES = st.floats(0.01, 10).map(lambda value: round(value, 2))
ROWS = st.lists(
    st.tuples(VALUES | st.sampled_from([1.0, 2.0, float("nan")]), st.integers(0, 1)),
    min_size=2,
    max_size=40,
).filter(lambda rows: len(known_values(rows)) > 1 and any(true for _, true in rows))


def labelled(rows: list[tuple[float, int]], merge_gap: int = 0) -> Calibration:
    y_true = np.array([true for _, true in rows])
    return taken_from([value for value, _ in rows], y_true=y_true, merge_gap=merge_gap)


def worth(calibration: Calibration, cut: float, kind: str, weight: float) -> float:
    assert calibration.y_true is not None
    gap = calibration.merge_gap
    reach = alarm_reach(calibration.score, gap)
    return naive.worth_of(calibration.score > cut, calibration.y_true, kind, weight, gap, reach)


@settings(deadline=None, max_examples=60)
@given(ROWS, st.sampled_from(["fbeta", "cost"]), st.sampled_from([0.5, 1.0, 10.0]), GAPS)
def test_no_cut_is_worth_more(
    rows: list[tuple[float, int]], kind: str, weight: float, merge_gap: int
) -> None:
    known = labelled(rows, merge_gap)
    assert known.y_true is not None
    threshold = FBetaThreshold(weight) if kind == "fbeta" else CostThreshold(1.0, weight)
    found = worth(known, threshold.value(known), kind, weight)
    reach = alarm_reach(known.score, merge_gap)
    best = naive.best_worth(known.score, known.y_true, kind, weight, merge_gap, reach)
    assert found == pytest.approx(best)


@settings(deadline=None, max_examples=60)
@given(ROWS, st.sampled_from(["fbeta", "cost"]), GAPS)
def test_of_equal_cuts_the_highest_are_taken(
    rows: list[tuple[float, int]], kind: str, merge_gap: int
) -> None:
    """Between the cut and a higher one that is worth as much none is worth less."""
    known = labelled(rows, merge_gap)
    cut = (FBetaThreshold(2.0) if kind == "fbeta" else CostThreshold(1.0, 2.0)).value(known)
    best, poorer = worth(known, cut, kind, 2.0), False
    for higher in np.sort(known.finite[known.finite > cut]):
        poorer |= worth(known, higher, kind, 2.0) < best - 1e-12
        assert not (poorer and worth(known, higher, kind, 2.0) > best - 1e-12)


@pytest.mark.parametrize(
    ("score", "true", "cut"),
    [
        ([1, 1, 1, 1, 8, 9], (4, 5), 5.0),  # the event is found alone from 9 down to 1
        ([1, 2, 8, 9], (0, 1, 2, 3), 4.5),  # all are anomalies: half-way to nothing
        ([1, 5, 5, 9], (0, 3), 0.5),  # one event each, found together only if all are flagged
        ([9, 1, 1, 1, 1, 8], (0, 5), 4.5),  # lower still, one alarm lies over too much else
    ],
)
@each
def test_cuts_worked_by_hand(
    threshold: FBetaThreshold, score: list[float], true: tuple[int, ...], cut: float
) -> None:
    assert threshold.value(taken_from(score, y_true=labels(len(score), *true))) == cut


def test_where_an_alarm_costs_more_than_it_saves_there_is_none() -> None:
    known = taken_from([9, 1, 7, 1, 8], y_true=labels(5, 2))
    assert CostThreshold(false_alarm=1, miss=1).value(known) == 9.0
    assert CostThreshold(false_alarm=1, miss=4).value(known) == 4.0


@pytest.mark.parametrize("merge_gap", [0, 5, 25])
@each
def test_one_alarm_over_everything_does_not_win(threshold: FBetaThreshold, merge_gap: int) -> None:
    """Scores that know nothing: lowered far enough, one alarm touches every labelled event."""
    y_true = labels(2000, *(row for start in (300, 900, 1500) for row in range(start, start + 40)))
    known = taken_from(noise(2000), y_true=y_true, merge_gap=merge_gap)
    runs = alarm_runs(known.score, threshold.value(known), merge_gap=merge_gap)
    assert (runs[:, 1] - runs[:, 0]).max(initial=0) < 200
    (all_of_it,) = threshold_table(
        known, known.score, y_true=y_true, merge_gap=25, thresholds=[FixedThreshold(1e-9)]
    )
    assert (all_of_it.events, all_of_it.precision, all_of_it.recall) == (1, 0.0, 0.0)


def test_long_series_are_held_against_labels_at_few_cuts_only() -> None:
    counts = JudgedCounts.of(noise(20_000), labels(20_000, 7), 0)
    assert 100 < len(counts.upper) <= MOST_CUTS
    assert (counts.upper > counts.lower).all()
    assert (counts.upper[1:] <= counts.lower[:-1]).all()


@settings(deadline=None, max_examples=60)
@given(ROWS, st.sampled_from([0.5, 1.0, 3.0]), st.integers(-10, 10))
def test_only_the_ratio_of_the_costs_matters(
    rows: list[tuple[float, int]], miss: float, power: int
) -> None:
    unit, known = 2.0**power, labelled(rows)
    assert CostThreshold(unit, miss * unit).value(known) == CostThreshold(1.0, miss).value(known)


def missed_at(known: Calibration, cut: float) -> float:
    return -worth(known, cut, "cost", 1e9) // 1e9


@settings(deadline=None, max_examples=60)
@given(ROWS)
def test_dearer_misses_never_miss_more(rows: list[tuple[float, int]]) -> None:
    known = labelled(rows)
    weights = (0.1, 1, 3, 10, 100)
    missed = [missed_at(known, CostThreshold(1.0, miss).value(known)) for miss in weights]
    assert missed == sorted(missed, reverse=True)


def test_a_larger_beta_catches_more() -> None:
    random = np.random.default_rng(0)
    y_true = (random.random(500) < 0.1).astype(int)
    known = taken_from(random.normal(5, size=500) + y_true, y_true=y_true)
    cuts = [FBetaThreshold(beta).value(known) for beta in (0.1, 1, 10)]
    assert cuts[0] > cuts[1] >= cuts[2]


@each
def test_without_labels_it_is_refused(threshold: FBetaThreshold) -> None:
    with pytest.raises(ConfigError, match=f"{threshold.title}.*give y_true"):
        threshold.value(taken_from([1, 2]))
    with pytest.raises(DataError, match=f"{threshold.title}.*no row is labelled 1"):
        threshold.value(taken_from([1, 2], y_true=labels(2)))
    assert threshold.needs_labels


@pytest.mark.parametrize("wrong", [0, -1.0, np.nan, np.inf, "1", True])
def test_weights_that_are_no_positive_number_are_refused(wrong: Any) -> None:
    with pytest.raises(ConfigError, match=f"beta must be .*; {wrong!r} came"):
        FBetaThreshold(wrong)
    with pytest.raises(ConfigError, match=f"cost of a false alarm must be .*; {wrong!r} came"):
        CostThreshold(false_alarm=wrong)
    with pytest.raises(ConfigError, match=f"cost of a miss must be .*; {wrong!r} came"):
        CostThreshold(miss=wrong)


def test_titles_say_the_weights() -> None:
    assert FBetaThreshold(0.5).title == "best F0.5"
    assert CostThreshold(2, 20).title == "lowest cost, miss 20 : 2 false alarm"
