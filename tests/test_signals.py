"""Signals: smoothing, moments, steps, and the windows of each."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offbeat.scores import Scoring
from offbeat.signals import raw_signals, smooth, tracks_of


def noise(n_rows: int = 400) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n_rows, 2))


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
    signal = raw_signals(scoring, np.zeros_like(scaled), scaled, moment_window=50)[name]
    oracle = {"skew": stats.skew, "kurt": stats.kurtosis}[moment]
    for row in (49, 200, 399):
        window = scaled[row - 49 : row + 1]
        np.testing.assert_allclose(signal[row], oracle(window, axis=0), atol=1e-9)


def test_rate_of_change_is_the_step_from_row_to_row() -> None:
    scaled = noise()
    scoring = Scoring(forecast=0.0, spike=0.0, rate_of_change=1.0)
    signals = raw_signals(scoring, np.zeros_like(scaled), scaled, moment_window=30)
    signal = signals["rate_of_change"]
    np.testing.assert_allclose(signal[1:], np.abs(np.diff(scaled, axis=0)))
    assert signal[0].tolist() == [0.0, 0.0]


def test_every_signal_has_its_windows_and_equal_ones_stand_once() -> None:
    tracks = tracks_of(Scoring(skewness=0.5), (8, 2, 8), 4)
    assert [(track.signal, track.window) for track in tracks] == [
        ("forecast", 2),
        ("forecast", 8),
        ("spike", 1),
        ("skewness", 4),
    ]
