"""Sliding windows: each one is a slice, and nothing is copied."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offbeat.errors import ConfigError, DataError
from offbeat.sliding import sliding_windows


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 30), st.integers(0, 3), st.integers(1, 10), st.integers(1, 5))
def test_each_window_is_a_slice(n_rows: int, n_channels: int, window: int, stride: int) -> None:
    shape = (n_rows, n_channels) if n_channels else (n_rows,)
    values = np.arange(np.prod(shape), dtype=float).reshape(shape)
    if window > n_rows:
        with pytest.raises(DataError, match=f"{n_rows} rows are fewer than one window of {window}"):
            sliding_windows(values, window, stride=stride)
        return
    windows = sliding_windows(values, window, stride=stride)
    assert windows.shape == ((n_rows - window) // stride + 1, window, *shape[1:])
    for i, found in enumerate(windows):
        assert (found == values[i * stride : i * stride + window]).all()


@pytest.mark.parametrize("values", [np.zeros(20), np.zeros((20, 2))])
def test_windows_are_a_view_that_cannot_be_written(values: np.ndarray) -> None:
    windows = sliding_windows(values, 5)
    assert np.shares_memory(windows, values)
    assert not windows.flags.writeable


@pytest.mark.parametrize(("window", "stride"), [(0, 1), (3, 0), (-1, 1)])
def test_windows_of_nothing_are_refused(window: int, stride: int) -> None:
    with pytest.raises(ConfigError, match=f"must be >= 1, {window} and {stride} came"):
        sliding_windows(np.zeros(5), window, stride=stride)
