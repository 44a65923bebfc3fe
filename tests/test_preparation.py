"""Preparation: fitted on the training part, applied unchanged, and what it marks."""

from __future__ import annotations

import numpy as np
import pytest

from offbeat import ConfigError, DataError, Preparation
from offbeat.grid import regularise
from offbeat.io import as_series
from offbeat.preparation import FittedPreparation, Outlier, span_rows


def waves(n_rows: int = 400) -> np.ndarray:
    rows = np.arange(n_rows)
    noise = np.random.default_rng(0).normal(0, 0.1, (n_rows, 2))
    return np.column_stack([np.sin(rows / 5), 10 + 3 * np.cos(rows / 7)]) + noise


def fitted(values: np.ndarray, n_learned: int = 300, **options):
    grid = regularise(as_series(values), None)
    by = FittedPreparation(Preparation(**options), [0, 1])
    learned = np.arange(len(values)) < n_learned
    return by, grid, by.fit(grid, learned)


@pytest.mark.parametrize(
    ("scaling", "low", "high"), [("minmax", 0.0, 1.0), ("minmax_symmetric", -1.0, 1.0)]
)
def test_scaling_sees_the_training_part_only(scaling: str, low: float, high: float) -> None:
    values = waves()
    values[350] = 1_000.0
    by, grid, _ = fitted(values, scaling=scaling, outliers="off")
    scaled = by.prepare(grid, causal=True).scaled
    assert scaled[:300].min() == pytest.approx(low)
    assert scaled[:300].max() == pytest.approx(high)
    assert scaled[350].min() > 10 * high


def test_short_gaps_are_filled_and_marked_and_long_ones_stay() -> None:
    values = waves()
    values[50:53] = np.nan
    values[100:120] = np.nan
    _, _, prepared = fitted(values, max_gap=5)
    assert prepared.imputed[50:53].all()
    assert not np.isnan(prepared.filled[50:53]).any()
    assert np.isnan(prepared.observed[50:53]).all()  # filled values bring no error
    assert np.isnan(prepared.filled[100:120]).all()
    assert not prepared.imputed[100:120].any()
    assert prepared.segments == ((0, 100), (120, 300))


def test_causal_filling_looks_back_only() -> None:
    values = waves()
    values[350:353] = np.nan
    by, grid, _ = fitted(values)
    filled = by.prepare(grid, causal=True).filled
    np.testing.assert_array_equal(filled[350:353], np.repeat(values[349:350], 3, axis=0))
    assert not np.allclose(by.prepare(grid, causal=False).filled[350:353], filled[350:353])


@pytest.mark.parametrize(("action", "listed"), [("off", 0), ("report", 1), ("apply", 1)])
def test_outliers_of_the_training_part(action: str, listed: int) -> None:
    values = waves()
    values[120, 0] = 40.0
    values[360, 0] = 40.0  # not in the training part
    by, grid, prepared = fitted(values, outliers=action)
    assert [each.row for each in by.outliers] == [120] * listed
    assert (prepared.filled[120, 0] == 40.0) == (action != "apply")
    assert by.prepare(grid, causal=True).filled[360, 0] == 40.0  # scored data are never changed


@pytest.mark.parametrize("fill", ["median", "mean", "interpolate"])
def test_a_replaced_outlier_lies_among_its_neighbours(fill: str) -> None:
    values = waves()
    values[120, 0] = 40.0
    by, _, prepared = fitted(values, outliers="apply", outlier_fill=fill)
    assert abs(prepared.filled[120, 0] - waves()[120, 0]) < 1
    assert by.outliers[0].replaced_by == pytest.approx(prepared.filled[120, 0])


def test_a_dropped_outlier_is_not_learned() -> None:
    values = waves()
    values[120, 0] = 40.0
    _, _, prepared = fitted(values, outliers="apply", outlier_fill="drop")
    assert np.isnan(prepared.observed[120, 0])
    assert not np.isnan(prepared.observed[120, 1])


def test_channels_that_wander_are_learned_by_their_changes() -> None:
    values = waves(1_000)
    values[:, 0] = np.cumsum(np.random.default_rng(1).normal(size=1_000))
    by, _, prepared = fitted(values, 900)
    assert by.wanders.tolist() == [True, False]
    np.testing.assert_allclose(prepared.base[1:900, 0], prepared.filled[:899, 0])
    assert not prepared.base[:, 1].any()
    for way, all_of_them in (("never", False), ("always", True)):
        assert fitted(values, 900, difference=way)[0].wanders.tolist() == [all_of_them] * 2


def test_a_constant_channel_is_measured_by_its_level() -> None:
    values = waves()
    values[:300, 1] = 50.0
    by, grid, _ = fitted(values)
    scaled = by.prepare(grid, causal=True).scaled[:, 1]
    assert scaled[:300] == pytest.approx(0.0)
    assert np.abs(scaled[300:]).max() < 20


def test_spans_are_half_open_and_must_hold_a_row() -> None:
    series = as_series(waves(20))
    assert np.flatnonzero(span_rows(series, [(3, 5), (18, 99)])).tolist() == [3, 4, 18, 19]
    with pytest.raises(DataError, match="holds no row"):
        span_rows(series, [(5, 5)])
    with pytest.raises(ConfigError, match="a span is"):
        span_rows(series, [(1, 2, 3)])  # type: ignore[list-item]


def test_an_outlier_survives_json() -> None:
    for time in (7, np.datetime64("2024-01-01T00:00:07", "ns")):
        outlier = Outlier(7, time, "a", 40.0, None)
        assert Outlier.from_dict(outlier.to_dict()) == outlier


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"impute": "guess"}, "impute"),
        ({"outliers": "hide"}, "outliers"),
        ({"outlier_fill": "zero"}, "outlier_fill"),
        ({"scaling": "log"}, "scaling"),
        ({"difference": "twice"}, "difference"),
        ({"max_gap": -1}, "max_gap must be a whole number >= 0, -1 came"),
        ({"outlier_window": 1}, "outlier_window"),
        ({"outlier_sigmas": 0.0}, "outlier_sigmas"),
    ],
)
def test_options_that_cannot_be(options: dict, match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        Preparation(**options).check()
