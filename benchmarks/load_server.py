"""The server under load, and killed under load; writes `results/server.md`.

    python benchmarks/load_server.py            # about five minutes on two cores
    python benchmarks/load_server.py --quick    # a look whether it still runs

All traffic stays on the loopback address of this machine, and every loop is bounded.
"""

from __future__ import annotations

import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx2 as httpx
import numpy as np

RESULTS = Path(__file__).parent / "results" / "server.md"
COMMAND = [sys.executable, "-c", "from offbeat.cli import main; main()", "serve"]
SMALL_ROWS = 500
SETTINGS = ["hidden_size=16", "training.max_epochs=100000", "training.patience=100000"]


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    clients: int = 50
    series: int = 1000
    rows: int = 200_000
    rate: int = 20
    seconds: int = 60
    kills: int = 20


@dataclass
class Figures:
    """What was measured: seconds by what was asked, and lines for the table of the rest."""

    page: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: Counter[str] = field(default_factory=Counter)
    rest: list[tuple[str, str]] = field(default_factory=list)


class Server:
    """`offbeat serve` in a process of its own."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._process: subprocess.Popen[str] | None = None
        self.address = ""

    def start(self) -> None:
        """Start it, and wait until it answers."""
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        with (self._data.parent / "log.txt").open("a") as log:
            self._process = subprocess.Popen(
                [*COMMAND, "--port", "0", "--data", str(self._data), "--trainings", "2"],
                stdout=subprocess.PIPE, stderr=log, text=True, env=environment,
            )  # fmt: skip
        assert self._process.stdout is not None
        found = re.search(r"http://\S+(?=,)", self._process.stdout.readline())
        assert found is not None, (self._data.parent / "log.txt").read_text()[-2000:]
        self.address = found[0]

    def end(self, sig: signal.Signals) -> None:
        """Send a signal, and wait for the end."""
        assert self._process is not None
        self._process.send_signal(sig)
        self._process.wait(60)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=f"{self.address}/api/v1", timeout=120)


def table(n_rows: int, seed: int, n_channels: int = 3) -> bytes:
    """Waves as CSV, one row a second."""
    draw = np.random.default_rng(seed)
    rows = np.arange(n_rows)
    values = np.sin(2 * np.pi * rows[:, None] / 300 + np.arange(n_channels))
    values += draw.normal(0, 0.05, values.shape)
    values[n_rows * 3 // 4 : n_rows * 3 // 4 + n_rows // 200, 0] += 2
    time_text = np.datetime_as_string(np.datetime64("2026-01-01T00:00:00") + rows)
    lines = [
        f"{at},{','.join(f'{x:.6f}' for x in row)}"
        for at, row in zip(time_text, values, strict=True)
    ]
    names = ",".join(f"c{i}" for i in range(n_channels))
    return (f"time,{names}\n" + "\n".join(lines) + "\n").encode()


def fill(server: Server, size: Size, figures: Figures) -> tuple[str, str, str]:
    """The store: one long series scored by a small model, and many short ones."""
    with server.client() as http:
        began = time.perf_counter()
        long = post(http, "/series", params={"name": "long"}, content=table(size.rows, 0))
        figures.rest.append(
            (f"upload of {size.rows:,} rows x 3", f"{time.perf_counter() - began:.2f} s")
        )
        asked = {"train": 0.2, "settings": ["hidden_size=16", "training.max_epochs=2"]}
        model = ended(http, post(http, f"/series/{long['id']}/train", json=asked))["model_id"]
        began = time.perf_counter()
        job = post(http, "/detections", json={"series_id": long["id"], "model_id": model})
        detection = ended(http, job)["detection_id"]
        figures.rest.append(
            (f"scoring {size.rows:,} rows x 3", f"{time.perf_counter() - began:.2f} s")
        )
    small = table(SMALL_ROWS, 1)
    began = time.perf_counter()
    with ThreadPoolExecutor(size.clients) as pool, server.client() as http:
        list(
            pool.map(
                lambda i: post(http, "/series", params={"name": f"s{i}"}, content=small),
                range(size.series - 1),
            )
        )
    rate = (size.series - 1) / (time.perf_counter() - began)
    figures.rest.append(
        (f"uploads of {SMALL_ROWS} rows by {size.clients} clients", f"{rate:.0f} a second")
    )
    return long["id"], model, detection


def post(http: httpx.Client, path: str, **how: Any) -> dict[str, Any]:
    answer = http.post(path, **how)
    assert answer.is_success, answer.text
    made: dict[str, Any] = answer.json()
    return made


def ended(http: httpx.Client, job: dict[str, Any]) -> dict[str, Any]:
    """The job once it is done."""
    for _ in range(3000):
        job = http.get(f"/jobs/{job['id']}").json()
        if job["state"] in ("done", "failed"):
            break
        time.sleep(0.1)
    assert job["state"] == "done", job
    return job


def page_requests(
    series: str, model: str, detection: str
) -> dict[str, Callable[[httpx.Client, int], httpx.Response]]:
    """What a page asks for."""
    cut = f"/detections/{detection}/thresholds/preview"
    return {
        "list of series": lambda http, i: http.get("/series", params={"offset": 10 * (i % 50)}),
        "one series": lambda http, _: http.get(f"/series/{series}"),
        "events": lambda http, _: http.get(f"/detections/{detection}/events"),
        "a cut tried": lambda http, i: http.post(cut, json={"threshold": 0.5 + i % 20 / 10}),
        "a budget tried": lambda http, i: http.post(cut, json={"threshold": f"{1 + i % 9}/day"}),
        "jobs": lambda http, _: http.get("/jobs"),
        "a label": lambda http, i: http.post(
            f"/series/{series}/labels", json={**span(i), "verdict": "false alarm"}
        ),
        "history of cuts": lambda http, _: http.get(f"/models/{model}/threshold/history"),
    }


def span(i: int) -> dict[str, str]:
    start = np.datetime64("2026-01-01T00:00:00") + 10 * (i % 1000)
    return {"start": str(start), "end": str(start + 5)}


def browse(server: Server, size: Size, ids: tuple[str, str, str], figures: Figures) -> None:
    """So many requests a second while two trainings run; seconds count from when each was due."""
    asked = page_requests(*ids)
    names = list(asked)
    with server.client() as http, ThreadPoolExecutor(16) as pool:
        body = {"settings": SETTINGS, "train": 0.5}
        jobs = [post(http, f"/series/{ids[0]}/train", json=body) for _ in range(2)]
        wait_for_epochs(http, jobs)
        first = time.perf_counter() + 0.5

        def ask(i: int) -> None:
            due, name = first + i / size.rate, names[i % len(names)]
            time.sleep(max(0.0, due - time.perf_counter()))
            answer = asked[name](http, i)
            figures.page[name].append(time.perf_counter() - due)
            if not answer.is_success:
                figures.errors[f"{name}: {answer.status_code}"] += 1

        list(pool.map(ask, range(size.rate * size.seconds)))
        states = [http.get(f"/jobs/{job['id']}").json() for job in jobs]
        epochs = sum(len(state["epochs"]) for state in states)
        figures.rest.append(("epochs trained meanwhile", str(epochs)))
        for job in jobs:
            http.post(f"/jobs/{job['id']}/cancel")


def wait_for_epochs(http: httpx.Client, jobs: list[dict[str, Any]]) -> None:
    """Until both train."""
    for _ in range(1800):
        states = [http.get(f"/jobs/{job['id']}").json() for job in jobs]
        if all(state["epochs"] for state in states):
            return
        time.sleep(0.1)
    raise AssertionError(states)


def crowd(server: Server, size: Size, ids: tuple[str, str, str], figures: Figures) -> None:
    """All clients at once, each as fast as it can."""
    asked = list(page_requests(*ids).values())
    each = 10
    with server.client() as http, ThreadPoolExecutor(size.clients) as pool:
        began = time.perf_counter()
        answers = list(
            pool.map(lambda i: asked[i % len(asked)](http, i), range(each * size.clients))
        )
        rate = each * size.clients / (time.perf_counter() - began)
    refused = sum(not answer.is_success for answer in answers)
    figures.rest.append(
        (f"{size.clients} clients at once", f"{rate:.0f} requests a second, {refused} refused")
    )


def kill_often(server: Server, size: Size, figures: Figures) -> None:
    """SIGKILL in the middle of uploads, trainings and labels; then everything is looked for."""
    kept: dict[str, list[Any]] = {"series": [], "labels": [], "jobs": []}
    small, draw, starts = table(SMALL_ROWS, 2), np.random.default_rng(0), []
    for _ in range(size.kills):
        threads = [
            threading.Thread(target=write_until_killed, args=(server, small, kept))
            for _ in range(size.clients)
        ]
        for thread in threads:
            thread.start()
        time.sleep(float(draw.uniform(1.0, 3.0)))
        server.end(signal.SIGKILL)
        for thread in threads:
            thread.join()
        began = time.perf_counter()
        server.start()
        starts.append(time.perf_counter() - began)
    lost = Counter[str]()
    with server.client() as http:
        for series in kept["series"]:
            lost["series"] += http.get(f"/series/{series}").status_code != 200
        for series, labels in grouped(kept["labels"]).items():
            there = {each["id"] for each in http.get(f"/series/{series}/labels").json()}
            lost["labels"] += len(labels - there)
        for job in kept["jobs"]:
            lost["jobs"] += http.get(f"/jobs/{job}").status_code != 200
    for noun, acknowledged in kept.items():
        text = f"{len(acknowledged)} acknowledged, {lost[noun]} lost"
        figures.rest.append((f"{noun} over {size.kills} kills", text))
    figures.rest.append(("start after a kill, mean", f"{np.mean(starts):.1f} s"))


def write_until_killed(server: Server, small: bytes, kept: dict[str, list[Any]]) -> None:
    """Upload, label and train until the server is gone; only what was acknowledged is noted."""
    try:
        with server.client() as http:
            for i in range(1000):
                answer = http.post("/series", params={"name": "killed"}, content=small)
                if answer.status_code != 201:
                    continue
                series = answer.json()["id"]
                kept["series"].append(series)
                label = http.post(
                    f"/series/{series}/labels", json={**span(i), "verdict": "false alarm"}
                )
                if label.status_code == 201:
                    kept["labels"].append((series, label.json()["id"]))
                job = http.post(f"/series/{series}/train", json={"settings": SETTINGS})
                if job.status_code == 202:
                    kept["jobs"].append(job.json()["id"])
    except (httpx.TransportError, ValueError):
        return  # it was killed


def grouped(pairs: list[tuple[str, str]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for key, value in pairs:
        found[key].add(value)
    return found


def report(size: Size, figures: Figures, load: float) -> str:
    """The tables."""
    everything = np.concatenate([np.array(each) for each in figures.page.values()])
    lines = [
        "# The server under load",
        "",
        f"offbeat {version('offbeat')}, Python {platform.python_version()}, {os.cpu_count()} cores "
        f"(load average before the start {load:.1f}, niceness {os.nice(0)}), SQLite. "
        "`python benchmarks/load_server.py`.",
        "",
        f"{size.rate} requests a second for {size.seconds} s while two trainings run, "
        f"{size.series:,} series in the store, one of {size.rows:,} rows scored. Milliseconds from "
        "the moment a request was due:",
        "",
        "| asked | requests | median | p95 | p99 |",
        "|---|---|---|---|---|",
    ]
    for name, seconds in [*figures.page.items(), ("**all**", list(everything))]:
        cuts = 1000 * np.quantile(seconds, [0.5, 0.95, 0.99])
        cells = " | ".join(f"{cut:.0f}" for cut in cuts)
        lines.append(f"| {name} | {len(seconds)} | {cells} |")
    lines += ["", f"Refused: {dict(figures.errors) or 'none'}.", "", "| the rest | |", "|---|---|"]
    lines += [f"| {what} | {how} |" for what, how in figures.rest]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Everything, one after the other."""
    quick = "--quick" in sys.argv
    size = Size(8, 40, 20_000, 20, 5, 2) if quick else Size()
    figures, load = Figures(), os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "data")
        server.start()
        try:
            ids = fill(server, size, figures)
            crowd(server, size, ids, figures)
            browse(server, size, ids, figures)
            kill_often(server, size, figures)
        finally:
            server.end(signal.SIGKILL)
    text = report(size, figures, load)
    print(text)
    if not quick:
        RESULTS.write_text(text)


if __name__ == "__main__":
    main()
