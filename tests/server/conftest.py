"""A server on a folder of its own; its workers do their tasks in the same process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from serving import LIMITS, READ_TOKEN, TOKEN, Inline, Nursery, csv_of, postgres_database
from starlette.testclient import TestClient

import contract
from offbeat.server.app import create_app
from offbeat.server.options import ServerOptions


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """What starts servers that are processes of their own."""
    made = Nursery()
    yield made
    made.close()


@pytest.fixture(scope="module")
def inline() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for module in ("workbench.bench", "jobs.runner"):
            patch.setattr(f"offbeat.server.{module}.Worker", Inline)
        yield


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two waves at one row a minute with an anomaly and a label column."""
    data = contract.waves()
    data[700:730, 0] += 3
    label = np.zeros(len(data), dtype=int)
    label[700:730] = 1
    path = tmp_path_factory.mktemp("table") / "waves.csv"
    time = np.datetime64("2026-01-05T00:00:00", "ns") + np.arange(len(data)) * np.timedelta64(
        60, "s"
    ).astype("timedelta64[ns]")
    frame = pl.DataFrame({"time": time, "a": data[:, 0], "b": data[:, 1], "label": label})
    frame.write_csv(path)
    return path


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> ServerOptions:
    return ServerOptions(data=tmp_path_factory.mktemp("data"), grace=0.0)


@pytest.fixture(scope="module")
def client(inline: None, options: ServerOptions) -> Iterator[TestClient]:
    with TestClient(create_app(options), base_url="http://127.0.0.1:8000") as client:
        yield client


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'store.sqlite'}"
        return
    with postgres_database() as url:
        yield url


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    (folder / "good.csv").write_text(csv_of(50))
    return folder


@pytest.fixture(scope="module")
def guarded_options(
    options: ServerOptions, source: Path, tmp_path_factory: pytest.TempPathFactory
) -> ServerOptions:
    data = tmp_path_factory.mktemp("guarded")
    return replace(
        options, data=data, token=TOKEN, read_token=READ_TOKEN, sources=(source,), limits=LIMITS
    )


@pytest.fixture(scope="module")
def guarded(inline: None, guarded_options: ServerOptions) -> Iterator[TestClient]:
    app = create_app(guarded_options)
    with TestClient(app, base_url="http://server.example") as client:
        yield client


@pytest.fixture
def full(guarded: TestClient) -> dict[str, str]:
    return {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def fresh_tries(guarded: TestClient) -> None:
    guarded.app.state.gate._tries._wrong.clear()  # type: ignore[attr-defined]
