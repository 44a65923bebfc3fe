"""The table of methods: every figure counted again by hand, and what its notes say."""

from __future__ import annotations

import json

import numpy as np
import pytest
from naive_thresholds import labels, noise, taken_from

import naive
from offbeat.errors import DataError
from offbeat.events import alarm_runs
from offbeat.metrics import event_scores
from offbeat.runs import runs_label
from offbeat.thresholds import (
    BudgetThreshold,
    CostThreshold,
    FBetaThreshold,
    FixedThreshold,
    PercentileThreshold,
    RollingThreshold,
    SigmaThreshold,
    alarm_reach,
    candidates,
    default_threshold,
    threshold_from_dict,
    threshold_table,
)

TRAINING = taken_from(noise(2000), rows_per_day=1000.0)
SCORE = noise(1000, seed=1)
SCORE[300:310] += 20
Y_TRUE = labels(1000, *range(300, 310))


def test_every_figure_is_that_of_the_method_applied_alone() -> None:
    rows = threshold_table(TRAINING, SCORE, y_true=Y_TRUE, merge_gap=2, min_length=2)
    assert len(rows) == 13
    for row in rows:
        source = TRAINING
        if row.threshold.needs_labels:
            source = taken_from(SCORE, y_true=Y_TRUE, rows_per_day=1000.0, merge_gap=2)
        cut = row.threshold.cut(source, SCORE)
        runs = alarm_runs(SCORE, cut, merge_gap=2, min_length=2)
        reach = alarm_reach(SCORE, 2)
        judged = event_scores(Y_TRUE, runs_label(runs, 1000), reach=reach)
        assert (row.method, row.events) == (row.threshold.title, len(runs))
        assert row.events == len(naive.runs(cut < SCORE, 2, 2))
        assert row.cut == np.median(cut)
        assert row.flagged == pytest.approx(sum(end - start for start, end in runs) / 1000)
        assert row.alarms_per_day == pytest.approx(len(runs))
        assert (row.precision, row.recall, row.f1) == (judged.precision, judged.recall, judged.f1)


def test_a_row_worked_by_hand() -> None:
    score = np.array([1.0, 5, 5, 1, np.nan, 5, 1, 1, 1])
    (row,) = threshold_table(
        taken_from([1, 2]),
        score,
        y_true=labels(9, 2),
        rows_per_day=4.0,
        thresholds=[FixedThreshold(3.0)],
    )
    assert (row.cut, row.events) == (3.0, 2)
    assert row.flagged == 3 / 8  # of the scored rows
    assert row.alarms_per_day == 2 / 2
    assert (row.precision, row.recall, row.f1) == (0.5, 1.0, pytest.approx(2 / 3))


def test_what_is_not_known_is_left_out() -> None:
    (row,) = threshold_table(taken_from([1, 2]), SCORE, thresholds=[SigmaThreshold()])
    assert row.alarms_per_day is None
    assert (row.precision, row.recall, row.f1) == (None, None, None)


@pytest.mark.parametrize("score", [np.empty(0), np.full(5, np.nan)])
def test_a_series_without_a_score_has_no_event(score: np.ndarray) -> None:
    for row in threshold_table(TRAINING, score):
        assert (row.flagged, row.events, row.alarms_per_day) == (0.0, 0, None)


def test_only_methods_tuned_on_the_judged_labels_say_so() -> None:
    notes = {
        row.threshold.kind: row.note for row in threshold_table(TRAINING, SCORE, y_true=Y_TRUE)
    }
    assert {kind for kind, note in notes.items() if "tuned on these labels" in note} == {
        "fbeta",
        "cost",
    }
    own = taken_from(SCORE.copy(), y_true=Y_TRUE, rows_per_day=1000.0)
    notes = {row.threshold.kind: row.note for row in threshold_table(own, SCORE, y_true=Y_TRUE)}
    assert notes["fbeta"] == notes["cost"] == ""


def test_an_extrapolated_budget_says_how_far() -> None:
    thresholds = [BudgetThreshold(f"1/{rows}rows") for rows in (200, 201, 8000)]
    notes = [row.note for row in threshold_table(TRAINING, SCORE, thresholds=thresholds)]
    assert notes[0] == ""  # ten alarms in the training part can be counted
    assert notes[1].startswith("extrapolated: 10 such alarms")
    assert notes[2] == "extrapolated: 0.25 such alarms fit into the training part"


def test_the_rows_are_json_and_their_methods_come_back() -> None:
    for row in threshold_table(TRAINING, SCORE, y_true=Y_TRUE):
        read = json.loads(json.dumps(row.to_dict(), allow_nan=False))
        assert threshold_from_dict(read["threshold"]) == row.threshold
        assert (read["method"], read["cut"], read["f1"]) == (row.method, row.cut, row.f1)


def test_labels_of_another_length_are_refused() -> None:
    with pytest.raises(DataError, match=r"y_true of shape \(1000,\) was expected, \(3,\) came"):
        threshold_table(TRAINING, SCORE, y_true=labels(3))


@pytest.mark.parametrize(
    ("rows_per_day", "n_rows", "budget"),
    [
        (None, 10, "1/10000rows"),
        (1000.0, 234, "1/week"),  # a thirtieth of a week
        (1000.0, 233, "1/day"),
        (1000.0, 34, "1/day"),
        (1000.0, 33, "1/hour"),
        (1000.0, 0, "1/hour"),
    ],
)
def test_the_default_budget_follows_the_length_of_the_training_part(
    rows_per_day: float | None, n_rows: int, budget: str
) -> None:
    assert default_threshold(rows_per_day, n_rows) == BudgetThreshold(budget)


def test_budgets_are_offered_for_the_stretch_that_was_seen() -> None:
    def budgets(rows_per_day: float | None) -> list[str]:
        offered = candidates(taken_from(noise(100), rows_per_day=rows_per_day))
        return [each.false_alarms for each in offered if isinstance(each, BudgetThreshold)]

    assert budgets(None) == ["1/1000rows", "1/10000rows"]
    assert budgets(1000.0) == ["1/hour", "1/day", "1/week"]
    assert budgets(10.0) == ["1/day", "1/week", "1/month"]


@pytest.mark.parametrize(("n_rows", "span"), [(50, 100), (4000, 1000), (80_000, 10_000)])
def test_the_rolling_span_is_a_quarter_of_the_training_part(n_rows: int, span: int) -> None:
    (rolling,) = (
        method
        for method in candidates(taken_from(noise(n_rows)))
        if isinstance(method, RollingThreshold)
    )
    assert rolling.span == span


def test_methods_that_learn_from_labels_are_offered_with_anomalies_only() -> None:
    def learners(**known: np.ndarray) -> list[type]:
        offered = candidates(taken_from(noise(10), **known))
        return [type(method) for method in offered if method.needs_labels]

    assert learners() == learners(y_true=labels(10)) == []
    assert learners(y_true=labels(10, 3)) == [FBetaThreshold, CostThreshold]


def test_the_order_is_that_of_the_methods_given() -> None:
    given = [SigmaThreshold(5), PercentileThreshold(50), SigmaThreshold(1)]
    assert [row.threshold for row in threshold_table(TRAINING, SCORE, thresholds=given)] == given
