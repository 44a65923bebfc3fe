"""A small service under a repeating load, with a switch for every fault that the recording wants.

Five processes stand in for a machine that does a job: a client asks a server over loopback, at a
rate that follows the same curve every `PERIOD_S` seconds; a journal writes to disk every two
seconds; a batch job runs once a period. `FAULTS` lists what can go wrong with them.
"""

from __future__ import annotations

import hashlib
import math
import multiprocessing as mp
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import c_double
from dataclasses import dataclass, field
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

PERIOD_S = 20.0
LOW_RATE, HIGH_RATE = 40.0, 280.0  # requests a second in the trough and at the peak
REPLY_BYTES = 16_384
JOURNAL_BYTES, JOURNAL_EVERY_S = 393_216, 2.0

Dial = Synchronized  # a number that one process turns and another one reads


def request_rate(elapsed_s: float) -> float:
    """Requests a second at a moment of the cycle: a slow rise, a plateau, a fall."""
    phase = (elapsed_s % PERIOD_S) / PERIOD_S
    shape = 0.5 - 0.5 * math.cos(2 * math.pi * phase)
    return LOW_RATE + (HIGH_RATE - LOW_RATE) * min(1.0, 1.25 * shape)


def _read_exactly(link: socket.socket, n_bytes: int) -> bytes:
    parts = b""
    while len(parts) < n_bytes:
        part = link.recv(n_bytes - len(parts))
        if not part:
            raise SystemExit(0)
        parts += part
    return parts


def serve(port: int, work: Dial) -> None:
    """Answer each 64-byte request with `REPLY_BYTES`, after `work` rounds of hashing."""
    door = socket.create_server(("127.0.0.1", port))
    link, _ = door.accept()
    reply = os.urandom(REPLY_BYTES)
    while True:
        question = _read_exactly(link, 64)
        digest = question
        for _ in range(int(work.value)):
            digest = hashlib.sha256(digest + reply).digest()
        link.sendall(reply)


def ask(port: int, ceiling: Dial, start: float) -> None:
    """Send requests at the rate of the moment, never above `ceiling` a second."""
    noise = random.Random(7)
    while True:
        try:
            link = socket.create_connection(("127.0.0.1", port))
            break
        except ConnectionRefusedError:
            time.sleep(0.05)
    due = time.monotonic()
    while True:
        rate = min(request_rate(time.monotonic() - start), ceiling.value)
        due = max(due + noise.expovariate(20.0) * 20.0 / rate, time.monotonic() - 0.2)
        time.sleep(max(0.0, due - time.monotonic()))
        link.sendall(os.urandom(64))
        _read_exactly(link, REPLY_BYTES)


def keep_journal(folder: str) -> None:
    """Write and sync a block every two seconds, as a database's journal does."""
    path, block = Path(folder, "journal"), os.urandom(JOURNAL_BYTES)
    while True:
        with path.open("wb") as journal:
            journal.write(block)
            os.fsync(journal.fileno())
        time.sleep(JOURNAL_EVERY_S - time.monotonic() % JOURNAL_EVERY_S)


def run_batches(start: float) -> None:
    """Work for two seconds in the second quarter of each period, at about half of one core."""
    while True:
        phase = (time.monotonic() - start) % PERIOD_S
        if 5.0 <= phase < 7.0:
            burn_until = time.monotonic() + 0.01
            while time.monotonic() < burn_until:
                hashlib.sha256(b"x" * 4096).digest()
        time.sleep(0.01)


# ---------------------------------------------------------------- faults: a process each


def hog_cpu() -> None:
    while True:
        hashlib.sha256(b"x" * 65_536).digest()


def leak_memory() -> None:
    kept = []
    while True:
        kept.append(os.urandom(1_000_000))
        time.sleep(0.1)


def flood_disk(folder: str) -> None:
    path, block = Path(folder, "flood"), os.urandom(2_000_000)
    while True:
        with path.open("wb") as flood:
            flood.write(block)
            os.fsync(flood.fileno())
        time.sleep(0.05)


def storm_forks() -> None:
    while True:
        subprocess.run(["/bin/true"], check=True)
        time.sleep(0.01)


@dataclass
class Workload:
    """The running service, its dials, and the faults that can be laid on it."""

    folder: str = field(default_factory=lambda: tempfile.mkdtemp(prefix="offbeat-workload-"))
    port: int = 39_417
    ceiling: Dial = field(default_factory=lambda: mp.Value(c_double, 1e9))
    work: Dial = field(default_factory=lambda: mp.Value(c_double, 60.0))
    processes: dict[str, mp.Process] = field(default_factory=dict)

    def start(self) -> None:
        start = time.monotonic()
        for name, target, args in (
            ("server", serve, (self.port, self.work)),
            ("client", ask, (self.port, self.ceiling, start)),
            ("journal", keep_journal, (self.folder,)),
            ("batch", run_batches, (start,)),
        ):
            self.processes[name] = mp.Process(target=target, args=args, daemon=True, name=name)
            self.processes[name].start()

    def stop(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.join()
        for left_over in Path(self.folder).iterdir():
            left_over.unlink()
        Path(self.folder).rmdir()

    @contextmanager
    def beside(self, target: object, *args: object) -> Iterator[None]:
        """A process of its own for as long as the fault lasts."""
        process = mp.Process(target=target, args=args, daemon=True)  # type: ignore[arg-type]
        process.start()
        try:
            yield
        finally:
            process.kill()
            process.join()

    @contextmanager
    def stalled(self, name: str) -> Iterator[None]:
        """One worker hangs: it is there, and does nothing."""
        pid = self.processes[name].pid
        assert pid is not None, "the workload runs while faults are laid on it"
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    @contextmanager
    def turned(self, dial: Dial, value: float) -> Iterator[None]:
        before = dial.value
        dial.value = value
        try:
            yield
        finally:
            dial.value = before

    @contextmanager
    def drifting(self, dial: Dial, factor: float, seconds: float) -> Iterator[None]:
        """The dial creeps to `factor` times its value over the whole of the fault."""
        process = mp.Process(target=_creep, args=(dial, factor, seconds), daemon=True)
        before = dial.value
        process.start()
        try:
            yield
        finally:
            process.kill()
            process.join()
            dial.value = before


def _creep(dial: Dial, factor: float, seconds: float) -> None:
    first, start = dial.value, time.monotonic()
    while True:
        gone = min(1.0, (time.monotonic() - start) / seconds)
        dial.value = first * (1 + (factor - 1) * gone)
        time.sleep(0.2)


if __name__ == "__main__":
    workload = Workload()
    workload.start()
    try:
        time.sleep(float(sys.argv[1]) if len(sys.argv) > 1 else 10.0)
    finally:
        workload.stop()
