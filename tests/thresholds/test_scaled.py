"""Scaled cuts, and how far judged alarms move one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_thresholds import noise, taken_from

import naive
from offbeat.errors import ConfigError
from offbeat.events import alarm_runs
from offbeat.thresholds import (
    BudgetThreshold,
    CostThreshold,
    FBetaThreshold,
    ScaledThreshold,
    SigmaThreshold,
)
from offbeat.thresholds.taught import FACTORS, Evidence, best_factor, events_at, swallowed_at

NOTHING = np.empty(0)
QUIET = np.zeros(len(FACTORS))
GOAL = FBetaThreshold()


def test_a_scaled_cut_follows_its_base() -> None:
    calibration, score = taken_from(list(noise(300))), noise(50, seed=1)
    base = SigmaThreshold()
    scaled = ScaledThreshold(1.5, base)
    assert scaled.cut(calibration, score) == pytest.approx(1.5 * base.cut(calibration, score))
    assert scaled.title == "1.5 x mean + 3 sigma"


@pytest.mark.parametrize("base", [FBetaThreshold(), ScaledThreshold(), None])
def test_what_cannot_be_scaled(base: object) -> None:
    with pytest.raises(ConfigError):
        ScaledThreshold(1.2, base)  # type: ignore[arg-type]
    with pytest.raises(ConfigError):
        ScaledThreshold(0.0, BudgetThreshold())


def factor(
    right: list[float], wrong: list[float], unjudged=QUIET, swallowed=QUIET, goal=GOAL
) -> float:
    return best_factor(Evidence(np.array(right), np.array(wrong), unjudged, swallowed), goal)


def test_without_evidence_nothing_moves() -> None:
    assert factor([], []) == 1.0
    assert factor([1.5, 2.0, 3.0], []) == 1.0  # right as it is
    assert factor([], [], goal=CostThreshold()) == 1.0


def test_false_alarms_raise_it_above_themselves_and_not_above_the_true_ones() -> None:
    assert 1.25 < factor([], [1.1, 1.15, 1.2, 1.1, 1.2, 1.15]) < 2
    assert 1.3 < factor([2.0, 2.5, 3.0], [1.1, 1.2, 1.2, 1.1]) < 2


def test_missed_ones_lower_it_only_as_far_as_it_pays() -> None:
    assert 0.5 < factor([0.8, 0.85, 0.9, 1.5], []) < 0.85
    flood = np.where(FACTORS < 1, 200.0, 0.0)
    assert factor([0.8, 0.85, 0.9, 1.5], [], flood) == 1.0


def test_scores_that_contradict_the_labels_move_little() -> None:
    assert 0.6 < factor([1.1, 1.2, 1.3], [1.6, 1.7, 1.8]) < 1.5


def test_a_costly_miss_keeps_it_lower() -> None:
    right, wrong = [1.1, 1.3, 2.0], [1.2, 1.25, 1.3, 1.35]
    careful = factor(right, wrong, goal=CostThreshold(1.0, 20.0))
    calm = factor(right, wrong, goal=CostThreshold(5.0, 1.0))
    assert careful < calm


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.floats(0, 5) | st.just(float("nan")), min_size=1, max_size=80), st.integers(0, 5)
)
def test_events_are_counted_as_the_rule_makes_them(ratio: list[float], gap: int) -> None:
    score = np.array(ratio)
    counted = events_at(score, gap)
    naive = np.array([len(alarm_runs(score, f, merge_gap=gap)) for f in FACTORS], dtype=float)
    assert (counted == np.maximum.accumulate(naive[::-1])[::-1]).all()


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000), st.integers(0, 3), st.integers(0, 4))
def test_swallowed_anomalies_equal_the_slow_twin(seed: int, merge_gap: int, reach: int) -> None:
    random = np.random.default_rng(seed)
    ratio, y_true = random.exponential(size=60), (random.random(60) < 0.2).astype(int)
    ratio[random.random(60) < 0.1] = np.nan
    found = swallowed_at(ratio, y_true, merge_gap, reach)
    for place in range(0, len(FACTORS), 30):
        flagged = ratio > FACTORS[place]
        alarms = naive.runs(flagged, merge_gap)
        right = []
        for start, end in alarms:
            inside = int(y_true[start:end].sum())
            if inside and (end - start - inside) / 2 <= inside + reach:
                right.append((start, end))
        anomalies = naive.runs(y_true)
        assert found[place] == touched(anomalies, alarms) - touched(anomalies, right)


def touched(places, others) -> int:
    return sum(any(a < end and start < b for a, b in others) for start, end in places)


def test_a_cut_that_swallows_what_it_should_find_is_not_taken() -> None:
    far_too_low = np.where(FACTORS < 0.5, 3.0, 0.0)
    missed = [0.3, 0.3, 0.3]
    assert factor(missed, [], goal=CostThreshold()) < 0.5
    assert factor(missed, [], swallowed=far_too_low, goal=CostThreshold()) > 0.5
