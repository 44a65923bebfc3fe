"""Runs: against the slow twin, and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import naive
from offbeat.runs import drop_short, index_runs, label_runs, merge_runs, runs_label

FLAGS = st.lists(st.booleans(), max_size=60).map(lambda flags: np.array(flags, dtype=bool))


@settings(deadline=None, max_examples=60)
@given(FLAGS, st.sampled_from([bool, int, np.int8, float]))
def test_runs_equal_the_slow_twin_for_any_kind_of_flag(flags: np.ndarray, kind: type) -> None:
    runs = label_runs(flags.astype(kind))
    assert runs.shape == (len(runs), 2)
    assert runs.tolist() == naive.runs(flags)


@settings(deadline=None, max_examples=60)
@given(FLAGS)
def test_a_label_is_the_union_of_its_runs(flags: np.ndarray) -> None:
    label = runs_label(label_runs(flags), len(flags))
    assert label.dtype == np.int8
    assert (label == flags).all()


def test_overlapping_runs_make_one_stretch() -> None:
    label = runs_label(np.array([[0, 3], [2, 4], [6, 7]]), 8)
    assert label.tolist() == [1, 1, 1, 1, 0, 0, 1, 0]


@settings(deadline=None, max_examples=60)
@given(FLAGS, st.integers(0, 6))
def test_merged_runs_lie_farther_apart_than_the_gap(flags: np.ndarray, gap: int) -> None:
    merged = merge_runs(label_runs(flags), gap)
    assert merged.tolist() == naive.runs(flags, gap)
    assert index_runs(np.flatnonzero(flags), gap).tolist() == merged.tolist()
    assert (merged[1:, 0] - merged[:-1, 1] > gap).all()
    assert merge_runs(merged, gap).tolist() == merged.tolist()
    assert runs_label(merged, len(flags))[flags].all()  # no flagged row is lost


@settings(deadline=None, max_examples=60)
@given(FLAGS, st.integers(1, 6))
def test_only_short_runs_are_dropped(flags: np.ndarray, least: int) -> None:
    kept = drop_short(label_runs(flags), least)
    assert kept.tolist() == naive.runs(flags, 0, least)


@pytest.mark.parametrize(
    ("flags", "runs"),
    [([], []), ([0, 0], []), ([1, 1], [[0, 2]]), ([1, 0, 0, 1, 1], [[0, 1], [3, 5]])],
)
def test_runs_worked_by_hand(flags: list[int], runs: list[list[int]]) -> None:
    assert label_runs(np.array(flags, dtype=int)).tolist() == runs
