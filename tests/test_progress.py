"""Progress bars: they take what training and comparing tell, and show it."""

from __future__ import annotations

import io

from rich.console import Console

from offbeat.comparison import Stage
from offbeat.fleet import FleetProgress
from offbeat.progress import comparison_bar, fleet_bar, progress_bar
from offbeat.training import EpochLog


def console() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=110)


def shown(kept: Console) -> str:
    assert isinstance(kept.file, io.StringIO)
    return kept.file.getvalue()


def test_a_training_shows_epoch_and_loss() -> None:
    kept = console()
    with progress_bar(kept) as hook:
        hook(EpochLog(3, 7, 0.5, 0.25, 1.0))
    assert "epoch 3/7" in shown(kept)


def test_a_comparison_shows_the_detector_which_it_is_and_its_epoch() -> None:
    kept = console()
    with comparison_bar(kept) as hook:
        hook(Stage("memory", 2, 5))
        hook(Stage("lstm", 3, 5, EpochLog(3, 7, 0.5, 0.25, 1.0)))
    assert "lstm" in shown(kept)
    assert "3 of 5" in shown(kept)
    assert "epoch 3/7" in shown(kept)


def test_a_fleet_shows_its_speed_what_is_left_and_what_failed() -> None:
    kept = console()
    with fleet_bar(kept) as hook:
        hook(FleetProgress("series", 300, 1_000, 3, 200, 10.0, 1))
    for words in ("series", "300/1,000", "20/s", "35 s left", "3 failed", "1 worker lost"):
        assert words in shown(kept)
