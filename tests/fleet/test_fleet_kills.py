"""A small `make bench-kills-fleet`: SIGKILL of worker, driver, worker, here and on Ray."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet_data import TINY, frames, same_scores, write_long
from fleet_kills import disturbed, local_workers
from offbeat.fleet import Fleet
from ray_cluster import ray_workers

SETTINGS = ("window=16", "horizon=2", "hidden_size=4", "n_layers=1", "training.max_epochs=2")


@pytest.mark.slow
@pytest.mark.parametrize("on_ray", [False, True])
def test_killed_three_times_it_ends_as_if_nothing_was(
    tmp_path: Path, request: pytest.FixtureRequest, on_ray: bool
) -> None:
    data = write_long(tmp_path / "fleet.csv", frames(60))
    calm = Fleet(str(data), key="pump", workers=0, shard_series=2)
    calm.train(str(tmp_path / "calm_models"), TINY)
    models = tmp_path / "models"
    command = ["fleet", "train", str(data), "--key", "pump", "--shard-series", "2"]
    command += ["--workers", "1", "--out", str(models)]
    for each in SETTINGS:
        command += ["--set", each]
    workers_of = local_workers
    if on_ray:
        command += ["--ray", request.getfixturevalue("cluster")]
        workers_of = ray_workers
    tally = disturbed(command, models, 3, 0, 1.0, workers_of)
    assert tally.kills == 3
    assert tally.again == 0
    assert len(list((models / "done").glob("shard-*.json"))) == 30
    for name in ("calm_", ""):
        made = Fleet(str(data), key="pump", workers=0, shard_series=2)
        made.score(str(tmp_path / f"{name}models"), str(tmp_path / f"{name}scores"))
    assert same_scores(tmp_path / "calm_scores", tmp_path / "scores")
