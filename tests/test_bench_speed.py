"""The speed benchmark's tables and bars, on made results; what is timed is not timed here."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
PEERS = BENCHMARKS / "peers"


@pytest.fixture
def load():
    return importlib.import_module


def runs(module: ModuleType) -> list:
    took = {"fit_seconds": 1.0, "cpu_seconds": 2.0, "peak_mb": 400.0, "vus_pr": 0.5}
    return [
        module.Run("offbeat LSTM", "sine", 1000, seconds=2.0, score_seconds=0.01, **took),
        module.Run(
            "tutorial's Keras script", "sine", 1000, seconds=50.0, score_seconds=0.6, **took
        ),
        module.Run("Quick LSTM", "sine", 1000, seconds=3.0, score_seconds=0.02, **took),
        module.Run("Slow LSTM", "sine", 1000, trouble="> 240 s"),
        module.Run("Broken | LSTM", "sine", 1000, trouble="environment cannot be built: a | b"),
    ]


def test_a_table_has_one_line_a_run_and_as_many_cells_in_each(load) -> None:
    lines = load("speed_tables").series_table("Sine", runs(load("speed_runs")))
    table = [line for line in lines if line.startswith("|")]
    assert len(table) == 2 + 5
    assert "| > 1.2e+02 |" in table[5]
    assert [line.count("|") for line in table[1:5]] == [11] * 4


def test_bars_say_what_holds_and_what_does_not(load) -> None:
    bars = load("speed_tables").peer_bars("sine", runs(load("speed_runs")))
    found = [(bar.what.partition(": ")[2], bar.holds, bar.found) for bar in bars]
    assert found == [
        ("whole process 10 x faster than the tutorial's", True, "25.0 x"),
        ("faster than every peer", True, "1.50 x (Quick LSTM)"),
        ("no lower VUS-PR", True, "0.500; 0.500 (tutorial's Keras script)"),
        ("scores 50 x the points a second of the tutorial's", True, "60 x"),
        ("scores 5 x the next fastest", False, "2.0 x (Quick LSTM)"),
    ]
    assert "**no**" in bars[-1].line()


def test_all_runs_go_to_one_csv(load, tmp_path) -> None:
    made = runs(load("speed_runs"))
    load("speed_tables").write_csv(tmp_path / "speed.csv", made)
    assert len((tmp_path / "speed.csv").read_text().splitlines()) == 1 + len(made)


def test_the_exponent_is_that_of_the_times(load) -> None:
    linear, module = load("speed_linear"), load("speed_runs")
    made = [
        module.Run(
            "offbeat LSTM", "made", n, fit_seconds=n / 2e4, score_seconds=n / 2e4, peak_mb=9.0
        )
        for n in (*linear.SIZES, linear.LARGEST)
    ]
    growth, peak = linear.bars(made)
    assert (growth.holds, growth.found) == (True, "1.00")
    assert (peak.holds, peak.found) == (True, "9 MB")


def test_the_tutorials_series_is_the_tutorials(load) -> None:
    sine = load("speed_series").tutorial_sine()
    assert (sine.values.shape, sine.n_train, sine.buffer) == ((1000, 1), 800, 63)
    assert np.flatnonzero(sine.label).tolist() == [*range(200, 205), 700, 701]
    assert sine.values[700, 0] < -7


@pytest.mark.parametrize("script", sorted(PEERS.glob("*.py")), ids=lambda path: path.stem)
def test_a_peers_script_is_python(script: Path) -> None:
    assert ast.get_docstring(ast.parse(script.read_text()))


@pytest.mark.parametrize("wanted", sorted(PEERS.glob("*.txt")), ids=lambda path: path.stem)
def test_what_a_peer_needs_is_pinned(wanted: Path) -> None:
    for line in wanted.read_text().splitlines():
        name, equals, release = line.partition("==")
        assert name, equals
        assert release[0].isdigit()


def test_every_peer_has_its_script_and_its_packages(load) -> None:
    module = load("speed_runs")
    for peer in (*module.OURS, *module.PEERS):
        assert (PEERS / f"{peer.script}.py").exists()
        assert not peer.environment or (PEERS / f"{peer.environment}.txt").exists()
