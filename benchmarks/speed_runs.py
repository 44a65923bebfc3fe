"""Each peer in an environment of its own, each run a whole process; what came is kept.

Environments lie in `out/peers/`, results in `out/speed/`; what is there is not made again, so a
run that was stopped goes on where it was.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from offbeat.metrics import vus_pr
from speed_series import Timed

__all__ = [
    "KEPT",
    "OURS",
    "PEERS",
    "ROOT",
    "SCRIPTS",
    "THREADS",
    "Peer",
    "Run",
    "calm",
    "environment",
    "python_of",
    "run",
]

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = ROOT / "benchmarks" / "peers"
BUILT, KEPT = ROOT / "out" / "peers", ROOT / "out" / "speed"
THREADS = 2


@dataclass(frozen=True)
class Peer:
    """Somebody's LSTM.

    Parameters
    ----------
    name
        As it stands in the tables.
    environment
        Name of its requirements file in `benchmarks/peers`, and of its environment; empty for ours.
    script
        In `benchmarks/peers`.
    extra
        More arguments for the script.
    """

    name: str
    environment: str
    script: str
    extra: tuple[str, ...] = ()


@dataclass(frozen=True)
class Run:
    """What one whole process took; figures are None where it did not get that far.

    `cpu_seconds` is what all its threads computed, `trouble` why there are no figures.
    """

    peer: str
    series: str
    n_rows: int
    seconds: float | None = None
    cpu_seconds: float | None = None
    fit_seconds: float | None = None
    score_seconds: float | None = None
    peak_mb: float | None = None
    vus_pr: float | None = None
    trouble: str = ""


OURS = (
    Peer("offbeat LSTM", "", "offbeat_detector", ("lstm",)),
    Peer("offbeat LSTM, looking back", "", "offbeat_detector", ("back",)),
    Peer("offbeat LSTM, 10 epochs", "", "offbeat_detector", ("lstm10",)),
    Peer("offbeat tutorial preset", "", "offbeat_detector", ("tutorial",)),
    Peer("offbeat flagship", "", "offbeat_detector", ("flagship",)),
)
PEERS = (
    Peer("tutorial's Keras script", "tutorial", "tutorial_keras"),
    Peer("PyOD LSTMAD", "pyod", "pyod_lstmad"),
    Peer("TSB-AD LSTMAD", "tsbad", "tsbad_lstmad"),
    Peer("Darts BlockRNNModel", "darts", "darts_block_rnn"),
    Peer("Merlion LSTMED", "merlion", "merlion_lstm_ed"),
    Peer("dtaianomaly LSTM", "dtaianomaly", "dtaianomaly_lstm"),
)


def python_of(name: str) -> Path:
    """The interpreter of an environment; our own for an empty name."""
    return BUILT / name / "bin" / "python" if name else Path(sys.executable)


def environment(name: str) -> str:
    """Build an environment where there is none; returns what went wrong, or nothing.

    The requirements name every package with its version, so nothing is resolved: some peers pin
    versions that exclude a torch for this Python, and run with it all the same.
    """
    if not name or (BUILT / name / ".done").exists():
        return ""
    print(f"building the environment of {name} ...", flush=True)
    pip = [str(python_of(name)), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    steps = (
        [sys.executable, "-m", "venv", str(BUILT / name)],
        [*pip, "--no-deps", "--requirement", str(SCRIPTS / f"{name}.txt")],
    )
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, check=False)
        if done.returncode:
            last = (done.stderr.strip() or "no message").splitlines()[-1]
            return f"environment cannot be built: {last[:100]}"
    (BUILT / name / ".done").touch()
    return ""


def run(peer: Peer, series: Timed, limit: float) -> Run:
    """One whole process, or what is kept of it.

    A process that ran over a shorter limit before is tried again.
    """
    kept = KEPT / f"{series.name}__{peer.environment or 'offbeat'}{'_'.join(('', *peer.extra))}"
    record = kept.with_suffix(".json")
    if record.exists():
        found = json.loads(record.read_text())
        if not found["trouble"] or found.pop("limit", limit) >= limit:
            found.pop("limit", None)
            return Run(**found)
    base = Run(peer.name, series.name, len(series.values))
    trouble = environment(peer.environment)
    made = replace(base, trouble=trouble) if trouble else _fresh(peer, series, kept, limit)
    record.write_text(json.dumps({**asdict(made), "limit": limit}))
    return made


def _fresh(peer: Peer, series: Timed, kept: Path, limit: float) -> Run:
    """Start the process, wait, and read what it wrote."""
    KEPT.mkdir(parents=True, exist_ok=True)
    data, out = KEPT / f"{series.name}.npz", kept.with_name(f"last_{kept.name}")
    np.savez(data, values=series.values, n_train=series.n_train)
    for ending in (".json", ".npy"):
        out.with_suffix(ending).unlink(missing_ok=True)
    script = str(SCRIPTS / f"{peer.script}.py")
    command = [str(python_of(peer.environment)), script, str(data), str(out), *peer.extra]
    seconds, usage, code = _watched(command, out.with_suffix(".log"), limit)
    base = {"peer": peer.name, "series": series.name, "n_rows": len(series.values)}
    if code == "late":
        return Run(**base, trouble=f"> {limit:g} s")
    if code or not out.with_suffix(".json").exists():
        return Run(**base, trouble=f"failed: {_last_line(out.with_suffix('.log'))}")
    own = json.loads(out.with_suffix(".json").read_text())
    return Run(
        **base,
        seconds=seconds,
        cpu_seconds=usage,
        fit_seconds=own["fit_seconds"],
        score_seconds=own["score_seconds"],
        peak_mb=own["peak_mb"],
        vus_pr=vus_pr(series.label, np.load(out.with_suffix(".npy")), series.buffer),
    )


def calm() -> dict[str, str]:
    """The environment of every process that is measured."""
    threads = {f"{name}_NUM_THREADS": str(THREADS) for name in ("OMP", "MKL", "OPENBLAS", "NUMBA")}
    threads |= {f"TF_NUM_{name}_THREADS": str(THREADS) for name in ("INTRAOP", "INTEROP")}
    # threads that wait give their core away: a machine that does other things too is no trap then
    quiet = {"OMP_WAIT_POLICY": "PASSIVE", "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONUNBUFFERED": "1"}
    return {**os.environ, **threads, **quiet}


def _watched(command: list[str], told: Path, limit: float) -> tuple[float, float, str]:
    """Run a command: wall seconds, processor seconds, and "" or what became of it."""
    source = {"PYTHONPATH": str(ROOT / "src")} if command[0] == sys.executable else {}
    log = told.open("w")
    late = threading.Event()
    start = time.perf_counter()
    process = subprocess.Popen(command, env={**calm(), **source}, stdout=log, stderr=log)

    def end() -> None:
        late.set()
        process.kill()

    timer = threading.Timer(limit, end)
    timer.start()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    timer.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    log.close()
    code = "late" if late.is_set() else ("failed" if process.returncode else "")
    return seconds, usage.ru_utime + usage.ru_stime, code


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    return lines[-1][:120] if lines else "no message"
