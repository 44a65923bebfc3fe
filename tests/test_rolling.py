"""Centred rolling windows: against NumPy, window by window."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offbeat import rolling
from offbeat.errors import ConfigError
from offbeat.rolling import centres, half_window, row_median
from offbeat.series import FloatArray

VALUES = st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), min_size=1, max_size=40)


def around(values: FloatArray, row: int, half: int, median: bool) -> float:
    """Median or mean of one window."""
    window = values[max(0, row - half) : row + half + 1]
    known = window[~np.isnan(window)]
    if not len(known):
        return float("nan")
    return float(np.median(known) if median else np.mean(known))


@settings(deadline=None, max_examples=60)
@given(VALUES, st.integers(1, 6), st.booleans())
def test_centres_equal_those_of_each_window(values: list[float], half: int, median: bool) -> None:
    kept = np.array(values)
    rows = np.arange(len(kept))[::-1]  # in any order
    expected = [around(kept, row, half, median) for row in rows]
    found = centres(kept, rows, half, median)
    assert found == pytest.approx(expected, nan_ok=True, abs=1e-6)


@pytest.mark.parametrize("median", [True, False])
def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch, median: bool) -> None:
    kept = np.random.default_rng(0).normal(size=100)
    whole = centres(kept, np.arange(100), 3, median)
    for numbers in (1, 50):
        monkeypatch.setattr(rolling, "CHUNK_NUMBERS", numbers)
        assert (centres(kept, np.arange(100), 3, median) == whole).all()


@settings(deadline=None, max_examples=60)
@given(st.lists(VALUES, min_size=1, max_size=5))
def test_a_row_median_leaves_missing_values_out(rows: list[list[float]]) -> None:
    windows = np.full((len(rows), 40), np.nan)
    for window, row in zip(windows, rows, strict=True):
        window[: len(row)] = row
    expected = [around(window, 0, 40, True) for window in windows]
    assert row_median(windows) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("median", [True, False])
def test_huge_values_do_not_overflow(median: bool) -> None:
    kept = np.full(5, 1.5e308)
    assert centres(kept, np.arange(5), 1, median) == pytest.approx(kept)


def test_a_centre_of_nothing_is_missing() -> None:
    kept = np.array([np.nan, np.nan, np.nan, 1.0])
    assert np.isnan(centres(kept, np.array([0, 1]), 1, True)).all()
    assert len(centres(kept, np.array([], dtype=int), 1, False)) == 0


@pytest.mark.parametrize(("window", "half"), [(3, 1), (5, 2), (101, 50)])
def test_half_of_a_window(window: int, half: int) -> None:
    assert half_window(window) == half


@pytest.mark.parametrize("window", [1, 0, -3, 4, 3.0, True, "5", None])
def test_a_window_without_a_middle_is_refused(window: Any) -> None:
    with pytest.raises(ConfigError, match=f"window={window}: an odd number of rows >= 3"):
        half_window(window)
