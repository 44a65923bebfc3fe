"""The memory of shapes against a slow, obviously right twin."""

from __future__ import annotations

import numpy as np
import pytest

from offbeat.memory import SHAPE_OFFSET, VIEWS, ShapeMemory, View, seen_as
from offbeat.series import FloatArray
from offbeat.sliding import sliding_windows

WINDOW = 12


def naive_view(window: FloatArray, view: View) -> FloatArray:
    if view == "values":
        return window
    centred = window - window.mean()
    return centred if view == "level" else centred / (window.std() + SHAPE_OFFSET)


def naive_distance(
    column: FloatArray, start: int, memory: ShapeMemory, view: View, leave_out: bool
) -> float:
    seen = column[start : start + WINDOW]
    found = []
    for known, at in zip(memory.windows, memory.starts, strict=True):
        if leave_out and abs(at - start) < WINDOW:
            continue
        one, other = naive_view(seen, view), naive_view(known, view)
        found.append(np.sqrt(np.mean((one - other) ** 2)))
    return min(found, default=np.nan)


def made(n_rows: int = 200) -> tuple[FloatArray, ShapeMemory]:
    column = np.random.default_rng(0).normal(0, 1, n_rows).cumsum()
    starts = np.arange(0, n_rows - WINDOW + 1, 7)
    return column, ShapeMemory(sliding_windows(column, WINDOW)[starts], starts)


@pytest.mark.parametrize("leave_out", [False, True])
def test_distances_equal_the_naive_ones(leave_out: bool) -> None:
    column, memory = made()
    starts = np.arange(len(column) - WINDOW + 1)
    expected = [
        [naive_distance(column, int(at), memory, view, leave_out) for at in starts]
        for view in VIEWS
    ]
    distance = memory.distances(column, starts, leave_out=leave_out)
    np.testing.assert_allclose(distance, expected, atol=1e-7)


def test_what_is_remembered_is_no_distance_away_unless_it_is_left_out() -> None:
    column, memory = made()
    assert memory.distances(column, memory.starts).max() < 1e-7
    assert memory.distances(column, memory.starts, leave_out=True).min() > 0.01


def test_blocks_give_what_one_block_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    column, memory = made()
    starts = np.arange(len(column) - WINDOW + 1)
    whole = memory.distances(column, starts)
    monkeypatch.setattr("offbeat.memory.BLOCK_NUMBERS", 100)
    np.testing.assert_allclose(memory.distances(column, starts), whole, atol=1e-12)


def test_nothing_remembered_is_no_distance() -> None:
    column, memory = made()
    nothing = ShapeMemory(memory.windows[:0], memory.starts[:0])
    assert np.isnan(nothing.distances(column, np.array([0, 5]))).all()
    alone = ShapeMemory(memory.windows[:1], memory.starts[:1])
    assert np.isnan(alone.distances(column, np.array([3]), leave_out=True)).all()


def test_the_shape_of_a_window_knows_neither_level_nor_size() -> None:
    wave = np.sin(np.arange(WINDOW))[None]
    np.testing.assert_allclose(
        seen_as(100 * wave + 5, "shape"), seen_as(1000 * wave, "shape"), atol=2e-3
    )
    assert np.abs(seen_as(np.full((1, WINDOW), 3.0), "shape")).max() == 0
