"""One network for a fleet: what is admitted, what is refused, what is kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from fleets import clocked, quick, wave

from offbeat import (
    ConfigError,
    DataError,
    LSTMDetector,
    ModelFileError,
    NotFittedError,
    Series,
    StreamDetector,
    load,
)
from offbeat.fleet import Failure, SharedLSTM, score_many
from offbeat.fleet.embedding import EmbeddedForecaster, with_biases
from offbeat.fleet.gathering import fleet_material, opened, sampled
from offbeat.networks import LSTMForecaster

FLEET = {f"k{i}": wave(i) for i in range(6)}


@pytest.fixture(scope="module")
def shared() -> SharedLSTM:
    return SharedLSTM(quick()).fit(FLEET)


def fitted(found: LSTMDetector | Failure) -> LSTMDetector:
    assert isinstance(found, LSTMDetector), found
    return found


def place(network: LSTMForecaster) -> int:
    """Where the weights of its LSTM lie in memory."""
    return network.lstm.get_parameter("weight_hh_l0").data_ptr()


def test_every_series_has_the_lstm_and_a_scale_and_cut_of_its_own(shared: SharedLSTM) -> None:
    learned = [fitted(each) for each in shared.admit_all(FLEET).values()]
    assert all(place(each.network_) == place(shared.network_) for each in learned)
    cuts = {float(d.detect(s).cut[0]) for d, s in zip(learned, FLEET.values(), strict=True)}
    assert len(cuts) == len(FLEET)


def test_a_new_series_is_admitted_without_training_and_finds_what_is_off(
    shared: SharedLSTM,
) -> None:
    before = {name: w.clone() for name, w in shared.network_.state_dict().items()}
    whole = wave(11, 500)
    values = whole.values.copy()
    values[420:426] += 60.0
    detector = fitted(shared.admit("new", whole.rows(0, 300)))
    found = detector.detect(Series(values, whole.time, whole.channels))
    assert any(event.start <= 425 and event.end > 420 for event in found.events)
    for name, weights in shared.network_.state_dict().items():
        assert torch.equal(weights, before[name])


def test_a_detector_of_the_fleet_saves_loads_and_streams(
    shared: SharedLSTM, tmp_path: Path
) -> None:
    series = FLEET["k1"]
    detector = fitted(shared.admit("k1", series))
    score = detector.anomaly_score(series)
    again = load(detector.save(tmp_path / "one.offbeat"))
    np.testing.assert_allclose(again.anomaly_score(series), score, rtol=1e-6)
    stream = StreamDetector(detector)
    live = [stream.update(None, row).score for row in series.values[:60]]
    np.testing.assert_allclose(live, score[:60], rtol=1e-4, atol=1e-5)


def test_same_fleet_same_network() -> None:
    one, other = (SharedLSTM(quick()).fit(FLEET).network_.state_dict() for _ in range(2))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_mixed_channels_and_steps_and_dead_series_are_left_out_with_the_reason() -> None:
    fleet = {f"k{i}": clocked(wave(i), 60) for i in range(4)}
    fleet["wide"] = clocked(wave(1, channels=("a", "b")), 60)
    fleet["slow"] = clocked(wave(1), 300)
    fleet["rows"] = wave(1)
    fleet["short"] = clocked(wave(1, 10), 60)
    fleet["still"] = Series(np.ones((50, 1)), fleet["k0"].time[:50], ("value",))
    shared = SharedLSTM(quick())
    learned = shared.learn(fleet)
    reasons = {key: each.reason for key, each in learned.items() if isinstance(each, Failure)}
    assert set(reasons) == {"wide", "slow", "rows", "short", "still"} == set(shared.failures_)
    assert "channels a, b" in reasons["wide"]
    assert "5 min" in reasons["slow"]
    assert "clock" in reasons["rows"]
    assert reasons["wide"] == shared.failures_["wide"].reason


def test_a_giant_series_does_not_drown_the_small_ones() -> None:
    fleet = {f"k{i}": wave(i, 200) for i in range(9)} | {"giant": wave(20, 20_000)}
    apprentices, failed = opened(fleet, lambda: quick(horizon=4))
    assert not failed
    material = fleet_material(
        apprentices, chunk=32, warm_up=4, validation=0.2, most_rows=10**6, seed=0
    )
    assert len(material.inputs) == 9 * 200 + 4 * 200
    ends = [end for _, end in material.segments]
    assert len(ends) == 20  # a head and a tail of each
    heads = sum(end - start for start, end in material.segments[:10])
    assert heads == pytest.approx(0.8 * material.n_rows)


def test_a_large_fleet_teaches_by_a_sample_and_bounded_rows() -> None:
    chosen = sampled(FLEET, 3, seed=1)
    assert len(chosen) == 3
    assert list(chosen) == sorted(chosen)
    assert sampled(FLEET, 3, seed=1).keys() == chosen.keys()
    apprentices, _ = opened(FLEET, lambda: quick(horizon=4))
    material = fleet_material(
        apprentices, chunk=32, warm_up=4, validation=0.2, most_rows=600, seed=0
    )
    assert len(material.inputs) == 600


def test_an_embedding_is_two_biases() -> None:
    torch.manual_seed(0)
    inner = LSTMForecaster(
        1 + 3, 1, horizon=2, hidden_size=6, n_layers=2, dropout=0.0, gaussian=True
    )
    whole = EmbeddedForecaster(inner, 4, 3).eval()
    torch.nn.init.normal_(whole.series.weight)
    weights, gates, numbers = whole.for_series()
    base = LSTMForecaster(1, 1, horizon=2, hidden_size=6, n_layers=2, dropout=0.0, gaussian=True)
    base.load_state_dict(weights)
    rows = torch.randn(2, 7, 1)
    for i in range(4):
        expected, _ = whole(torch.cat([rows, torch.full((2, 7, 1), float(i))], dim=-1))
        network = with_biases(base, gates[i], numbers[i])
        forecast, _ = network(rows)
        torch.testing.assert_close(forecast.mean, expected.mean)
        assert network.head.weight.data_ptr() == base.head.weight.data_ptr()


def test_with_an_embedding_known_series_differ_and_new_ones_have_the_mean() -> None:
    shared = SharedLSTM(quick(), embedding=2).fit(FLEET)
    learned = shared.admit_all(FLEET)
    one, other = fitted(learned["k0"]).network_, fitted(learned["k1"]).network_
    assert not torch.equal(one.head.bias, other.head.bias)
    assert place(one) == place(other)
    assert place(fitted(shared.admit("new", wave(8))).network_) == place(shared.network_)
    found = score_many(learned, FLEET)
    for key, series in FLEET.items():
        np.testing.assert_allclose(
            found[key].score, fitted(learned[key]).detect(series).score, rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize("embedding", [0, 2])
def test_save_load_and_slim_detectors(tmp_path: Path, embedding: int) -> None:
    shared = SharedLSTM(quick(), embedding=embedding).fit(FLEET)
    again = SharedLSTM.load(shared.save(tmp_path / "fleet.shared"))
    series, detector = FLEET["k2"], fitted(shared.admit("k2", FLEET["k2"]))
    score = detector.anomaly_score(series)
    admitted = fitted(again.admit("k2", series))
    np.testing.assert_allclose(admitted.anomaly_score(series), score, rtol=1e-6)
    state, arrays = shared.slim(detector)
    own = {"network.head.weight", "network.head.bias"}
    own |= {"network.lstm.bias_ih_l0"} if embedding else set()
    assert {name for name in arrays if name.startswith("network.")} == own
    attached = again.attach(state, arrays)
    np.testing.assert_allclose(attached.anomaly_score(series), score, rtol=1e-6)
    assert place(attached.network_) == place(again.network_)


def test_files_that_are_none_are_refused(tmp_path: Path, shared: SharedLSTM) -> None:
    path = shared.save(tmp_path / "fleet.shared")
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(ModelFileError, match="truncated"):
        SharedLSTM.load(path)
    with pytest.raises(ModelFileError, match="cannot be read"):
        SharedLSTM.load(tmp_path / "nothing")


def test_asked_too_early_or_wrongly() -> None:
    with pytest.raises(NotFittedError):
        SharedLSTM().admit("a", wave(0))
    with pytest.raises(DataError, match="the fleet is empty"):
        SharedLSTM(quick()).fit({})
    with pytest.raises(DataError, match="never moves"):
        SharedLSTM(quick()).fit({"a": Series(np.ones((50, 1)), np.arange(50), ("value",))})
    with pytest.raises(ConfigError, match="embedding"):
        SharedLSTM(quick(), embedding=-1).fit(FLEET)
