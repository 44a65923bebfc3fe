"""What is off in a training part: found where it is rare and far, left alone where it is usual."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone

import contract
from offbeat import (
    EnsembleDetector,
    LSTMDetector,
    PersistenceDetector,
    Preparation,
    SmoothedZDetector,
    Training,
)
from offbeat.contamination import Taught, contaminated_rows
from offbeat.detector import Detector
from offbeat.thresholds import Calibration
from offbeat.training import EpochLog


def calm(n_rows: int = 4000) -> np.ndarray:
    return np.abs(np.random.default_rng(0).normal(1.0, 0.2, (n_rows, 2)))


def test_a_rare_far_stretch_is_found_and_nothing_else() -> None:
    error = calm()
    error[400:410, 1] = 9.0
    odd = contaminated_rows(error, np.ones(4000, dtype=bool))
    assert np.flatnonzero(odd).tolist() == list(range(400, 410))


@pytest.mark.parametrize("case", ["calm", "too many rows", "too often", "no error", "all zero"])
def test_nothing_is_left_out(case: str) -> None:
    error, learned = calm(), np.ones(4000, dtype=bool)
    if case == "too many rows":
        error[400:460] = 9.0
    elif case == "too often":
        error[:3900:130] = 9.0
    elif case == "no error":
        error[:] = np.nan
    elif case == "all zero":
        error[:] = 0.0
    assert not contaminated_rows(error, learned).any()


def test_nothing_is_left_out_where_too_few_rows_would_be_left() -> None:
    error, learned = calm(), np.ones(4000, dtype=bool)
    error[400:410] = 9.0
    assert contaminated_rows(error, learned, least=3990).sum() == 10
    assert not contaminated_rows(error, learned, least=3991).any()


def test_rows_that_are_not_learned_are_not_left_out() -> None:
    error, learned = calm(), np.ones(4000, dtype=bool)
    error[400:410] = 9.0
    learned[390:420] = False
    assert not contaminated_rows(error, learned).any()


def test_what_is_left_out_is_listed_and_lowers_the_unit() -> None:
    data = contract.waves(900, n_channels=1)
    data[300:306] += 9.0
    made = {
        way: LSTMDetector(
            training=Training(max_epochs=4), preparation=Preparation(contamination=way)
        ).fit(data)
        for way in ("auto", "off")
    }
    assert not made["off"].left_out_
    (stretch,) = made["auto"].left_out_
    assert stretch[0] < 306
    assert stretch[1] > 300
    assert len(made["auto"].record_.settings["left_out"]) == 1
    again = data.copy()
    again[700:706] += 9.0
    peak = {way: np.nanmax(fitted.anomaly_score(again)[700:710]) for way, fitted in made.items()}
    assert peak["auto"] > peak["off"]


@pytest.mark.parametrize(("stretch", "looks"), [(0, 1), (6, 2)])
def test_the_first_pass_looks_for_odd_rows_and_measures_nothing(
    stretch: int, looks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = contract.waves(900, n_channels=1)
    data[300 : 300 + stretch] += 9.0
    seen, plain = list[bool](), SmoothedZDetector._foresee

    def counted(detector, prepared, *, training=False):
        seen.append(training)
        return plain(detector, prepared, training=training)

    monkeypatch.setattr(SmoothedZDetector, "_foresee", counted)
    fitted = SmoothedZDetector().fit(data)
    assert bool(fitted.left_out_) == bool(stretch)
    assert seen == [True] * looks


def test_of_an_ensemble_only_the_leader_learns_the_rows_that_are_left_out(monkeypatch) -> None:
    data = contract.waves(900, n_channels=1)
    data[300:306] += 9.0
    learned = dict[str, list[int]]()
    for kind in (SmoothedZDetector, PersistenceDetector):

        def counted(detector, prepared, rows, progress, plain=kind._learn):
            learned.setdefault(type(detector).__name__, []).append(int(rows.sum()))
            return plain(detector, prepared, rows, progress)

        monkeypatch.setattr(kind, "_learn", counted)
    fitted = EnsembleDetector(members=(SmoothedZDetector(), PersistenceDetector())).fit(data)
    n_left = 900 - sum(end - start for start, end in fitted.left_out_)
    assert learned == {"SmoothedZDetector": [900, n_left], "PersistenceDetector": [n_left]}
    assert n_left < 900


@pytest.mark.parametrize(
    "kind", [SmoothedZDetector(), EnsembleDetector(members=(SmoothedZDetector(),))]
)
def test_expected_rows_are_never_left_out(kind: Detector) -> None:
    data = contract.waves(900, n_channels=1)
    data[300:306] += 9.0
    assert clone(kind).fit(data).left_out_
    fitted = clone(kind).fit(data, normal=[(0, 250)], expected=[(290, 320)])
    assert not fitted.left_out_
    assert fitted.n_learned_ == 280


def test_a_network_learns_once() -> None:
    data = contract.waves(900, n_channels=1)
    data[300:306] += 9.0
    calls = list[EpochLog]()
    fitted = LSTMDetector(training=Training(max_epochs=2)).fit(data, progress=calls.append)
    assert fitted.left_out_
    assert len(calls) == 2
    assert fitted.n_learned_ == 900


def rows(*spans: tuple[int, int], n_rows: int = 1000) -> np.ndarray:
    inside = np.zeros(n_rows, dtype=bool)
    for start, end in spans:
        inside[start:end] = True
    return inside


def test_what_is_usual_is_measured_away_from_odd_rows() -> None:
    odd = rows((3, 5), (500, 501))
    measured = Taught(~odd, odd).measured(10)
    np.testing.assert_array_equal(measured, ~rows((0, 15), (490, 511)))


def test_rows_near_odd_ones_measure_where_too_few_others_are_left() -> None:
    odd = rows(*((at, at + 1) for at in range(0, 1000, 100)))
    assert Taught(~odd, odd).measured(20).sum() == 1000 - 9 * 41 - 21
    np.testing.assert_array_equal(Taught(~odd, odd).measured(30), ~odd)


def test_without_odd_rows_all_that_is_learned_counts_as_it_is() -> None:
    learned, score = rows((100, 900)), np.linspace(0.0, 20.0, 1000)
    taught = Taught(learned, np.zeros_like(learned))
    measured = taught.measured(50)
    np.testing.assert_array_equal(measured, learned)
    np.testing.assert_array_equal(taught.usual(score, measured), np.where(learned, score, np.nan))


def test_what_is_doubtful_counts_by_its_square_root() -> None:
    odd, unknown, score = rows((500, 510)), rows((0, 100)), np.full(1000, 0.5)
    score[500:510], score[510:520], score[700] = 16.0, 4.0, 2.0
    taught = Taught(~odd & ~unknown, odd)
    usual = taught.usual(score, taught.measured(20))
    assert np.isnan(usual[:100]).all()
    assert usual[500:520].tolist() == [4.0] * 10 + [2.0] * 10
    assert usual[[490, 529, 700, 900]].tolist() == [0.5, 0.5, 2.0, 0.5]


def test_the_cut_lies_between_forgetting_what_was_left_out_and_taking_it_as_usual() -> None:
    data = contract.waves(900, n_channels=1)
    data[300:303] += 6.0
    fitted = SmoothedZDetector().fit(data)
    assert fitted.left_out_
    own = fitted.calibrations_["trailing"]
    scored = fitted.anomaly_score(data)
    forgotten = np.where(own.score == scored, scored, np.nan)
    cut, low, high = (
        fitted.threshold_.cut(Calibration(score, merge_gap=own.merge_gap), np.zeros(1))[0]
        for score in (own.score, forgotten, scored)
    )
    assert low < cut < high
    assert fitted.predict(data)[300:303].all()


def test_all_members_of_an_ensemble_count_what_was_left_out() -> None:
    data = contract.waves(900, n_channels=1)
    data[300:306] += 9.0
    fitted = EnsembleDetector(members=(SmoothedZDetector(), PersistenceDetector())).fit(data)
    (start, end), *_ = fitted.left_out_
    for each in (fitted, *fitted.members_):
        assert np.isfinite(each.calibrations_["trailing"].score[start:end]).all()
