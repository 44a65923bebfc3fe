"""End to end through NATS JetStream; `stream_ends.py` starts it.

Called as `python stream_nats.py MODEL.offbeat OUT N_SERIES PER_MESSAGE HOW`; writes `OUT.json`. A
publisher sends one row of every series, PER_MESSAGE rows a message; `offbeat watch` scores them,
keeps a checkpoint and writes its readings to a file, which is read here as it grows. HOW is
"paced", a row of each series a second, evenly spread, of which the delay from sending to reading is
kept; or "backlog": all is there before the watch starts. Broker, publisher, watch and reader share
the cores of the machine.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import psutil

ADDRESS = os.environ.get("OFFBEAT_TEST_NATS", "nats://127.0.0.1:4222")
TOPIC = f"offbeat-bench-{os.environ.get('OFFBEAT_BENCH', secrets.token_hex(4))}"
WARM_UP, COUNTED = 15, 60
"""Rows of each series that are not counted and that are."""
BACKLOG = 200_000
"""Rows that wait for a watch whose rate is measured."""
PATIENCE = 120.0
LOOKS = 0.01
"""Seconds from one look at the file to the next."""
AT_ONCE = 2_000
START = "from offbeat.cli import main; main()"


@dataclass(frozen=True)
class Load:
    """What is sent: `n_rows` rows of each of `n_series` series."""

    n_series: int
    per_message: int
    n_rows: int
    paced: bool

    def messages(self) -> Iterator[tuple[int, int, bytes]]:
        """Row, number within the row, and body of each message."""
        draw, names = np.random.default_rng(0), [f"s{i}" for i in range(self.n_series)]
        for row in range(self.n_rows):
            wave = float(np.sin(2 * np.pi * row / 24))
            values = (wave + draw.normal(0, 0.1, self.n_series)).round(4).tolist()
            points = [
                {"series": name, "value": value} for name, value in zip(names, values, strict=True)
            ]
            for number, start in enumerate(range(0, self.n_series, self.per_message)):
                some: Any = points[start : start + self.per_message]
                yield row, number, json.dumps(some[0] if self.per_message == 1 else some).encode()

    @property
    def n_messages(self) -> int:
        """A row."""
        return -(-self.n_series // self.per_message)


async def publish(load: Load, moments: np.ndarray) -> None:
    """Send all, and write down when each message was sent; (n_rows, n_messages)."""
    import nats

    connection, n_sent = await nats.connect(ADDRESS), 0
    begin = time.time()
    for row, number, body in load.messages():
        ahead = begin + row + number / load.n_messages - time.time()
        if load.paced and ahead > LOOKS:
            await asyncio.sleep(ahead)
        moments[row, number] = time.time()
        await connection.publish(TOPIC, body)
        n_sent += 1
        if n_sent % AT_ONCE == 0:
            await connection.flush()
    await connection.flush()
    about = await connection.jetstream().stream_info(TOPIC)
    assert about.state.last_seq == n_sent, "the broker did not keep all"
    await connection.close()


async def emptied(make: bool) -> None:
    """No stream of an earlier measurement; a new one if asked for."""
    import nats
    from nats.js.errors import NotFoundError

    connection = await nats.connect(ADDRESS)
    with suppress(NotFoundError):
        await connection.jetstream().delete_stream(TOPIC)
    if make:
        await connection.jetstream().add_stream(name=TOPIC, subjects=[TOPIC])
    await connection.close()


class Arrivals:
    """Readings of a file that grows: of which row and message, and when they were seen."""

    def __init__(self, path: Path, load: Load) -> None:
        self._path, self._load, self._at, self._rest = path, load, 0, b""
        self.seen, self.rows, self.numbers = list[float](), list[int](), list[int]()

    def look(self) -> None:
        """Take what was written since."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._at)
            chunk = file.read()
        now = time.time()
        self._at += len(chunk)
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            said = json.loads(line)
            if said["type"] == "reading":
                self.seen.append(now)
                self.rows.append(said["time"])
                self.numbers.append(int(said["series"][1:]) // self._load.per_message)

    def until(self, n_wanted: int, watch: psutil.Process) -> dict[str, float]:
        """Look until so many are there; what the watch took meanwhile."""
        peak, end = 0.0, time.time() + PATIENCE + self._load.n_rows
        while len(self.seen) < n_wanted:
            self.look()
            assert watch.status() != psutil.STATUS_ZOMBIE, "the watch ended"
            assert time.time() < end, f"{len(self.seen)} of {n_wanted} came"
            time.sleep(LOOKS)
            about = watch.memory_info()
            peak = max(peak, about.rss / 2**20)
        times = watch.cpu_times()
        return {"watch_mb": peak, "watch_cpu_s": times.user + times.system}


def measured(model: str, load: Load) -> dict[str, float]:
    """One measurement."""
    asyncio.run(emptied(make=True))
    with TemporaryDirectory() as name:
        folder = Path(name)
        moments = np.lib.format.open_memmap(
            folder / "moments.npy", "w+", np.float64, (load.n_rows, load.n_messages)
        )
        if not load.paced:
            asyncio.run(publish(load, moments))
        sink, state = folder / "readings.ndjson", folder / "kept"
        command = [sys.executable, "-c", START, "watch", f"{ADDRESS}/{TOPIC}"]
        command += ["--model", model, "--to", str(sink), "--checkpoint", str(state)]
        watch = subprocess.Popen(command, stderr=sys.stderr)
        sender = None
        if load.paced:
            time.sleep(5)  # it is there before rows come, as in a plant
            about = [str(each) for each in (load.n_series, load.per_message, load.n_rows)]
            script = [sys.executable, __file__, "publish", str(folder / "moments.npy"), *about]
            sender = subprocess.Popen(script, env={**os.environ, "OFFBEAT_BENCH": TOPIC[-8:]})
        arrivals = Arrivals(sink, load)
        try:
            found = arrivals.until(load.n_series * load.n_rows, psutil.Process(watch.pid))
            assert sender is None or sender.wait() == 0
        finally:
            for each in (watch, sender):
                if each is not None:
                    each.terminate()
                    each.wait()
        return found | figures(load, arrivals, np.load(folder / "moments.npy"))


def figures(load: Load, arrivals: Arrivals, moments: np.ndarray) -> dict[str, float]:
    """Delays of rows after the warm-up, or the rate from the first tenth to the last."""
    seen, rows = np.array(arrivals.seen), np.array(arrivals.rows)
    if not load.paced:
        tenth = len(seen) // 10
        return {"points_s": (len(seen) - 2 * tenth) / (seen[-tenth] - seen[tenth])}
    kept = rows >= WARM_UP
    delays = (seen - moments[rows, np.array(arrivals.numbers)])[kept]
    p50, p99 = np.percentile(delays, [50, 99]).tolist()
    lasted = seen[kept].max() - seen[kept].min()
    return {"points_s": kept.sum() / lasted, "p50": p50, "p99": p99, "longest": delays.max()}


def main() -> None:
    """Measure and keep it; asked to end, it leaves nothing running."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if sys.argv[1] == "publish":
        path, *numbers = sys.argv[2:]
        moments = np.load(path, mmap_mode="r+")
        asyncio.run(publish(Load(*map(int, numbers), paced=True), moments))
        return
    model, out, n_series, per_message, how = sys.argv[1:]
    paced, many = how == "paced", int(n_series)
    n_rows = WARM_UP + COUNTED if paced else max(1, BACKLOG // many)
    found = measured(model, Load(many, int(per_message), n_rows, paced))
    asyncio.run(emptied(make=False))
    Path(f"{out}.json").write_text(json.dumps({k: float(v) for k, v in found.items()}))


if __name__ == "__main__":
    main()
