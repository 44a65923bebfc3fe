"""Killed with SIGKILL in the middle of uploads, trainings and labels: nothing acknowledged is lost.

The same with larger series, more clients and figures is `benchmarks/load_server.py`.
"""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path
from typing import Any

import httpx2 as httpx
import numpy as np
import pytest
from live_watching import N_ROWS, by_library, grow, ids, lines, pump, quick_model, same, until
from serving import API, QUICK, Nursery, postgres_database
from starlette.testclient import TestClient

import contract
from offbeat import StreamDetector
from offbeat.server.app import create_app
from offbeat.server.options import ServerOptions
from offbeat.server.workbench import Workbench

KILLS = {"sqlite": 5, "postgresql": 2}
"""Twenty are in `benchmarks/load_server.py`, with fifty clients; here there is less time."""
MOST_WRITES = 9
"""Acknowledged by one server before it is killed in the middle of the next."""
LONGEST_LIFE = 10.0


class Client(threading.Thread):
    """Sends until the server is gone, and remembers what was acknowledged."""

    def __init__(self, address: str, acknowledged: dict[str, list[Any]], csv: bytes) -> None:
        super().__init__(daemon=True)
        self._address, self._kept, self._csv = address, acknowledged, csv

    def run(self) -> None:
        with httpx.Client(base_url=f"{self._address}/api/v1", timeout=20, verify=False) as http:
            try:
                while True:
                    self._once(http)
            except httpx.TransportError:
                return

    def _once(self, http: httpx.Client) -> None:
        made = http.post("/series", params={"name": "killed"}, content=self._csv)
        assert made.status_code == 201, made.text
        series = made.json()
        self._kept["series"].append((series["id"], series["n_rows"]))
        for start in (10, 40):
            span = {"start": start, "end": start + 5, "verdict": "missed"}
            label = http.post(f"/series/{series['id']}/labels", json=span)
            assert label.status_code == 201, label.text
            self._kept["labels"].append((series["id"], label.json()["id"]))
        job = http.post(f"/series/{series['id']}/train", json={"settings": QUICK})
        assert job.status_code == 202, job.text
        self._kept["jobs"].append(job.json()["id"])


def count(acknowledged: dict[str, list[Any]]) -> int:
    return sum(map(len, acknowledged.values()))


def _csv() -> bytes:
    rows = "\n".join(f"{a:.6f},{b:.6f}" for a, b in contract.waves(300))
    return f"a,b\n{rows}\n".encode()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_nothing_acknowledged_is_lost(nursery: Nursery, tmp_path: Path, kind: str) -> None:
    if kind == "sqlite":
        _kill_often(nursery, tmp_path, None, KILLS[kind])
    else:
        with postgres_database() as url:
            _kill_often(nursery, tmp_path, url, KILLS[kind])


def _kill_often(nursery: Nursery, folder: Path, store: str | None, kills: int) -> None:
    acknowledged: dict[str, list[Any]] = {"series": [], "labels": [], "jobs": []}
    draw, csv = np.random.default_rng(0), _csv()
    for _ in range(kills):
        server = nursery.start(
            folder / "out.txt", data=str(folder / "data"), store=store, trainings=1
        )
        clients = [Client(server.address, acknowledged, csv) for _ in range(2)]
        for client in clients:
            client.start()
        wanted = count(acknowledged) + int(draw.integers(1, MOST_WRITES))
        until = time.monotonic() + LONGEST_LIFE
        while count(acknowledged) < wanted and time.monotonic() < until:
            time.sleep(0.002)
        server.end(signal.SIGKILL)
        for client in clients:
            client.join()
    assert acknowledged["jobs"], "nothing was acknowledged between the kills"
    _look(folder / "data", store, acknowledged)


def _look(data: Path, store: str | None, acknowledged: dict[str, list[Any]]) -> None:
    """Open the store once more: all is there and whole, and nothing half-done is left."""
    bench = Workbench(ServerOptions(data=data, store=store, grace=0.0))
    bench.open()
    try:
        for series_id, n_rows in acknowledged["series"]:
            assert len(bench.series.load(series_id)) == n_rows
        for series_id, label_id in acknowledged["labels"]:
            assert label_id in {label.id for label in bench.labels.find(series_id)}
        for job_id in acknowledged["jobs"]:
            job = bench.jobs.get(job_id)
            assert job.state in ("queued", "running", "done", "failed")
            assert (job.problem is not None) == (job.state == "failed")
        known = {series.id for series in bench.series.find(limit=1000)}
        assert {series_id for series_id, _ in acknowledged["series"]} <= known
        assert len(list((data / "series").iterdir())) == bench.series.count()
        assert not [path for path in data.rglob("*.part") if "models" not in path.parts]
    finally:
        bench.close()


@pytest.mark.slow
def test_a_watcher_of_a_killed_server_loses_no_row(
    inline: None, nursery: Nursery, tmp_path: Path
) -> None:
    series, data = pump(), tmp_path / "data"
    detector = quick_model().save(tmp_path / "normal.offbeat")
    path = data / "live" / "rows.ndjson"
    with postgres_database() as url:
        server = nursery.start(tmp_path / "out.txt", data=str(data), store=url)
        with httpx.Client(base_url=f"{server.address}{API}", timeout=20) as http:
            upload = {"name": "pumps"}
            made = http.post("/models", params=upload, content=detector.read_bytes()).json()
            path.write_text(lines(series, 0, 70))
            body = {"name": "x", "models": [{"model_id": made["id"]}], "source": str(path)}
            watcher = http.post("/watchers", json=body).json()["id"]
            until(lambda: http.get(f"/watchers/{watcher}").json()["rows"], "rows")
        server.end(signal.SIGKILL)
        grow(path, lines(series, 70))
        options = ServerOptions(data=data, store=url, grace=0.0)
        with TestClient(create_app(options), base_url="http://127.0.0.1") as client:
            here = f"{API}/watchers/{watcher}"
            until(lambda: client.get(here).json()["rows"] == N_ROWS, "the rest")
            theirs = by_library(StreamDetector(detector), series)
            assert same(client.get(f"{here}/readings").json(), theirs)
            events = client.get(f"{here}/events").json()
            assert {each["id"] for each in events} == ids(theirs)
            first = next(each for each in events if each["phase"] == "closed")
            word = {"feedback": "false alarm"}
            said = client.post(f"{here}/events/{first['id']}/feedback", json=word)
            assert said.json()["verdict"] == "false alarm"
