"""The promise of the README: the recorded faults, with nothing chosen by hand."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from offbeat.metrics import event_scores
from offbeat.workflow import detect_file

MACHINE = Path(__file__).parent.parent / "examples" / "machine"


@pytest.mark.slow
def test_at_least_ten_of_twelve_with_at_most_three_false() -> None:
    detection = detect_file(str(MACHINE / "machine.csv"))
    found = event_scores(detection.series.label, detection.label)
    assert found.n_true == 12
    assert found.n_found >= 10
    assert found.n_false <= 3
    drops = [event for event in detection.events if event.direction == "below"]
    assert any(event.channel.startswith("net_") for event in drops)  # stays in the usual range


def test_csv_and_parquet_hold_the_same() -> None:
    table, twin = (
        pl.read_csv(MACHINE / "machine.csv"),
        pl.read_parquet(MACHINE / "machine.parquet"),
    )
    assert table.columns == twin.columns
    assert len(table) == len(twin) == 11_400
    assert table["label"].head(int(0.4 * len(table))).sum() == 0
