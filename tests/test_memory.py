"""The memory of shapes against a slow, obviously right twin."""

from __future__ import annotations

import numpy as np
import pytest

from offbeat.memory import SHAPE_OFFSET, ShapeMemory, own_shape
from offbeat.series import FloatArray
from offbeat.sliding import sliding_windows

WINDOW = 12


def naive_shape(window: FloatArray) -> FloatArray:
    return (window - window.mean()) / (window.std() + SHAPE_OFFSET)


def naive_distance(column: FloatArray, start: int, memory: ShapeMemory, leave_out: bool) -> float:
    seen = column[start : start + WINDOW]
    found = []
    for known, at in zip(memory.windows, memory.starts, strict=True):
        if leave_out and abs(at - start) < WINDOW:
            continue
        one, other = (naive_shape(seen), naive_shape(known)) if memory.by_shape else (seen, known)
        found.append(np.sqrt(np.mean((one - other) ** 2)))
    return min(found, default=np.nan)


def made(by_shape: bool, n_rows: int = 200) -> tuple[FloatArray, ShapeMemory]:
    column = np.random.default_rng(0).normal(0, 1, n_rows).cumsum()
    starts = np.arange(0, n_rows - WINDOW + 1, 7)
    return column, ShapeMemory(sliding_windows(column, WINDOW)[starts], starts, by_shape)


@pytest.mark.parametrize("by_shape", [False, True])
@pytest.mark.parametrize("leave_out", [False, True])
def test_distance_equals_the_naive_one(by_shape: bool, leave_out: bool) -> None:
    column, memory = made(by_shape)
    starts = np.arange(len(column) - WINDOW + 1)
    expected = [naive_distance(column, int(at), memory, leave_out) for at in starts]
    distance = memory.distance(column, starts, leave_out=leave_out)
    np.testing.assert_allclose(distance, expected, atol=1e-7)


def test_what_is_remembered_is_no_distance_away_unless_it_is_left_out() -> None:
    column, memory = made(False)
    assert memory.distance(column, memory.starts).max() < 1e-7
    assert memory.distance(column, memory.starts, leave_out=True).min() > 0.01


def test_blocks_give_what_one_block_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    column, memory = made(True)
    starts = np.arange(len(column) - WINDOW + 1)
    whole = memory.distance(column, starts)
    monkeypatch.setattr("offbeat.memory.BLOCK_NUMBERS", 100)
    np.testing.assert_allclose(memory.distance(column, starts), whole, atol=1e-12)


def test_nothing_remembered_is_no_distance() -> None:
    column, memory = made(False)
    nothing = ShapeMemory(memory.windows[:0], memory.starts[:0], False)
    assert np.isnan(nothing.distance(column, np.array([0, 5]))).all()
    alone = ShapeMemory(memory.windows[:1], memory.starts[:1], False)
    assert np.isnan(alone.distance(column, np.array([3]), leave_out=True)).all()


def test_the_shape_of_a_window_knows_neither_level_nor_size() -> None:
    wave = np.sin(np.arange(WINDOW))[None]
    np.testing.assert_allclose(own_shape(100 * wave + 5), own_shape(1000 * wave), atol=2e-3)
    assert np.abs(own_shape(np.full((1, WINDOW), 3.0))).max() == 0
