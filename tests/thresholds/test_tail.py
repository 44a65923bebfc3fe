"""The generalised Pareto tail against scipy, and the cut at a risk."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_thresholds import SCORES, noise, taken_from
from scipy import stats

from offbeat.errors import ConfigError
from offbeat.thresholds import POTThreshold
from offbeat.thresholds.tail import HEAVIEST, LIGHTEST, Tail, fit_tail

SHAPES = st.floats(-0.5, 0.9).map(lambda shape: round(shape, 3))
SHARES = st.floats(1e-9, 1.0)


@settings(deadline=None, max_examples=60)
@given(SHAPES, st.floats(0.01, 100), SHARES)
def test_an_excess_equals_scipys(shape: float, scale: float, share: float) -> None:
    expected = stats.genpareto.isf(share, shape, scale=scale)
    assert Tail(shape, scale).excess(share) == pytest.approx(expected, rel=1e-6, abs=1e-9)


@settings(deadline=None, max_examples=60)
@given(SHAPES, st.floats(0.01, 100), st.floats(0, 1000))
def test_the_share_beyond_equals_scipys(shape: float, scale: float, excess: float) -> None:
    expected = stats.genpareto.sf(excess, shape, scale=scale)
    found = Tail(shape, scale).beyond(np.array([excess]))[0]
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-12)


@settings(deadline=None, max_examples=60)
@given(SHAPES, SHARES)
def test_the_share_beyond_an_excess_comes_back(shape: float, share: float) -> None:
    tail = Tail(shape, 2.0)
    assert tail.beyond(np.array([tail.excess(share)]))[0] == pytest.approx(share, rel=1e-3)


@settings(deadline=None, max_examples=60)
@given(SHARES)
def test_a_shape_near_nothing_is_exponential(share: float) -> None:
    assert Tail(1e-8, 3.0).excess(share) == pytest.approx(Tail(0.0, 3.0).excess(share), rel=1e-5)


@pytest.mark.parametrize("shape", [-0.3, 0.0, 0.2, 0.5])
def test_a_fit_finds_the_tail_that_was_drawn_from(shape: float) -> None:
    drawn = stats.genpareto.rvs(shape, scale=2.0, size=5000, random_state=0)
    found = fit_tail(drawn)
    assert found.shape == pytest.approx(shape, abs=0.06)
    assert found.scale == pytest.approx(2.0, rel=0.08)


def test_few_witnesses_get_an_exponential_tail() -> None:
    drawn = stats.genpareto.rvs(0.5, size=500, random_state=0)
    assert fit_tail(drawn[:19]) == Tail(0.0, drawn[:19].mean())
    assert fit_tail(drawn, n_independent=19) == Tail(0.0, drawn.mean())
    assert fit_tail(np.empty(0)) == Tail(0.0, 0.0)


@settings(deadline=None, max_examples=20)
@given(st.lists(st.floats(1e-6, 1e6), min_size=20, max_size=60))
def test_a_fit_is_never_absurd(excesses: list[float]) -> None:
    tail = fit_tail(np.array(excesses))
    assert LIGHTEST <= tail.shape <= HEAVIEST
    assert 0 < tail.scale < np.inf


@pytest.mark.parametrize("shape", [-1.5, 1.5])
def test_a_tail_out_of_bounds_is_put_in_them(shape: float) -> None:
    drawn = stats.genpareto.rvs(shape, size=2000, random_state=0)
    assert LIGHTEST <= fit_tail(drawn).shape <= HEAVIEST
    assert fit_tail(drawn, lightest=0.0).shape >= 0


@pytest.mark.parametrize("risk", [1e-3, 1e-4, 1e-6])
def test_the_cut_is_scipys_for_the_scores_beyond_the_level(risk: float) -> None:
    score = np.random.default_rng(0).gamma(2.0, size=20_000)
    start = np.quantile(score, 0.98)
    shape, _, scale = stats.genpareto.fit(score[score > start] - start, floc=0)
    expected = start + stats.genpareto.isf(risk / 0.02, shape, scale=scale)
    assert POTThreshold(risk).value(taken_from(score)) == pytest.approx(expected, rel=5e-3)


def test_the_cut_lies_near_the_true_one() -> None:
    for seed in range(5):
        cut = POTThreshold(1e-4).value(taken_from(noise(20_000, seed)))
        assert cut == pytest.approx(-np.log(1e-4), rel=0.15)


def test_fresh_scores_lie_above_the_cut_as_often_as_the_risk_says() -> None:
    cut = POTThreshold(1e-3).value(taken_from(noise(20_000)))
    assert 0.5e-3 < (noise(200_000, seed=1) > cut).mean() < 2e-3


def test_a_small_risk_goes_beyond_all_that_was_seen() -> None:
    score = noise(5000)
    assert POTThreshold(1e-8).value(taken_from(score)) > score.max()


@pytest.mark.parametrize("risk", [0.02, 0.1, 0.5])
def test_a_risk_inside_the_data_is_their_quantile(risk: float) -> None:
    score = noise(5000)
    expected = np.quantile(score, 1 - risk)
    assert POTThreshold(risk).value(taken_from(score)) == pytest.approx(expected)


@settings(deadline=None, max_examples=30)
@given(SCORES)
def test_a_smaller_risk_never_gives_a_lower_cut(score: list[float]) -> None:
    cuts = [POTThreshold(risk).value(taken_from(score)) for risk in (0.5, 0.1, 0.02, 1e-3, 1e-6)]
    assert all(low <= high * (1 + 1e-12) for low, high in pairwise(cuts))


def test_a_long_anomaly_in_the_training_part_is_one_witness() -> None:
    score = noise(5000)
    score[1000:1300] = 50 + noise(300, seed=1)
    assert POTThreshold(1e-5).value(taken_from(score)) < 500


@pytest.mark.parametrize("wrong", [0, 1, -1e-4, np.nan, "1e-4", True])
def test_a_risk_or_level_out_of_range_is_refused(wrong: Any) -> None:
    with pytest.raises(ConfigError, match=f"the risk must be .*; {wrong!r} came"):
        POTThreshold(wrong)
    with pytest.raises(ConfigError, match=f"the level where the tail starts .*; {wrong!r} came"):
        POTThreshold(level=wrong)


def test_the_title_says_the_risk() -> None:
    assert POTThreshold(1e-3).title == "POT, risk 0.001"
