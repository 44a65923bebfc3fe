"""What a newcomer reads runs, and keeps its promise: README, docs, examples, the recording."""

from __future__ import annotations

import os
import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from learning import learned_once
from offbeat.metrics import event_scores
from offbeat.workflow import detect_file

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
EXAMPLES = [
    *sorted((ROOT / "examples").glob("*.py")),
    *sorted((ROOT / "examples" / "live").glob("*.py")),
]
MACHINE = ROOT / "examples" / "machine"


@pytest.fixture(scope="module", autouse=True)
def once() -> Iterator[None]:
    """README, recording and first look train the same model on the same rows."""
    with learned_once():
        yield


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_blocks_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order of their page."""
    blocks = BLOCK.findall(page.read_text())
    monkeypatch.chdir(tmp_path)
    os.symlink(ROOT / "examples", tmp_path / "examples")
    names: dict[str, object] = {"__name__": "__main__"}
    for block in blocks:
        exec(compile(block, page.name, "exec"), names)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.slow
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs(
    example: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the root of the project."""
    monkeypatch.chdir(ROOT)
    runpy.run_path(str(example), run_name="__main__")
    assert len(capsys.readouterr().out.splitlines()) >= 3


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example_is_short(example: Path) -> None:
    assert len(example.read_text().splitlines()) <= 40


@pytest.mark.slow
def test_at_least_ten_of_twelve_with_at_most_three_false() -> None:
    """The promise of the README: the recorded faults, with nothing chosen by hand."""
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
