"""Files: whole or not there, equal to the last bit, and swept when half-done."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import contract
from offbeat import EventRules, LSTMDetector, Series, parse_mute
from offbeat.errors import DataError
from offbeat.server.faults import StoreError
from offbeat.server.files import DataFolder, read_stored_series, write_series
from offbeat.server.files.folder import StoredFile
from offbeat.server.files.scores import read_detection, write_detection
from offbeat.settings import with_settings
from offbeat.thresholds import SigmaThreshold


@pytest.fixture
def folder(tmp_path: Path):
    made = DataFolder(tmp_path / "data")
    made.open()
    yield made
    made.close()


def odd_series(*, clock: bool, label: bool) -> Series:
    values = np.array([[0.1 + 0.2, np.nan], [5e-324, -0.0], [1e150, 1 / 3]])
    time = np.array([3, 1, 2])
    return Series(
        values=values,
        time=time.astype("datetime64[ns]") if clock else time,
        channels=("time", "label"),  # names of our own columns
        label=np.array([0, 1, 1], dtype=np.int8) if label else None,
        zone="Europe/Berlin" if clock else None,
        name="a 'name'; <b>",
    )


@pytest.mark.parametrize("clock", [True, False])
@pytest.mark.parametrize("label", [True, False])
def test_a_series_comes_back_as_it_was(tmp_path: Path, clock: bool, label: bool) -> None:
    series = odd_series(clock=clock, label=label)
    write_series(series, tmp_path / "s.parquet")
    back = read_stored_series(tmp_path / "s.parquet")
    assert back.values.tobytes() == series.values.tobytes()
    assert back.time.dtype == series.time.dtype
    np.testing.assert_array_equal(back.time, series.time)
    assert (back.label is None) == (series.label is None)
    assert (back.channels, back.zone, back.name) == (series.channels, series.zone, series.name)


def test_no_series_is_named_as_none(tmp_path: Path) -> None:
    (tmp_path / "s.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(DataError, match=r"s\.parquet"):
        read_stored_series(tmp_path / "s.parquet")


def test_a_detection_comes_back_as_it_was(tmp_path: Path) -> None:
    data = contract.waves()
    data[700:720, 0] += 3
    detector = with_settings(LSTMDetector(), ["training.max_epochs=2", "hidden_size=8"])
    detector.set_params(rules=EventRules(mutes=(parse_mute("channels=channel_1"),)))
    detection = detector.fit(data[:600]).detect(data).with_threshold(SigmaThreshold(2.5))
    write_detection(detection, tmp_path / "d.safetensors")
    back = read_detection(tmp_path / "d.safetensors", detection.source)
    assert back.events == detection.events
    assert (back.threshold, back.rules) == (detection.threshold, detection.rules)
    assert back.record == detection.record
    assert back.to_frame().equals(detection.to_frame())
    rows = [row.to_dict() for row in back.threshold_table()]
    assert rows == [row.to_dict() for row in detection.threshold_table()]
    (tmp_path / "d.safetensors").write_bytes(b"short")
    with pytest.raises(DataError, match="holds no scores"):
        read_detection(tmp_path / "d.safetensors", detection.source)


def test_a_file_is_whole_or_not_there(folder: DataFolder) -> None:
    def half(path: Path) -> None:
        path.write_bytes(b"half")
        raise DataError("no more")

    with pytest.raises(DataError):
        folder.keep("series", "a.parquet", half)
    assert list((folder.root / "series").iterdir()) == []
    stored = folder.keep("series", "a.parquet", lambda path: path.write_bytes(b"whole"))
    assert folder.check("series", stored).read_bytes() == b"whole"


def test_what_was_altered_is_told(folder: DataFolder) -> None:
    stored = folder.keep("series", "a.parquet", lambda path: path.write_bytes(b"whole"))
    with pytest.raises(StoreError, match="altered"):
        folder.check("series", replace(stored, checksum="0" * 64))
    with pytest.raises(StoreError, match="backup"):
        folder.check("series", StoredFile("b.parquet", 1, "0" * 64))


@pytest.mark.parametrize("name", ["../x.parquet", "a/b.parquet", "A.parquet", "", "x", ".x.part"])
def test_names_lead_nowhere_else(folder: DataFolder, name: str) -> None:
    with pytest.raises(StoreError, match="no name"):
        folder.path("series", name)


def test_half_done_files_are_swept(folder: DataFolder) -> None:
    folder.keep("series", "known.parquet", lambda path: path.write_bytes(b"1"))
    for path in ("incoming/x", "series/lost.parquet", "models/.m.part", "scores/s.safetensors"):
        (folder.root / path).write_bytes(b"1")
    swept = folder.sweep({"series": {"known.parquet"}})
    assert len(swept) == 4
    left = [path.name for path in folder.root.rglob("*") if path.is_file()]
    assert sorted(left) == ["known.parquet", "lock"]


def test_one_server_a_folder(folder: DataFolder) -> None:
    with pytest.raises(StoreError, match="another server"):
        DataFolder(folder.root).open()


def test_nobody_else_may_look_in(folder: DataFolder) -> None:
    assert folder.root.stat().st_mode & 0o077 == 0
