"""`offbeat recalibrate` and `--mute`: one library call each, and a model is taught only if told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from offbeat import EventRules, Label, Labels, load, parse_mute, workflow
from offbeat.thresholds import CostThreshold
from test_cli import KEPT, READ, READ_OPTIONS, Call, run, waves


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> Call:
    kept = Call()
    for name in ("train_file", "detect_file", "recalibrate_file"):
        monkeypatch.setattr(workflow, name, kept)
    return kept


def test_times_to_mute_reach_the_detector_and_the_model(call: Call) -> None:
    nights = parse_mute("Mon-Fri 02:00-03:00 Europe/Berlin")
    assert run("detect", "x.csv", "--model", "m", "--mute", nights.text, "--mute", "Sat") == 0
    assert call.named["mutes"] == (nights, parse_mute("Sat"))


def test_a_trained_model_is_muted_from_then_on(call: Call) -> None:
    assert run("train", "x.csv", "--out", "m", "--mute", "Sat,Sun") == 0
    assert call.named["detector"].rules == EventRules(mutes=(parse_mute("Sat,Sun"),))


def test_recalibrate_is_recalibrate_file(call: Call) -> None:
    given = ["--model", "m", "--labels", "l.csv", "--goal", "cost:5:1", "--mute", "Sat"]
    assert run("recalibrate", "x.csv", *READ, *given, "--no-alike", "--retrain") == 0
    assert call.given == ("x.csv", Path("m"), Path("l.csv"), READ_OPTIONS)
    assert call.named == {
        "goal": CostThreshold(1.0, 5.0),
        "mutes": (parse_mute("Sat"),),
        "alike": False,
        "anew": True,
        "step": None,
        "progress": None,
    }


def test_a_model_is_taught_only_if_told(tmp_path: Path, capsys) -> None:
    data, model = waves(tmp_path / "waves.csv"), tmp_path / "m.offbeat"
    model.write_bytes(KEPT.read_bytes())
    labels = Labels((Label(200, 220, "false alarm"), Label(100, 110, "missed")))
    labels.write(tmp_path / "labels.json")
    asked = ["recalibrate", data, "--model", model, "--labels", tmp_path / "labels.json"]
    assert run(*asked) == 0
    shown = capsys.readouterr().out
    assert "before" in shown
    assert "2 labels, cut for the best F1" in shown
    assert model.read_bytes() == KEPT.read_bytes()
    assert run(*asked, "--format", "json", "--out", tmp_path / "new.offbeat") == 0
    assert [row["state"] for row in json.loads(capsys.readouterr().out)] == ["before", "after"]
    assert model.read_bytes() == KEPT.read_bytes()
    assert run(*asked, "--apply") == 0
    taught = load(model)
    assert taught.record_.settings["taught"]["labels"] == 2
    assert taught.threshold_ == load(tmp_path / "new.offbeat").threshold_
    assert run(*asked, "--apply", "-o", model) == 2
