"""How far from usual, and chance."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import contract
from offbeat import RandomDetector, Scoring, SmoothedZDetector
from offbeat.baselines.plain import chance


def test_the_score_is_the_smoothed_distance_from_the_mean() -> None:
    data = contract.waves(n_channels=1)[:, 0]
    train = data[:600]
    scoring = Scoring(smoothing_window=5, spike=0.0)
    score = SmoothedZDetector(scoring=scoring).fit(train).anomaly_score(data)
    z = np.abs(data - train.mean()) / train.std()
    smoothed = np.array([z[max(1, row - 4) : row + 1].mean() for row in range(1, 900)])
    unit = max(1.0, np.quantile(smoothed[:599], 0.999))
    np.testing.assert_allclose(score[1:], smoothed / unit, rtol=1e-9)


@pytest.mark.parametrize("change", ["level", "spread"])
def test_another_level_or_spread_stands_out(change: str) -> None:
    data = contract.waves(n_channels=1)
    data[760:800] = data[760:800] + 3 if change == "level" else 4 * data[760:800]
    score = SmoothedZDetector().fit(data[:600]).anomaly_score(data)
    assert 765 <= int(np.nanargmax(score)) <= 810


def test_chance_depends_on_no_other_row() -> None:
    data = contract.waves()
    detector = RandomDetector().fit(data[:600])
    whole = detector.anomaly_score(data)
    np.testing.assert_array_equal(detector.anomaly_score(data[:700]), whole[:700])
    changed = data * 100
    np.testing.assert_array_equal(detector.anomaly_score(changed), whole)


def test_chance_follows_the_time_stamp_however_the_data_are_cut() -> None:
    values = contract.waves(900, n_channels=1)[:, 0]
    start = pl.datetime(2024, 3, 1)
    time = pl.select(pl.datetime_range(start, start + pl.duration(minutes=899), "1m")).to_series()
    frame = pl.DataFrame({"time": time, "value": values})
    detector = RandomDetector().fit(frame[:600])
    whole, tail = detector.anomaly_score(frame), detector.anomaly_score(frame[700:])
    np.testing.assert_allclose(tail["score"][1:], whole["score"][701:], rtol=1e-9)


def test_chance_is_uniform_and_follows_the_seed() -> None:
    one = chance(0, 0, 0, 10_000)
    assert 0 <= one.min() < 0.01
    assert 0.99 < one.max() < 1
    assert abs(one.mean() - 0.5) < 0.02
    for other in (chance(1, 0, 0, 10_000), chance(0, 1, 0, 10_000)):
        assert abs(np.corrcoef(one, other)[0, 1]) < 0.05
    np.testing.assert_array_equal(chance(0, 0, 5_000, 100), one[5_000:5_100])


def test_chance_knows_rows_before_the_epoch_of_the_clock() -> None:
    np.testing.assert_array_equal(chance(0, 0, -3, 5)[3:], chance(0, 0, 0, 2))


def test_another_seed_gives_another_score() -> None:
    data = contract.waves()
    one, two = (
        RandomDetector(random_state=seed).fit(data[:600]).anomaly_score(data) for seed in (0, 1)
    )
    assert abs(np.corrcoef(one[1:], two[1:])[0, 1]) < 0.2
