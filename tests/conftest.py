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


LONGEST = ("test_docs.py", "test_workbench_page.py", "test_page_access.py", "test_kill.py")
"""Begun first, so that no worker sits over one of them at the end while the other has nothing."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take longest come first; within a file nothing moves."""
    place = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.name, len(LONGEST)))


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
