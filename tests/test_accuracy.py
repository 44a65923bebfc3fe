"""Accuracy of one stretch: the metrics' own values, and a reason where there is none."""

from __future__ import annotations

import json

import numpy as np
import pytest

from offbeat import DataError, metrics
from offbeat.accuracy import Accuracy, measure_accuracy

N_ROWS, BUFFER = 200, 12
FIGURES = ("points", "events", "ranges", "affiliation", "nab")
OF_SCORES = ("auc_pr", "auc_roc", "vus_pr", "vus_roc")


def rows(*spans: tuple[int, int]) -> np.ndarray:
    label = np.zeros(N_ROWS, dtype=np.int8)
    for start, end in spans:
        label[start:end] = 1
    return label


TRUE, FLAG = rows((50, 60), (120, 140)), rows((53, 58), (80, 82))
SCORE = np.random.default_rng(0).random(N_ROWS) + FLAG


def test_every_figure_is_the_metric_of_that_name() -> None:
    found = measure_accuracy(TRUE, FLAG, SCORE, buffer=BUFFER)
    assert (found.n_anomalous, found.n_true, found.n_found, found.n_false) == (30, 2, 1, 1)
    assert found.points == metrics.point_scores(TRUE, FLAG)
    assert found.ranges == metrics.range_scores(TRUE, FLAG)
    assert found.affiliation == metrics.affiliation_scores(TRUE, FLAG)
    assert found.nab == metrics.nab_score(TRUE, FLAG, probation=0.0)
    assert found.auc_pr == metrics.auc_pr(TRUE, SCORE)
    assert found.auc_roc == metrics.auc_roc(TRUE, SCORE)
    volumes = metrics.volumes(TRUE, SCORE, BUFFER)
    assert (found.vus_pr, found.vus_roc, found.buffer) == (volumes.pr, volumes.roc, BUFFER)
    assert (found.mean_delay, found.median_delay) == (3.0, 3.0)
    assert not found.notes
    events = metrics.event_scores(TRUE, FLAG)
    assert found.events is not None
    assert (found.events.precision, found.events.recall) == (events.precision, events.recall)


def test_it_is_flat_and_json() -> None:
    flat = measure_accuracy(TRUE, FLAG, SCORE, buffer=BUFFER).to_dict()
    assert json.loads(json.dumps(flat)) == flat
    assert flat["event_recall"] == 0.5
    assert flat["mean_delay_rows"] == 3.0
    assert set(flat) == set(Accuracy(0, 0, 0, 0, 0).to_dict())


@pytest.mark.parametrize(
    ("y_true", "flag", "score", "missing", "note"),
    [
        (rows(), FLAG, SCORE, (*FIGURES, *OF_SCORES, "mean_delay"), "only false alarms"),
        (rows((0, 200)), FLAG, SCORE, OF_SCORES, "nothing to tell apart"),
        (TRUE, FLAG, np.ones(N_ROWS), OF_SCORES, "the same score"),
        (TRUE, FLAG, np.full(N_ROWS, np.nan), OF_SCORES, "has a score"),
        (TRUE, FLAG, np.where(SCORE > 1, 3.0, np.nan), OF_SCORES, "the same score"),
        (TRUE, rows(), SCORE, ("mean_delay", "median_delay"), "no alarm was raised"),
        (TRUE, rows((0, 5)), SCORE, ("mean_delay", "median_delay"), "no anomaly was found"),
    ],
)
def test_what_has_no_meaning_is_empty_with_the_reason(
    y_true, flag, score, missing: tuple[str, ...], note: str
) -> None:
    found = measure_accuracy(y_true, flag, score, buffer=BUFFER)
    assert len(found.notes) == 1
    assert note in found.notes[0]
    known = {*FIGURES, *OF_SCORES} - set(missing)
    assert all(getattr(found, name) is None for name in missing)
    assert all(getattr(found, name) is not None for name in known)


def test_false_alarms_are_counted_where_there_is_nothing_to_find() -> None:
    assert measure_accuracy(rows(), FLAG, SCORE, buffer=0).n_false == 2


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(DataError, match="row 3 has 2"):
        measure_accuracy(np.where(np.arange(N_ROWS) == 3, 2, 0), FLAG, SCORE, buffer=0)
    with pytest.raises(DataError, match="score of shape"):
        measure_accuracy(TRUE, FLAG, SCORE[:-1], buffer=0)
