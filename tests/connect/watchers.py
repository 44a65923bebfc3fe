"""What tests of sources and sinks share: a model, records, and processes that watch."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from typing import Any, Self

import numpy as np
import pytest

from live_data import CHANNELS, START, STEP, trained, trouble
from offbeat.connect import watch

PATIENCE = 60.0
N_ROWS = 120
PUMPS = ("pump a", "pump b", "pump c")


def model_file(folder: Path) -> Path:
    """A model that was trained once a process."""
    path = folder / "normal.offbeat"
    return path if path.exists() else trained("lstm").save(path)


def records(n_rows: int = N_ROWS, pumps: tuple[str, ...] = PUMPS) -> list[dict[str, Any]]:
    """Rows of some pumps, an hour apart, each with something that is off."""
    made = list[dict[str, Any]]()
    for number, pump in enumerate(pumps):
        series = trouble(n_rows, 100 + number)
        values = series.values.copy()
        values[n_rows // 2 : n_rows // 2 + 3, 0] += 25
        for at, row in zip(series.time, values.tolist(), strict=True):
            cells = zip(CHANNELS, row, strict=True)
            numbers = {name: None if np.isnan(value) else value for name, value in cells}
            made.append({"time": f"{at.astype('datetime64[s]')}Z", "series": pump, **numbers})
    return sorted(made, key=lambda record: record["time"])


def ndjson(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def lines(path: Path, kind: str) -> list[dict[str, Any]]:
    """What a file sink wrote of this kind, but for a line that it is writing."""
    text = path.read_text().rpartition("\n")[0] if path.exists() else ""
    return [each for each in map(json.loads, text.splitlines()) if each["type"] == kind]


def hour(number: int) -> str:
    return f"{(START + STEP * number).astype('datetime64[s]')}Z"


def key(reading: dict[str, Any]) -> tuple[str, str]:
    return reading["series"], reading["time"]


def assert_same_readings(mine: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> None:
    """Each row once, with the same score, whatever the order of the series."""
    assert sorted(map(key, mine)) == sorted(map(key, theirs))
    other = {key(each): each for each in theirs}
    for each in mine:
        score = other[key(each)]["score"]
        assert each["score"] == (score if score is None else pytest.approx(score, rel=1e-4))


def until(is_so: Callable[[], bool], what: str) -> None:
    """Return once it is so."""
    end = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def free_port() -> int:
    """One that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def needed(variable: str, default: str, reach: Callable[[str], Any]) -> str:
    """Address of a service; skipped where there is none, but not in CI."""
    address = os.environ.get(variable, default)
    try:
        reach(address)
    except Exception as problem:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"nothing at {variable} or {default}: {problem}")
    return address


class Running:
    """A watch in a thread; it ends with the block, however that ends."""

    def __init__(self, *given: Any, **named: Any) -> None:
        self.said, self._stop = list[str](), Event()
        named = {"say": self.said.append, "stop": self._stop, **named}
        self._thread = Thread(target=watch, args=given, kwargs=named, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


FORKER = """
import json, os, signal, sys
import torch
from offbeat import cli, connect, stream
torch.set_num_threads(1)
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
print("ready", flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    pid = os.fork()
    if not pid:
        out = os.open(asked["out"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(out, 1)
        os.dup2(out, 2)
        os._exit(cli.run(cli.app, asked["arguments"]))
    print(pid, flush=True)
"""


class Watchers:
    """Starts `offbeat watch` in processes that have everything loaded already."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", FORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"},
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def start(self, out: Path, *arguments: object) -> int:
        """A new one; its process id."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        words = ["watch", *(str(each) for each in arguments)]
        asked = {"out": str(out), "arguments": words}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def end(self, pid: int, with_: signal.Signals = signal.SIGTERM) -> None:
        """It is gone afterwards."""
        os.kill(pid, with_)
        until(lambda: not is_running(pid), "the watch does not end")

    def close(self) -> None:
        """No more of them."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()


def is_running(pid: int) -> bool:
    """Whether it is neither gone nor a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def random_seconds(seed: int, n: int, longest: float) -> list[float]:
    """When each of `n` processes is killed."""
    return np.random.default_rng(seed).uniform(0.02, longest, n).tolist()
