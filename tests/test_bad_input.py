"""Bad input: one clear line that names what came and where, and every file stays as it was."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from bad_files import (
    FILES,
    N_ROWS,
    OLD,
    QUICK,
    STAMPS,
    columns,
    half,
    old_files_stay,
    one_line,
    run,
    table,
)

# ---------------------------------------------------------------- files that cannot be used


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
