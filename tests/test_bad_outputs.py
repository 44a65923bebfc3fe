"""Outputs that cannot be written, readers that leave, Ctrl-C: one line, and no file is harmed."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bad_files import OLD, QUICK, half, old_files_stay, one_line, run, table

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
        "import sys; from offbeat import cli, training; plain = training.draw_chunks\n"
        "def told(*given):\n"
        "    print('training', flush=True); training.draw_chunks = plain; return plain(*given)\n"
        "training.draw_chunks = told\n"
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
