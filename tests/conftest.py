"""Settings of all tests, and what commands run in where they must leave files alone."""

from pathlib import Path

import pytest
import torch
from hypothesis import settings

from bad_files import OLD, QUICK, run, table

pytest_plugins = ["chromium"]

torch.set_num_threads(1)  # two workers on two cores: more threads only wait for each other

# a busy machine is no mistake of the code
settings.register_profile("offbeat", deadline=None)
settings.load_profile("offbeat")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the command runs, with older outputs that must stay as they are."""
    monkeypatch.chdir(tmp_path)
    for name in ("old.offbeat", "old.csv", "old.html"):
        (tmp_path / name).write_bytes(OLD)
    return tmp_path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trained on the good table."""
    place = tmp_path_factory.mktemp("model")
    (place / "good.csv").write_bytes(table())
    assert run("train", place / "good.csv", "--out", place / "m.offbeat", *QUICK) == 0
    return place / "m.offbeat"
