"""The same shards on a Ray cluster: a real one, of this machine, started for these tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fleet_data import TINY, frames, same_scores, write_long
from offbeat import ConfigError, cli
from offbeat.fleet import Fleet
from ray_cluster import QUIET

SETTINGS = ("window=16", "horizon=2", "hidden_size=4", "n_layers=1", "training.max_epochs=2")


@pytest.mark.slow
def test_a_cluster_gives_what_one_process_gives(cluster: str, tmp_path: Path) -> None:
    fleet = frames(6)
    fleet["short"] = fleet["pump 0"].head(4)
    data = write_long(tmp_path / "fleet.csv", fleet)
    local = Fleet(str(data), key="pump", workers=0, shard_series=2)
    local.train(str(tmp_path / "local_models"), TINY)
    local.score(str(tmp_path / "local_models"), str(tmp_path / "local_scores"))
    shared = [str(data), "--key", "pump", "--shard-series", "2", "--ray", cluster]
    models, scores = tmp_path / "models", tmp_path / "scores"
    settings = [part for each in SETTINGS for part in ("--set", each)]
    train = ["fleet", "train", *shared, "--out", str(models), *settings]
    score = ["fleet", "score", *shared, "--models", str(models), "--out", str(scores)]
    code = (
        "import sys; from offbeat import cli; "
        f"sys.exit(cli.run(cli.app, {train!r}) or cli.run(cli.app, {score!r}))"
    )
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, **QUIET},
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "6 series, 1 failed" in ran.stdout
    assert same_scores(tmp_path / "local_scores", scores)


def test_where_no_cluster_answers_one_line_says_so(tmp_path: Path, capsys) -> None:
    data = str(write_long(tmp_path / "fleet.csv", frames(1)))
    asked = ["fleet", "train", data, "--key", "pump", "--out", str(tmp_path / "m")]
    assert cli.run(cli.app, [*asked, "--ray", "127.0.0.1:1"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    with pytest.raises(ConfigError, match="seen by one process"):
        Fleet("memory://x", ray="auto").train(str(tmp_path / "m"))
