"""This machine, live: measured, learned with a count-down, shown in a table."""

from __future__ import annotations

import io
from pathlib import Path
from threading import Event

import pytest
from rich.console import Console
from watchers import lines

from offbeat import connect
from offbeat.connect import Outcome, sink_of, source_of, watch
from offbeat.connect.machine import CHANNELS
from offbeat.connect.table import sparkline
from offbeat.errors import ConfigError

pytest.importorskip("psutil")


def test_this_machine_is_learned_and_then_scored(tmp_path: Path) -> None:
    out = tmp_path / "out"
    source = "machine:?step=10ms&rows=200"
    tally = watch(source, [str(out)], learn=60, stop=Event(), say=lambda _: None)
    said = lines(out, "reading")
    assert tally["rows"] == len(said) == 200
    assert [each["missing"] for each in said[:60]] == list(range(59, -1, -1))
    assert said[-1]["status"] in ("scored", "no score")
    assert tuple(said[-1]["values"]) == CHANNELS
    assert all(value is not None and value >= 0 for value in said[-1]["values"].values())


def test_without_a_model_two_minutes_are_learned(monkeypatch) -> None:
    kept = list[int]()
    monkeypatch.setattr(
        connect.workflow, "Learner", lambda n, _: kept.append(n) or connect.Learner(n)
    )
    watch("machine:?step=1ms&rows=1", ["-"], stop=Event(), say=lambda _: None)
    assert kept == [120]
    with pytest.raises(ConfigError, match="give a model"):
        watch("-", ["-"], stop=Event())


def test_the_table_counts_down_and_then_shows_what_is_expected() -> None:
    sink = sink_of("table:")
    sink._console = Console(file=io.StringIO(), width=100)  # type: ignore[attr-defined]

    def shown() -> str:
        console = Console(file=io.StringIO(), width=100)
        console.print(sink._shown())  # type: ignore[attr-defined]
        return console.file.getvalue()  # type: ignore[attr-defined]

    sink.open(None)
    assert "waiting for rows" in shown()
    learning = {"series": "here", "status": "learning", "missing": 7, "values": {"load": 1.0}}
    sink.put(Outcome(readings=[learning]))
    sink.flush()
    assert "learning, 7 rows left" in shown()
    sink.put(Outcome(readings=[{**learning, "missing": 0}]))
    assert "training ..." in shown()
    scored = {"series": "here", "status": "scored", "severity": 1.5, "values": {"load": 3.0}}
    sink.put(Outcome(readings=[{**scored, "expected": {"load": 1.25}}]))
    sink.flush()
    assert all(each in shown() for each in ("1.50", "1.25", "▁▁█")), shown()
    sink.close()


def test_a_sparkline_has_a_bar_a_value() -> None:
    assert sparkline([0, None, 7, 3.5]) == "▁ █▅"
    assert sparkline([2, 2]) == "▁▁"
    assert sparkline([None]) == " "


def test_a_wall_clock_that_is_set_makes_no_hole_and_no_stop(monkeypatch) -> None:
    source = source_of("machine:?step=20ms")
    source.open(None)
    first = source.take(1.0).records[0]["time"]  # type: ignore[union-attr]
    monkeypatch.setattr("time.time", lambda: 0.0)
    rows = [source.take(1.0).records[0]["time"] for _ in range(3)]  # type: ignore[union-attr]
    assert 0.015 < rows[0] - first < 5
    assert rows == sorted(rows)
    source.close()


def test_a_measurement_waits_for_its_time() -> None:
    source = source_of("machine:?step=50ms")
    source.open(None)
    assert source.take(0.0) is not None
    rows = [source.take(0.1) for _ in range(2)]
    assert [len(each or ()) for each in rows] == [1, 1]
    source.close()
