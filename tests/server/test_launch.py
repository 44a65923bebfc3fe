"""`offbeat serve` as a process: one line for a mistake, an orderly stop, structured logs."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx2 as httpx
import pytest

from offbeat import cli
from offbeat.server import launch
from offbeat.server.options import ServerOptions

COMMAND = [sys.executable, "-c", "from offbeat.cli import main; main()", "serve"]


def run(*arguments: object) -> int:
    return cli.run(cli.app, ["serve", *(str(each) for each in arguments)])


def test_serve_is_one_call(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given: list[ServerOptions] = []
    monkeypatch.setattr(launch, "serve", given.append)
    monkeypatch.setenv("OFFBEAT_TOKEN", "a-long-enough-token")
    monkeypatch.setenv("OFFBEAT_STORE", "postgresql://u@h/d")
    assert run("--host", "0.0.0.0", "--port", 80, "--data", tmp_path, "--trainings", 2) == 0
    assert given == [
        ServerOptions(
            host="0.0.0.0",
            port=80,
            data=tmp_path,
            store="postgresql://u@h/d",
            token="a-long-enough-token",
            trainings=2,
            example=True,
        )
    ]
    assert run() == 0
    assert given[1].host == "127.0.0.1"


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (["--host", "0.0.0.0"], "OFFBEAT_TOKEN"),
        (["--port", "70000"], "70000"),
        (["--store", "mysql://x/y"], "postgresql://"),
        (["--source", "/no/such/folder"], "/no/such/folder"),
        (["--trainings", "0"], "0 came"),
    ],
)
def test_mistakes_are_one_line(
    arguments: list[str], match: str, capsys, monkeypatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("OFFBEAT_TOKEN", raising=False)
    assert run("--data", tmp_path, *arguments) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert match in said


def test_a_taken_port_is_one_line(capsys, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.MonkeyPatch.context() as patch:
        patch.setattr(launch, "write_structured_logs", lambda: None)
        assert run("--data", tmp_path, "--port", taken.getsockname()[1]) == 2
    assert "stop what listens there" in capsys.readouterr().err


@pytest.mark.slow
def test_an_orderly_stop(tmp_path: Path) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    environment.pop("OFFBEAT_TOKEN", None)
    process = subprocess.Popen(
        [*COMMAND, "--port", "0", "--data", str(tmp_path / "data")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stdout is not None
    said = process.stdout.readline()
    address = re.search(r"http://\S+(?=,)", said)
    assert address is not None, said
    with httpx.Client(base_url=address[0], timeout=30) as http:
        for _ in range(100):
            try:
                assert http.get("/healthz").json() == {"status": "ok"}
                break
            except httpx.TransportError:
                time.sleep(0.05)
        assert http.get("/readyz").json() == {"status": "ready"}
        assert http.get("/healthz", headers={"X-Request-ID": "mine-1"}).headers["x-request-id"] == (
            "mine-1"
        )
        odd = http.get("/healthz", headers={"X-Request-ID": "a b\tc"}).headers["x-request-id"]
        assert re.fullmatch(r"[0-9a-f]{16}", odd)
        http.get("/api/v1/series/nobody")
        figures = http.get("/metrics").text
    line = 'offbeat_requests_total{method="GET",route="/series/{series_id}",status="404"} 1.0'
    assert line in figures
    assert 'offbeat_jobs{state="queued"} 0.0' in figures
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    lines = [json.loads(line) for line in errors.splitlines()]
    events = [line["event"] for line in lines]
    assert events[-1] == "stopped"
    asked = next(line for line in lines if line.get("request_id") == "mine-1")
    assert (asked["path"], asked["status"]) == ("/healthz", 200)


def test_the_library_never_loads_the_server() -> None:
    code = (
        "import sys, offbeat, offbeat.cli, offbeat.workflow\n"
        "offbeat.LSTMDetector, offbeat.read_series\n"
        "loaded = {'fastapi', 'sqlalchemy', 'uvicorn', 'nicegui', 'offbeat.server'}\n"
        "raise SystemExit(bool(loaded & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_missing_part_names_the_line_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.delitem(sys.modules, "offbeat.server.launch")
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert run() == 2
    assert "pip install 'offbeat[server]'" in capsys.readouterr().err
