"""A small version of `make bench-kills-fleet`: SIGKILL of worker, driver, worker."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from fleet_data import TINY, frames, same_scores, write_long
from offbeat.fleet import Fleet

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SETTINGS = ("window=16", "horizon=2", "hidden_size=4", "n_layers=1", "training.max_epochs=2")


@pytest.mark.slow
def test_killed_three_times_it_ends_as_if_nothing_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    kills = importlib.import_module("fleet_kills")
    data = write_long(tmp_path / "fleet.csv", frames(60))
    calm = Fleet(str(data), key="pump", workers=0, shard_series=2)
    calm.train(str(tmp_path / "calm_models"), TINY)
    models = tmp_path / "models"
    command = ["fleet", "train", str(data), "--key", "pump", "--shard-series", "2"]
    command += ["--workers", "1", "--out", str(models)]
    for each in SETTINGS:
        command += ["--set", each]
    tally = kills.disturbed(command, models, 3, 0, 1.0)
    assert tally.kills == 3
    assert tally.again == 0
    assert len(list((models / "done").glob("shard-*.json"))) == 30
    for name in ("calm_", ""):
        made = Fleet(str(data), key="pump", workers=0, shard_series=2)
        made.score(str(tmp_path / f"{name}models"), str(tmp_path / f"{name}scores"))
    assert same_scores(tmp_path / "calm_scores", tmp_path / "scores")
