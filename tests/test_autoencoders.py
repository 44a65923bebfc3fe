"""Windows said again: what a row gets of them, live and looking back, against plain loops."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import contract
from offbeat import (
    AutoencoderDetector,
    ConfigError,
    DataError,
    Detector,
    LSTMAutoencoderDetector,
    Preparation,
    Scoring,
    Training,
    load,
)
from offbeat.autoencoders import Reconstruction
from offbeat.preparation import Prepared
from offbeat.series import FloatArray

QUICK = Training(max_epochs=2)
KINDS = [AutoencoderDetector, LSTMAutoencoderDetector]
every_kind = pytest.mark.parametrize("kind", KINDS)


def quick(kind: type[Detector], **options) -> Detector:
    return kind(hidden_size=8, training=QUICK, **options)


def said_again(detector: Detector, data: FloatArray) -> tuple[Reconstruction, Prepared]:
    """What a detector foresees of data, and the data as it sees them."""
    prepared = detector.prepared_by_.prepare(detector._scored_grid(data)[1], causal=True)
    return detector._foresee(prepared), prepared


def by_hand(detector: Detector, prepared: Prepared, *, live: bool) -> FloatArray:
    """The error of every row, from one window after the other."""
    observed = prepared.observed
    inputs = torch.from_numpy(prepared.network_inputs(8.0))
    window, hop = detector.window_, detector.hop_
    per_row: list[list[FloatArray]] = [[] for _ in observed]
    made = np.full(observed.shape, np.nan)
    for start, end in prepared.segments:
        firsts = list(range(start, end - window + 1, hop))
        last = end - window
        for first in firsts if live else sorted({*firsts, last} if last >= start else firsts):
            with torch.no_grad():
                said = detector.network_(inputs[None, first : first + window])[0].mean[0, :, 0]
            size = np.abs(observed[first : first + window] - said.numpy())
            for row in range(window):
                per_row[first + row].append(size[row])
            if live:
                until = min(first + window - 1 + hop, end)
                made[first + window - 1 : until] = size[-hop:].mean(axis=0)
    if live:
        return made
    return np.array([np.mean(errors, axis=0) if errors else [np.nan] * 2 for errors in per_row])


@every_kind
def test_each_row_gets_what_a_loop_over_the_windows_gives_it(kind: type[Detector]) -> None:
    data = contract.waves()
    data[700:740] = np.nan
    detector = quick(kind, scoring=Scoring(error="mae")).fit(data[:600])
    foresight, prepared = said_again(detector, data)
    measured = ~np.isnan(prepared.observed)
    live = np.where(measured, by_hand(detector, prepared, live=True), np.nan)
    np.testing.assert_allclose(foresight.error, live, rtol=1e-4, atol=1e-5)
    back = np.where(measured, by_hand(detector, prepared, live=False), np.nan)
    np.testing.assert_allclose(foresight.looked_back, back, rtol=1e-4, atol=1e-5)


@every_kind
def test_blocks_change_nothing(kind: type[Detector], monkeypatch) -> None:
    data = contract.waves()
    detector = quick(kind).fit(data[:600])
    whole = detector.anomaly_score(data)
    monkeypatch.setattr("offbeat.autoencoders.BLOCK_NUMBERS", 3_000)
    np.testing.assert_allclose(detector.anomaly_score(data), whole, rtol=1e-4, atol=1e-5)


@every_kind
def test_a_longer_series_leaves_the_scores_before_as_they_are(kind: type[Detector]) -> None:
    data = contract.waves()
    detector = quick(kind).fit(data[:600])
    whole, part = detector.anomaly_score(data), detector.anomaly_score(data[:701])
    np.testing.assert_allclose(part, whole[:701], rtol=1e-4, atol=1e-5)


@every_kind
def test_an_odd_shape_stands_out(kind: type[Detector]) -> None:
    data = contract.waves(n_channels=1)
    data[760:784] = -data[760:784]
    detector = kind(hidden_size=32, training=Training(max_epochs=50)).fit(data[:600])
    score = detector.anomaly_score(data)
    assert np.nanmax(score[760:800]) > 1.2 * np.nanmax(score[:750])
    detector.set_params(smoothing="centred")
    assert abs(int(np.nanargmax(detector.anomaly_score(data))) - 772) <= 12


def test_channels_that_no_longer_belong_together_stand_out() -> None:
    data = contract.waves(1_200)
    data[1_000:1_100, 1] = np.roll(data[:, 1], 12)[1_000:1_100]  # half a period late
    detector = AutoencoderDetector(training=Training(max_epochs=10)).fit(data[:800])
    score = detector.anomaly_score(data)
    assert np.nanmax(score[1_020:1_100]) > 2 * np.nanmax(score[800:1_000])


@every_kind
def test_the_log_tells_every_epoch(kind: type[Detector]) -> None:
    seen = []
    detector = quick(kind).fit(contract.waves(), progress=seen.append)
    assert [log.epoch for log in seen] == [1, 2]
    chosen = detector.record_.settings["chosen"]
    assert (chosen["window"], chosen["epochs"]) == (24, 2)


@every_kind
def test_it_stops_when_its_time_is_up(kind: type[Detector]) -> None:
    slow = Training(max_epochs=100_000, patience=100_000, max_seconds=0.2)
    detector = kind(hidden_size=8, training=slow).fit(contract.waves())
    assert detector.training_log_.ended == "stopped after max_seconds=0.2"


def test_lessons_are_whole_windows_of_what_was_measured() -> None:
    data = contract.waves()
    data[300:340] = np.nan
    detector = quick(AutoencoderDetector, preparation=Preparation(max_gap=0)).fit(data[:600])
    lessons = detector._lessons(said_again(detector, data)[1])
    assert {end - start for start, end in lessons.segments} == {24}
    assert not torch.isnan(lessons.targets).any()
    np.testing.assert_allclose(lessons.inputs[24:30], lessons.inputs[6:12])  # 6 rows further on


def test_many_lessons_are_thinned_out(monkeypatch) -> None:
    monkeypatch.setattr("offbeat.autoencoders.MAX_LESSONS", 10)
    detector = quick(AutoencoderDetector).fit(contract.waves())
    prepared = detector.prepared_by_.prepare(
        detector._scored_grid(contract.waves())[1], causal=False
    )
    assert len(detector._lessons(prepared).segments) == 10


@pytest.mark.parametrize("n_rows", [16, 17, 23, 40])
@every_kind
def test_a_short_training_part_is_enough(kind: type[Detector], n_rows: int) -> None:
    data = contract.waves(n_rows, n_channels=1)
    detector = quick(kind, window=8).fit(data)
    assert not np.isnan(detector.anomaly_score(data)[7:]).any()


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"window": 1}, "window must be a whole number >= 2, 1 came"),
        ({"hidden_size": 0}, "hidden_size must be a whole number >= 1, 0 came"),
        ({"code_size": 1.5}, "code_size must be a whole number >= 1, 1.5 came"),
        ({"training": Training(max_epochs=0)}, "max_epochs must lie in"),
    ],
)
def test_impossible_options_are_refused(options: dict[str, object], match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        AutoencoderDetector(**options).fit(contract.waves())


def test_too_short_a_series_is_refused() -> None:
    with pytest.raises(DataError, match="at least 100"):
        quick(LSTMAutoencoderDetector, window=50).fit(contract.waves(60))


@every_kind
def test_a_loaded_detector_keeps_its_diary(kind: type[Detector], tmp_path: Path) -> None:
    fitted = quick(kind).fit(contract.waves())
    again = load(fitted.save(tmp_path / "m.offbeat"))
    assert again.training_log_ == fitted.training_log_
    assert not again.network_.training
