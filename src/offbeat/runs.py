"""Runs: stretches of flagged rows as half-open pairs [start, end)."""

from __future__ import annotations

import numpy as np

from offbeat.series import BoolArray, IntArray

__all__ = ["drop_short", "index_runs", "label_runs", "merge_runs", "runs_label"]


def label_runs(label: IntArray | BoolArray) -> IntArray:
    """Stretches of rows that are flagged.

    Parameters
    ----------
    label
        Shape (T,): 0/1 or False/True.

    Returns
    -------
    Shape (n, 2): first row and the row after the last one, in order.
    """
    flags = np.zeros(len(label) + 2, dtype=np.int8)
    flags[1:-1] = np.asarray(label) != 0
    edges = np.diff(flags)
    return np.column_stack((np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)))


def index_runs(rows: IntArray, merge_gap: int) -> IntArray:
    """The runs of these rows, ascending, joined over at most `merge_gap` rows; (n, 2)."""
    if not len(rows):
        return np.empty((0, 2), dtype=np.int64)
    last = np.flatnonzero(np.diff(rows) > merge_gap + 1)
    return np.column_stack((rows[np.append(0, last + 1)], rows[np.append(last, -1)] + 1))


def runs_label(runs: IntArray, n_rows: int) -> IntArray:
    """The 0/1 label of shape (n_rows,) whose runs these are. The inverse of `label_runs`."""
    steps = np.zeros(n_rows + 1, dtype=np.int64)
    np.add.at(steps, runs[:, 0], 1)
    np.add.at(steps, runs[:, 1], -1)
    return (np.cumsum(steps[:-1]) > 0).astype(np.int8)


def merge_runs(runs: IntArray, merge_gap: int) -> IntArray:
    """Join neighbours that at most `merge_gap` rows lie between.

    Parameters
    ----------
    runs
        Shape (n, 2), in order and apart, as `label_runs` gives them.
    merge_gap
        Rows; 0 joins nothing.
    """
    if not len(runs):
        return runs
    apart = runs[1:, 0] - runs[:-1, 1] > merge_gap
    starts = runs[np.concatenate(([True], apart)), 0]
    ends = runs[np.concatenate((apart, [True])), 1]
    return np.column_stack((starts, ends))


def drop_short(runs: IntArray, min_length: int) -> IntArray:
    """The runs of at least `min_length` rows."""
    return runs[runs[:, 1] - runs[:, 0] >= min_length]
