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
from offbeat.contamination import contaminated_rows
from offbeat.detector import Detector
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


def test_a_second_pass_lists_what_it_left_out_and_lowers_the_unit() -> None:
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


def test_a_fit_after_one_that_was_stopped_in_its_second_pass_begins_anew() -> None:
    data = contract.waves(900, n_channels=1)
    data[300:306] += 9.0
    detector = LSTMDetector(training=Training(max_epochs=4))
    calls = list[EpochLog]()

    def stop(log: EpochLog) -> None:
        calls.append(log)
        if len(calls) == 5:  # the first epoch of the second pass
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        detector.fit(data, progress=stop)
    assert len(calls) == 5
    again = detector.fit(data).anomaly_score(data)
    np.testing.assert_array_equal(again, detector.fresh().fit(data).anomaly_score(data))
