"""Labels and files that cannot be judged: one clear line, and every file stays as it was."""

from __future__ import annotations

from typing import Any

import pytest

from bad_files import FILES, N_ROWS, old_files_stay, one_line, run, table

LABELS: dict[str, tuple[list[Any], str]] = {
    "words": (["ok", "odd"] * (N_ROWS // 2), "label column 'flag', line 2: 0 or 1"),
    "a two": ([0] * 299 + [2], "label column 'flag', line 301: 0 or 1"),
    "a share": ([0.5] * N_ROWS, "label column 'flag', line 2: 0 or 1"),
    "minus one for anomalies": ([1] * 200 + [-1] * 100, "line 202: 0 or 1"),
}


@pytest.mark.parametrize("command", ["evaluate", "compare"])
@pytest.mark.parametrize("case", LABELS)
def test_labels_that_are_none_are_refused_in_one_line(case, command, folder, capsys) -> None:
    cells, words = LABELS[case]
    (folder / "x.csv").write_bytes(table(flag=cells))
    assert run(command, "x.csv", "--label", "flag", "--out", "old.csv") == 2
    one_line(capsys.readouterr(), "x.csv", words)
    assert run(command, "x.csv", "--label", "flg") == 2
    one_line(capsys.readouterr(), "x.csv has no column 'flg' (label): did you mean 'flag'")
    old_files_stay(folder, "x.csv")


QUICK_ONE = {
    "evaluate": ["--detector", "persistence"],
    "compare": ["--detectors", "persistence"],
}


@pytest.mark.parametrize("command", QUICK_ONE)
@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ([None] * N_ROWS, "only false alarms can be counted"),
        ([0] * N_ROWS, "only false alarms can be counted"),
        ([1] * N_ROWS, "nothing to tell apart"),
        ([None] * 200 + [1] * 10 + [None] * 90, "10 judged rows labelled, in 1 event"),
        ([1] * 7 + [0] * 292 + [1], "7 of the rows learned are labelled as anomalies"),
        ([False] * 200 + [True] * 100, "100 judged rows labelled, in 1 event"),
    ],
)
def test_labels_at_the_borders_are_answered_or_explained(
    cells, words, command, folder, capsys
) -> None:
    (folder / "x.csv").write_bytes(table(flag=cells))
    assert run(command, "x.csv", "--label", "flag", *QUICK_ONE[command]) == 0
    shown = capsys.readouterr()
    assert words in shown.out
    assert not shown.err


@pytest.mark.parametrize("command", QUICK_ONE)
@pytest.mark.parametrize("case", ["empty file", "header only", "one row", "random bytes", "a zip"])
def test_a_file_that_cannot_be_used_is_not_judged(case, command, folder, tmp_path_factory, capsys):
    name, make, words = FILES[case]
    (folder / name).write_bytes(make(tmp_path_factory.mktemp("made") / name))
    assert run(command, name, "--out", "old.csv", *QUICK_ONE[command]) == 2
    one_line(capsys.readouterr(), words[0])
    old_files_stay(folder, name)
