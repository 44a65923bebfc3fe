"""What tests of the server share: servers, tasks done in place, a database, the end of a job."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError
from starlette.testclient import TestClient

from offbeat.errors import OffbeatError
from offbeat.server.jobs import worker
from offbeat.server.options import Limits

POSTGRES = os.environ.get("OFFBEAT_TEST_POSTGRES", "postgresql://root@127.0.0.1:5432/postgres")
QUICK = ("training.max_epochs=2", "hidden_size=8")
TOKEN, READ_TOKEN = "a-long-enough-token", "another-long-token"
API = "/api/v1"
LIMITS = Limits(
    upload_bytes=200_000, unpacked_bytes=2_000_000, rows=5_000, cells=20_000, body_bytes=20_000
)


ADDRESS = re.compile(r"offbeat: (http://\S+),")
PATIENCE = 30.0


class Inline(worker.Worker):
    """Does tasks where it is asked to: no process has to start."""

    def start(self) -> None:
        pass

    def _ask(self, task: dict[str, Any], on_note: Any) -> dict[str, Any]:
        try:
            return worker.do_task(json.loads(json.dumps(task)), on_note or (lambda _: None))
        except OffbeatError as problem:
            raise worker.TaskFailedError(str(problem)) from None


@dataclass(frozen=True)
class Server:
    """One that runs in a process of its own."""

    pid: int
    address: str

    def end(self, with_: signal.Signals = signal.SIGTERM) -> None:
        """It is gone afterwards."""
        os.kill(self.pid, with_)
        until = time.monotonic() + PATIENCE
        while Path(f"/proc/{self.pid}").exists():
            assert time.monotonic() < until, "the server does not end"
            time.sleep(0.005)


class Nursery:
    """Starts servers; see `nursery.py`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("nursery.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )

    def start(self, out: Path, *, inline: bool = False, **options: Any) -> Server:
        """A new server; what it says is written to `out`."""
        out.unlink(missing_ok=True)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = {"out": str(out), "inline": inline, "options": options}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        pid = int(self._process.stdout.readline())
        until, said = time.monotonic() + PATIENCE, ""
        while time.monotonic() < until:
            said = out.read_text() if out.exists() else ""
            if found := ADDRESS.search(said):
                return Server(pid, found[1])
            time.sleep(0.02)
        raise AssertionError(said)

    def close(self) -> None:
        """No more servers."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


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


def csv_of(n_rows: int, name: str = "a") -> str:
    return f"{name}\n" + "\n".join(str(row % 7) for row in range(n_rows)) + "\n"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def is_problem(answer: Any, status: int) -> str:
    """The sentence of a problem document."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    said = answer.json()
    assert said["status"] == status
    assert said["type"].startswith("urn:offbeat:problem:")
    assert "Traceback" not in said["detail"]
    return str(said["detail"])
