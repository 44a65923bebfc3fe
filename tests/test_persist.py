"""Model files: equal scores after loading, and nothing loaded that is not a whole model."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save as tensor_bytes

import contract
from offbeat import LSTMDetector, ModelFileError, NotFittedError, load
from offbeat.training import Training

KEPT = Path(__file__).parent / "data" / "tiny.offbeat"
"""Written by version 0.1.0 by `make_tiny`; it must load for ever."""


def make_tiny(path: Path) -> None:
    detector = LSTMDetector(window=8, horizon=2, hidden_size=2, n_layers=1)
    detector.set_params(training=Training(max_epochs=1)).fit(contract.waves(120)).save(path)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "m.offbeat"
    path.write_bytes(KEPT.read_bytes())
    return path


def test_the_kept_file_still_loads() -> None:
    detector = load(KEPT)
    score = detector.anomaly_score(contract.waves(120))
    assert np.isnan(score[:8]).any()
    assert not np.isnan(score[16:]).any()
    assert detector.detect(contract.waves(120)).settings["versions"]["offbeat"] == "0.1.0"


def test_a_header_that_begins_like_a_pickle_loads(tmp_path: Path) -> None:
    fitted = load(KEPT)
    for padding in range(0, 400, 8):  # headers are padded to eight bytes: one length begins so
        fitted.record_.settings["trained_on"] = "x" * padding
        path = fitted.save(tmp_path / "m.offbeat")
        if path.read_bytes()[:1] == b"\x80":
            load(path)
            return
    raise AssertionError("no length was met that begins with 0x80")


def test_learned_on_a_gpu_it_loads_where_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted = load(KEPT).set_params(device="cuda")  # as if it had been
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    found = load(fitted.save(tmp_path / "m.offbeat"))
    assert found.device == "cpu"
    series = contract.waves(120)
    np.testing.assert_array_equal(
        found.anomaly_score(series), load(KEPT).anomaly_score(series), strict=True
    )


def test_what_is_not_fitted_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(NotFittedError):
        LSTMDetector().save(tmp_path / "m.offbeat")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.9, 0.999])
def test_truncated(model: Path, share: float) -> None:
    data = model.read_bytes()
    model.write_bytes(data[: int(share * len(data))])
    with pytest.raises(ModelFileError, match="truncated"):
        load(model)


@pytest.mark.parametrize("seed", range(30))
def test_one_altered_byte(model: Path, seed: int) -> None:
    data = bytearray(model.read_bytes())
    place = int(np.random.default_rng(seed).integers(8, len(data)))
    data[place] ^= 1
    model.write_bytes(bytes(data))
    with pytest.raises(ModelFileError):
        load(model)


class Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (print, ("the pickle ran",))


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (pickle.dumps(Bomb()), "carries a pickle"),
        (b"PK\x03\x04 a zip, as torch writes it", "carries a pickle"),
        (b"hello, world; this is no model", "no model file"),
        (tensor_bytes({"a": np.zeros(3)}), "not a detector"),
        (
            tensor_bytes({"a": np.zeros(3)}, metadata={"offbeat": "{}", "format": "99"}),
            "format 99",
        ),
        (
            tensor_bytes({"a": np.zeros(3)}, metadata={"offbeat": "{}", "format": "1"}),
            "format 1, whose scores were made in another way",
        ),
        (
            tensor_bytes({"a": np.zeros(3)}, metadata={"offbeat": "{}", "format": "2"}),
            "checksum",
        ),
    ],
    ids=["pickle", "zip", "text", "foreign", "newer", "older", "unsigned"],
)
def test_foreign_files(tmp_path: Path, capsys, data: bytes, match: str) -> None:
    path = tmp_path / "m.offbeat"
    path.write_bytes(data)
    with pytest.raises(ModelFileError, match=match):
        load(path)
    assert not capsys.readouterr().out


def test_a_missing_and_an_oversized_file(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="cannot be read"):
        load(tmp_path / "none.offbeat")
    path = tmp_path / "huge.offbeat"
    with path.open("wb") as file:
        file.truncate((1 << 30) + 1)  # a hole: takes no room
    with pytest.raises(ModelFileError, match="at most"):
        load(path)


def test_an_older_file_survives_a_full_disk(model: Path, monkeypatch) -> None:
    before = model.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(Exception, match="no space is left"):
        load(KEPT).save(model)
    monkeypatch.undo()
    assert model.read_bytes() == before
    assert [each.name for each in model.parent.iterdir()] == [model.name]


def test_the_header_is_plain_json() -> None:
    data = KEPT.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])["__metadata__"]
    assert header["format"] == "2"
    assert json.loads(header["offbeat"])["channels"] == ["channel_0", "channel_1"]
