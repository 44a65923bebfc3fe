"""Counting events at every cut at once, and the memory of a score, against slow twins."""

from __future__ import annotations

import naive_thresholds
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_thresholds import SCORES, n_events, noise

import naive
from offbeat.series import FloatArray
from offbeat.thresholds import run_gap
from offbeat.thresholds.counting import EventCounts, _rank_autocorrelation, event_peaks

FEW_LEVELS = st.lists(st.sampled_from([0.0, 1.0, 2.0, 3.0, float("nan")]), min_size=1, max_size=40)
GAPS = st.integers(0, 5)


def known(score: list[float]) -> FloatArray:
    """With two scores at least, and one that rises."""
    return np.array([0.0, *score, 1.5])


def remembering(n_rows: int, memory: float) -> FloatArray:
    """Scores whose autocorrelation falls below 1/e after so many rows."""
    from scipy.signal import lfilter

    kept = np.exp(-1 / memory)
    shocks = np.random.default_rng(0).normal(size=n_rows)
    return np.abs(10 + np.asarray(lfilter([1.0], [1.0, -kept], shocks)))


@settings(deadline=None, max_examples=60)
@given(SCORES | FEW_LEVELS, GAPS)
def test_the_counts_equal_those_at_each_cut(score: list[float], gap: int) -> None:
    values = known(score)
    counts = EventCounts.of(values, gap)
    assert (np.diff(counts.levels) > 0).all()
    for level, upper, count in zip(
        counts.levels, [*counts.levels[1:], np.inf], counts.events, strict=True
    ):
        between = min((level + upper) / 2, level + 1)
        assert count == n_events(values, level, gap) == n_events(values, between, gap)
    assert counts.events[-1] == 0
    assert counts.most == max(n_events(values, level, gap) for level in (0, *values))


@settings(deadline=None, max_examples=60)
@given(SCORES | FEW_LEVELS, GAPS, st.floats(0.5, 8))
def test_the_level_is_the_lowest_without_too_many_events(
    score: list[float], gap: int, allowed: float
) -> None:
    values = known(score)
    counts = EventCounts.of(values, gap)
    level = counts.level(allowed)
    above = [n_events(values, cut, gap) for cut in values[values >= level]]
    assert max([n_events(values, level, gap), *above]) <= allowed or allowed < 1
    if allowed < counts.most:
        assert level == naive.lowest_cut_with(values, allowed, gap)
    else:
        assert n_events(values, level, gap) == counts.most


def test_events_worked_by_hand() -> None:
    score = np.array([0.0, 3.0, 0.0, 2.0, 0.0, 0.0, 3.0])
    counts = EventCounts.of(score, 0)
    assert (counts.levels.tolist(), counts.events.tolist()) == ([0, 2, 3], [3, 2, 0])
    assert [counts.level(allowed) for allowed in (3, 2, 1)] == [0, 2, 3]
    assert EventCounts.of(score, 1).levels.tolist() == [0, 3]


@settings(deadline=None, max_examples=60)
@given(SCORES | FEW_LEVELS, st.floats(0, 3), GAPS)
def test_peaks_equal_the_slow_twin(score: list[float], level: float, gap: int) -> None:
    values = known(score)
    assert event_peaks(values, level, gap).tolist() == naive_thresholds.peaks(values, level, gap)


@settings(deadline=None, max_examples=60)
@given(SCORES | FEW_LEVELS)
def test_rank_autocorrelation_equals_the_slow_twin(score: list[float]) -> None:
    values = known(score)
    ranks = naive_thresholds.ranks(values)
    found = _rank_autocorrelation(values)
    if np.nanmax(ranks) == np.nanmin(ranks):
        assert (found == 0).all()
        return
    for lag in range(len(values) // 2):
        pairs = np.isfinite(values[lag:] * values[: len(values) - lag])
        if pairs.any():
            assert found[lag] == pytest.approx(naive.autocorrelation(ranks, lag), abs=1e-9)


@pytest.mark.parametrize("memory", [5, 20, 60])
def test_an_event_ends_after_three_times_the_memory(memory: int) -> None:
    assert run_gap(remembering(40_000, memory)) == pytest.approx(3 * memory, rel=0.35)


def test_without_memory_three_rows_are_calm_enough() -> None:
    assert run_gap(noise(5000)) == 3


def test_the_gap_is_a_fiftieth_of_the_rows_at_most() -> None:
    assert run_gap(np.arange(1000.0)) == 20
    assert run_gap(noise(40)) == 0
    assert run_gap(np.empty(0)) == 0


@settings(deadline=None, max_examples=60)
@given(SCORES, st.sampled_from([np.sqrt, np.square, np.log1p]))
def test_only_the_order_of_the_scores_decides_the_gap(score: list[float], bent: np.ufunc) -> None:
    values = np.round(np.tile(score, 10), 2)
    assert run_gap(values) == run_gap(np.round(bent(values), 9))


def test_neither_a_few_huge_scores_nor_missing_ones_hide_the_memory() -> None:
    score = remembering(20_000, 20)
    odd = score.copy()
    odd[::1000] = 1e12
    odd[5::50] = np.nan
    assert run_gap(odd) == pytest.approx(run_gap(score), rel=0.2)
