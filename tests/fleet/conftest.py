"""A real Ray cluster, for all tests that want one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ray_cluster import ray_cluster


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a cluster of two cores."""
    pytest.importorskip("ray")
    with ray_cluster(tmp_path_factory.mktemp("r")) as address:
        yield address
