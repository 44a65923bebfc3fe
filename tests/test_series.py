"""Series: what the door lets in, and what can be taken out."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offbeat.errors import DataError
from offbeat.series import LARGEST_VALUE, Series


def series(**changed: Any) -> Series:
    """Four rows, two channels."""
    parts: dict[str, Any] = {
        "values": np.arange(8.0).reshape(4, 2),
        "time": np.arange(4),
        "channels": ("a", "b"),
        "label": np.array([0, 1, 0, 0]),
        "name": "pump",
    }
    return Series(**parts | changed)


def values_with(row: int, column: int, value: float) -> np.ndarray:
    values = np.arange(8.0).reshape(4, 2)
    values[row, column] = value
    return values


def test_what_a_series_tells() -> None:
    one = series(values=values_with(2, 1, np.nan))
    assert (len(one), one.n_channels, one.has_clock) == (4, 2, False)
    assert np.argwhere(one.missing).tolist() == [[2, 1]]
    assert series(time=np.zeros(4, dtype="datetime64[ns]")).has_clock


@settings(deadline=None, max_examples=60)
@given(st.integers(-6, 6), st.integers(-6, 6))
def test_rows_are_those_of_a_slice(start: int, stop: int) -> None:
    whole = series()
    part = whole.rows(start, stop)
    assert whole.label is not None
    assert part.label is not None
    assert (part.values == whole.values[start:stop]).all()
    assert (part.time == whole.time[start:stop]).all()
    assert (part.label == whole.label[start:stop]).all()
    assert (part.channels, part.name) == (whole.channels, whole.name)
    assert series(label=None).rows(start, stop).label is None


def test_channels_are_selected_in_the_order_asked_for() -> None:
    part = series().select(("b", "a"))
    assert part.channels == ("b", "a")
    assert (part.values == series().values[:, ::-1]).all()
    assert series().select(("b",)).values.shape == (4, 1)


def test_a_channel_that_is_not_there_is_told_with_the_nearest() -> None:
    with pytest.raises(DataError, match="no channel 'tmp' in pump: did you mean 'temp'"):
        series(channels=("temp", "rpm")).select(("rpm", "tmp"))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"channels": ("a",)}, r"shape \(T, 1\) were expected.*\(4, 2\) came"),
        ({"values": np.zeros(4)}, r"shape \(T, 2\) were expected.*\(4,\) came"),
        ({"values": np.zeros((4, 0)), "channels": ()}, "pump has no channel"),
        ({"time": np.arange(3)}, r"4 rows of values came with time of shape \(3,\)"),
        ({"time": np.zeros(4)}, "time must be datetime64 or whole numbers, float64 came"),
        ({"channels": ("a", "a")}, "repeated: a; rename"),
        ({"label": np.zeros(3, dtype=int)}, r"label of shape \(4,\) was expected.*\(3,\) came"),
        ({"label": np.array([0, 1, 2, 3])}, "label must be 0 or 1; row 2 has 2"),
        ({"values": values_with(2, 1, -np.inf)}, "1 infinite .* row 2, channel 'b'"),
        ({"values": values_with(3, 0, -1e151)}, "-1e[+]151 in row 3, channel 'a'"),
    ],
)
def test_what_does_not_fit_is_refused(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(DataError, match=told):
        series(**changed)


def test_missing_and_large_values_and_no_rows_are_let_in() -> None:
    assert series(values=np.full((4, 2), np.nan)).missing.all()
    assert np.isfinite(series(values=np.full((4, 2), LARGEST_VALUE)).values ** 2).all()
    assert len(series().rows(0, 0)) == 0


def test_a_series_is_never_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        series().name = "other"  # type: ignore[misc]
