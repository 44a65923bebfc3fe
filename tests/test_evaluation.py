"""Evaluation: what is learned, what is judged, and that nothing leaks from one into the other."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

import contract
from offbeat import (
    ConfigError,
    DataError,
    EnsembleDetector,
    Lesson,
    NotFittedError,
    PersistenceDetector,
    RandomDetector,
    Series,
    ShapeMemoryDetector,
    SmoothedZDetector,
    evaluate,
    metrics,
)
from offbeat.evaluation import COLUMNS, DEFAULT_BUFFER
from offbeat.thresholds import FBetaThreshold, FixedThreshold, SigmaThreshold

N_ROWS, N_TRAIN, PERIOD = 600, 240, 24
EVENT = (400, 430)


def waves() -> np.ndarray:
    data = contract.waves(N_ROWS)
    data[slice(*EVENT), 0] += 4
    return data


def truth(*spans: tuple[int, int]) -> np.ndarray:
    label = np.zeros(N_ROWS, dtype=int)
    for start, end in spans or (EVENT,):
        label[start:end] = 1
    return label


def clocked(y_true: np.ndarray | None = None, *, order: np.ndarray | None = None) -> Series:
    rows = np.arange(N_ROWS) if order is None else order
    time = np.datetime64("2026-03-01", "ns") + rows * np.timedelta64(5, "m")
    label = None if y_true is None else y_true[rows].astype(np.int8)
    return Series(waves()[rows], time, ("a", "b"), label, name="waves")


def test_the_rows_after_the_training_part_are_judged_with_what_that_taught() -> None:
    detector = SmoothedZDetector()
    found = evaluate(detector, waves(), truth())
    assert (found.n_learned, found.n_judged, found.first_judged) == (N_TRAIN, 360, N_TRAIN)
    alone = SmoothedZDetector().fit(waves()[:N_TRAIN])
    detection = alone.detect(waves())
    np.testing.assert_array_equal(detector.anomaly_score(waves()), detection.score)
    accuracy, late = found.accuracy, slice(N_TRAIN, None)
    assert accuracy is not None
    assert accuracy.buffer == PERIOD
    score = detection.score[late]
    assert accuracy.vus_pr == metrics.vus_pr(truth()[late], score, PERIOD)
    assert accuracy.points == metrics.point_scores(truth()[late], detection.label[late])
    assert found.n_events == sum(each.end > N_TRAIN for each in detection.events)
    assert found.flagged == pytest.approx(detection.label[late].mean())
    assert found.threshold == detection.threshold.title
    assert found.detector == "SmoothedZDetector"


def test_nothing_of_the_judged_rows_reaches_scaler_choices_or_cut() -> None:
    other = waves()
    other[N_TRAIN:] = 50 * np.random.default_rng(1).random((360, 2))
    one, two = SmoothedZDetector(), SmoothedZDetector()
    first, second = evaluate(one, waves(), truth()), evaluate(two, other, 1 - truth())
    probe = contract.waves(300, seed=4)
    np.testing.assert_array_equal(one.anomaly_score(probe), two.anomaly_score(probe))
    assert one.detect(probe).cut[0] == two.detect(probe).cut[0]
    assert first.accuracy is not None
    assert second.accuracy is not None
    assert first.accuracy.buffer == second.accuracy.buffer


def test_a_cut_by_labels_sees_those_of_the_training_part_only() -> None:
    labels = truth((100, 110), EVENT)
    data = waves()
    data[100:110, 0] += 4
    cut = FBetaThreshold()
    kept = [
        evaluate(SmoothedZDetector(), data, y_true, threshold=cut)
        for y_true in (labels, np.where(np.arange(N_ROWS) < N_TRAIN, labels, 1 - labels))
    ]
    assert kept[0].threshold == cut.title
    assert kept[0].n_events == kept[1].n_events
    assert kept[0].flagged == kept[1].flagged


def test_a_cut_by_labels_is_refused_before_training_where_there_are_none() -> None:
    detector = SmoothedZDetector()
    for y_true in (truth(), None):
        with pytest.raises(ConfigError, match="those of the judged rows must not be seen"):
            evaluate(detector, waves(), y_true, threshold=FBetaThreshold())
    assert not hasattr(detector, "calibrations_")
    fitted = SmoothedZDetector().fit(waves()[:N_TRAIN])
    with pytest.raises(ConfigError, match="learns from labels"):
        evaluate(fitted, waves(), truth(), lesson=None, threshold=FBetaThreshold())


def test_another_cut_judges_other_flags_and_the_same_scores() -> None:
    one = evaluate(SmoothedZDetector(), waves(), truth())
    two = evaluate(SmoothedZDetector(), waves(), truth(), threshold=FixedThreshold(1e9))
    assert one.accuracy is not None
    assert two.accuracy is not None
    assert two.n_events == 0 < one.n_events
    assert two.accuracy.vus_pr == one.accuracy.vus_pr
    assert "no alarm was raised" in two.notes[-1]


@pytest.mark.parametrize(
    ("lesson", "n_learned", "first"),
    [
        (Lesson(train=0.5), 300, 300),
        (Lesson(train=100), 100, 100),
        (Lesson(train="2026-03-01T10:00"), 120, 120),
        (Lesson(exclude=((200, 240),)), 200, 240),
        (Lesson(normal=((50, 150),)), 100, 150),
        (Lesson(normal=((50, 150),), train=0.5), 100, 300),
    ],
    ids=str,
)
def test_the_lesson_says_what_is_learned_and_where_judging_begins(lesson, n_learned, first) -> None:
    series = clocked(truth())
    found = evaluate(SmoothedZDetector(), series, lesson=lesson)
    assert (found.n_learned, found.n_judged) == (n_learned, N_ROWS - first)
    assert found.first_judged == series.time[first]


def test_rows_in_any_order_are_judged_in_that_of_time() -> None:
    order = np.random.default_rng(0).permutation(N_ROWS)
    one = evaluate(SmoothedZDetector(), clocked(truth()))
    two = evaluate(SmoothedZDetector(), clocked(truth(), order=order))
    assert one.accuracy == two.accuracy


@pytest.mark.parametrize("lesson", [Lesson(whole=True), Lesson(normal=((0, N_ROWS),))])
def test_a_training_part_that_leaves_nothing_is_refused(lesson: Lesson) -> None:
    with pytest.raises(DataError, match="no row is left to judge"):
        evaluate(SmoothedZDetector(), waves(), lesson=lesson)


@pytest.mark.parametrize("buffer", [-1, 2.5])
def test_a_buffer_that_is_none_is_refused_before_training(buffer) -> None:
    with pytest.raises(ConfigError, match="buffer"):
        evaluate(SmoothedZDetector(), waves(), truth(), buffer=buffer)


def test_the_buffer_is_the_one_given_or_a_default_where_nothing_repeats() -> None:
    given = evaluate(SmoothedZDetector(), waves(), truth(), buffer=7).accuracy
    assert given is not None
    assert given.buffer == 7
    for n_rows, buffer in ((N_ROWS, 36), (4000, DEFAULT_BUFFER)):  # a tenth of the 360 judged rows
        noise = np.random.default_rng(0).normal(size=n_rows)
        y_true = (np.arange(n_rows) // 30 == 14).astype(int)
        found = evaluate(SmoothedZDetector(), noise, y_true).accuracy
        assert found is not None
        assert found.buffer == buffer


# ---------------------------------------------------------------- fitted detectors


def test_a_fitted_detector_is_judged_on_the_rows_that_it_has_not_learned() -> None:
    fitted = SmoothedZDetector().fit(waves()[:300])
    before = fitted.anomaly_score(waves())
    found = evaluate(fitted, waves(), truth(), lesson=None)
    assert (found.n_learned, found.n_judged, found.fit_seconds) == (300, 300, None)
    np.testing.assert_array_equal(fitted.anomaly_score(waves()), before)
    whole = evaluate(fitted, waves()[300:], truth()[300:], lesson=None)
    assert (whole.n_judged, whole.first_judged) == (300, 0)
    assert whole.accuracy is not None
    assert whole.accuracy.buffer == PERIOD  # as its own training part taught


def test_one_that_is_not_fitted_says_so() -> None:
    with pytest.raises(NotFittedError):
        evaluate(SmoothedZDetector(), waves(), lesson=None)


# ---------------------------------------------------------------- what is told


def test_without_labels_only_alarms_and_times_are_told() -> None:
    found = evaluate(SmoothedZDetector(), waves())
    assert found.accuracy is None
    assert found.n_events >= 1
    assert found.alarms_per_day is None
    assert found.fit_seconds is not None
    assert min(found.fit_seconds, found.score_seconds, found.rows_per_second) > 0


def test_on_a_clock_alarms_are_told_a_day_and_delays_in_seconds() -> None:
    found = evaluate(SmoothedZDetector(), clocked(truth()))
    assert found.alarms_per_day == pytest.approx(found.n_events * 288 / 360)
    told = found.to_dict()
    assert told["mean_delay_seconds"] == pytest.approx(300 * told["mean_delay_rows"])


def test_rows_without_a_score_and_anomalies_that_were_learned_are_said() -> None:
    data = waves()
    data[300:360] = np.nan
    found = evaluate(ShapeMemoryDetector(), data, truth((100, 104), EVENT))
    assert found.n_unscored > 30
    assert found.notes[0].startswith("4 of the rows learned are labelled as anomalies")
    assert found.notes[1].startswith(f"{found.n_unscored} of the rows judged have no score")
    spared = evaluate(
        SmoothedZDetector(), waves(), truth((100, 104), EVENT), lesson=Lesson(exclude=((90, 110),))
    )
    assert not spared.notes


@pytest.mark.parametrize(
    ("y_true", "note"),
    [
        (np.zeros(N_ROWS), "only false alarms can be counted"),
        (np.ones(N_ROWS), "nothing to tell apart"),
        (truth((599, 600)), "no anomaly was found"),
    ],
)
def test_labels_at_the_borders_leave_figures_empty_and_say_why(y_true, note: str) -> None:
    found = evaluate(SmoothedZDetector(), waves(), y_true)
    assert any(note in each for each in found.notes)
    assert len(found.to_frame()) == 1


def test_a_score_that_never_moves_ranks_nothing() -> None:
    found = evaluate(PersistenceDetector(), np.full(N_ROWS, 3.0), truth())
    assert found.accuracy is not None
    assert found.accuracy.vus_pr is None
    assert any("the same score" in note for note in found.notes)


@pytest.mark.parametrize(
    ("y_true", "match"),
    [
        (truth()[:-1], r"label of shape \(600,\) was expected, shape \(599,\) came"),
        (truth() * 2, "row 400 has 2"),
        (np.where(truth() == 1, np.nan, 0), "row 400 has nan"),
        (np.full(N_ROWS, "ok"), "row 0 has ok"),
    ],
)
def test_labels_that_are_none_are_refused(y_true, match: str) -> None:
    with pytest.raises(DataError, match=match):
        evaluate(SmoothedZDetector(), waves(), y_true)


def test_a_frame_brings_its_own_labels_and_its_own_clock() -> None:
    start = datetime(2026, 3, 1)
    data = waves()
    frame = pl.DataFrame(
        {
            "time": [start + timedelta(minutes=5 * row) for row in range(N_ROWS)],
            "a": data[:, 0],
            "b": data[:, 1],
            "is_anomaly": truth() == 1,
        }
    )
    found = evaluate(SmoothedZDetector(), frame)
    expected = evaluate(SmoothedZDetector(), clocked(truth()))
    assert found.accuracy == expected.accuracy
    assert found.rows_per_day == 288


def test_all_is_flat_and_json_and_one_row_of_a_frame() -> None:
    for found in (
        evaluate(SmoothedZDetector(), clocked(truth())),
        evaluate(RandomDetector(), waves()),
    ):
        told = found.to_dict()
        assert json.loads(json.dumps(told)) == told
        assert list(told) == list(COLUMNS)
        frame = found.to_frame()
        assert frame.columns == list(COLUMNS)
        assert frame.row(0, named=True) == told


def test_an_ensemble_is_judged_as_any_other() -> None:
    both = EnsembleDetector(members=(SmoothedZDetector(), PersistenceDetector()))
    found = evaluate(both, waves(), truth(), threshold=SigmaThreshold())
    assert found.accuracy is not None
    assert found.accuracy.n_found == 1
