"""Telemanom's threshold against the paper's sentences, row by row."""

from __future__ import annotations

from typing import Any

import naive_thresholds
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from naive_thresholds import noise, taken_from

from offbeat.errors import ConfigError
from offbeat.series import FloatArray
from offbeat.thresholds import TelemanomThreshold

TRAINING = taken_from(noise(100))


def smooth(n_rows: int, seed: int, n_spikes: int) -> FloatArray:
    """Calm scores with some spikes of one to four rows."""
    random = np.random.default_rng(seed)
    score = random.uniform(0.5, 1.5, n_rows)
    for _ in range(n_spikes):
        start = int(random.integers(n_rows))
        score[start : start + int(random.integers(1, 5))] += random.uniform(0.5, 8)
    return score


def calm_but(n_rows: int, **spikes: float) -> FloatArray:
    """Scores between 0.9 and 1.1, with these in the rows named: r7=3.0."""
    score = np.random.default_rng(0).uniform(0.9, 1.1, n_rows)
    for row, value in spikes.items():
        score[int(row[1:])] = value
    return score


def flagged(score: FloatArray, **settings: Any) -> list[int]:
    cut = TelemanomThreshold(**settings).cut(TRAINING, score)
    return list(np.flatnonzero(score > cut))


@settings(deadline=None, max_examples=40)
@given(
    st.integers(0, 10_000),
    st.integers(0, 6),
    st.integers(20, 90),
    st.integers(1, 20),
    st.integers(20, 60),
    st.sampled_from([0.05, 0.13, 0.3]),
)
def test_flags_equal_the_slow_twin(
    seed: int, n_spikes: int, n_rows: int, batch: int, window: int, prune: float
) -> None:
    score = smooth(n_rows, seed, n_spikes)
    cut = TelemanomThreshold(batch, window, prune).cut(TRAINING, score)
    slow = naive_thresholds.telemanom_flags(score, batch, window, np.arange(2, 12.5, 0.5), prune)
    assert ((score > cut) == slow).all()


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 20), st.integers(20, 60), st.integers(20, 120))
def test_a_cut_does_not_depend_on_what_comes_after_its_batch(
    seed: int, batch: int, window: int, known: int
) -> None:
    threshold = TelemanomThreshold(batch, window)
    score = smooth(150, seed, 5)
    judged = window + (known - window) // batch * batch  # rows whose batch is over by then
    assume(judged >= window)
    changed = score.copy()
    changed[judged:] = smooth(150 - judged, seed + 1, 3)
    same = threshold.cut(TRAINING, score)[:judged] == threshold.cut(TRAINING, changed)[:judged]
    assert same.all()


def test_a_spike_is_flagged_and_the_calm_is_not() -> None:
    assert flagged(calm_but(300, r100=5.0, r101=6.0)) == [100, 101]
    assert flagged(calm_but(300)) == []


def test_a_spike_that_hardly_stands_out_from_the_calm_is_pruned() -> None:
    score = calm_but(300, r100=5.0, r200=1.2)
    assert flagged(score) == [100]
    top = np.max(np.delete(score, [100, 200]))
    lone = calm_but(300, r100=1.3)
    step = (1.3 - top) / 1.3
    assert flagged(lone, prune=step * 0.99) == [100]
    assert flagged(lone, prune=step * 1.01) == []


def test_equal_spikes_are_all_kept_for_the_step_after_the_last() -> None:
    score = calm_but(300, r50=5.0, r100=5.0, r200=5.0)
    assert flagged(score) == [50, 100, 200]


def test_a_pruned_sequence_lies_on_its_cut() -> None:
    lone = calm_but(300, r100=1.3)
    cut = TelemanomThreshold(prune=0.5).cut(TRAINING, lone)
    assert cut[100] == 1.3
    assert (np.delete(cut, 100) < 1.3).all()


def test_an_old_spike_leaves_the_window() -> None:
    score = calm_but(600, r10=500.0, r450=2.0)
    assert 450 in flagged(score, batch=50, window=200)
    assert 450 not in flagged(score, batch=50, window=600, prune=0.9)


def test_in_each_batch_the_level_is_one_number() -> None:
    cut = TelemanomThreshold(batch=40, window=100, prune=0.0).cut(TRAINING, smooth(300, 1, 6))
    assert (np.flatnonzero(np.diff(cut)) + 1).tolist() == [100, 140, 180, 220, 260]


def test_where_no_z_finds_anything_z_max_serves() -> None:
    score = calm_but(200)
    for z_min, z_max in ((3.0, 9.0), (3.0, 4.7), (3.0, 3.0)):
        cut = TelemanomThreshold(z_min=z_min, z_max=z_max).cut(TRAINING, score)
        assert cut == pytest.approx(score.mean() + z_max * score.std())


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.floats(1, 4), st.floats(0, 3))
def test_no_z_beyond_the_range_is_tried(seed: int, z_min: float, width: float) -> None:
    score = smooth(80, seed, 3)
    cut = TelemanomThreshold(prune=0, z_min=z_min, z_max=z_min + width).cut(TRAINING, score)
    z = (cut - score.mean()) / score.std()
    assert (z >= z_min - 1e-9).all()
    assert (z <= z_min + width + 1e-9).all()


def test_missing_scores_are_neither_flagged_nor_counted() -> None:
    score = calm_but(300, r100=5.0)
    gaps = np.append(score, np.full(30, np.nan))
    cut = TelemanomThreshold().cut(TRAINING, gaps)
    assert (cut[:300] == TelemanomThreshold().cut(TRAINING, score)).all()
    assert list(np.flatnonzero(gaps > cut)) == [100]


def test_the_training_scores_serve_where_the_window_has_none() -> None:
    cut = TelemanomThreshold().cut(TRAINING, np.array([np.nan, 7.0, np.nan]))
    expected = TRAINING.score.mean() + 12 * TRAINING.score.std()
    assert cut == pytest.approx(np.full(3, expected))


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"batch": 0}, "the batch must be .* 1 or more; 0 came"),
        ({"window": 1}, "the window must be .* 2 or more; 1 came"),
        ({"window": 50}, "window=50, batch=70"),
        ({"prune": -0.1}, r"the pruning step .* \[0, 1\]; -0.1 came"),
        ({"prune": 1.5}, "the pruning step .* 1.5 came"),
        ({"z_min": 0.0}, "z_min must be .* 0.0 came"),
        ({"z_max": np.nan}, "z_max must be .* nan came"),
        ({"z_min": 5.0, "z_max": 4.0}, "z_min=5.0, z_max=4.0 came"),
    ],
)
def test_settings_that_do_not_work_are_refused(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        TelemanomThreshold(**settings)


def test_the_title_says_the_window() -> None:
    assert TelemanomThreshold().title == "telemanom, window 2100"
