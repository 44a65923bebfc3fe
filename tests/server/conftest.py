"""A server on a folder of its own; its workers do their tasks in the same process."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError
from starlette.testclient import TestClient

import contract
from offbeat.errors import OffbeatError
from offbeat.server.app import create_app
from offbeat.server.jobs import tasks, worker
from offbeat.server.options import ServerOptions

POSTGRES = os.environ.get("OFFBEAT_TEST_POSTGRES", "postgresql://root@127.0.0.1:5432/postgres")
QUICK = ("training.max_epochs=2", "hidden_size=8")


class Inline(worker.Worker):
    """Does tasks where it is asked to: no process has to start."""

    def start(self) -> None:
        pass

    def _run(self, task: tasks.Task, on_epoch: Any) -> dict[str, Any]:

        plain = tasks.task_to_dict(task)
        try:
            again = tasks.task_from_dict(json.loads(json.dumps(plain)))
            return again.run(lambda epoch: on_epoch(asdict(epoch)) if on_epoch else None)
        except OffbeatError as problem:
            raise worker.TaskFailedError(str(problem)) from None


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


class postgres_database:  # noqa: N801 (used as a function)
    """An empty PostgreSQL database; skipped where there is no server, but not in CI."""

    def __enter__(self) -> str:
        self.name = f"offbeat_{secrets.token_hex(6)}"
        self.admin = create_engine(
            POSTGRES.replace("postgresql://", "postgresql+psycopg://"),
            isolation_level="AUTOCOMMIT",
        )
        try:
            self._say(f'CREATE DATABASE "{self.name}"')
        except DBAPIError as problem:
            if os.environ.get("CI") == "true":
                raise
            pytest.skip(f"no PostgreSQL at OFFBEAT_TEST_POSTGRES or here: {problem.orig}")
        return POSTGRES.rsplit("/", 1)[0] + f"/{self.name}"

    def __exit__(self, *_: object) -> None:
        self._say(f'DROP DATABASE "{self.name}" WITH (FORCE)')
        self.admin.dispose()

    def _say(self, sentence: str) -> None:
        with self.admin.connect() as connection:
            connection.execute(text(sentence))


def wait(client: TestClient, job: dict[str, Any]) -> dict[str, Any]:
    """The job once it has ended well."""
    with client.stream("GET", f"/api/v1/jobs/{job['id']}/events") as stream:
        stream.read()
    ended: dict[str, Any] = client.get(f"/api/v1/jobs/{job['id']}").json()
    assert ended["state"] == "done", ended
    return ended
