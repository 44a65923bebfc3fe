"""Bad input: one clear line that names what came and where, and every file stays as it was."""

from __future__ import annotations

import errno
import gzip
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import contract
from offbeat import cli

QUICK = ["--set", "training.max_epochs=1", "--set", "hidden_size=4", "--set", "window=16"]
QUICK += ["--set", "n_layers=1", "--quiet"]
N_ROWS = 300
OLD = b"what was there before"
STAMPS = [(datetime(2026, 3, 1) + timedelta(minutes=5 * row)).isoformat() for row in range(N_ROWS)]


def columns(**other: Any) -> dict[str, Any]:
    """Two waves with a clock; `other` takes the place of a column."""
    data = contract.waves(N_ROWS)
    return {"time": STAMPS, "a": data[:, 0].tolist(), "b": data[:, 1].tolist(), **other}


def table(**other: Any) -> bytes:
    return pl.DataFrame(columns(**other), strict=False).write_csv().encode()


def binary(write: Callable[[pl.DataFrame, Any], Any], tmp: Path) -> bytes:
    write(pl.DataFrame(columns()), tmp)
    return tmp.read_bytes()


def with_cell(column: str, row: int, cell: object) -> bytes:
    cells = list(map(str, columns()[column]))
    cells[row] = str(cell)
    return table(**{column: cells})


def half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def run(*arguments: object) -> int:
    return cli.run(cli.app, [str(each) for each in arguments])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the command runs, with older outputs that must stay as they are."""
    monkeypatch.chdir(tmp_path)
    for name in ("old.offbeat", "old.csv", "old.html"):
        (tmp_path / name).write_bytes(OLD)
    return tmp_path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trained on the good table."""
    place = tmp_path_factory.mktemp("model")
    (place / "good.csv").write_bytes(table())
    assert run("train", place / "good.csv", "--out", place / "m.offbeat", *QUICK) == 0
    return place / "m.offbeat"


def old_files_stay(folder: Path, *others: str) -> None:
    """No older output has changed, and nothing new lies beside them."""
    for name in ("old.offbeat", "old.csv", "old.html"):
        assert (folder / name).read_bytes() == OLD
    assert sorted(each.name for each in folder.iterdir()) == sorted(
        ["old.offbeat", "old.csv", "old.html", *others]
    )


def one_line(shown: Any, *words: str) -> None:
    """Exactly one line on standard error, without a traceback, that holds these words."""
    assert not shown.out
    assert shown.err.startswith("offbeat: ")
    assert shown.err.count("\n") == 1, shown.err
    assert "Traceback" not in shown.err
    for word in words:
        assert word in shown.err


# ---------------------------------------------------------------- files that cannot be used

EMPTY = "is empty: a table with a header and rows was expected"
FILES: dict[str, tuple[str, Callable[[Path], bytes], tuple[str, ...]]] = {
    "empty file": ("x.csv", lambda _: b"", ("x.csv", EMPTY)),
    "blank lines only": ("x.csv", lambda _: b"\n  \n\n", ("x.csv", EMPTY)),
    "header only": ("x.csv", lambda _: b"time,a\n", ("x.csv holds a header and no row",)),
    "one row": ("x.csv", lambda _: b"time,a\n2026-03-01,1\n", ("x.csv", "give more rows")),
    "few rows": (
        "x.csv",
        lambda _: b"\n".join(table().split(b"\n")[:13]),
        ("x.csv: the training part has", "at least 21 are needed", "give more history"),
    ),
    "channel without a value": (
        "x.csv",
        lambda _: table(b=[None] * N_ROWS),
        ("x.csv: channel 'b' has no value in the training part", "--channels"),
    ),
    "infinite value": (
        "x.csv",
        lambda _: with_cell("a", 50, "inf"),
        ("x.csv: column 'a', line 52: the value is infinite", "leave the cell empty"),
    ),
    "value beyond reckoning": (
        "x.csv",
        lambda _: with_cell("a", 50, 1e200),
        ("x.csv: 1e+200 in row 50, channel 'a'", "is it a mark for missing?"),
    ),
    "text in a number column": (
        "x.csv",
        lambda _: with_cell("a", 50, "broken"),
        ("x.csv: column 'a', line 52: a number was expected, 'broken' came", "correct the cell"),
    ),
    "column of words": (
        "x.csv",
        lambda _: table(b=["on", "off"] * (N_ROWS // 2)),
        ("x.csv: column 'b' holds categories (2 different texts", "--channels a"),
    ),
    "mixed time zones": (
        "x.csv",
        lambda _: table(time=[s + "Z" * (row % 2) for row, s in enumerate(STAMPS)]),
        ("x.csv: column 'time' mixes time stamps with a zone (line 3: ", "(line 2: "),
    ),
    "one time stamp for all": (
        "x.csv",
        lambda _: table(time=[STAMPS[0]] * N_ROWS),
        ("x.csv", "have the time stamp 2026-03-01T00:00:00", "the right time column?"),
    ),
    "a time stamp that is none": (
        "x.csv",
        lambda _: with_cell("time", 50, "yesterday"),
        ("x.csv: column 'time', line 52: a time stamp such as", "'yesterday' came", "--time"),
    ),
    "time stamps that are not there": (
        "x.csv",
        lambda _: table(time=[s if row % 2 else None for row, s in enumerate(STAMPS)]),
        ("x.csv: column 'time': 150 of 300 rows have no time stamp, the first is line 2",),
    ),
    "time stamps a century apart": (
        "x.csv",
        lambda _: with_cell("time", N_ROWS - 1, "2126-03-01T00:00:00"),
        ("x.csv", "5 min", "largest gap"),
    ),
    "a name twice": (
        "x.csv",
        lambda _: table().replace(b"time,a,b", b"time,a,a"),
        ("x.csv: column names must differ; repeated: a; rename them",),
    ),
    "a line with too many cells": (
        "x.csv",
        lambda _: with_cell("a", 50, 1).replace(b",1,", b",1,2,3,"),
        ("x.csv, line 52: 3 cells were expected, 5 came", "check the delimiter (',' was taken)"),
    ),
    "another encoding": (
        "x.csv",
        lambda _: table().replace(b"time,a,b", "time,Wärme,b".encode("latin-1")),
        ("x.csv, line 1: byte 0xE4 is not utf8 text", "--encoding, such as 'latin-1'"),
    ),
    "UTF-16 without a mark": (
        "x.csv",
        lambda _: table().decode().encode("utf-16-le"),
        ("x.csv holds binary data", "--encoding 'utf-16'"),
    ),
    "random bytes": (
        "x.csv",
        lambda _: bytes(range(256)) * 8,
        ("x.csv holds binary data: CSV, JSON lines, Parquet or Arrow was expected",),
    ),
    "half a gzip": (
        "x.csv.gz",
        lambda _: half(gzip.compress(table())),
        ("x.csv.gz ends in the middle of its gzip data", "download it again"),
    ),
    "altered gzip": (
        "x.csv.gz",
        lambda _: gzip.compress(table())[:40] + b"\0" * 40 + gzip.compress(table())[80:],
        ("x.csv.gz is damaged gzip data",),
    ),
    "empty gzip": (
        "x.csv.gz",
        lambda _: gzip.compress(b""),
        ("x.csv.gz is empty once unpacked: a table was expected",),
    ),
    "Parquet of 0 bytes": ("x.parquet", lambda _: b"", ("x.parquet", EMPTY)),
    "half a Parquet": (
        "x.parquet",
        lambda tmp: half(binary(pl.DataFrame.write_parquet, tmp)),
        ("x.parquet is half a Parquet file (its end is missing)", "copy it again"),
    ),
    "Parquet without its first half": (
        "x.parquet",
        lambda tmp: b"PAR1" + binary(pl.DataFrame.write_parquet, tmp)[-400:],
        ("x.parquet is a damaged parquet file", "copy it again"),
    ),
    "half an Arrow": (
        "x.arrow",
        lambda tmp: half(binary(pl.DataFrame.write_ipc, tmp)),
        ("x.arrow is a damaged arrow file", "copy it again"),
    ),
    "JSON lines cut in the middle": (
        "x.jsonl",
        lambda tmp: b"\n".join(binary(pl.DataFrame.write_ndjson, tmp).split(b"\n")[:99])[:-5],
        ("x.jsonl, line 99: the last line is cut off, its } is missing", "copy it again"),
    ),
    "JSON lines with a bad one": (
        "x.jsonl",
        lambda tmp: binary(pl.DataFrame.write_ndjson, tmp).replace(b'"a":', b'"a"=', 1),
        ("x.jsonl, line 1: expecting ':' delimiter at column", "one JSON object a line"),
    ),
    "JSON array cut in the middle": (
        "x.json",
        lambda tmp: half(binary(pl.DataFrame.write_json, tmp)),
        ("x.json, line 1: the JSON array is cut off, its ] is missing", "copy it again"),
    ),
    "a zip": ("x.csv", lambda _: b"PK\x03\x04 and so on", ("x.csv is a zip or Excel file",)),
}


@pytest.mark.parametrize("command", ["train", "detect"])
@pytest.mark.parametrize("case", FILES)
def test_a_file_that_cannot_be_used_is_refused_in_one_line(
    case: str, command: str, folder: Path, tmp_path_factory, capsys
) -> None:
    name, make, words = FILES[case]
    (folder / name).write_bytes(make(tmp_path_factory.mktemp("made") / name))
    outputs = ["--out", "old.offbeat"] if command == "train" else ["--out", "old.csv"]
    outputs += [] if command == "train" else ["--report", "old.html"]
    assert run(command, name, *outputs, *QUICK) == 2
    one_line(capsys.readouterr(), *words)
    old_files_stay(folder, name)


def test_a_series_that_never_moves_is_learned_with_one_line_of_warning(folder, capsys) -> None:
    (folder / "x.csv").write_bytes(table(a=[3.0] * N_ROWS, b=[5.0] * N_ROWS))
    for command in (["detect", "x.csv"], ["train", "x.csv", "--out", "new.offbeat"]):
        assert run(*command, *QUICK) == 0
        warned = capsys.readouterr().err
        assert warned.count("\n") == 1
        assert "nothing moved in the training part (a, b)" in warned
        assert "train on rows that show what is normal" in warned


@pytest.mark.parametrize("case", ["shuffled", "repeated", "summer time ends"])
def test_time_stamps_that_can_be_repaired_are_no_mistake(case: str, folder: Path, capsys) -> None:
    rows = np.random.default_rng(0).permutation(N_ROWS)
    offsets = ["+02:00" if row < 150 else "+01:00" for row in range(N_ROWS)]
    shifted = [STAMPS[row - 12 * (row >= 150)] for row in range(N_ROWS)]
    made = {
        "shuffled": {name: [cells[row] for row in rows] for name, cells in columns().items()},
        "repeated": {"time": [STAMPS[row // 2] for row in range(N_ROWS)]},
        "summer time ends": {"time": list(map(str.__add__, shifted, offsets))},
    }[case]
    (folder / "x.csv").write_bytes(table(**made))
    assert run("detect", "x.csv", *QUICK) == 0
    assert not capsys.readouterr().err


# ---------------------------------------------------------------- names, and data unlike training


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--channels", "aa"], "good.csv has no column 'aa' (channel): did you mean 'a'?"),
        (["--time", "tine"], "good.csv has no column 'tine' (time): did you mean 'time'?"),
        (["--label", "bb"], "good.csv has no column 'bb' (label): did you mean 'b'?"),
        (["--covariates", "bb"], "good.csv: no channel 'bb' in good: did you mean 'b'?"),
        (["--every", "1h", "--agg", "mean(aa)"], "did you mean 'a'?"),
    ],
)
def test_a_wrong_name_is_told_with_the_nearest(arguments, words: str, folder, capsys) -> None:
    (folder / "good.csv").write_bytes(table())
    assert run("detect", "good.csv", *arguments, *QUICK, "--out", "old.csv") == 2
    one_line(capsys.readouterr(), words)
    old_files_stay(folder, "good.csv")


def test_a_wrong_file_name_is_told_with_the_nearest(folder: Path, capsys) -> None:
    assert run("detect", "odl.csv", "--out", "old.csv") == 2
    one_line(capsys.readouterr(), "there is no file odl.csv: did you mean old.csv")
    old_files_stay(folder)


FASTER = [(datetime(2026, 3, 1) + timedelta(minutes=row)).isoformat() for row in range(N_ROWS)]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (
            table().replace(b"time,a,b", b"time,a,bb"),
            ("x.csv: m.offbeat was trained on a channel 'b'", "did you mean 'bb'?", "rename"),
        ),
        (
            table(time=FASTER),
            ("x.csv", "a step of 5 min, these data have 1 min", "--step"),
        ),
        (
            b"\n".join(table().split(b"\n")[:13]),
            ("x.csv: the series has 12 rows; at least 21 are needed",),
        ),
    ],
    ids=["channels", "step", "rows"],
)
def test_data_unlike_those_in_training_are_refused(data, words, folder, model, capsys) -> None:
    (folder / "x.csv").write_bytes(data)
    assert run("score", "x.csv", "--model", model, "--out", "old.csv") == 2
    one_line(capsys.readouterr(), *words)
    old_files_stay(folder, "x.csv")


def test_the_step_of_the_model_can_be_asked_for_as_the_message_says(folder, model) -> None:
    (folder / "x.csv").write_bytes(table(time=FASTER))
    assert run("score", "x.csv", "--model", model, "--step", "5min", "--out", "new.csv") == 0


def test_a_model_that_is_none_is_refused(folder: Path, model: Path, capsys) -> None:
    (folder / "good.csv").write_bytes(table())
    for name, data in {"old.offbeat": OLD, "half.offbeat": half(model.read_bytes())}.items():
        (folder / name).write_bytes(data)
        assert run("detect", "good.csv", "--model", name, "--out", "old.csv") == 2
        one_line(capsys.readouterr(), f"{name} is no model file of offbeat, or it is truncated")
    old_files_stay(folder, "good.csv", "half.offbeat")


# ---------------------------------------------------------------- a disk that is full

WRITERS = {
    "model": ["train", "--out", "old.offbeat", *QUICK],
    "events": ["detect", "--out", "old.csv", "--model", "MODEL"],
    "scores": ["score", "--out", "old.csv", "--model", "MODEL"],
    "report": ["report", "--out", "old.html", "--model", "MODEL"],
    "check": ["check", "--out", "old.txt"],
    "evaluation": ["evaluate", "--out", "old.csv", "--detector", "persistence"],
    "comparison": ["compare", "--out", "old.csv", "--detectors", "persistence"],
}


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def half_written(path: Path, data: Any, *_: object, **__: object) -> None:
    with open(path, "wb") as file:
        file.write(half(data if isinstance(data, bytes) else data.encode()))
    full()


def fill_while_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "write_bytes", half_written)
    monkeypatch.setattr(Path, "write_text", half_written)


def fill_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", full)


@pytest.mark.parametrize("fill", [fill_while_writing, fill_at_the_end])
@pytest.mark.parametrize("what", WRITERS)
def test_a_full_disk_leaves_the_old_file(what, fill, folder, model, monkeypatch, capsys) -> None:
    (folder / "good.csv").write_bytes(table())
    (folder / "old.txt").write_bytes(OLD)
    command, *arguments = (model if each == "MODEL" else each for each in WRITERS[what])
    fill(monkeypatch)
    assert run(command, "good.csv", *arguments) == 2
    monkeypatch.undo()
    out = arguments[1]
    one_line(
        capsys.readouterr(),
        f"{out} cannot be written: no space is left on the disk; the old file is unchanged",
    )
    assert (folder / "old.txt").read_bytes() == OLD
    old_files_stay(folder, "good.csv", "old.txt")


@pytest.mark.parametrize("what", WRITERS)
def test_a_full_device_is_named(what: str, folder: Path, model: Path, capsys) -> None:
    (folder / "good.csv").write_bytes(table())
    command, *arguments = (model if each == "MODEL" else each for each in WRITERS[what])
    arguments[1] = "/dev/full"
    assert run(command, "good.csv", *arguments) == 2
    one_line(capsys.readouterr(), "/dev/full cannot be written: no space is left on the disk")
    old_files_stay(folder, "good.csv")


def test_a_folder_that_is_not_there_is_named(folder: Path, model: Path, capsys) -> None:
    (folder / "good.csv").write_bytes(table())
    assert run("score", "good.csv", "--model", model, "--out", "none/x.csv") == 2
    one_line(capsys.readouterr(), "none/x.csv cannot be written: there is no folder")
    assert run("score", "good.csv", "--model", model, "--out", ".") == 2
    one_line(capsys.readouterr(), ". is a folder: give the name of a file")
    old_files_stay(folder, "good.csv")


# ---------------------------------------------------------------- pipes, and Ctrl-C, for real


OFFBEAT = str(Path(sys.executable).with_name("offbeat"))


def test_standard_output_that_is_full_is_said_in_one_line(folder: Path, model: Path) -> None:
    (folder / "good.csv").write_bytes(table())
    with open("/dev/full", "w") as device:
        done = subprocess.run(
            [OFFBEAT, "score", "good.csv", "--model", str(model), "--format", "csv"],
            stdout=device,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr == "offbeat: standard output: No space left on device\n"


def test_a_reader_that_has_seen_enough_is_no_fault(folder: Path, model: Path) -> None:
    (folder / "good.csv").write_bytes(table())
    shell = f"'{OFFBEAT}' score good.csv --model '{model}' --format csv | head -1; "
    shell += 'echo "${PIPESTATUS[0]}"'
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0"
    assert not done.stderr


@pytest.fixture
def training(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """The command line while it trains, for ever if nobody ends it."""
    (folder / "good.csv").write_bytes(table())
    started = (
        "import sys; from offbeat import cli, training; plain = training._draw_chunks\n"
        "def told(*given):\n"
        "    print('training', flush=True); training._draw_chunks = plain; return plain(*given)\n"
        "training._draw_chunks = told\n"
        "sys.exit(cli.run(cli.app, sys.argv[1:]))"
    )
    endless = ["--set", "training.max_epochs=100000", "--set", "training.patience=100000"]
    process = subprocess.Popen(
        [sys.executable, "-c", started, "train", "good.csv", "--out", "old.offbeat", *endless],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    yield process
    process.kill()
    process.communicate()


def test_ctrl_c_during_training_is_one_line_and_the_old_model_stays(training, folder) -> None:
    assert training.stdout.readline() == "training\n"
    time.sleep(0.3)
    training.send_signal(signal.SIGINT)
    out, err = training.communicate(timeout=30)
    assert training.returncode == 130
    assert err == "offbeat: interrupted; nothing half-written is left\n"
    assert not out
    old_files_stay(folder, "good.csv")
