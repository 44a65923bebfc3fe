"""The stream benchmark's tables and bars, on made results; what is timed is not timed here."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest

from offbeat import LSTMDetector, Training

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def stream() -> ModuleType:
    return importlib.import_module("stream")


def found(points_s: float) -> dict[str, float]:
    took = {"p50": 1 / points_s, "p99": 2 / points_s}
    return {
        "points_s": points_s,
        "product_points_s": 4 * points_s,
        "peak_mb": 300.0,
        "load": 2.0,
        **took,
    }


def test_bars_hold_against_the_faster_way_of_calling(stream: ModuleType) -> None:
    engine = {(stream.OURS, 1): found(2_500.0), (stream.OURS, 10_000): found(200_000.0)}
    predict, call = stream.ONE_WINDOW
    peers = {predict: found(20.0), call: found(4_000.0)}
    times, late = stream.bars(engine, peers)
    assert (times.holds, times.found) == (False, "50 x")
    assert (late.holds, late.found) == (True, "0.80 ms")


def test_tables_have_as_many_cells_in_each_line(stream: ModuleType) -> None:
    engine = {(stream.OURS, 1): found(2_500.0), (stream.OURS, 10_000): found(200_000.0)}
    peers = {**dict.fromkeys(stream.PEERS, found(20.0)), "broken": {"trouble": "no such thing"}}
    for lines in (
        stream.engine_table(engine, {(stream.OURS, 100): found(10.0)}),
        stream.latency_table(engine),
        stream.retraining_table(
            {"calm": found(9.0) | {"longest": 1.0, "n": 7}, "thread": {"trouble": "no such thing"}}
        ),
        stream.peers_table(engine, peers),
    ):
        counts = {line.count("|") for line in lines if line.startswith("|")}
        assert len(counts) == 1


def test_every_peer_has_its_script_and_its_packages(stream: ModuleType) -> None:
    for place, script, _ in stream.PEERS.values():
        assert (BENCHMARKS / "peers" / f"{script}.py").exists()
        assert (BENCHMARKS / "peers" / f"{place}.txt").exists()


def test_products_are_of_the_networks_shapes(stream: ModuleType) -> None:
    module = importlib.import_module("stream_engine")
    detector = LSTMDetector(hidden_size=8, n_layers=2, training=Training(max_epochs=1))
    detector.fit(stream.series(1)[:400])
    (first, gates, _), (second, twice, _), (head, numbers, _) = module.shapes(detector)
    assert (gates, second, twice) == (32, 16, 32)
    assert first - 8 == detector.network_.lstm.input_size
    assert (head, numbers) == (first, 2 * detector.network_.horizon)
