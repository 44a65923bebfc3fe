"""Which files a fleet's data are, and what its series are called."""

from __future__ import annotations

from pathlib import Path

import pytest

from offbeat.errors import DataError
from offbeat.fleet.finding import find_files


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two folders with a file each."""
    for name in ("north/pump 1.csv", "south/pump 2.csv"):
        path = tmp_path / name
        path.parent.mkdir()
        path.write_text("flow\n1\n")
    return tmp_path


@pytest.mark.parametrize(
    ("pattern", "keys"),
    [
        ("**/*.csv", ["north/pump 1", "south/pump 2"]),
        ("n*/*.csv", ["north/pump 1"]),  # one folder fits: called as with the others beside it
        ("north/*.csv", ["pump 1"]),
        ("*/pump [1-2].csv", ["north/pump 1", "south/pump 2"]),
    ],
)
def test_a_series_is_called_the_same_whatever_else_fits(
    data: Path, pattern: str, keys: list[str]
) -> None:
    assert [file.key for file in find_files(f"{data}/{pattern}")] == keys


def test_a_glob_that_fits_folders_only_says_so(data: Path) -> None:
    with pytest.raises(DataError, match=r"only folders fit .*\*: write .*\*/\* for files"):
        find_files(f"{data}/*")
