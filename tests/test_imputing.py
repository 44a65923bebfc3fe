"""Missing values: against a slow twin, and what each way of filling promises."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import naive
from offbeat.clean import (
    ImputeMethod,
    Imputer,
)
from offbeat.errors import ConfigError
from offbeat.series import BoolArray, FloatArray

NAN = float("nan")
HOLED = st.lists(st.floats(-100, 100) | st.just(NAN), min_size=1, max_size=40)
PATTERN = np.tile([[0.0, 5.0], [2.0, 7.0], [4.0, 9.0], [6.0, 3.0]], (25, 1))


def column(*values: float) -> FloatArray:
    """One channel, shape (T, 1)."""
    return np.array(values, dtype=float)[:, None]


def impute(
    values: FloatArray, method: Any, *, max_gap: int = 10, causal: bool = False
) -> tuple[FloatArray, BoolArray]:
    """Fitted on the values themselves."""
    return Imputer(method, max_gap).fit(values).transform(values, causal=causal)


def imputed_twin(values: FloatArray, method: str, max_gap: int, causal: bool) -> FloatArray:
    """Gap by gap, row by row."""
    filled, known = values.copy(), values[~np.isnan(values)]
    for start, end in naive.runs(np.isnan(values)):
        last = values[start - 1] if start > 0 else NAN
        following = values[end] if end < len(values) else NAN
        rows = range(start, min(end, start + max_gap)) if causal else range(start, end)
        if not causal and len(rows) > max_gap:
            continue
        for row in rows:
            if method in ("mean", "median"):
                filled[row] = (np.mean if method == "mean" else np.median)(known)
            elif method == "ffill" or causal:
                filled[row] = last
            elif method == "bfill":
                filled[row] = following
            elif np.isnan(last) or np.isnan(following):
                filled[row] = following if np.isnan(last) else last
            else:
                filled[row] = np.interp(row, [start - 1, end], [last, following])
    return filled


@pytest.mark.filterwarnings("ignore:Mean of empty slice", "ignore:invalid value")
@settings(deadline=None)
@given(
    HOLED,
    st.sampled_from(["ffill", "bfill", "linear", "mean", "median"]),
    st.integers(0, 6),
    st.booleans(),
)
def test_imputing_equals_the_slow_twin(
    values: list[float], method: str, max_gap: int, causal: bool
) -> None:
    data = column(*values)
    filled, imputed = impute(data, method, max_gap=max_gap, causal=causal)
    expected = imputed_twin(data[:, 0], method, max_gap, causal)
    assert filled[:, 0] == pytest.approx(expected, nan_ok=True)
    assert (imputed == (np.isnan(data) & ~np.isnan(filled))).all()


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("ffill", [1, 1, 1, 4, 7, 4]),
        ("bfill", [1, 4, 4, 4, 7, 4]),
        ("linear", [1, 2, 3, 4, 7, 4]),
        ("mean", [1, 5, 5, 4, 7, 4]),
        ("median", [1, 6, 6, 4, 7, 4]),
    ],
)
def test_each_method_by_hand(method: Any, expected: list[float]) -> None:
    train = column(0, 6, 9)  # mean 5, median 6
    filled, imputed = Imputer(method).fit(train).transform(column(1, NAN, NAN, 4, 7, 4))
    assert filled[:, 0].tolist() == expected
    assert imputed[:, 0].tolist() == [False, True, True, False, False, False]


@pytest.mark.parametrize(
    ("method", "start", "end"), [("ffill", NAN, 3), ("bfill", 2, NAN), ("linear", 2, 3)]
)
def test_a_gap_at_an_end_has_one_neighbour(method: Any, start: float, end: float) -> None:
    filled, _ = impute(column(NAN, 2, 3, NAN), method)
    assert filled[:, 0] == pytest.approx([start, 2, 3, end], nan_ok=True)


@pytest.mark.parametrize("method", get_args(ImputeMethod))
def test_a_gap_is_filled_up_to_max_gap_rows_and_else_not_at_all(method: Any) -> None:
    data = PATTERN.copy()
    data[20:23, 0] = NAN
    data[40:44, 0] = NAN
    filled, imputed = impute(data, method, max_gap=3)
    assert not np.isnan(filled[20:23]).any()
    assert np.isnan(filled[40:44, 0]).all()
    assert np.flatnonzero(imputed[:, 0]).tolist() == [20, 21, 22]
    assert not imputed[:, 1].any()


@pytest.mark.parametrize("method", get_args(ImputeMethod))
def test_a_live_watcher_fills_the_first_rows_of_a_long_gap(method: Any) -> None:
    data = PATTERN.copy()
    data[40:50, 0] = NAN
    _, imputed = impute(data, method, max_gap=3, causal=True)
    assert np.flatnonzero(imputed[:, 0]).tolist() == [40, 41, 42]


@pytest.mark.parametrize("method", get_args(ImputeMethod))
def test_no_gap_is_filled_where_max_gap_is_0(method: Any) -> None:
    filled, imputed = impute(column(1, NAN, 3), method, max_gap=0)
    assert filled[:, 0] == pytest.approx([1, NAN, 3], nan_ok=True)
    assert not imputed.any()


@pytest.mark.parametrize("method", get_args(ImputeMethod))
@settings(deadline=None, max_examples=30)
@given(st.lists(st.booleans(), min_size=40, max_size=40), st.integers(1, 39), st.integers(1, 5))
def test_causal_imputing_never_looks_ahead(
    method: Any, holes: list[bool], now: int, max_gap: int
) -> None:
    imputer = Imputer(method, max_gap).fit(PATTERN)
    data = PATTERN[:40].copy()
    data[holes, 0] = NAN
    later = data.copy()
    later[now:] = 99.0
    one, _ = imputer.transform(data, causal=True)
    other, _ = imputer.transform(later, causal=True)
    np.testing.assert_array_equal(one[:now], other[:now])


@pytest.mark.parametrize("method", get_args(ImputeMethod))
def test_known_values_and_the_array_given_stay_as_they_are(method: Any) -> None:
    data = PATTERN.copy()
    data[[5, 6, 30], [0, 0, 1]] = NAN
    before = data.copy()
    filled, _ = impute(data, method)
    np.testing.assert_array_equal(data, before)
    known = ~np.isnan(data)
    np.testing.assert_array_equal(filled[known], data[known])


@pytest.mark.parametrize("method", ["mean", "median"])
def test_mean_and_median_are_those_of_the_training_part(method: Any) -> None:
    filled, _ = Imputer(method).fit(column(1, 1, 1)).transform(column(50, NAN, 60))
    assert filled[1] == 1.0


@pytest.mark.parametrize("causal", [False, True])
def test_knn_takes_the_value_of_the_row_that_is_the_same(causal: bool) -> None:
    data = PATTERN.copy()
    data[10, 0] = data[21, 1] = NAN
    filled, _ = Imputer("knn").fit(PATTERN).transform(data, causal=causal)
    assert filled == pytest.approx(PATTERN)


def test_knn_knows_a_row_without_any_value_by_the_one_before() -> None:
    data = PATTERN.copy()
    data[30] = NAN
    assert Imputer("knn").fit(PATTERN).transform(data)[0] == pytest.approx(PATTERN)


def test_knn_beats_a_straight_line_in_a_curve() -> None:
    angle = 2 * np.pi * np.arange(400) / 20
    data = np.column_stack((np.sin(angle), np.cos(angle)))
    holed = data.copy()
    for start in range(205, 395, 20):
        holed[start - 2 : start + 3, 0] = NAN  # across the crest
    worst = {
        method: np.abs(Imputer(method).fit(data[:200]).transform(holed)[0] - data).max()
        for method in ("knn", "linear")
    }
    assert worst["knn"] < 0.05
    assert worst["linear"] > 0.1


def test_knn_stays_within_the_training_part() -> None:
    draw = np.random.default_rng(0)
    data = draw.normal(size=(300, 3))
    data[draw.random(data.shape) < 0.2] = NAN
    filled, imputed = impute(data, "knn")
    low, high = np.nanmin(data, axis=0), np.nanmax(data, axis=0)
    assert not np.isnan(filled).any()
    assert ((filled >= low) & (filled <= high))[imputed.any(axis=1)].all()


@pytest.mark.parametrize("method", get_args(ImputeMethod))
def test_a_channel_without_any_value_stays_empty(method: Any) -> None:
    data = np.column_stack((np.arange(20.0), np.full(20, NAN)))
    filled, imputed = impute(data, method, max_gap=50)
    assert np.isnan(filled[:, 1]).all()
    assert not imputed.any()


def test_an_unknown_method_is_refused_with_the_nearest_one() -> None:
    method: Any = "lineer"
    with pytest.raises(ConfigError, match="impute='lineer' is unknown: did you mean 'linear'"):
        Imputer(method).fit(PATTERN)


@pytest.mark.parametrize("max_gap", [-1, 2.5, True, "3"])
def test_a_max_gap_that_is_no_number_of_rows_is_refused(max_gap: Any) -> None:
    with pytest.raises(ConfigError, match=f"max_gap={max_gap}: a number of rows >= 0"):
        Imputer("ffill", max_gap).fit(PATTERN)
