"""`offbeat evaluate` and `offbeat compare`: one library call each, tables, files and exit codes."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import contract
from offbeat import KMeansDetector, LSTMDetector, workflow
from offbeat.cli import commands
from offbeat.roster import DETECTORS
from offbeat.thresholds import SigmaThreshold
from offbeat.workflow import Lesson
from test_cli import QUICK, READ, READ_OPTIONS, READERS, Call, run, waves


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> Call:
    kept = Call()
    for name in ("evaluate_file", "compare_file"):
        monkeypatch.setattr(workflow, name, kept)
    return kept


@pytest.fixture
def table(tmp_path: Path) -> str:
    return waves(tmp_path / "waves.csv")


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (["compare", "TABLE", "--detectors", "memroy"], "did you mean 'memory'"),
        (["compare", "TABLE", "--tutorial"], "--tutorial"),
        (["compare", "TABLE", "--train", "300"], "leaves one part empty"),
        (["compare", "TABLE", "--threshold", "fbeta:1"], "learns from labels"),
        (["compare", "TABLE", "--buffer", "-1"], "buffer"),
        (["compare", "TABLE", "--buffer", "x"], "--buffer"),
        (["evaluate", "TABLE", "--detector", "lsmt"], "did you mean 'lstm'"),
        (["evaluate", "TABLE", "--detector", "pca", "--tutorial"], "--tutorial"),
        (["evaluate", "TABLE", "--label", "bad"], "no column 'bad' (label)"),
        (["evaluate", "TABLE", "--detector", "pca", "--set", "windw=3"], "window"),
        (["evaluate", "TABLE", "--model", "m.offbeat", "--detector", "pca"], "--detector would"),
    ],
)
def test_mistakes_are_one_line(table: str, capsys, arguments: list[str], match: str) -> None:
    assert run(*(table if each == "TABLE" else each for each in arguments)) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert match in said


def test_evaluate_is_evaluate_file(call: Call) -> None:
    made = ["--detector", "kmeans", "--set", "n_clusters=5", "--seed", "3", "--centred"]
    judged = ["--train", "0.5", "--threshold", "sigma:4", "--buffer", "50", "--step", "5min"]
    assert run("evaluate", "x.csv", *READ, *made, *judged) == 0
    assert call.given == ("x.csv", READ_OPTIONS)
    detector = call.named.pop("detector")
    assert call.named == {
        "model": None,
        "step": "5min",
        "lesson": Lesson(train=0.5),
        "threshold": SigmaThreshold(4.0),
        "mutes": (),
        "buffer": 50,
        "progress": None,
    }
    assert type(detector) is KMeansDetector
    assert (detector.n_clusters, detector.random_state, detector.smoothing) == (5, 3, "centred")
    assert detector.preparation.step == "5min"


def test_evaluate_takes_the_lstm_if_no_other_is_named(call: Call) -> None:
    assert run("evaluate", "x.csv") == 0
    assert call.named["detector"].get_params() == LSTMDetector().get_params()


def test_evaluate_with_a_model_trains_nothing(call: Call) -> None:
    assert run("evaluate", "x.csv", "--model", "m.offbeat", "--buffer", "0") == 0
    assert (call.named["model"], call.named["detector"]) == (Path("m.offbeat"), None)


def test_compare_is_compare_file(call: Call) -> None:
    told = ["--covariates", "fan", "--seed", "3", "--step", "5min", "--exclude", "1..2"]
    some = ["--detectors", "random, memory", "--buffer", "9", "--threshold", "sigma:4"]
    assert run("compare", "x.csv", *READ, *told, *some) == 0
    assert call.given == ("x.csv", READ_OPTIONS)
    detectors = call.named.pop("detectors")
    assert call.named == {
        "lesson": Lesson(exclude=((1, 2),)),
        "threshold": SigmaThreshold(4.0),
        "buffer": 9,
        "progress": None,
    }
    assert {name: type(each) for name, each in detectors.items()} == {
        name: DETECTORS[name] for name in ("memory", "random")
    }
    for each in detectors.values():
        assert (each.covariates, each.random_state) == (("fan",), 3)
        assert each.preparation.step == "5min"


def test_compare_takes_all_detectors_and_names_them_in_its_help(call: Call) -> None:
    assert run("compare", "x.csv") == 0
    assert list(call.named["detectors"]) == list(DETECTORS)
    assert commands.ROSTER.split(", ") == list(DETECTORS)


@pytest.mark.parametrize("format_", READERS)
@pytest.mark.parametrize("command", ["evaluate", "compare"])
def test_evaluations_are_written_in_every_format(tmp_path, capsysbinary, command, format_) -> None:
    data, out = waves(tmp_path / "waves.csv"), tmp_path / f"out.{format_}"
    chosen = ["--detector" if command == "evaluate" else "--detectors", "persistence"]
    assert run(command, data, *chosen, "--out", out) == 0
    assert b"(3 rows)" in capsysbinary.readouterr().out
    assert run(command, data, *chosen, "--format", format_) == 0
    streamed = READERS[format_](capsysbinary.readouterr().out)
    written = READERS[format_](out)
    assert streamed["detector"].to_list() == ["persistence", "smoothed-z", "random"]
    times = ("fit_seconds", "score_seconds", "rows_per_second")
    assert streamed.drop(times).equals(written.drop(times))


def test_a_model_is_evaluated_beside_what_learned_the_same_rows(tmp_path: Path, capsys) -> None:
    data, other = waves(tmp_path / "waves.csv"), tmp_path / "other.csv"
    pl.DataFrame(contract.waves(300, seed=9), schema=["channel_0", "channel_1"]).write_csv(other)
    model = tmp_path / "m.offbeat"
    assert run("train", data, "--train", "120", "--out", model, *QUICK) == 0
    capsys.readouterr()
    assert run("evaluate", data, "--model", model) == 0
    shown = capsys.readouterr().out
    assert "learned 120 rows, judged 180 rows that it has not seen" in shown
    assert "lstm" in shown
    assert "random" in shown
    assert run("evaluate", other, "--model", model) == 0
    shown = capsys.readouterr().out
    assert "judged 300 rows that it has not seen" in shown
    assert "no random score beside it" in shown


def test_a_comparison_without_any_success_is_exit_code_2(tmp_path: Path, capsys) -> None:
    data = tmp_path / "short.csv"
    data.write_text("a\n" + "\n".join(map(str, range(12))) + "\n")
    assert run("compare", data, "--detectors", "memory") == 2
    shown = capsys.readouterr()
    assert "memory failed" in shown.out
    assert shown.err.startswith(f"offbeat: {data}: no detector could be evaluated (memory: ")
    assert shown.err.count("\n") == 1
    assert run("compare", data, "--detectors", "memory,persistence") == 0
    assert run("compare", data, "--detectors", "random") == 0
