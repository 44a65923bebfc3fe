"""The plain methods: values worked by hand, and how much they can flag at most."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import naive_thresholds
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_thresholds import SCORES, taken_from

from offbeat.errors import ConfigError
from offbeat.thresholds import (
    FixedThreshold,
    IQRThreshold,
    MADThreshold,
    PercentileThreshold,
    SigmaThreshold,
    StaticThreshold,
)

ROUNDING = 1e-9


def share_above(threshold: StaticThreshold, score: list[float]) -> float:
    known = taken_from(score).finite
    return float((known > threshold.value(taken_from(score)) * (1 + ROUNDING)).mean())


@pytest.mark.parametrize(
    ("threshold", "score", "cut"),
    [
        (PercentileThreshold(50), [1, 2, 3], 2.0),
        (PercentileThreshold(75), [0, 10], 7.5),
        (PercentileThreshold(99), range(101), 99.0),
        (SigmaThreshold(2), [1, 3], 4.0),
        (SigmaThreshold(3), [2, 4, 4, 4, 5, 5, 7, 9], 11.0),  # mean 5, sd 2
        (IQRThreshold(1.5), [1, 2, 3, 4, 5], 7.0),  # quartiles 2 and 4
        (MADThreshold(1), [1, 1, 2, 2, 4, 6, 9], 2 + 1 / 0.67449),  # median 2, MAD 1
        (MADThreshold(2), [4, 4, 4, 8], 4 + 2 * 1 / 0.797885),  # MAD 0: the mean deviation is 1
        (IQRThreshold(2), [4, 4, 4, 4, 4, 9], 4 + 2 * 1.34898 * (5 / 6) / 0.797885),
        (FixedThreshold(2.5), [7, 8, 9], 2.5),
    ],
)
def test_values_worked_by_hand(threshold: StaticThreshold, score: Any, cut: float) -> None:
    assert threshold.value(taken_from(list(score))) == pytest.approx(cut)


@settings(deadline=None, max_examples=60)
@given(SCORES, st.floats(0.1, 99.9))
def test_a_percentile_equals_the_slow_twin(score: list[float], q: float) -> None:
    known = taken_from(score).finite.tolist()
    if max(known) - min(known) > 1e-3:  # else they are constant
        found = PercentileThreshold(q).value(taken_from(score))
        assert found == pytest.approx(naive_thresholds.percentile(known, q), abs=1e-9)


@settings(deadline=None, max_examples=60)
@given(SCORES, st.floats(0.1, 99.9))
def test_a_percentile_flags_its_share_and_one_row_more(score: list[float], q: float) -> None:
    one = 1 / len(taken_from(score).finite)
    assert share_above(PercentileThreshold(q), score) <= 1 - q / 100 + one


@settings(deadline=None, max_examples=60)
@given(SCORES, st.floats(0.1, 10))
def test_sigma_flags_no_more_than_cantelli_allows(score: list[float], k: float) -> None:
    assert share_above(SigmaThreshold(k), score) <= 1 / (1 + k * k) + ROUNDING


@settings(deadline=None, max_examples=60)
@given(SCORES, st.floats(0.1, 10))
def test_tukeys_fence_flags_a_quarter_and_the_mad_half_at_most(
    score: list[float], k: float
) -> None:
    one = 1 / len(taken_from(score).finite)
    assert share_above(IQRThreshold(k), score) <= 0.25 + one
    assert share_above(MADThreshold(k), score) <= 0.5


@pytest.mark.parametrize("k", [1.0, 2.0, 3.0])
def test_on_a_normal_distribution_all_spreads_agree(k: float) -> None:
    calibration = taken_from(np.random.default_rng(0).normal(100, 1, 50_000))
    assert SigmaThreshold(k).value(calibration) == pytest.approx(100 + k, abs=0.05)
    assert MADThreshold(k).value(calibration) == pytest.approx(100 + k, abs=0.05)
    fence = 100 + 0.67449 + k * 1.34898
    assert IQRThreshold(k).value(calibration) == pytest.approx(fence, abs=0.08)


@pytest.mark.parametrize("robust", [MADThreshold(3.5), IQRThreshold(1.5)])
def test_one_freak_score_hardly_moves_the_robust_methods(robust: StaticThreshold) -> None:
    score = np.random.default_rng(0).normal(10, 1, 1000)
    freak = np.append(score, 1e6)
    assert robust.value(taken_from(freak)) < robust.value(taken_from(score)) + 0.05
    assert SigmaThreshold().value(taken_from(freak)) > 1e4


@pytest.mark.parametrize(
    ("method", "settings"),
    [
        (PercentileThreshold, [1, 50, 90, 99, 99.9]),
        (SigmaThreshold, [0.5, 1, 3, 6]),
        (IQRThreshold, [0.5, 1.5, 3]),
        (MADThreshold, [0.5, 3.5, 10]),
    ],
)
@settings(deadline=None, max_examples=60)
@given(score=SCORES)
def test_a_larger_setting_never_gives_a_lower_cut(
    method: type[StaticThreshold], settings: list[float], score: list[float]
) -> None:
    cuts = [method(setting).value(taken_from(score)) for setting in settings]  # type: ignore[call-arg]
    assert all(low <= high for low, high in pairwise(cuts))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(), max_size=5), st.floats(1e-6, 1e300))
def test_a_fixed_threshold_asks_nobody(score: list[float], value: float) -> None:
    curve = FixedThreshold(value).cut(taken_from(score), np.zeros(4))
    assert curve.tolist() == [value] * 4


@pytest.mark.parametrize(
    ("method", "named", "wrong"),
    [
        (FixedThreshold, "fixed threshold", [0, -1.0, np.nan, np.inf, "2", True]),
        (PercentileThreshold, "percentile q", [0, 100, -1, 101, np.nan, None]),
        (SigmaThreshold, "standard deviations k", [0, -3, np.inf, "3"]),
        (IQRThreshold, "interquartile ranges k", [0, -1.5, np.nan]),
        (MADThreshold, "robust deviations k", [0, -3.5, [3.5]]),
    ],
)
def test_settings_out_of_range_are_refused(
    method: type[StaticThreshold], named: str, wrong: list[Any]
) -> None:
    for value in wrong:
        with pytest.raises(ConfigError, match=f"the .*{named} must be a number in") as told:
            method(value)  # type: ignore[call-arg]
        assert str(told.value).endswith(f"; {value!r} came")


def test_titles_say_the_settings() -> None:
    assert [
        method.title
        for method in (
            FixedThreshold(2.5),
            PercentileThreshold(99.9),
            SigmaThreshold(3),
            IQRThreshold(1.5),
            MADThreshold(3.5),
        )
    ] == ["fixed 2.5", "percentile 99.9", "mean + 3 sigma", "Q3 + 1.5 IQR", "median + 3.5 MAD"]
