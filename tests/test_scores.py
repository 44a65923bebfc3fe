"""From errors and other signals to a score: smoothing, moments, standards, joining, shares."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offbeat import ConfigError
from offbeat.scores import (
    LARGEST,
    Scoring,
    error_size,
    join,
    measure_standard,
    raw_signals,
    smooth,
)


def noise(n_rows: int = 400, n_channels: int = 2) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n_rows, n_channels))


@pytest.mark.parametrize(("kind", "size"), [("scaled", 1.5), ("mae", 3.0), ("mse", 9.0)])
def test_size_of_an_error(kind, size: float) -> None:
    assert error_size(np.array([[-3.0]]), 2.0, kind).item() == size
    assert error_size(np.array([[1e200]]), 1.0, kind).item() == LARGEST


@given(st.integers(1, 40), st.integers(0, 10**6))
def test_trailing_mean_equals_that_of_pandas(window: int, seed: int) -> None:
    signal = np.abs(np.random.default_rng(seed).normal(size=(60, 2)))
    signal[10:20, 0] = np.nan
    expected = pd.DataFrame(signal).rolling(window, min_periods=1).mean().to_numpy()
    np.testing.assert_allclose(smooth(signal, window, "trailing"), expected, atol=1e-9)


def test_centred_mean_looks_both_ways_and_trailing_does_not() -> None:
    signal = np.zeros((21, 1))
    signal[10] = 5.0
    assert np.flatnonzero(smooth(signal, 5, "centred")[:, 0]).tolist() == [8, 9, 10, 11, 12]
    assert np.flatnonzero(smooth(signal, 5, "trailing")[:, 0]).tolist() == [10, 11, 12, 13, 14]


@pytest.mark.parametrize(("name", "moment"), [("skewness", "skew"), ("kurtosis", "kurt")])
def test_rolling_moments_agree_with_scipy(name: str, moment: str) -> None:
    from scipy import stats

    scaled = noise()
    scoring = Scoring(forecast=0.0, spike=0.0, **{name: 1.0})
    (signal,) = raw_signals(scoring, np.zeros_like(scaled), scaled, moment_window=50, loudest=8.0)
    oracle = {"skew": stats.skew, "kurt": stats.kurtosis}[moment]
    for row in (49, 200, 399):
        window = scaled[row - 49 : row + 1]
        np.testing.assert_allclose(signal[row], oracle(window, axis=0), atol=1e-9)


def test_rate_of_change_is_the_step_from_row_to_row() -> None:
    scaled = noise()
    scoring = Scoring(forecast=0.0, spike=0.0, rate_of_change=1.0)
    (signal,) = raw_signals(scoring, np.zeros_like(scaled), scaled, moment_window=30, loudest=8.0)
    np.testing.assert_allclose(signal[1:], np.abs(np.diff(scaled, axis=0)))
    assert signal[0].tolist() == [0.0, 0.0]


def test_a_wild_row_is_capped_in_the_forecast_signal_and_whole_in_the_spike() -> None:
    error = np.ones((10, 1))
    error[4] = 100.0
    forecast, spike = raw_signals(Scoring(), error, error, moment_window=30, loudest=8.0)
    assert (forecast[4, 0], spike[4, 0]) == (8.0, 100.0)


def joined(scoring: Scoring, error: np.ndarray, scaled: np.ndarray):
    learned = np.arange(len(error)) < 300
    signals = raw_signals(scoring, error, scaled, moment_window=30, loudest=8.0)
    return join(scoring, signals, measure_standard(scoring, signals, learned))


@pytest.mark.parametrize("aggregate", ["mean", "rms", "max"])
def test_shares_sum_to_one_and_name_the_loud_channel(aggregate) -> None:
    error = np.abs(noise(n_channels=4))
    error[350, 2] = 50.0
    error[:20] = np.nan
    scoring = Scoring(aggregate=aggregate, rate_of_change=0.5)
    made = joined(scoring, error, noise(n_channels=4))
    np.testing.assert_allclose(np.nansum(made.channel_shares[300:], axis=1), 1.0)
    np.testing.assert_allclose(np.nansum(made.signal_shares[300:], axis=1), 1.0)
    assert made.channel_shares[350].argmax() == 2
    assert made.score[350] == made.score.max()


def test_weights_weigh_and_a_weight_of_zero_leaves_a_signal_out() -> None:
    error, scaled = np.abs(noise()), noise()
    light = joined(Scoring(spike=0.1), error, scaled)
    heavy = joined(Scoring(spike=1.0), error, scaled)
    assert (heavy.signal_shares[:, 1] >= light.signal_shares[:, 1]).all()
    assert joined(Scoring(spike=0.0), error, scaled).signal_shares.shape == (400, 1)


def test_rows_without_any_error_have_no_score() -> None:
    error = np.abs(noise())
    error[5] = np.nan
    error[6, 0] = np.nan
    made = joined(Scoring(), error, noise())
    assert np.isnan(made.score[5])
    assert made.channel_shares[6].tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    ("scoring", "match"),
    [
        (Scoring(error="huber"), "error"),  # type: ignore[arg-type]
        (Scoring(aggregate="sum"), "aggregate"),  # type: ignore[arg-type]
        (Scoring(forecast=-1.0), "not all 0"),
        (Scoring(smoothing_window=0), "smoothing_window must be a whole number >= 1, 0 came"),
        (Scoring(moment_window=0), "moment_window"),
    ],
)
def test_options_that_cannot_be(scoring: Scoring, match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        scoring.check()
