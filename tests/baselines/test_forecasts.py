"""The last value and the value one period before, against a loop that takes them by hand."""

from __future__ import annotations

import numpy as np
import pytest

import contract
from offbeat import ConfigError, DataError, PersistenceDetector, Scoring, SeasonalNaiveDetector
from offbeat.baselines.forecasts import deviation
from offbeat.series import FloatArray

PLAIN = Scoring(error="mae", smoothing_window=1, spike=0.0)


def residuals(data: FloatArray, period: int) -> list[float]:
    """|value - value one period before|, in training deviations, by hand."""
    made = []
    for row in range(len(data)):
        before = row - period
        between = data[max(before, 0) : row + 1]
        known = before >= 0 and not np.isnan(between).any()
        made.append(abs(data[row] - data[before]) if known else float("nan"))
    return made


@pytest.mark.parametrize(
    ("detector", "period"),
    [
        (PersistenceDetector(scoring=PLAIN), 1),
        (SeasonalNaiveDetector(scoring=PLAIN), 24),
        (SeasonalNaiveDetector(scoring=PLAIN, period=7), 7),
    ],
)
def test_the_error_is_the_difference_taken_by_hand(detector, period: int) -> None:
    data = contract.waves(n_channels=1)[:, 0]
    data[700:740] = np.nan
    detector.fit(data[:600])
    grid = detector._scored_grid(data)[1]
    prepared = detector.prepared_by_.prepare(grid, causal=False)
    gap = detector.preparation.max_gap
    error = detector._foresee(prepared).error[:, 0] * data[:600].std()
    expected = residuals(data, period)
    np.testing.assert_allclose(error[:700], expected[:700], rtol=1e-9)
    assert np.isnan(error[700:740]).all()
    np.testing.assert_allclose(error[740 + period + gap :], expected[740 + period + gap :])


def test_the_period_comes_from_the_training_part() -> None:
    detector = SeasonalNaiveDetector().fit(contract.waves())
    assert detector.period_ == 24
    assert detector.record_.settings["chosen"]["season"] == 24


def test_without_a_period_it_is_persistence() -> None:
    draw = np.random.default_rng(0)
    data = draw.normal(size=900)
    seasonal = SeasonalNaiveDetector().fit(data[:600])
    assert seasonal.period_ == 1
    plain = PersistenceDetector().fit(data[:600])
    np.testing.assert_array_equal(seasonal.anomaly_score(data), plain.anomaly_score(data))


def test_nothing_is_said_across_a_gap() -> None:
    data = contract.waves(n_channels=1)
    data[700:740] = np.nan
    data[740:764] += 50  # as if another machine had been plugged in
    scored = SeasonalNaiveDetector().fit(data[:600]).anomaly_score(data)
    assert np.isnan(scored[740:764]).all()
    assert not np.isnan(scored[764:]).any()


def test_a_jump_stands_out_of_persistence() -> None:
    data = contract.waves(n_channels=1)
    data[760:] += 4
    score = PersistenceDetector().fit(data[:600]).anomaly_score(data)
    assert int(np.nanargmax(score)) == 760


def test_a_missed_beat_stands_out_of_the_season() -> None:
    contract.an_anomaly_stands_out(SeasonalNaiveDetector)


def test_the_expected_value_is_in_the_units_of_the_data() -> None:
    data = 100 + 20 * contract.waves(n_channels=1)
    detection = PersistenceDetector().fit(data[:600]).detect(data)
    np.testing.assert_allclose(detection.expected[1:], data[:-1], rtol=1e-9)
    inside = (data >= detection.lower) & (data <= detection.upper)
    assert inside[1:].mean() > 0.97


@pytest.mark.parametrize("period", [0, -3, 2.5, "day"])
def test_an_impossible_period_is_refused(period: object) -> None:
    with pytest.raises(ConfigError, match=r"period must be a whole number >= 1, .* came"):
        SeasonalNaiveDetector(period=period).fit(contract.waves())


def test_too_short_a_training_part_is_refused() -> None:
    with pytest.raises(DataError, match="at least 101"):
        SeasonalNaiveDetector(period=100).fit(contract.waves(60))


def test_the_deviation_is_the_root_mean_square_with_a_floor() -> None:
    residual = np.array([[3.0, np.nan, 0.0], [-4.0, np.nan, np.nan]])
    np.testing.assert_allclose(deviation(residual), [np.sqrt(12.5), 1.0, 0.01])
