"""Every public metric at its borders: it answers by its definition, or says why it cannot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from offbeat import ConfigError, DataError, metrics
from offbeat.metrics import (
    affiliation_scores,
    alarms_per_day,
    auc_pr,
    auc_roc,
    detection_delays,
    event_scores,
    nab_score,
    point_scores,
    precision_recall_curve,
    range_scores,
    volumes,
    vus_pr,
    vus_roc,
)

N_ROWS = 40
CALM, ALL_ODD = np.zeros(N_ROWS, dtype=int), np.ones(N_ROWS, dtype=int)
NOTHING = np.zeros(0, dtype=int)
RISING, FLAT, BLIND = np.arange(float(N_ROWS)), np.full(N_ROWS, 3.0), np.full(N_ROWS, np.nan)


def marked(*rows: int) -> Any:
    label = np.zeros(N_ROWS, dtype=int)
    label[list(rows)] = 1
    return label


def rates(found: Any) -> tuple[float, float, float]:
    return found.precision, found.recall, found.f1


# Each takes labels and flags, or labels and scores, and gives a tuple of numbers.
OF_LABELS: dict[str, Callable[..., Any]] = {
    "point_scores": lambda y, x: rates(point_scores(y, x)),
    "event_scores": lambda y, x: rates(event_scores(y, x)),
    "range_scores": lambda y, x: rates(range_scores(y, x)),
    "affiliation_scores": lambda y, x: rates(affiliation_scores(y, x)),
    "nab_score": lambda y, x: (nab_score(y, x, probation=0.0).score,),
    "detection_delays": lambda y, x: tuple(detection_delays(y, x)),
}
OF_SCORES: dict[str, Callable[..., Any]] = {
    "precision_recall_curve": lambda y, x: tuple(precision_recall_curve(y, x).recall),
    "auc_pr": lambda y, x: (auc_pr(y, x),),
    "auc_roc": lambda y, x: (auc_roc(y, x),),
    "vus_pr": lambda y, x: (vus_pr(y, x, 6),),
    "vus_roc": lambda y, x: (vus_roc(y, x, 6),),
    "volumes": lambda y, x: (volumes(y, x, 6).pr, volumes(y, x, 6).roc),
}
PERFECT, MISSED = (1.0, 1.0, 1.0), (1.0, 0.0, 0.0)
REFUSED = "refused"


def test_every_public_metric_is_in_the_table() -> None:
    functions = {name for name in metrics.__all__ if name[0].islower()}
    assert functions == {*OF_LABELS, *OF_SCORES, "alarms_per_day"}


# ---------------------------------------------------------------- labels against flags

# what is flagged, where: nothing is anomalous | all is | nothing is flagged in one event
LABEL_EDGES: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "nothing to find, nothing flagged": (
        CALM, CALM,
        {"point_scores": PERFECT, "event_scores": PERFECT, "range_scores": PERFECT,
         "affiliation_scores": REFUSED, "nab_score": REFUSED, "detection_delays": ()},
    ),
    "nothing to find, one row flagged": (
        CALM, marked(5),
        {"point_scores": (0, 1, 0), "event_scores": (0, 1, 0), "range_scores": (0, 1, 0),
         "affiliation_scores": REFUSED, "nab_score": REFUSED, "detection_delays": ()},
    ),
    "all anomalous, all flagged": (
        ALL_ODD, ALL_ODD,
        {"point_scores": PERFECT, "event_scores": PERFECT, "range_scores": PERFECT,
         "affiliation_scores": PERFECT, "nab_score": (100,), "detection_delays": (0,)},
    ),
    "all anomalous, nothing flagged": (
        ALL_ODD, CALM,
        {"point_scores": MISSED, "event_scores": MISSED, "range_scores": MISSED,
         "affiliation_scores": MISSED, "nab_score": (0,), "detection_delays": (np.nan,)},
    ),
    "all flagged, one event": (
        marked(10), ALL_ODD,
        {"point_scores": (1 / 40, 1, 2 / 41), "event_scores": PERFECT,
         "range_scores": (1 / 40, 1, 2 / 41), "detection_delays": (0,)},
    ),
    "one row at the start, found": (
        marked(0), marked(0),
        {"point_scores": PERFECT, "event_scores": PERFECT, "range_scores": PERFECT,
         "affiliation_scores": PERFECT, "nab_score": (100,), "detection_delays": (0,)},
    ),
    "one row at the end, found": (
        marked(39), marked(39),
        {"point_scores": PERFECT, "event_scores": PERFECT, "range_scores": PERFECT,
         "affiliation_scores": PERFECT, "nab_score": (100,), "detection_delays": (0,)},
    ),
    "one row at each end, missed": (
        marked(0, 39), CALM,
        {"point_scores": MISSED, "event_scores": MISSED, "range_scores": MISSED,
         "affiliation_scores": MISSED, "nab_score": (0,), "detection_delays": (np.nan, np.nan)},
    ),
    "an alarm that begins before the event": (
        marked(10, 11), marked(9, 10), {"event_scores": PERFECT, "detection_delays": (0,)},
    ),
    "empty arrays": (
        NOTHING, NOTHING,
        {"point_scores": PERFECT, "event_scores": PERFECT, "range_scores": PERFECT,
         "affiliation_scores": REFUSED, "nab_score": REFUSED, "detection_delays": ()},
    ),
}  # fmt: skip
LABEL_CASES = [(edge, name) for edge in LABEL_EDGES for name in LABEL_EDGES[edge][2]]


@pytest.mark.parametrize(("edge", "name"), LABEL_CASES)
def test_flags_at_the_borders(edge: str, name: str) -> None:
    y_true, label, answers = LABEL_EDGES[edge]
    if answers[name] is REFUSED:
        with pytest.raises(DataError, match="y_true marks no row"):
            OF_LABELS[name](y_true, label)
    else:
        assert OF_LABELS[name](y_true, label) == pytest.approx(answers[name], nan_ok=True)


BAD_FLAGS = {
    "another length": (CALM[:-1], "y_true has 40 rows, label has 39"),
    "two columns": (np.zeros((40, 2), dtype=int), r"shape \(T,\)"),
    "a two": (np.where(RISING == 7, 2, 0), "row 7 has 2"),
    "minus one": (np.where(RISING == 7, -1, 1), "row 7 has -1"),
    "a hole": (np.where(RISING == 7, np.nan, 0), "row 7 has nan"),
    "words": (np.full(N_ROWS, "normal"), "row 0 has normal"),
    "nothing known": (np.full(N_ROWS, None), "row 0 has None"),
}


@pytest.mark.parametrize("mistake", BAD_FLAGS)
@pytest.mark.parametrize("name", OF_LABELS)
def test_flags_that_are_none_are_refused(name: str, mistake: str) -> None:
    label, words = BAD_FLAGS[mistake]
    with pytest.raises(DataError, match=words):
        OF_LABELS[name](marked(3), label)


@pytest.mark.parametrize("kind", [bool, np.int8, float, list])
@pytest.mark.parametrize("name", OF_LABELS)
def test_flags_may_be_of_any_kind(name: str, kind: Any) -> None:
    truth, label = marked(3, 4), marked(4, 20)
    cast = (lambda x: x.tolist()) if kind is list else (lambda x: x.astype(kind))
    assert OF_LABELS[name](cast(truth), cast(label)) == OF_LABELS[name](truth, label)


# ---------------------------------------------------------------- labels against scores

SHARE = 1 / 20  # of two rows in forty
TWO = marked(38, 39)
SCORE_EDGES: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "nothing to find": (CALM, RISING, dict.fromkeys(OF_SCORES, "y_true marks")),
    "all anomalous": (
        ALL_ODD, RISING,
        {"auc_pr": (1,), "auc_roc": "tell apart", "vus_pr": "tell apart", "vus_roc": "tell apart",
         "volumes": "tell apart", "precision_recall_curve": tuple(np.arange(40, 0, -1) / 40)},
    ),
    "one score for all": (
        TWO, FLAT, {"auc_pr": (SHARE,), "auc_roc": (0.5,), "precision_recall_curve": (1,)},
    ),
    "no score at all": (
        TWO, BLIND,
        {"auc_pr": (SHARE,), "auc_roc": (0.5,), "precision_recall_curve": "no row that has a score",
         "vus_pr": OF_SCORES["vus_pr"](TWO, FLAT), "vus_roc": OF_SCORES["vus_roc"](TWO, FLAT)},
    ),
    "two scores": (
        TWO, TWO.astype(float),
        {"auc_pr": (1,), "auc_roc": (1,), "precision_recall_curve": (1, 1)},
    ),
    "an anomalous row without a score": (
        TWO, np.where(RISING == 38, np.nan, RISING),
        {"auc_roc": (0.5,), "auc_pr": ((1 + SHARE) / 2,)},
    ),
    "one row at the start": (marked(0), -RISING, {"auc_pr": (1,), "auc_roc": (1,)}),
    "one row at the end": (marked(39), RISING, {"auc_pr": (1,), "auc_roc": (1,)}),
    "empty arrays": (NOTHING, NOTHING.astype(float), dict.fromkeys(OF_SCORES, "y_true marks")),
    "another length": (TWO, RISING[:-1], dict.fromkeys(OF_SCORES, r"score of shape \(40,\)")),
    "two columns": (TWO, np.zeros((40, 1)), dict.fromkeys(OF_SCORES, r"shape \(40, 1\) came")),
    "an infinite score": (
        TWO, np.where(RISING == 7, np.inf, RISING),
        dict.fromkeys(OF_SCORES, "row 7 is infinite"),
    ),
    "words": (TWO, ["high"] * 40, dict.fromkeys(OF_SCORES, "score must be numbers")),
    "labels with a two": (2 * TWO, RISING, dict.fromkeys(OF_SCORES, "row 38 has 2")),
}  # fmt: skip
SCORE_CASES = [(edge, name) for edge in SCORE_EDGES for name in SCORE_EDGES[edge][2]]


@pytest.mark.parametrize(("edge", "name"), SCORE_CASES)
def test_scores_at_the_borders(edge: str, name: str) -> None:
    y_true, score, answers = SCORE_EDGES[edge]
    if isinstance(answers[name], str):
        with pytest.raises(DataError, match=answers[name]):
            OF_SCORES[name](y_true, score)
    else:
        assert OF_SCORES[name](y_true, score) == pytest.approx(answers[name])


@pytest.mark.parametrize("metric", [auc_pr, auc_roc])
@pytest.mark.parametrize("row", [0, 39])
def test_a_blind_row_ranks_below_all_others(metric: Any, row: int) -> None:
    blind, lowest = RISING.copy(), RISING.copy()
    blind[row], lowest[row] = np.nan, -1e9
    truth = marked(0, 20, 39)
    assert metric(truth, blind) == metric(truth, lowest)


# ---------------------------------------------------------------- options


@pytest.mark.parametrize("row", [0, 39])
@pytest.mark.parametrize("buffer", [0, 1, 39, 40, 41, 200])
def test_any_buffer_suits_one_row_at_the_border(row: int, buffer: int) -> None:
    score = (np.arange(N_ROWS) == row) * 5.0 + np.linspace(0, 1, N_ROWS)
    found = volumes(marked(row), score, buffer)
    assert 0 < found.pr <= 1
    assert 0 < found.roc <= 1
    assert found.buffer == buffer


def test_a_buffer_of_0_leaves_the_plain_areas() -> None:
    generator = np.random.default_rng(0)
    truth, score = marked(4, 5, 6, 30), generator.random(N_ROWS)
    score[truth == 1] = 0.7  # all events at once, so that no curve is weighed down
    assert vus_roc(truth, score, 0) == pytest.approx(auc_roc(truth, score))
    assert vus_pr(truth, score, 0) == pytest.approx(auc_pr(truth, score))


@pytest.mark.parametrize("buffer", [-1, 2.5, True, "12", None])
def test_a_buffer_that_is_none_is_refused(buffer: Any) -> None:
    with pytest.raises(ConfigError, match="buffer must be a whole number of rows, 0 or more"):
        volumes(TWO, RISING, buffer)


@pytest.mark.parametrize("thresholds", [1, 0, -3, 2.0])
def test_a_curve_has_two_points_or_more(thresholds: Any) -> None:
    with pytest.raises(ConfigError, match="thresholds must be"):
        volumes(TWO, RISING, 4, thresholds=thresholds)


@pytest.mark.parametrize("tolerance", [-1, 0.5, True])
def test_a_tolerance_that_is_none_is_refused(tolerance: Any) -> None:
    with pytest.raises(ConfigError, match="tolerance must be a whole number"):
        event_scores(TWO, TWO, tolerance)


def test_a_tolerance_may_be_longer_than_the_series() -> None:
    assert rates(event_scores(marked(0), marked(39), 100)) == PERFECT


@pytest.mark.parametrize("costs", [{"miss": -1.0}, {"false_alarm": -0.1}, {"miss": np.nan}])
def test_a_cost_is_not_below_0(costs: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="costs must be numbers >= 0"):
        nab_score(TWO, TWO, **costs)


def test_a_false_alarm_long_after_a_short_window_costs_in_full_and_no_more() -> None:
    truth, late = np.zeros(4000, dtype=int), np.zeros(4000, dtype=int)
    truth[1], late[3999] = 1, 1
    assert nab_score(truth, late, probation=0.0).score == pytest.approx(-11 / 2)


@pytest.mark.parametrize("alpha", [-0.1, 1.1, np.nan])
def test_a_share_lies_between_0_and_1(alpha: float) -> None:
    with pytest.raises(ConfigError, match="alpha"):
        range_scores(TWO, TWO, alpha=alpha)


def test_alarms_a_day_at_the_borders() -> None:
    assert alarms_per_day(NOTHING, 24.0) == 0.0
    assert alarms_per_day(CALM, 24.0) == 0.0
    assert alarms_per_day(ALL_ODD, 24.0) == pytest.approx(24 / 40)
    assert alarms_per_day(marked(0, 39), 40.0) == 2.0
    for pace in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(ConfigError, match="rows_per_day must be a number > 0"):
            alarms_per_day(CALM, pace)
    with pytest.raises(DataError, match="row 3 has 9"):
        alarms_per_day(9 * marked(3), 24.0)
