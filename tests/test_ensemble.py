"""Several detectors, one score."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import contract
from offbeat import (
    ARDetector,
    ConfigError,
    EnsembleDetector,
    LSTMDetector,
    PersistenceDetector,
    ShapeMemoryDetector,
    SmoothedZDetector,
    Training,
    load,
)

QUICK = Training(max_epochs=3)


def pair(**options) -> EnsembleDetector:
    members = (LSTMDetector(training=QUICK), ShapeMemoryDetector())
    return EnsembleDetector(members=members, **options)


@pytest.mark.parametrize("law", contract.LAWS, ids=lambda law: law.__name__)
def test_law(law) -> None:
    law(pair)


@pytest.mark.parametrize("combine", ["log", "mean", "rank"])
def test_an_anomaly_stands_out(combine: str) -> None:
    contract.an_anomaly_stands_out(lambda: pair(combine=combine))


def test_save_and_load_give_equal_scores(tmp_path: Path) -> None:
    contract.save_and_load_give_equal_scores(pair, str(tmp_path / "m.offbeat"))


def test_the_score_is_the_mean_of_the_members_logarithms() -> None:
    data = contract.waves()
    fitted = pair().fit(data[:600])
    logs = []
    for member in fitted.members_:
        usual = member.calibrations_["trailing"].score
        score = member.anomaly_score(data)
        logs.append(np.log1p(score / np.nanquantile(usual, 0.99)))
    expected = np.expm1((logs[0] + logs[1]) / 2)
    np.testing.assert_allclose(fitted.anomaly_score(data), expected, rtol=1e-9)


def test_a_weight_of_zero_silences_a_member() -> None:
    data = contract.waves()
    one = pair(weights=(1.0, 0.0)).fit(data[:600])
    alone = EnsembleDetector(members=(LSTMDetector(training=QUICK),)).fit(data[:600])
    np.testing.assert_allclose(one.anomaly_score(data), alone.anomaly_score(data), rtol=1e-9)


def test_the_shares_say_which_member_and_which_channel() -> None:
    data = contract.waves()
    data[760:790, 1] = 0.0
    detection = pair().fit(data[:600]).detect(data)
    assert detection.signals == ("LSTMDetector", "ShapeMemoryDetector")
    loud = detection.score > 0
    np.testing.assert_allclose(detection.signal_shares[loud].sum(axis=1), 1.0)
    event = max(detection.events, key=lambda each: each.severity)
    assert event.channel == detection.series.channels[1]


def jerked() -> np.ndarray:
    """A smooth wave with a jerk at row 900 that a forecast by the rows just before cannot miss."""
    data = np.sin(np.arange(1_200) / 9.0) + 0.002 * np.random.default_rng(0).normal(size=1_200)
    data[900] += 0.1
    return data


def test_a_witness_speaks_up_only_beyond_all_of_the_training_part() -> None:
    data = jerked()
    alone = pair(witnesses=()).fit(data[:700])
    beside = pair(witnesses=(ARDetector(),)).fit(data[:700])
    witness = beside.witnesses_[0]
    largest = np.nanmax(witness.calibrations_["trailing"].score)
    louder = np.clip(np.nan_to_num(witness.anomaly_score(data)) / largest, 1.0, np.e)
    expected = (1 + alone.anomaly_score(data)) * louder - 1
    np.testing.assert_allclose(beside.anomaly_score(data), expected, rtol=1e-9)
    assert (louder[:700] == 1).all()
    assert louder[900] == np.e
    detection = beside.detect(data)
    assert detection.signals == ("LSTMDetector", "ShapeMemoryDetector", "ARDetector")
    assert detection.signal_shares[900, 2] > 0.1


def test_the_usual_ensemble_has_a_witness_and_one_of_given_members_has_none(tmp_path: Path) -> None:
    assert [type(each) for each in EnsembleDetector()._given_witnesses()] == [ARDetector]
    assert pair()._given_witnesses() == ()
    data = jerked()
    fitted = pair(witnesses=(ARDetector(n_lags=8),)).fit(data[:700])
    kept = load(fitted.save(tmp_path / "m.offbeat"))
    assert [type(each) for each in kept.witnesses_] == [ARDetector]
    np.testing.assert_array_equal(kept.anomaly_score(data), fitted.anomaly_score(data))


def test_members_take_over_what_they_share() -> None:
    fitted = pair(smoothing="centred", random_state=3).fit(contract.waves())
    assert all(member.smoothing == "centred" for member in fitted.members_)
    assert all(member.random_state == 3 for member in fitted.members_)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"members": ()}, "one or more detectors"),
        ({"members": (1,)}, "one or more detectors"),
        ({"members": (EnsembleDetector(),)}, "cannot be a member"),
        ({"weights": (1.0,)}, "2 numbers"),
        ({"weights": (-1.0, 1.0)}, "2 numbers"),
        ({"combine": "median"}, "combine"),
    ],
)
def test_impossible_options_are_refused(options: dict[str, object], match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        EnsembleDetector(**options).fit(contract.waves())


def test_expected_values_are_those_of_the_leading_member_alone() -> None:
    data = contract.waves()
    data[:, 0] = 50 + np.cumsum(np.random.default_rng(1).normal(0, 0.2, len(data)))  # wanders
    alone = PersistenceDetector().fit(data[:600]).detect(data)
    both = EnsembleDetector(members=(PersistenceDetector(), SmoothedZDetector())).fit(data[:600])
    np.testing.assert_array_equal(both.detect(data).expected, alone.expected)
    np.testing.assert_array_equal(both.detect(data).upper, alone.upper)
