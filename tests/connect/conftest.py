"""What tests of sources and sinks share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from watchers import Watchers, model_file


@pytest.fixture(scope="session")
def normal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file."""
    return model_file(tmp_path_factory.mktemp("normal"))


@pytest.fixture(scope="session")
def watchers() -> Iterator[Watchers]:
    """Processes that watch."""
    made = Watchers()
    yield made
    made.close()
