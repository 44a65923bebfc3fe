"""Comparison: the best first, the references always there, one that fails stops no other."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

import contract
from offbeat import (
    ConfigError,
    DataError,
    Detector,
    Lesson,
    MissingPartError,
    PersistenceDetector,
    SeasonalNaiveDetector,
    SmoothedZDetector,
    compare,
    evaluate,
)
from offbeat.comparison import Stage
from offbeat.evaluation import COLUMNS
from offbeat.registry import MEMBERS
from offbeat.roster import DETECTORS, REFERENCES, chosen_detectors, name_of, references_beside
from offbeat.thresholds import FBetaThreshold
from offbeat.training import EpochLog

N_ROWS = 600
TRUE = (np.arange(N_ROWS) // 30 == 14).astype(int)


def waves() -> np.ndarray:
    data = contract.waves(N_ROWS)
    data[TRUE == 1] += 4
    return data


class Broken(PersistenceDetector):
    """Fails as it is told."""

    problem: BaseException = RuntimeError("the solver\n did not settle")

    def _check_options(self) -> None:
        raise self.problem


class Chatty(PersistenceDetector):
    """Tells of two epochs."""

    def _learn(self, prepared, learned, progress):
        for epoch in (1, 2):
            progress(EpochLog(epoch, 2, 1.0, 1.0, 0.1))
        return super()._learn(prepared, learned, progress)


def broken(problem: BaseException) -> Detector:
    kind = type("Failing", (Broken,), {"problem": problem})
    return kind()


# ---------------------------------------------------------------- the roster


def test_every_detector_that_needs_no_argument_is_on_the_roster() -> None:
    known = {*MEMBERS, "EnsembleDetector"} - {"PyODDetector"}  # which is nothing without a model
    assert {kind.__name__ for kind in DETECTORS.values()} == known
    assert list(DETECTORS)[-2:] == list(REFERENCES) == ["smoothed-z", "random"]


def test_detectors_are_chosen_by_name_in_the_order_of_the_roster() -> None:
    assert list(chosen_detectors()) == list(DETECTORS)
    assert list(chosen_detectors(["random", "lstm"])) == ["lstm", "random"]
    with pytest.raises(ConfigError, match="no detector 'memroy': did you mean 'memory'"):
        chosen_detectors(["lstm", "memroy"])


def test_a_detector_has_a_name_and_one_of_another_house_that_of_its_class() -> None:
    assert name_of(SmoothedZDetector()) == "smoothed-z"
    assert name_of(Broken()) == "Broken"


def test_the_references_look_at_the_data_as_the_detector_does() -> None:
    detector = PersistenceDetector(smoothing="centred", covariates=("b",), random_state=3)
    detector.preparation = type(detector.preparation)(step="1min")
    for each in references_beside(detector).values():
        assert (each.smoothing, each.covariates, each.random_state) == ("centred", ("b",), 3)
        assert each.preparation.step == "1min"
    assert list(references_beside()) == list(REFERENCES)


# ---------------------------------------------------------------- side by side


def test_the_best_stands_first_and_the_references_are_always_there() -> None:
    made = {"naive": SeasonalNaiveDetector(), "last": PersistenceDetector()}
    found = compare(waves(), made, TRUE)
    assert {each.detector for each in found.evaluations} == {*made, *REFERENCES}
    figures = [each.accuracy.vus_pr for each in found.evaluations if each.accuracy]
    assert figures == sorted(figures, reverse=True)
    assert found.evaluations[-1].detector == "random"
    assert found.succeeded
    assert not hasattr(made["naive"], "calibrations_")  # a copy was fitted


def test_each_row_is_the_evaluation_of_that_detector() -> None:
    found = {each.detector: each for each in compare(waves(), {}, TRUE).evaluations}
    alone = evaluate(SmoothedZDetector(), waves(), TRUE)
    assert found["smoothed-z"].accuracy == alone.accuracy
    assert found["smoothed-z"].n_judged == alone.n_judged


def test_a_reference_that_was_given_is_not_doubled() -> None:
    found = compare(waves(), {"smoothed-z": SmoothedZDetector(smoothing="centred")}, TRUE)
    assert sorted(each.detector for each in found.evaluations) == ["random", "smoothed-z"]


def test_without_labels_they_keep_their_order() -> None:
    found = compare(waves(), {"last": PersistenceDetector(), "naive": SeasonalNaiveDetector()})
    assert [each.detector for each in found.evaluations] == ["last", "naive", *REFERENCES]


def test_all_are_judged_on_the_same_rows_with_the_same_buffer() -> None:
    made = {"last": PersistenceDetector(), "naive": SeasonalNaiveDetector()}
    found = compare(waves(), made, TRUE, lesson=Lesson(train=300)).evaluations
    assert {(each.n_judged, each.accuracy and each.accuracy.buffer) for each in found} == {
        (300, 24)
    }
    given = compare(waves(), {}, TRUE, buffer=9).evaluations
    assert {each.accuracy and each.accuracy.buffer for each in given} == {9}


# ---------------------------------------------------------------- failures


def test_one_that_fails_is_named_with_the_reason_and_the_rest_goes_on() -> None:
    missing = MissingPartError("ARIMA needs statsmodels: pip install 'offbeat[arima]'")
    made = {
        "first": broken(RuntimeError("the solver\n did not settle")),
        "second": broken(missing),
        "third": broken(ValueError("x" * 999)),
        "last": PersistenceDetector(),
    }
    found = compare(waves(), made, TRUE)
    reasons = {each.detector: each.reason for each in found.failures}
    assert reasons["first"] == "RuntimeError: the solver did not settle"
    assert reasons["second"] == str(missing)
    assert len(reasons["third"]) == 300
    assert {each.detector for each in found.evaluations} == {"last", *REFERENCES}
    assert found.succeeded


def test_a_comparison_of_failures_alone_is_none() -> None:
    found = compare(
        waves(), {"one": broken(DataError("no way")), "two": broken(DataError("no way"))}
    )
    assert [each.detector for each in found.evaluations] == list(REFERENCES)
    assert not found.succeeded
    assert found.complaint == "no detector could be evaluated (one, two: no way)"
    assert compare(waves(), {}).succeeded  # none but the references was asked for


def test_ctrl_c_stops_at_once() -> None:
    told = list[Stage]()
    made = {"first": broken(KeyboardInterrupt()), "last": PersistenceDetector()}
    with pytest.raises(KeyboardInterrupt):
        compare(waves(), made, progress=told.append)
    assert [each.detector for each in told] == ["first"]


def test_what_no_detector_could_do_is_refused_before_any_begins() -> None:
    told = list[Stage]()
    for options, match in (
        ({"threshold": FBetaThreshold()}, "learns from labels"),
        ({"buffer": -1}, "buffer"),
        ({"lesson": Lesson(whole=True)}, "no row is left to judge"),
        ({"lesson": Lesson(train=N_ROWS)}, "leaves one part empty"),
        ({"y_true": TRUE[1:]}, "label of shape"),
    ):
        with pytest.raises((ConfigError, DataError), match=match):
            compare(waves(), progress=told.append, **options)
    assert not told


# ---------------------------------------------------------------- what is told


def test_the_hook_hears_of_each_detector_and_each_epoch() -> None:
    told = list[Stage]()
    compare(waves(), {"chatty": Chatty()}, progress=told.append)
    assert [(each.detector, each.number, each.total) for each in told] == [
        *[("chatty", 1, 3)] * 3,
        ("smoothed-z", 2, 3),
        ("random", 3, 3),
    ]
    assert [each.epoch.epoch for each in told if each.epoch] == [1, 2]


@pytest.mark.parametrize("labels", [TRUE, None])
def test_frame_and_json_hold_all_of_it_whatever_was_measured(labels) -> None:
    found = compare(
        waves(), {"one": broken(DataError("no way")), "last": PersistenceDetector()}, labels
    )
    frame = found.to_frame()
    assert frame.columns == [*COLUMNS, "failed"]
    assert len(frame) == 4
    assert frame.filter(pl.col("failed").is_not_null())["detector"].to_list() == ["one"]
    told = found.to_dict()
    assert json.loads(json.dumps(told)) == told
    assert [each["detector"] for each in told["evaluations"]] == frame["detector"].to_list()[:3]
    assert told["failures"] == [{"detector": "one", "reason": "no way"}]


def test_a_comparison_in_which_all_failed_is_still_a_frame() -> None:
    short = compare(np.arange(3.0), {"last": PersistenceDetector()})
    assert not short.evaluations
    assert len(short.to_frame()) == 3
