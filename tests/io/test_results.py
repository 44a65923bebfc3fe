"""Results reach the disk whole, or not at all."""

from __future__ import annotations

import errno
import io
import json
import os
import stat
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from offbeat.errors import ConfigError, DataError
from offbeat.io import atomic_path, read_series, write_frame


def frame() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "time": [datetime(2024, 1, 31, 12, 0, n, 250_000 * n, tzinfo=UTC) for n in range(3)],
            "score": [float("nan"), 0.123456789, 1234.5],
            "channel": ["a", None, "größe"],
        }
    )


def files(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_csv_and_tsv(tmp_path: Path) -> None:
    write_frame(frame(), tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text().splitlines() == [
        "time,score,channel",
        "2024-01-31T12:00:00+00:00,,a",
        "2024-01-31T12:00:01.250+00:00,0.123456789,",
        "2024-01-31T12:00:02.500+00:00,1234.5,größe",
    ]
    write_frame(frame(), tmp_path / "a.tsv")
    assert "score\tchannel" in (tmp_path / "a.tsv").read_text()


def test_json_and_json_lines(tmp_path: Path) -> None:
    write_frame(frame(), tmp_path / "a.json")
    rows = json.loads((tmp_path / "a.json").read_text())
    assert rows[0] == {"time": "2024-01-31T12:00:00+00:00", "score": None, "channel": "a"}
    write_frame(frame(), tmp_path / "a.jsonl")
    assert [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()] == rows


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.json", "a.jsonl", "a.parquet", "a.arrow"])
def test_what_is_written_can_be_read(tmp_path: Path, name: str) -> None:
    write_frame(frame().drop("channel"), tmp_path / name)
    series = read_series(tmp_path / name)
    np.testing.assert_array_equal(series.time, frame()["time"].dt.replace_time_zone(None))
    np.testing.assert_array_equal(series.values[:, 0], frame()["score"])


def test_naive_and_whole_seconds(tmp_path: Path) -> None:
    time = np.array(["2024-01-31T12:00:00", "2024-01-31T12:00:00.123456789"], "datetime64[ns]")
    write_frame(pl.DataFrame({"time": time}), tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text().split() == [
        "time",
        "2024-01-31T12:00:00",
        "2024-01-31T12:00:00.123456789",
    ]


def test_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    write_frame(frame())
    assert capsys.readouterr().out.splitlines() == [
        "time                              score  channel",
        "2024-01-31T12:00:00+00:00                a",
        "2024-01-31T12:00:01.250+00:00  0.123457",
        "2024-01-31T12:00:02.500+00:00    1234.5  größe",
    ]
    write_frame(frame(), "-", "csv")
    assert capsys.readouterr().out.startswith("time,score,channel\n")


def test_standard_output_without_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(sys, "stdout", screen)
    write_frame(frame(), None, "csv")
    assert screen.getvalue().startswith("time,score,channel\n")


def test_the_format_is_checked(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"did you mean 'parquet'"):
        write_frame(frame(), tmp_path / "a", "parkett")  # type: ignore[arg-type]
    write_frame(frame(), tmp_path / "no_ending")
    assert (tmp_path / "no_ending").read_text().startswith("time,")


def test_a_new_file_takes_the_place_of_the_old(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    path.chmod(0o640)
    with atomic_path(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
        assert temporary.parent == path.parent
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert files(tmp_path) == ["a.txt"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.txt").write_text("old")
    link = tmp_path / "link.txt"
    link.symlink_to("real.txt")
    with atomic_path(link) as temporary:
        temporary.write_text("new")
    assert link.is_symlink()
    assert (tmp_path / "real.txt").read_text() == "new"


@pytest.mark.parametrize("problem", [KeyboardInterrupt, ValueError, RuntimeError])
def test_whatever_goes_wrong_the_old_file_stays(
    tmp_path: Path, problem: type[BaseException]
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail() -> None:
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            raise problem

    with pytest.raises(problem):
        fail()
    assert path.read_text() == "old"
    assert files(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text("old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, call, full)
    with pytest.raises(DataError, match=r"no space is left.*old file is unchanged") as caught:
        write_frame(frame(), path)
    assert "\n" not in str(caught.value)
    monkeypatch.undo()
    assert path.read_text() == "old"
    assert files(tmp_path) == ["a.csv"]


def test_a_disk_that_is_full_while_writing(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    signal = pytest.importorskip("signal")
    path = tmp_path / "a.parquet"
    path.write_text("old")
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limit[1]))
        with pytest.raises(DataError, match=r"no space is left"):
            write_frame(pl.DataFrame({"a": np.random.default_rng(0).normal(size=10_000)}), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, previous)
    assert path.read_text() == "old"
    assert files(tmp_path) == ["a.parquet"]


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no folder"):
        write_frame(frame(), tmp_path / "no" / "a.csv")
    with pytest.raises(DataError, match=r"is a folder: give the name of a file"):
        write_frame(frame(), tmp_path)
    with pytest.raises(DataError, match=r"cannot be written"):
        write_frame(frame(), tmp_path / ("x" * 300 + ".csv"))


def test_devices_are_written_directly() -> None:
    write_frame(frame(), "/dev/null", "csv")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
