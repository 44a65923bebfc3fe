"""The command line: one library call a command, files and exit codes.

`tests/data/help/*.txt` holds the help of each command, as a person reviewed it. After a change of
the command line write it anew, and read what changed before it is committed:

    .venv/bin/python tests/test_cli.py
    git diff tests/data/help
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import typer

import contract
from offbeat import LSTMDetector, ReadOptions, Training, cli, load, workflow
from offbeat.preparation import Preparation
from offbeat.thresholds import SigmaThreshold
from offbeat.workflow import Lesson

KEPT = Path(__file__).parent / "data" / "tiny.offbeat"
"""A model of channel_0 and channel_1; see test_persist.py."""
HELP = Path(__file__).parent / "data" / "help"

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
        (["train", "TABLE"], "'--out' (see offbeat train --help)"),
        (["detect"], "(see offbeat detect --help)"),
        (["detect", "TABLE", "--seed", "x"], "--seed"),
        (["detect", "TABLE", "--zone", "Berlin"], "--zone 'Berlin'"),
        (["detect", "TABLE", "--encoding", "hex"], "--encoding 'hex'"),
        (["detect", "TABLE", "--normal", "5"], "START..END"),
        (["detect", "TABLE", "--exclude", "0..900"], "no row is left to learn from"),
        (["detect", "TABLE", "--train", "soon"], "waves.csv"),
        (["detect", "TABLE", "--set", "training=fast"], "training.learning_rate=..."),
        (["threshold", "TABLE", "--keep"], "--threshold"),
        (["check", "TABLE", "--format", "xml"], "--format 'xml'"),
    ],
)
def test_mistakes_are_one_line(table: str, capsys, arguments: list[str], match: str) -> None:
    assert run(*(table if each == "TABLE" else each for each in arguments)) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert match in said


# ---------------------------------------------------------------- one library call a command


class Call:
    """Stands in for a function of `offbeat.workflow`, keeps its arguments and ends the command."""

    def __init__(self) -> None:
        self.given: tuple[Any, ...] = ()
        self.named: dict[str, Any] = {}

    def __call__(self, *given: Any, **named: Any) -> None:
        assert not self.named, "called twice"
        self.given, self.named = given, named
        raise typer.Exit


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> Call:
    kept = Call()
    for name in ("check_file", "train_file", "detect_file"):
        monkeypatch.setattr(workflow, name, kept)
    return kept


READ = ["--time", "when", "--channels", "a, b", "--label", "bad", "--delimiter", ";"]
READ += ["--zone", "Europe/Berlin", "--encoding", "latin-1"]
READ_OPTIONS = ReadOptions(
    time="when",
    channels=("a", "b"),
    label="bad",
    delimiter=";",
    zone="Europe/Berlin",
    encoding="latin-1",
)


def test_check_is_check_file(call: Call) -> None:
    assert run("check", "x.csv", *READ, "--step", "1min") == 0
    assert call.given == ("x.csv", READ_OPTIONS)
    assert call.named == {"step": "1min"}


def test_train_is_train_file(call: Call) -> None:
    learn = ["--train", "0.7", "--normal", "5..9", "--exclude", "1..2", "--exclude", "a..b"]
    made = ["--covariates", "fan,valve", "--seed", "3", "--centred", "--step", "5min"]
    made += ["--set", "training.max_epochs=5"]
    assert run("train", "x.csv", "--out", "m", *READ, *learn, *made, "--threshold", "sigma:4") == 0
    assert call.given == ("x.csv", Path("m"), READ_OPTIONS)
    detector = call.named.pop("detector")
    assert call.named == {
        "lesson": Lesson(train=0.7, normal=((5, 9),), exclude=((1, 2), ("a", "b"))),
        "threshold": SigmaThreshold(4.0),
        "progress": None,
    }
    expected = LSTMDetector(
        covariates=("fan", "valve"),
        random_state=3,
        smoothing="centred",
        preparation=Preparation(step="5min"),
        training=Training(max_epochs=5),
    )
    assert detector.get_params() == expected.get_params()


def test_train_learns_the_whole_file_unless_told_where_to_stop(call: Call) -> None:
    assert run("train", "x.csv", "--out", "m") == 0
    assert call.named["lesson"] == Lesson(whole=True)
    assert call.named["detector"].get_params() == LSTMDetector().get_params()


@pytest.mark.parametrize("command", ["score", "detect", "threshold", "report"])
def test_without_a_model_the_others_are_detect_file_with_a_detector(call, command: str) -> None:
    arguments = [*READ, "--every", "1min", "--agg", "count", "--train", "2026-03-01", "--tutorial"]
    assert run(command, "x.csv", *arguments, "--threshold", "sigma:4") == 0
    detector = call.named.pop("detector")
    assert call.given[0] == "x.csv"
    assert (call.given[1].every, call.given[1].agg) == ("1min", "count")
    assert call.named == {
        "model": None,
        "step": None,
        "lesson": Lesson(train="2026-03-01"),
        "threshold": SigmaThreshold(4.0),
        "mutes": (),
        "progress": None,
    }
    params, tutorial = detector.get_params(), LSTMDetector.tutorial().get_params()
    assert str(params) == str(tutorial)


@pytest.mark.parametrize("command", ["score", "detect", "threshold", "report"])
def test_with_a_model_the_others_are_detect_file_without_a_detector(call, command: str) -> None:
    assert run(command, "-", "--model", "m.offbeat", "--step", "5min") == 0
    assert call.given == ("-", ReadOptions())
    assert call.named == {
        "model": Path("m.offbeat"),
        "detector": None,
        "step": "5min",
        "lesson": Lesson(),
        "threshold": None,
        "mutes": (),
        "progress": None,
    }


def test_a_model_looks_back_if_asked(call: Call) -> None:
    assert run("detect", "x.csv", "--model", "m.offbeat", "--centred") == 0
    assert call.named["detector"].smoothing == "centred"


def test_threshold_keep_is_set_model_threshold(tmp_path: Path, monkeypatch, capsys) -> None:
    data, model = waves(tmp_path / "waves.csv"), tmp_path / "m.offbeat"
    model.write_bytes(KEPT.read_bytes())
    kept = list[tuple[Any, ...]]()
    monkeypatch.setattr(workflow, "set_model_threshold", lambda *given: kept.append(given))
    assert run("threshold", data, "--model", model, "--threshold", "sigma:4", "--keep") == 0
    assert kept == [(model, SigmaThreshold(4.0), data, ReadOptions())]
    assert f"{model} now cuts at mean + 4 sigma" in capsys.readouterr().out.replace("\n", " ")


@pytest.mark.parametrize("command", ["score", "detect", "threshold", "report"])
@pytest.mark.parametrize("given", ["--train=0.5", "--seed=3", "--set=window=9", "--tutorial"])
def test_a_trained_model_and_what_would_train_another_exclude_each_other(
    command: str, given: str, capsys
) -> None:
    assert run(command, "x.csv", "--model", "m.offbeat", given) == 2
    flag = given.partition("=")[0]
    assert f"{flag} would train, but --model m.offbeat is trained" in capsys.readouterr().err


def test_report_is_the_report_of_the_detection(tmp_path: Path, monkeypatch, capsys) -> None:
    data, written = waves(tmp_path / "waves.csv"), list[Path]()
    monkeypatch.setattr(
        "offbeat.detection.Detection.report", lambda _, path: written.append(path) or path
    )
    assert run("report", data, "--model", KEPT, "--out", tmp_path / "r.html") == 0
    assert written == [tmp_path / "r.html"]
    assert capsys.readouterr().out.startswith("report: ")


# ---------------------------------------------------------------- what comes out


def waves(path: Path, *, off: bool = True) -> str:
    data = contract.waves(300)
    if off:
        data[200:220] += 20
    pl.DataFrame({"channel_0": data[:, 0], "channel_1": data[:, 1]}).write_csv(path)
    return str(path)


READERS = {"csv": pl.read_csv, "json": pl.read_json, "parquet": pl.read_parquet}
COMMANDS = {"score": "score", "detect": "severity", "threshold": "method"}


@pytest.mark.parametrize("format_", READERS)
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_writes_every_format(tmp_path, capsysbinary, command, format_) -> None:
    data = waves(tmp_path / "waves.csv")
    out = tmp_path / f"out.{format_}"
    assert run(command, data, "--model", KEPT, "--out", out) == 0
    capsysbinary.readouterr()
    assert run(command, data, "--model", KEPT, "--format", format_) == 0
    streamed = READERS[format_](capsysbinary.readouterr().out)
    assert COMMANDS[command] in streamed.columns
    assert streamed.equals(READERS[format_](out))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_table_is_what_a_person_gets(tmp_path: Path, capsys, command: str) -> None:
    data = waves(tmp_path / "waves.csv")
    assert run(command, data, "--model", KEPT) == 0
    plain = capsys.readouterr().out
    assert "\N{BOX DRAWINGS LIGHT VERTICAL}" in plain
    assert run(command, data, "--model", KEPT, "--format", "table") == 0
    assert capsys.readouterr().out == plain


def test_a_dash_is_standard_output(tmp_path: Path, capsysbinary, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    data = waves(tmp_path / "waves.csv")
    assert run("score", data, "--model", KEPT, "--out", "-", "--format", "csv") == 0
    assert len(pl.read_csv(capsysbinary.readouterr().out)) == 300
    assert [each.name for each in tmp_path.iterdir()] == ["waves.csv"]


def test_words_beside_a_stream_go_to_standard_error(tmp_path: Path, capsys) -> None:
    data, report = waves(tmp_path / "waves.csv"), tmp_path / "r.html"
    assert run("detect", data, "--model", KEPT, "--format", "csv", "--report", report) == 0
    shown = capsys.readouterr()
    assert shown.err == f"report: {report}\n"
    assert shown.out.startswith("start")


def test_fail_on_anomaly_is_exit_code_1_only_if_there_is_an_event(tmp_path: Path) -> None:
    off, calm = waves(tmp_path / "off.csv"), waves(tmp_path / "calm.csv", off=False)
    arguments = ["--model", KEPT, "--threshold", "50"]
    assert run("detect", off, "--model", KEPT, "--threshold", "2") == 0
    assert run("detect", off, "--model", KEPT, "--threshold", "2", "--fail-on-anomaly") == 1
    assert run("detect", calm, *arguments, "--fail-on-anomaly") == 0


def test_a_set_threshold_is_kept_in_the_model(tmp_path: Path) -> None:
    data, model = waves(tmp_path / "waves.csv"), tmp_path / "m.offbeat"
    model.write_bytes(KEPT.read_bytes())
    assert run("threshold", data, "--model", model, "--threshold", "sigma:4") == 0
    assert model.read_bytes() == KEPT.read_bytes()
    assert run("threshold", data, "--model", model, "--threshold", "sigma:4", "--keep") == 0
    assert load(model).threshold_ == SigmaThreshold(4.0)


def test_what_is_read_is_never_written_over(tmp_path: Path, capsys) -> None:
    data = waves(tmp_path / "waves.csv")
    model = tmp_path / "m.offbeat"
    model.write_bytes(KEPT.read_bytes())
    before = Path(data).read_bytes(), model.read_bytes()
    for command in (["check", data], ["train", data], ["detect", data], ["report", data]):
        assert run(*command, "--out", data) == 2
        assert "cannot be written too" in capsys.readouterr().err
    for out in ("--out", "--report"):
        assert run("detect", data, "--model", model, out, model) == 2
    assert (Path(data).read_bytes(), model.read_bytes()) == before


# ---------------------------------------------------------------- help


def help_of(command: str) -> str:
    """What a terminal of 100 columns without colours shows."""
    offbeat = Path(sys.executable).with_name("offbeat")
    plain = {k: v for k, v in os.environ.items() if "COLOR" not in k and k != "GITHUB_ACTIONS"}
    done = subprocess.run(
        [str(offbeat), *([] if command == "offbeat" else command.split()), "--help"],
        capture_output=True,
        encoding="utf-8",
        check=True,
        env={**plain, "COLUMNS": "100", "TERMINAL_WIDTH": "100", "NO_COLOR": "1", "TERM": "dumb"},
    )
    return "\n".join(line.rstrip() for line in done.stdout.strip().splitlines()) + "\n"


ALL_HELP = ("offbeat", *cli.COMMANDS, "fleet", *(f"fleet {each}" for each in cli.FLEET_COMMANDS))


@pytest.mark.parametrize("command", ALL_HELP)
def test_help_is_as_reviewed(command: str) -> None:
    kept = HELP / f"{command}.txt"
    assert help_of(command) == kept.read_text(encoding="utf-8"), (
        f"the help changed: run `.venv/bin/python tests/test_cli.py` and review {kept.name}"
    )


def test_every_command_has_its_reviewed_help() -> None:
    commands = {each.callback.__name__ for each in cli.app.registered_commands if each.callback}
    assert commands == set(cli.COMMANDS)
    assert {each.stem for each in HELP.iterdir()} == set(ALL_HELP)


def test_without_arguments_the_help_is_shown(capsys) -> None:
    assert run() == 0
    shown = capsys.readouterr()
    assert "Usage:" in shown.out
    assert not shown.err


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


if __name__ == "__main__":
    HELP.mkdir(exist_ok=True)
    for each in ALL_HELP:
        (HELP / f"{each}.txt").write_text(help_of(each), encoding="utf-8")
