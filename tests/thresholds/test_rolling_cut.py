"""The cut that follows: without look-ahead, anew every so many rows, frozen while it alarms."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import naive_thresholds
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_thresholds import KNOWN, SCORES, labels, noise, taken_from

from offbeat.errors import ConfigError
from offbeat.thresholds import (
    BudgetThreshold,
    FBetaThreshold,
    FixedThreshold,
    MADThreshold,
    PercentileThreshold,
    RollingThreshold,
    SigmaThreshold,
    TelemanomThreshold,
)


@settings(deadline=None, max_examples=60)
@given(SCORES, SCORES, st.lists(KNOWN | st.just(float("nan"))), st.integers(1, 12))
def test_no_cut_depends_on_its_own_row_or_a_later_one(
    training: list[float], past: list[float], future: list[float], every: int
) -> None:
    rolling = RollingThreshold(10, SigmaThreshold(1), every)
    whole = rolling.cut(taken_from(training), np.array([*past, *future]))
    assert (whole[: len(past)] == rolling.cut(taken_from(training), np.array(past))).all()
    changed = [*past[:-1], 1e6]
    assert rolling.cut(taken_from(training), np.array(changed))[-1] == whole[len(past) - 1]


@pytest.mark.parametrize("base", [SigmaThreshold(20), MADThreshold(40)])
@pytest.mark.parametrize(("span", "every"), [(50, 1), (50, 7), (300, 30)])
def test_without_alarms_the_cut_is_that_of_the_last_span(
    base: SigmaThreshold | MADThreshold, span: int, every: int
) -> None:
    training, score = noise(200), noise(150, seed=1)
    found = RollingThreshold(span, base, every).cut(taken_from(training), score)
    assert (score < found).all()
    slow = naive_thresholds.rolling_without_alarms(base, training, score, span, every)
    assert found == pytest.approx(slow)


def test_the_cut_starts_from_the_last_span_of_the_training_scores() -> None:
    training = np.append(noise(500) * 100, noise(50))
    found = RollingThreshold(50).cut(taken_from(training), np.zeros(1))
    assert found.tolist() == [SigmaThreshold(3).value(taken_from(training[-50:]))]


def test_between_two_recomputations_the_cut_stands_still() -> None:
    score = noise(400, seed=1)
    curve = RollingThreshold(100, every=30).cut(taken_from(noise(200)), score)
    changes = np.flatnonzero(np.diff(curve)) + 1
    assert len(changes) > 5
    assert (changes % 30 == 0).all()
    by_tenths = RollingThreshold(100).cut(taken_from(noise(200)), score)
    assert (np.flatnonzero(np.diff(by_tenths)) % 10 == 9).all()


def test_while_an_alarm_lasts_the_cut_is_frozen() -> None:
    score = noise(600, seed=1)
    score[205:400] += 50
    curve = RollingThreshold(100, every=10).cut(taken_from(noise(200)), score)
    assert len(set(curve[200:400])) == 1  # set before the alarm, and again after it
    assert len(set(curve[:200])) > 10
    assert len(set(curve[400:])) > 10


def test_a_level_that_rises_for_good_alarms_for_good() -> None:
    score = noise(3000, seed=1)
    score[500:] += 50
    curve = RollingThreshold(100).cut(taken_from(noise(200)), score)
    assert (score[500:] > curve[500:]).all()


def test_a_slow_drift_is_followed() -> None:
    drift = np.linspace(1, 10, 20_000)
    training, score = noise(2000), noise(20_000, seed=1) * drift
    base = PercentileThreshold(99)
    rolling = (score > RollingThreshold(1000, base).cut(taken_from(training), score)).mean()
    static = (score > base.cut(taken_from(training), score)).mean()
    assert rolling < 0.03
    assert static > 0.3


@pytest.mark.parametrize("base", [PercentileThreshold(95), SigmaThreshold(3), MADThreshold(3.5)])
def test_over_ordinary_scores_the_cut_does_not_sink(base: Any) -> None:
    training, score = noise(2000), noise(40_000, seed=1)
    curve = RollingThreshold(1000, base).cut(taken_from(training), score)
    assert np.median(curve[-5000:]) == pytest.approx(base.value(taken_from(score)), rel=0.2)


def test_missing_scores_are_no_part_of_the_span() -> None:
    training, score = noise(200), noise(100, seed=1)
    gaps = np.insert(score, np.repeat(50, 20), np.nan)  # two steps of nothing
    rolling = RollingThreshold(50, SigmaThreshold(20), every=10)
    plain = rolling.cut(taken_from(training), score)
    found = rolling.cut(taken_from(training), gaps)
    assert np.delete(found, np.arange(50, 70)) == pytest.approx(plain)


def test_a_gap_does_not_end_an_alarm() -> None:
    score = noise(100, seed=1)
    score[35:40], score[40:60] = 50.0, np.nan
    curve = RollingThreshold(50, every=10).cut(taken_from(noise(200)), score)
    assert len(set(curve[30:70])) == 1


def test_labels_are_not_asked_for() -> None:
    training, score = noise(200), noise(100, seed=1)
    marked = taken_from(training, y_true=labels(200, 7))
    rolling = RollingThreshold(50)
    assert (rolling.cut(marked, score) == rolling.cut(taken_from(training), score)).all()


def test_a_span_by_time_counts_the_rows_of_a_day() -> None:
    calibration, score = taken_from(noise(200), rows_per_day=24.0), noise(300, seed=1)
    by_time = RollingThreshold(timedelta(days=2)).cut(calibration, score)
    assert (by_time == RollingThreshold(48).cut(calibration, score)).all()
    shortest = RollingThreshold(timedelta(hours=1)).cut(calibration, score)
    assert (shortest == RollingThreshold(10).cut(calibration, score)).all()


def test_a_span_by_time_needs_a_clock() -> None:
    with pytest.raises(ConfigError, match="the rolling span 7d is by time"):
        RollingThreshold(timedelta(days=7)).cut(taken_from(noise(100)), noise(5))


def test_a_budget_can_be_the_base() -> None:
    calibration, score = taken_from(noise(2000)), noise(1000, seed=1)
    curve = RollingThreshold(500, BudgetThreshold("1/100rows")).cut(calibration, score)
    assert (score > curve).mean() < 0.03


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"span": 9}, "rolling span must be a whole number of rows, 10 or more; 9 came"),
        ({"span": 50.0}, "50.0 came"),
        ({"span": timedelta(0)}, "longer than nothing, 0:00:00 came"),
        ({"every": 0}, "every must be a whole number of rows, 1 or more; 0 came"),
        ({"base": FBetaThreshold()}, "without labels.*FBetaThreshold"),
        ({"base": TelemanomThreshold()}, "static method.*TelemanomThreshold"),
        ({"base": "sigma:3"}, "static method.*'sigma:3' came"),
    ],
)
def test_settings_that_do_not_work_are_refused(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        RollingThreshold(**settings)


def test_a_fixed_base_stays_fixed() -> None:
    curve = RollingThreshold(10, FixedThreshold(2.0)).cut(taken_from(noise(20)), noise(50))
    assert set(curve) == {2.0}


def test_titles_say_span_and_base() -> None:
    assert RollingThreshold(timedelta(days=7)).title == "rolling 7d, mean + 3 sigma"
    assert RollingThreshold(500, MADThreshold(4)).title == "rolling 500 rows, median + 4 MAD"
