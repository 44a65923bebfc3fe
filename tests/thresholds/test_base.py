"""What all thresholds promise, each law for every method; and the checks that they share."""

from __future__ import annotations

import sys
from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from naive_thresholds import SCORES, labels, noise, taken_from

from offbeat.errors import ConfigError, DataError
from offbeat.thresholds import (
    BudgetThreshold,
    Calibration,
    CostThreshold,
    FBetaThreshold,
    FixedThreshold,
    IQRThreshold,
    MADThreshold,
    PercentileThreshold,
    POTThreshold,
    RollingThreshold,
    ScaledThreshold,
    SigmaThreshold,
    TelemanomThreshold,
    Threshold,
)
from offbeat.thresholds.base import (
    SMALLEST_CUT,
    above_constant,
    bounded,
    check_number,
    check_rows,
    power_of_two,
)
from offbeat.thresholds.text import METHODS

ORDER_FREE = [
    PercentileThreshold(),
    SigmaThreshold(),
    IQRThreshold(),
    MADThreshold(),
]
LABELLED = [FBetaThreshold(), CostThreshold()]
FOLLOWING = [RollingThreshold(20, every=7), TelemanomThreshold(batch=5, window=20)]
BUDGET = BudgetThreshold("1/100rows")
FROM_SCORES = [
    *ORDER_FREE,
    *LABELLED,
    *FOLLOWING,
    POTThreshold(),
    BUDGET,
    ScaledThreshold(1.5, BUDGET),
]
EVERY = [*FROM_SCORES, FixedThreshold(2.5)]
ANY = st.lists(
    st.floats(min_value=0) | st.just(float("nan")) | st.sampled_from([0.0, 1.0, 5e-324, 1.7e308]),
    max_size=60,
)

each = pytest.mark.parametrize("threshold", EVERY, ids=lambda method: method.kind)
each_from_scores = pytest.mark.parametrize("threshold", FROM_SCORES, ids=lambda method: method.kind)
each_order_free = pytest.mark.parametrize("threshold", ORDER_FREE, ids=lambda method: method.kind)
slow_start = settings(deadline=None, max_examples=60)  # the first loads scipy


def marked(score: list[float]) -> Calibration:
    """The two highest known scores are anomalies."""
    highest = np.argsort(np.nan_to_num(np.array(score), nan=-1.0))[-2:]
    return taken_from(score, y_true=labels(len(score), *highest))


def test_the_laws_are_checked_for_every_method() -> None:
    assert {method.kind for method in EVERY} == set(METHODS)
    assert all(METHODS[method.kind] is type(method) for method in EVERY)


@each
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(seen=ANY, score=ANY)
def test_a_cut_is_finite_and_positive_whatever_the_scores(
    threshold: Threshold, seen: list[float], score: list[float]
) -> None:
    if sum(np.isfinite(seen)) < 2:
        seen = [*seen, 1.0, 3.0]
    curve = threshold.cut(marked(seen), np.array(score, dtype=float))
    assert curve.shape == (len(score),)
    assert np.isfinite(curve).all()
    assert (curve > 0).all()


@each_from_scores
@slow_start
@given(SCORES, st.integers(-20, 40))
def test_scores_in_another_unit_give_the_cut_in_that_unit(
    threshold: Threshold, score: list[float], power: int
) -> None:
    known, unit = np.array(score) + 1e-3, 2.0**power  # well above the smallest cut; exact
    plain = threshold.cut(marked(list(known)), known)
    other = threshold.cut(marked(list(known * unit)), known * unit)
    assert (other == plain * unit).all()


@each
def test_a_cut_is_taken_anew_at_will(threshold: Threshold) -> None:
    calibration, score = marked(list(noise(200))), noise(300, seed=1)
    before, scored = calibration.score.copy(), score.copy()
    first = threshold.cut(calibration, score)
    assert (threshold.cut(calibration, score) == first).all()
    assert (calibration.score == before).all()
    assert (score == scored).all()


@each
def test_a_method_holds_its_settings_and_nothing_else(threshold: Threshold) -> None:
    assert hash(threshold) == hash(type(threshold)(**threshold.__dict__))
    with pytest.raises(FrozenInstanceError):
        threshold.kind = "other"  # type: ignore[misc]


@each_from_scores
@given(value=st.floats(0, 1e9), n_rows=st.integers(2, 50))
@slow_start
def test_constant_scores_raise_no_alarm(threshold: Threshold, value: float, n_rows: int) -> None:
    score = [value] * n_rows
    assert (np.array(score) <= threshold.cut(marked(score), np.array(score))).all()


@each_order_free
@settings(deadline=None, max_examples=60)
@given(SCORES, st.randoms())
def test_neither_order_nor_missing_scores_matter(
    threshold: Threshold, score: list[float], shuffle: Any
) -> None:
    rows = [(value, i < 2) for i, value in enumerate(taken_from(score).finite)]
    mixed = [*rows, (float("nan"), False), (float("inf"), False)]
    shuffle.shuffle(mixed)
    cuts = [
        threshold.cut(
            taken_from([v for v, _ in part], y_true=np.array([true for _, true in part], int)),
            np.zeros(1),
        )
        for part in (rows, mixed)
    ]
    assert cuts[0] == pytest.approx(cuts[1])


@each_from_scores
@pytest.mark.parametrize("seen", [[], [1.0], [1.0, np.nan, np.inf]])
def test_fewer_than_two_scores_are_refused(threshold: Threshold, seen: list[float]) -> None:
    calibration = taken_from(seen, y_true=np.ones(len(seen), dtype=int))
    if threshold.needs_labels and not seen:
        with pytest.raises(DataError, match="no row is labelled 1"):
            threshold.cut(calibration, np.ones(3))
        return
    n_known = int(np.isfinite(seen).sum())
    with pytest.raises(DataError, match=f"at least 2 finite training scores, {n_known} came"):
        threshold.cut(calibration, np.ones(3))


def test_a_calibration_of_another_shape_is_refused() -> None:
    with pytest.raises(DataError, match=r"shape \(T,\) were expected, \(2, 2\) came"):
        Calibration(np.ones((2, 2)))
    with pytest.raises(DataError, match=r"y_true of shape \(3,\) was expected, \(2,\) came"):
        Calibration(np.ones(3), y_true=np.ones(2, dtype=int))


def test_the_finite_scores_of_a_calibration() -> None:
    assert taken_from([1, np.nan, 3, np.inf]).finite.tolist() == [1.0, 3.0]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(0, 1e300), min_size=1).filter(any))
def test_the_power_of_two_lies_just_below_the_largest_score(score: list[float]) -> None:
    unit = power_of_two(np.array(score))
    if unit > 0:  # the largest score may be the smallest number there is
        assert unit <= max(score) < 2 * unit
        assert np.frexp(unit)[0] == 0.5


def test_scores_that_are_all_zero_keep_their_unit() -> None:
    assert power_of_two(np.zeros(3)) == 1.0


def test_only_a_level_for_scores_that_never_vary_is_raised() -> None:
    assert above_constant(0.5, np.array([1.0, 2.0])) == 0.5
    assert above_constant(0.5, np.array([2.0, 2.0])) == pytest.approx(2.0, rel=1e-5)
    assert above_constant(0.5, np.array([2.0, 2.0])) > 2.0


def test_a_cut_stays_within_the_numbers() -> None:
    assert [bounded(cut) for cut in (-1.0, 0.0, 3.0, np.inf)] == [
        SMALLEST_CUT,
        SMALLEST_CUT,
        3.0,
        sys.float_info.max,
    ]


@pytest.mark.parametrize("value", [0.0, 1.0, -1, np.nan, np.inf, True, "0.5", None, 1j])
def test_what_is_no_number_between_the_bounds_is_refused(value: object) -> None:
    with pytest.raises(ConfigError) as told:
        check_number("the share", value, 0.0, 1.0)
    assert str(told.value) == f"the share must be a number in (0, 1); {value!r} came"


def test_the_ends_can_belong_to_the_range() -> None:
    for value in (0, 1, 0.5, np.float32(0.5), np.int64(1)):
        check_number("the share", value, 0.0, 1.0, ends=True)
    with pytest.raises(ConfigError, match=r"in \[0, 1\]; 2 came"):
        check_number("the share", 2, 0.0, 1.0, ends=True)


@pytest.mark.parametrize("value", [0, -3, 1.0, True, "5", None])
def test_what_is_no_number_of_rows_is_refused(value: object) -> None:
    with pytest.raises(ConfigError, match=f"every must be .* 1 or more; {value!r} came"):
        check_rows("every", value, 1)
    check_rows("every", 1, 1)
