"""Budgets: how they are read, and that they are kept."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_thresholds import SCORES, n_events, noise, taken_from

import naive
from offbeat.errors import ConfigError
from offbeat.thresholds import BudgetThreshold
from offbeat.thresholds.budget import Budget, parse_budget

PER_DAY = 1440.0
EVENTS = [0.01, 0.5, 1, 3, 9.9, 10, 11, 50]


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("1/week", Budget(1, 7, None)),
        (" 3 / day ", Budget(3, 1, None)),
        ("0.5 per hour", Budget(0.5, 1 / 24, None)),
        ("1/2 weeks", Budget(1, 14, None)),
        ("1e-2/12h", Budget(0.01, 0.5, None)),
        ("2/1000rows", Budget(2, 0, 1000)),
        ("2/10_000 Rows", Budget(2, 0, 10_000)),
        ("1/row", Budget(1, 0, 1)),
    ],
)
def test_a_budget_is_read_as_people_write_it(text: str, budget: Budget) -> None:
    found = parse_budget(text)
    assert found.events == budget.events
    assert found.days == pytest.approx(budget.days)
    assert found.rows == budget.rows


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("week", "a budget is a number and a stretch"),
        ("-1/week", "a budget is a number and a stretch"),
        ("1/", "a budget is a number and a stretch"),
        (7, "a budget is a number and a stretch"),
        (None, "a budget is a number and a stretch"),
        ("1.2.3/week", "has a number that cannot be read"),
        ("1/_rows", "has a number that cannot be read"),
        ("0/week", "a budget must be more than 0"),
        ("1e999/week", "a budget must be more than 0"),
        ("1/0rows", "a budget must be more than 0"),
    ],
)
def test_what_is_no_budget_is_refused(text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told) as error:
        BudgetThreshold(text)
    assert repr(text) in str(error.value)


@pytest.mark.parametrize("stretch", ["fortnight", "0 days", "1e3 days"])
def test_a_stretch_that_is_no_duration_is_refused(stretch: str) -> None:
    with pytest.raises(ConfigError, match=f"a duration .*{stretch!r} came"):
        BudgetThreshold(f"1/{stretch}")


def test_what_a_budget_allows_in_the_training_part() -> None:
    week = taken_from(noise(int(7 * PER_DAY)), rows_per_day=PER_DAY)
    assert BudgetThreshold("3/day").expected_events(week) == pytest.approx(21)
    assert BudgetThreshold("1/2 weeks").expected_events(week) == pytest.approx(0.5)
    assert BudgetThreshold("1/1000rows").expected_events(week) == pytest.approx(10.08)


def test_rows_without_a_score_are_no_time_that_was_seen() -> None:
    score = np.append(noise(1000), np.full(1000, np.nan))
    assert BudgetThreshold("1/100rows").expected_events(taken_from(score)) == 10


def test_a_budget_by_time_needs_a_clock() -> None:
    with pytest.raises(ConfigError, match=r"false_alarms='1/week' is by time.*'1/10000rows'"):
        BudgetThreshold("1/week").value(taken_from(noise(100)))


def test_a_stretch_in_rows_is_the_same_stretch_in_time() -> None:
    calibration = taken_from(noise(5000), rows_per_day=1000.0)
    assert BudgetThreshold("2/day").value(calibration) == pytest.approx(
        BudgetThreshold("2/1000rows").value(calibration)
    )


@settings(deadline=None, max_examples=60)
@given(SCORES, st.integers(0, 4))
def test_a_larger_budget_never_gives_a_higher_cut(score: list[float], gap: int) -> None:
    n_rows = len(taken_from(score).finite)
    budgets = [BudgetThreshold(f"{events}/{n_rows}rows") for events in EVENTS]
    cuts = [budget.value(taken_from(score, merge_gap=gap)) for budget in budgets]
    assert all(high >= low * (1 - 1e-12) for high, low in pairwise(cuts))


@settings(deadline=None, max_examples=60)
@given(SCORES, st.integers(0, 4), st.sampled_from(EVENTS))
def test_the_training_part_holds_no_more_events_than_allowed_but_one(
    score: list[float], gap: int, events: float
) -> None:
    calibration = taken_from(score, merge_gap=gap)
    cut = BudgetThreshold(f"{events}/{len(calibration.finite)}rows").value(calibration)
    assert n_events(calibration.score, cut, gap) <= max(1, events)


@pytest.mark.parametrize("events", [10, 25, 50])
@pytest.mark.parametrize("gap", [0, 3])
def test_what_can_be_counted_is_counted(events: int, gap: int) -> None:
    calibration = taken_from(noise(700), merge_gap=gap)
    cut = BudgetThreshold(f"{events}/700rows").value(calibration)
    assert cut == pytest.approx(naive.lowest_cut_with(calibration.score, events, gap))
    assert n_events(calibration.score, cut, gap) == events


def test_fresh_scores_raise_as_many_alarms_as_were_allowed() -> None:
    calibration = taken_from(noise(20_000), rows_per_day=1000.0)
    cut = BudgetThreshold("2/day").value(calibration)
    assert n_events(noise(100_000, seed=1), cut) == pytest.approx(200, rel=0.25)


@pytest.mark.parametrize("seed", range(5))
def test_a_rare_alarm_is_extrapolated_to_near_the_true_cut(seed: int) -> None:
    calibration = taken_from(noise(10_000, seed))
    cut = BudgetThreshold("1/100000rows").value(calibration)
    assert cut == pytest.approx(np.log(1e5), rel=0.2)
    assert cut > calibration.score.max() or BudgetThreshold("1/10000rows").value(calibration) < cut


def test_alarms_that_are_joined_later_count_once() -> None:
    score = noise(10_000)
    cuts = [
        BudgetThreshold("50/10000rows").value(taken_from(score, merge_gap=gap))
        for gap in (0, 5, 60)
    ]
    assert cuts[0] > cuts[1] > cuts[2]


def test_the_title_is_the_budget() -> None:
    assert BudgetThreshold("1/week").title == "budget 1/week"
