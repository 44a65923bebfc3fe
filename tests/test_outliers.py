"""Outliers: against a slow twin, what is flagged, and what is put in its place."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offbeat.errors import ConfigError
from offbeat.outliers import RepairFill, hampel, repair
from offbeat.series import FloatArray

NAN = float("nan")
WHOLE = st.lists(st.integers(-20, 20) | st.just(NAN), min_size=1, max_size=40)


def column(*values: float) -> FloatArray:
    """One channel, shape (T, 1)."""
    return np.array(values, dtype=float)[:, None]


def floor_twin(known: FloatArray) -> float:
    """5 % of the channel's own scale, or half of its usual change."""
    scale = 1.4826 * np.median(np.abs(known - np.median(known)))
    changes = [abs(b - a) for a, b in pairwise(known) if a != b]
    floor = 0.05 * (scale or np.std(known))
    if changes and len(changes) >= 0.02 * len(known):
        floor = max(floor, 0.5 * np.median(changes))
    return float(floor)


def hampel_twin(values: FloatArray, window: int, n_sigmas: float) -> list[bool]:
    """The definition, row by row."""
    half, flags = window // 2, []
    for row, value in enumerate(values):
        around = values[max(0, row - half) : row + half + 1]
        around = around[~np.isnan(around)]
        if np.isnan(value):
            flags.append(False)
            continue
        middle = np.median(around)
        scale = 1.4826 * np.median(np.abs(around - middle))
        limit = n_sigmas * max(scale, floor_twin(values[~np.isnan(values)]))
        flags.append(bool(abs(value - middle) > limit))
    return flags


@settings(deadline=None)
@given(WHOLE, st.sampled_from([3, 5, 11]), st.sampled_from([0.7, 1.3, 3.1, 5.3]))
def test_hampel_equals_the_slow_twin(values: list[float], window: int, n_sigmas: float) -> None:
    data = column(*values)
    found = hampel(data, window=window, n_sigmas=n_sigmas)
    assert found[:, 0].tolist() == hampel_twin(data[:, 0], window, n_sigmas)


def test_hampel_flags_the_spike_and_nothing_else() -> None:
    data = np.column_stack((np.sin(np.arange(300) / 8), np.ones(300)))
    data[[40, 200], [0, 1]] += 4
    assert np.argwhere(hampel(data)).tolist() == [[40, 0], [200, 1]]


@pytest.mark.parametrize("kind", ["noise", "step", "ramp", "counter", "constant"])
def test_hampel_flags_no_usual_change(kind: str) -> None:
    rows = np.arange(500.0)
    data = {
        "noise": np.random.default_rng(0).normal(size=500),
        "step": np.where(rows < 250, 0.0, 9.0) + 0.1 * np.sin(rows),
        "ramp": rows,
        "counter": rows // 20,
        "constant": np.full(500, 3.0),
    }[kind]
    assert not hampel(data[:, None], n_sigmas=10.0).any()


def test_missing_values_are_left_out_and_never_flagged() -> None:
    data = np.sin(np.arange(60) / 8)[:, None]
    data[::3] = NAN
    data[31] = 9.0
    assert np.flatnonzero(hampel(data)).tolist() == [31]
    assert not hampel(np.full((9, 1), NAN)).any()


@given(WHOLE, st.floats(0.5, 3), st.floats(1.1, 3))
def test_a_smaller_number_of_sigmas_flags_more(
    values: list[float], n_sigmas: float, times: float
) -> None:
    data = column(*values)
    few, many = hampel(data, n_sigmas=n_sigmas * times), hampel(data, n_sigmas=n_sigmas)
    assert not (few & ~many).any()


@pytest.mark.parametrize("n_sigmas", [0.0, -1.0, NAN])
def test_sigmas_that_cannot_be_are_refused(n_sigmas: float) -> None:
    with pytest.raises(ConfigError, match=f"n_sigmas={n_sigmas}: a number above 0"):
        hampel(column(1, 2, 3), n_sigmas=n_sigmas)


@pytest.mark.parametrize("window", [0, 1, 4])
def test_a_window_without_a_middle_is_refused(window: int) -> None:
    with pytest.raises(ConfigError, match=f"window={window}: an odd number of rows >= 3"):
        hampel(column(1, 2, 3), window=window)
    with pytest.raises(ConfigError, match=f"window={window}: an odd number of rows >= 3"):
        repair(column(1, 2, 3), column(0, 1, 0) > 0, window=window)


@pytest.mark.parametrize(
    ("fill", "put"), [("median", 3.0), ("mean", 4.0), ("interpolate", 5.0), ("drop", NAN)]
)
def test_each_fill_by_hand(fill: Any, put: float) -> None:
    data = column(70, 4, 9, 100, 1, 2, 70)
    mended = repair(data, data == 100, fill=fill, window=5)
    assert mended[:, 0] == pytest.approx([70, 4, 9, put, 1, 2, 70], nan_ok=True)


@pytest.mark.parametrize("fill", ["median", "mean"])
def test_a_line_is_drawn_where_the_window_has_no_other_value(fill: Any) -> None:
    data = column(1, 90, 90, 90, 5)
    assert repair(data, data == 90, fill=fill, window=3)[:, 0].tolist() == [1, 1, 3, 5, 5]


@pytest.mark.parametrize("fill", get_args(RepairFill))
def test_repair_touches_flagged_values_only(fill: Any) -> None:
    draw = np.random.default_rng(0)
    data = draw.normal(size=(200, 2))
    data[draw.random(data.shape) < 0.1] = NAN
    before, flagged = data.copy(), draw.random(data.shape) < 0.1
    mended = repair(data, flagged, fill=fill)
    np.testing.assert_array_equal(data, before)
    np.testing.assert_array_equal(mended[~flagged], data[~flagged])
    assert np.isnan(mended[np.isnan(data)]).all()  # a missing value is not mended
    known = flagged & ~np.isnan(data)
    assert np.isnan(mended[known]).all() == (fill == "drop")


@pytest.mark.parametrize("fill", get_args(RepairFill))
def test_where_everything_is_flagged_nothing_is_left(fill: Any) -> None:
    assert np.isnan(repair(column(1, 2, 3), np.ones((3, 1), dtype=bool), fill=fill)).all()


def test_an_unknown_fill_is_refused() -> None:
    fill: Any = "mode"
    with pytest.raises(ConfigError, match=r"fill='mode' is unknown: .*interpolate"):
        repair(column(1, 2), column(0, 1) > 0, fill=fill)
