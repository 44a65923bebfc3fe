"""The period of a series: found where there is one, and None where there is none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offbeat import LSTMDetector
from offbeat.season import Season, common_period, estimate_period
from offbeat.series import FloatArray

ROWS = np.arange(2_000)
PERIODS = [5, 12, 24, 50, 168, 288, 600]


def noise(size: float, seed: int = 0, n_rows: int = len(ROWS)) -> FloatArray:
    return np.random.default_rng(seed).normal(0, size, n_rows)


def wave(kind: str, period: int) -> FloatArray:
    """A clean repeating pattern with values from about 0 to 1."""
    phase = (ROWS % period) / period
    return {
        "sine": (1 + np.sin(2 * np.pi * phase)) / 2,
        "sawtooth": phase,
        "square": (phase < 0.3).astype(float),
        "two humps": 0.6 * np.sin(2 * np.pi * phase) + 0.4 * np.sin(4 * np.pi * phase + 0.5),
        "spiky": (ROWS % period == 0).astype(float),
    }[kind]


def found(values: FloatArray) -> int | None:
    season = estimate_period(values)
    return season.period if season else None


@pytest.mark.parametrize("period", PERIODS)
@pytest.mark.parametrize("kind", ["sine", "sawtooth", "square", "two humps"])
def test_the_period_of_a_pattern_with_noise_is_found(kind: str, period: int) -> None:
    season = estimate_period(wave(kind, period) + noise(0.05))
    assert season is not None
    assert season.period == pytest.approx(period, rel=0.02)
    assert 0.8 < season.strength <= 1


@pytest.mark.parametrize("period", [5, 12, 24, 50])
def test_the_period_of_a_spiky_cycle_is_found(period: int) -> None:
    assert found(5 * wave("spiky", period) + noise(0.05)) == period


@settings(deadline=None, max_examples=60)
@given(st.integers(4, 500), st.floats(0, 6), st.integers(0, 1_000))
def test_the_period_of_any_sine_is_found(period: int, shift: float, seed: int) -> None:
    values = np.sin(2 * np.pi * ROWS / period + shift) + noise(0.2, seed)
    assert found(values) == pytest.approx(period, rel=0.05)


def test_a_pattern_without_noise_is_as_strong_as_can_be() -> None:
    assert estimate_period(wave("two humps", 24)) == Season(24, pytest.approx(1.0, abs=1e-4))


def test_noise_weakens_a_season_until_there_is_none() -> None:
    seasons = [estimate_period(wave("sine", 24) + noise(size)) for size in (0.05, 0.2, 0.4)]
    strengths = [season.strength for season in seasons if season]
    assert len(strengths) == 3
    assert strengths == sorted(strengths, reverse=True)
    assert estimate_period(wave("sine", 24) + noise(3.0)) is None


@pytest.mark.parametrize("seed", range(20))
def test_noise_walks_and_rare_spikes_have_no_period(seed: int) -> None:
    draw = np.random.default_rng(seed)
    assert estimate_period(draw.normal(size=1_000)) is None
    assert estimate_period(np.cumsum(draw.normal(size=1_000))) is None
    spikes = np.zeros(1_000)
    spikes[draw.integers(0, 1_000, 8)] = 5.0
    assert estimate_period(spikes + draw.normal(0, 0.01, 1_000)) is None


@pytest.mark.parametrize(
    "values",
    [
        np.ones(500),
        np.zeros(500),
        np.arange(500.0),
        np.where(np.arange(500) < 250, 0.0, 1.0),
        np.full(500, np.nan),
        np.sin(np.arange(11.0)),
        np.array([]),
    ],
    ids=["constant", "zero", "ramp", "step", "missing", "short", "none"],
)
def test_what_does_not_repeat_has_no_period(values: FloatArray) -> None:
    assert estimate_period(values) is None


def test_a_trend_does_not_hide_the_period() -> None:
    assert found(wave("sine", 24) + 0.05 * ROWS) == 24


def test_outliers_do_not_hide_the_period() -> None:
    values = wave("sine", 24) + noise(0.05)
    for size in (10.0, 1e6, 1e100):
        values[[100, 777, 1_500]] = size
        assert found(values) == 24


def test_missing_values_do_not_hide_the_period() -> None:
    values = wave("sine", 24) + noise(0.05)
    values[np.random.default_rng(0).random(len(values)) < 0.3] = np.nan
    values[400:700] = np.nan
    assert found(values) == 24


@settings(deadline=None, max_examples=30)
@given(st.floats(-6, 6), st.floats(-1e6, 1e6))
def test_unit_and_level_do_not_matter(exponent: float, level: float) -> None:
    values = wave("sawtooth", 24) + noise(0.05)
    assert found(values * 10**exponent + level * 10**exponent) == 24


def test_two_thirds_of_a_third_period_are_not_enough() -> None:
    """About three periods are needed to call something a repetition."""
    assert found(wave("sine", 168)[: 3 * 168]) == pytest.approx(168, rel=0.05)
    assert found(wave("sine", 168)[: int(2.6 * 168)]) is None


def test_the_shortest_of_equals_is_taken() -> None:
    day_and_week = wave("sine", 24) + 0.3 * wave("sine", 168)
    assert found(day_and_week) == 24


def test_a_week_is_found_where_the_days_differ() -> None:
    shape = np.random.default_rng(3).normal(size=168)
    assert found(np.tile(shape, 12) + noise(0.1, n_rows=12 * 168)) == 168


def test_no_lag_beyond_the_longest_allowed_is_taken() -> None:
    values = wave("sawtooth", 100) + noise(0.05)
    assert estimate_period(values, max_lag=60) is None
    season = estimate_period(values, max_lag=150)
    assert season is not None
    assert season.period == 100


def test_channels_agree_on_the_period_of_most() -> None:
    values = np.column_stack((wave("sine", 24), wave("sawtooth", 24), wave("sine", 50), noise(1.0)))
    season = common_period(values + 0.02 * noise(1.0, 1)[:, None])
    assert season is not None
    assert season.period == 24
    alone = [estimate_period(column) for column in values.T]
    assert alone[3] is None
    assert 0.9 < season.strength <= 1


def test_channels_without_a_period_have_none_in_common() -> None:
    assert common_period(np.column_stack((noise(1.0), np.ones(len(ROWS))))) is None


def test_one_channel_has_its_own_period_in_common() -> None:
    values = wave("sine", 24) + noise(0.05)
    assert common_period(values[:, None]) == estimate_period(values)


# ---------------------------------------------------------------- what it is for


def test_a_sudden_drop_inside_the_normal_range_is_found() -> None:
    """Each value is as usual as any other; only its place in the cycle is not."""
    data = np.sin(2 * np.pi * np.arange(1_800) / 24) + noise(0.05, n_rows=1_800)
    data[1_514:1_522] -= 1.2  # around the crest: what is left lies well inside -1 to 1
    assert np.abs(data[1_514:1_522]).max() < 1
    detector = LSTMDetector().fit(data[:1_200])
    assert detector.season_ is not None
    assert detector.season_.period == 24
    events = detector.detect(data[1_200:]).events
    assert len(events) == 1
    assert events[0].start in range(314, 322)
    assert events[0].direction == "below"
