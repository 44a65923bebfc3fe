"""The command line: one library call a command, files and exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

import contract
from offbeat import cli

QUICK = ["--set", "training.max_epochs=3", "--set", "hidden_size=8", "--quiet"]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> str:
    data = contract.waves()
    data[700:730, 0] += 3
    path = tmp_path_factory.mktemp("cli") / "waves.csv"
    pl.DataFrame({"a": data[:, 0], "b": data[:, 1]}).write_csv(path)
    return str(path)


def run(*arguments: object) -> int:
    return cli.run(cli.app, [str(each) for each in arguments])


def test_detect_needs_no_other_argument(table: str, capsys) -> None:
    assert run("detect", table, *QUICK) == 0
    assert "severity 1 is the limit" in capsys.readouterr().out
    assert run("detect", table, *QUICK, "--fail-on-anomaly") == 1


@pytest.mark.parametrize("suffix", ["csv", "json", "parquet"])
def test_events_as_files(table: str, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"events.{suffix}"
    assert run("detect", table, *QUICK, "--out", out) == 0
    read = {"csv": pl.read_csv, "json": pl.read_json, "parquet": pl.read_parquet}[suffix]
    assert "severity" in read(out).columns


def test_train_keep_another_threshold_and_detect(table: str, tmp_path: Path, capsys) -> None:
    model = tmp_path / "m.offbeat"
    assert run("train", table, "--train", "0.6", "--out", model, *QUICK) == 0
    assert run("threshold", table, "--model", model, "--threshold", "sigma:4", "--keep") == 0
    assert "now cuts at mean + 4 sigma" in capsys.readouterr().out
    assert run("detect", table, "--model", model, "--report", tmp_path / "r.html") == 0
    assert (tmp_path / "r.html").read_text().startswith("<!")
    assert run("score", table, "--model", model, "--format", "csv") == 0
    assert run("report", table, "--model", model, "--out", tmp_path / "s.html") == 0


def test_check_as_json(table: str, capsys) -> None:
    assert run("check", table, "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)["rows"] == 900


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (["detect", "nowhere.csv"], "nowhere.csv"),
        (["detect", "TABLE", "--channels", "aa"], "aa"),
        (["detect", "TABLE", "--set", "horizn=3"], "horizon"),
        (["detect", "TABLE", "--threshold", "sigme:3"], "sigma"),
        (["detect", "TABLE", "--train", "0"], "0"),
        (["detect", "TABLE", "--train", "5"], "5 rows"),
        (["detect", "TABLE", "--model", "no.offbeat"], "no.offbeat"),
        (["detect", "TABLE", "--modle", "x"], "--model"),
        (["nonsense"], "nonsense"),
    ],
)
def test_mistakes_are_one_line(table: str, capsys, arguments: list[str], match: str) -> None:
    assert run(*(table if each == "TABLE" else each for each in arguments)) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert match in said


def test_help_is_quick_and_loads_no_torch() -> None:
    code = (
        "import sys; from offbeat import cli; cli.run(cli.app, ['--help']); "
        "assert not {'torch', 'numpy', 'polars'} & set(sys.modules), sys.modules.keys()"
    )
    start = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "detect" in done.stdout
    assert time.monotonic() - start < 5
