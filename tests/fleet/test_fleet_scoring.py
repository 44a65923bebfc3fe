"""Scores of many at once are each detector's own."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
import torch
from fleets import quick, wave

from offbeat import Detection, LSTMDetector, Series
from offbeat.fleet import Failure, SharedLSTM, score_each, score_many
from offbeat.fleet import foreseeing as together
from offbeat.fleet.failure import Fleet


def spoilt(series: Series) -> Series:
    """With spikes, a gap, a single missing value and a level that stays away."""
    values = series.values.copy()
    n_rows = len(values)
    values[n_rows // 3] += 100.0
    values[n_rows // 2 : n_rows // 2 + 15] = np.nan
    values[n_rows // 4] = np.nan
    values[-30:] -= 50.0
    return Series(values, series.time, series.channels, name=series.name)


def assert_own_scores(detectors: Mapping[str, LSTMDetector | Failure], fleet: Fleet) -> None:
    found = score_many(detectors, fleet)
    assert list(found) == list(fleet)
    for key, series in fleet.items():
        detector, one = detectors[key], found[key]
        assert isinstance(detector, LSTMDetector)
        assert isinstance(one, Detection)
        alone = detector.detect(series)
        for name in ("score", "expected", "lower", "upper", "cut"):
            np.testing.assert_allclose(
                getattr(one, name), getattr(alone, name), rtol=1e-4, atol=1e-5, err_msg=name
            )
        beside = ~np.isclose(alone.score, alone.cut, rtol=1e-4)  # on the cut, rounding decides
        assert np.array_equal((one.score > one.cut)[beside], (alone.score > alone.cut)[beside])


FLEET = {f"k{i}": wave(i, 110 + 10 * i) for i in range(13)}


@pytest.mark.parametrize(
    "options",
    [{}, {"loss": "mse"}, {"robust_state": False, "n_layers": 1}, {"smoothing": "centred"}],
)
def test_together_is_alone(options: dict[str, object]) -> None:
    detectors = SharedLSTM(quick(**options)).learn(FLEET)
    assert_own_scores(detectors, {key: spoilt(series) for key, series in FLEET.items()})


def test_together_is_alone_of_many_channels_with_a_switch() -> None:
    fleet = {}
    for i in range(13):
        series = wave(i, 160, channels=("a", "b", "on"))
        values = series.values.copy()
        values[:, 2] = np.arange(160) // 20 % 2
        fleet[f"k{i}"] = Series(values, series.time, series.channels)
    shared = SharedLSTM(quick())
    detectors = shared.learn(fleet)
    assert shared.common_.covariates == ("on",)
    assert_own_scores(detectors, {key: spoilt(series) for key, series in fleet.items()})


def test_a_giant_among_small_ones_and_a_handful_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "MOST_LANES", 6)
    monkeypatch.setattr(together, "LEAST_LANES", 4)
    fleet = FLEET | {f"m{i}": wave(i, 90) for i in range(3)} | {"giant": wave(3, 2_000)}
    assert_own_scores(SharedLSTM(quick()).learn(fleet), fleet)


def test_networks_of_their_own_are_scored_too() -> None:
    fleet = {f"k{i}": wave(i, 150) for i in range(2)}
    detectors = {key: quick().fit(series) for key, series in fleet.items()}
    assert_own_scores(detectors, fleet)


def test_copies_with_equal_weights_are_one_batch() -> None:
    shared = SharedLSTM(quick()).fit(FLEET)
    copies = {}
    for key, detector in shared.admit_all(FLEET).items():
        assert isinstance(detector, LSTMDetector)
        copies[key] = LSTMDetector.from_state(*detector.state())
    asked = []
    for one, series in zip(copies.values(), FLEET.values(), strict=True):
        _, grid = one.origin_.regular(series, None)
        prepared = one.prepared_by_.prepare(grid, causal=True)
        asked.append(together.Question(one, prepared, None))
    assert len(together._by_network(asked)) == 1


def test_what_failed_stays_failed_and_the_rest_goes_on() -> None:
    fleet = {f"k{i}": wave(i) for i in range(3)}
    detectors = dict(SharedLSTM(quick()).learn(fleet))
    detectors["dead"] = Failure("dead", "it never moved")
    later = fleet | {"dead": wave(1), "new": wave(5), "k2": wave(2, channels=("other",))}
    found = score_many(detectors, later)
    assert isinstance(found["k0"], Detection)
    assert found["dead"] == Failure("dead", "it never moved")
    assert "no detector" in found["new"].reason
    assert "no channel 'value'" in found["k2"].reason
    assert dict(score_each(detectors, later)).keys() == later.keys()


def test_scoring_changes_neither_series_nor_network() -> None:
    detectors = SharedLSTM(quick()).learn(FLEET)
    series = {key: one.values.copy() for key, one in FLEET.items()}
    network = next(d for d in detectors.values() if isinstance(d, LSTMDetector)).network_
    before = [w.clone() for w in network.parameters()]
    score_many(detectors, FLEET)
    assert all(np.array_equal(FLEET[key].values, values) for key, values in series.items())
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), before, strict=True))
