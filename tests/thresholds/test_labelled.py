"""Cuts learned from labels: nothing is worth more, by the slow twin that tries every cut."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_thresholds import labels, taken_from

import naive
from offbeat.errors import ConfigError, DataError
from offbeat.thresholds import Calibration, CostThreshold, FBetaThreshold

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


def labelled(rows: list[tuple[float, int]]) -> Calibration:
    return taken_from([value for value, _ in rows], y_true=np.array([true for _, true in rows]))


def worth(calibration: Calibration, cut: float, kind: str, weight: float) -> float:
    assert calibration.y_true is not None
    return naive.worth_of(calibration.score > cut, calibration.y_true, kind, weight)


@settings(deadline=None, max_examples=60)
@given(ROWS, st.sampled_from([0.5, 1.0, 2.0]))
def test_no_cut_has_a_better_f_beta(rows: list[tuple[float, int]], beta: float) -> None:
    known = labelled(rows)
    assert known.y_true is not None
    found = worth(known, FBetaThreshold(beta).value(known), "fbeta", beta)
    assert found == pytest.approx(naive.best_worth(known.score, known.y_true, "fbeta", beta))


@settings(deadline=None, max_examples=60)
@given(ROWS, st.sampled_from([0.5, 1.0, 10.0]))
def test_no_cut_costs_less(rows: list[tuple[float, int]], miss: float) -> None:
    known = labelled(rows)
    assert known.y_true is not None
    found = worth(known, CostThreshold(1.0, miss).value(known), "cost", miss)
    assert found == pytest.approx(naive.best_worth(known.score, known.y_true, "cost", miss))


@settings(deadline=None, max_examples=60)
@given(ROWS, st.sampled_from(["fbeta", "cost"]))
def test_of_equal_cuts_the_highest_is_taken(rows: list[tuple[float, int]], kind: str) -> None:
    known = labelled(rows)
    threshold = FBetaThreshold(2.0) if kind == "fbeta" else CostThreshold(1.0, 2.0)
    cut = threshold.value(known)
    best = worth(known, cut, kind, 2.0)
    for higher in known.finite[known.finite > cut]:
        assert worth(known, higher, kind, 2.0) < best


@pytest.mark.parametrize(
    ("score", "true", "cut"),
    [
        ([1, 2, 8, 9], (2, 3), 5.0),  # half-way between the two sides
        ([1, 2, 8, 9], (0, 1, 2, 3), 0.5),  # all are anomalies: half-way to nothing
        ([1, 5, 5, 9], (2, 3), 3.0),  # equal scores stay together
    ],
)
@each
def test_cuts_worked_by_hand(
    threshold: FBetaThreshold, score: list[float], true: tuple[int, ...], cut: float
) -> None:
    assert threshold.value(taken_from(score, y_true=labels(4, *true))) == cut


def test_where_an_alarm_costs_more_than_it_saves_there_is_none() -> None:
    known = taken_from([9, 1, 8, 7], y_true=labels(4, 1))
    assert CostThreshold(false_alarm=1, miss=1).value(known) == 9.0
    assert CostThreshold(false_alarm=1, miss=4).value(known) == 0.5


@settings(deadline=None, max_examples=60)
@given(ROWS, st.sampled_from([0.5, 1.0, 3.0]), st.integers(-10, 10))
def test_only_the_ratio_of_the_costs_matters(
    rows: list[tuple[float, int]], miss: float, power: int
) -> None:
    unit, known = 2.0**power, labelled(rows)
    assert CostThreshold(unit, miss * unit).value(known) == CostThreshold(1.0, miss).value(known)


@settings(deadline=None, max_examples=60)
@given(ROWS)
def test_dearer_misses_never_give_a_higher_cut(rows: list[tuple[float, int]]) -> None:
    cuts = [CostThreshold(1.0, miss).value(labelled(rows)) for miss in (0.1, 1, 3, 10, 100)]
    assert cuts == sorted(cuts, reverse=True)


def test_a_larger_beta_catches_more() -> None:
    random = np.random.default_rng(0)
    y_true = (random.random(500) < 0.1).astype(int)
    known = taken_from(random.normal(5, size=500) + y_true, y_true=y_true)
    cuts = [FBetaThreshold(beta).value(known) for beta in (0.1, 1, 10)]
    assert cuts[0] > cuts[1] > cuts[2]


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
