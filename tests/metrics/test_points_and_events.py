"""Metrics: against slow twins and scikit-learn, and their values at the borders."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as judge

import naive
from offbeat.errors import ConfigError, DataError
from offbeat.metrics import alarms_per_day, event_scores, point_scores, precision_recall_curve
from offbeat.series import IntArray

PAIRS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=50)


def columns(pairs: list[tuple[int, int]]) -> tuple[IntArray, IntArray]:
    y_true, label = np.array(pairs).T
    return y_true, label


@given(PAIRS)
def test_point_scores_equal_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    y_true, label = columns(pairs)
    found = point_scores(y_true, label)
    assert found.precision == pytest.approx(judge.precision_score(y_true, label, zero_division=1.0))
    assert found.recall == pytest.approx(judge.recall_score(y_true, label, zero_division=1.0))
    assert found.f1 == pytest.approx(judge.f1_score(y_true, label, zero_division=1.0))


@given(PAIRS, st.integers(0, 4))
def test_event_scores_equal_the_slow_twin(pairs: list[tuple[int, int]], tolerance: int) -> None:
    y_true, label = columns(pairs)
    scores = event_scores(y_true, label, tolerance)
    found, false = naive.found_and_false(y_true, label, tolerance)
    assert (scores.n_found, scores.n_false) == (found, false)
    assert scores.n_true == len(naive.runs(y_true))
    assert scores.recall == (found / scores.n_true if scores.n_true else 1.0)
    assert scores.precision == (found / (found + false) if found + false else 1.0)


@given(PAIRS, st.integers(0, 5))
def test_alarms_within_reach_equal_the_slow_twin(pairs: list[tuple[int, int]], reach: int) -> None:
    y_true, label = columns(pairs)
    scores = event_scores(y_true, label, reach=reach)
    found, false = naive.found_and_false_within(y_true, label, 0, reach)
    assert (scores.n_found, scores.n_false) == (found, false)
    assert scores.n_found <= event_scores(y_true, label).n_found


def test_one_alarm_over_everything_finds_nothing_within_reach() -> None:
    y_true, label = np.array([0, 0, 1, 0, 0, 0, 1, 0, 0, 0]), np.ones(10, dtype=int)
    assert event_scores(y_true, label).f1 == 1.0  # by the published definition
    assert event_scores(y_true, label, reach=6).f1 == 1.0
    assert event_scores(y_true, label, reach=5).f1 == 0.0
    assert event_scores(y_true, label, 1, reach=0).f1 == 1.0  # six rows count as true
    with pytest.raises(ConfigError, match="reach must be a whole number of rows"):
        event_scores(y_true, label, reach=-1)


@pytest.mark.parametrize(
    ("y_true", "label", "rates"),
    [
        ([0, 0], [0, 0], (1.0, 1.0, 1.0)),  # nothing to find, nothing said
        ([0, 0], [0, 1], (0.0, 1.0, 0.0)),  # nothing to find, one false alarm
        ([0, 1], [0, 0], (1.0, 0.0, 0.0)),  # missed, but no false alarm
        ([0, 1], [0, 1], (1.0, 1.0, 1.0)),
        ([], [], (1.0, 1.0, 1.0)),
    ],
)
def test_borders(y_true: list[int], label: list[int], rates: tuple[float, float, float]) -> None:
    true, flagged = np.array(y_true, dtype=int), np.array(label, dtype=int)
    points, events = point_scores(true, flagged), event_scores(true, flagged)
    assert (points.precision, points.recall, points.f1) == rates
    assert (events.precision, events.recall, events.f1) == rates


def test_many_alarms_in_one_event_are_one_find() -> None:
    scores = event_scores(np.array([0, 1, 1, 1, 0, 0]), np.array([0, 1, 0, 1, 0, 1]))
    assert (scores.n_found, scores.n_false, scores.precision) == (1, 1, 0.5)


def test_bad_labels_are_refused() -> None:
    with pytest.raises(DataError, match="row 1 has 2"):
        point_scores(np.array([0, 2]), np.array([0, 1]))
    with pytest.raises(DataError, match="y_true has 1 rows, label has 2"):
        event_scores(np.array([0]), np.array([0, 1]))
    with pytest.raises(DataError, match=r"shape \(T,\)"):
        alarms_per_day(np.zeros((2, 2), dtype=int), 10.0)
    with pytest.raises(ConfigError, match="tolerance"):
        event_scores(np.array([0]), np.array([0]), -1)


@given(
    st.lists(
        st.tuples(st.integers(0, 1), st.floats(0, 10) | st.just(float("nan"))),
        min_size=2,
        max_size=40,
    )
)
def test_curve_equals_flagging_at_every_threshold(rows: list[tuple[int, float]]) -> None:
    y_true = np.array([true for true, _ in rows])
    score = np.array([value for _, value in rows])
    if not y_true[np.isfinite(score)].any():
        with pytest.raises(DataError, match="marks no row that has a score"):
            precision_recall_curve(y_true, score)
        return
    curve = precision_recall_curve(y_true, score)
    assert curve.threshold.shape == curve.precision.shape == curve.recall.shape
    for threshold, precision, recall in zip(
        curve.threshold, curve.precision, curve.recall, strict=True
    ):
        expected = point_scores(y_true, (score >= threshold).astype(int))
        assert precision == pytest.approx(expected.precision)
        assert recall == pytest.approx(expected.recall)


def test_curve_refuses_other_shapes() -> None:
    with pytest.raises(DataError, match="score of shape"):
        precision_recall_curve(np.array([0, 1]), np.ones(3))


def test_alarms_per_day() -> None:
    assert alarms_per_day(np.array([1, 1, 0, 1, 0, 0]), 6.0) == 2.0
    assert alarms_per_day(np.zeros(0, dtype=int), 6.0) == 0.0
