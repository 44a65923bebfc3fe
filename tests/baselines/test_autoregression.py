"""Linear autoregression: a known process, a loop, gaps and files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from offbeat import ARDetector, ConfigError, DataError, load
from offbeat.baselines import autoregression
from offbeat.series import FloatArray
from offbeat.sliding import sliding_windows


def process(n_rows: int = 5_000) -> FloatArray:
    """x[t] = 0.5 x[t-1] + 0.3 x[t-2] + e[t]."""
    values = np.random.default_rng(0).normal(size=n_rows)
    for row in range(2, n_rows):
        values[row] += 0.5 * values[row - 1] + 0.3 * values[row - 2]
    return values


def expected_of(detector: ARDetector, data: FloatArray) -> FloatArray:
    prepared = detector.prepared_by_.prepare(detector._scored_grid(data)[1], causal=True)
    return detector._foresee(prepared).expected[:, 0]


def test_the_coefficients_of_a_known_process_are_found() -> None:
    detector = ARDetector(n_lags=2).fit(process())
    np.testing.assert_allclose(detector.coefficients_[0], [0.3, 0.5, 0.0], atol=0.04)


def test_the_forecast_is_the_sum_taken_by_hand() -> None:
    data = process(400)
    detector = ARDetector(n_lags=5).fit(data)
    scaled = (data - data.mean()) / data.std()
    *weights, constant = detector.coefficients_[0]
    by_hand = [
        sum(w * x for w, x in zip(weights, scaled[row - 5 : row], strict=True)) + constant
        for row in range(5, 400)
    ]
    np.testing.assert_allclose(expected_of(detector, data)[5:], by_hand)
    assert np.isnan(expected_of(detector, data)[:5]).all()


def test_a_small_jerk_of_a_smooth_channel_stands_out() -> None:
    data = np.sin(np.arange(1_500) / 9.0) * 10
    data += np.random.default_rng(1).normal(scale=0.002, size=1_500)
    data[1_200] += 0.5
    score = ARDetector().fit(data[:1_000]).anomaly_score(data)
    assert abs(int(np.nanargmax(score)) - 1_200) <= 1


def test_nothing_is_said_across_a_long_gap_or_of_an_empty_stretch() -> None:
    data = process(600)
    data[300:340] = np.nan
    score = ARDetector(n_lags=8).fit(data[:290]).anomaly_score(data)
    assert np.isnan(score[311:348]).all()
    assert not np.isnan(score[348:]).any()


def test_a_short_training_part_takes_fewer_lags() -> None:
    detector = ARDetector().fit(process(60))
    assert detector.n_lags_ == 15
    assert [choice.value for choice in detector.config_report_ if choice.name == "lags"] == [15]
    with pytest.raises(DataError, match="training part has 2 rows"):
        ARDetector().fit(process(2))
    with pytest.raises(ConfigError, match="n_lags"):
        ARDetector(n_lags=0).fit(process(60))


def test_a_saved_one_says_the_same(tmp_path: Path) -> None:
    data = np.stack([process(500), process(500)[::-1]], axis=1)
    detector = ARDetector(n_lags=4).fit(data)
    kept = load(detector.save(tmp_path / "ar.offbeat"))
    np.testing.assert_array_equal(kept.anomaly_score(data), detector.anomaly_score(data))


def test_only_the_last_windows_are_taken_and_in_their_order(monkeypatch) -> None:
    monkeypatch.setattr(autoregression, "MAX_ROWS", 7)
    runs = [np.arange(6.0), np.arange(10.0, 12.0), np.arange(20.0, 26.0)]
    every = np.concatenate([sliding_windows(run, 3) for run in runs if len(run) >= 3])
    np.testing.assert_array_equal(autoregression._last_windows(runs, 3), every[-7:])
    assert autoregression._last_windows(runs[1:2], 3).shape == (0, 3)
