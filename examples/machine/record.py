"""Record this machine's own counters, with faults laid on a repeating workload on a schedule.

    python examples/machine/record.py --out examples/machine

Writes `machine.csv` and `machine.parquet` (a row every 0.2 s, `label` = 1 while a fault is on) and
`faults.json` (kind, what was done, first and last moment, the channels that should show it). The
first 40 % of the time is free of faults. Run it on a quiet machine: what else runs is recorded too.
"""

from __future__ import annotations

import argparse
import json
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import psutil
from workload import LOW_RATE, Workload, flood_disk, hog_cpu, leak_memory, storm_forks

STEP_S = 0.2
STUCK_CHANNEL = "net_kb"


@dataclass(frozen=True)
class Fault:
    """One scheduled fault; `at` and `seconds` count from the start of the recording."""

    kind: str
    at: float
    seconds: float
    what: str
    channels: tuple[str, ...]

    def lay_on(self, workload: Workload) -> AbstractContextManager[None]:
        match self.kind:
            case "cpu_hog":
                return workload.beside(hog_cpu)
            case "memory_leak":
                return workload.beside(leak_memory)
            case "disk_flood":
                return workload.beside(flood_disk, workload.folder)
            case "fork_storm":
                return workload.beside(storm_forks)
            case "stalled_worker":
                return workload.stalled("journal")
            case "traffic_drop":
                return workload.turned(workload.ceiling, 2 * LOW_RATE)
            case "slow_drift":
                return workload.drifting(workload.work, 4.0, self.seconds)
            case "stuck_counter":
                return nullcontext()  # the recorder itself repeats the last value, see `hold_stuck`
            case _:
                raise ValueError(f"no such fault: {self.kind}")


KINDS = {
    "cpu_hog": (25, "one more process hashes without pause", ("cpu_user", "load_1m")),
    "traffic_drop": (
        40,
        "the client sends 80 requests a second at most",
        ("net_kb", "net_packets"),
    ),
    "stalled_worker": (30, "the journal process is stopped", ("disk_write_kb", "disk_writes")),
    "memory_leak": (30, "a process keeps 1 MB every 0.1 s", ("memory_used_mb",)),
    "fork_storm": (20, "a process starts others as fast as it can", ("context_switches",)),
    "slow_drift": (60, "each request costs more and more, up to 4 times", ("cpu_user",)),
    "disk_flood": (25, "2 MB are written and synced again and again", ("disk_write_kb",)),
    "stuck_counter": (30, "the recorder repeats one value", (STUCK_CHANNEL,)),
}
ORDER = (*KINDS, "traffic_drop", "cpu_hog", "stalled_worker", "fork_storm")


def schedule(total_s: float) -> list[Fault]:
    """Twelve faults, evenly over the last 60 % of the recording."""
    first, last = 0.405 * total_s, 0.985 * total_s
    every = (last - first) / len(ORDER)
    return [Fault(kind, round(first + i * every, 1), *KINDS[kind]) for i, kind in enumerate(ORDER)]


def read_counters() -> dict[str, float]:
    """The machine's counters as they stand: totals since boot, and three gauges."""
    cpu, memory = psutil.cpu_times(), psutil.virtual_memory()
    disk, net, stats = psutil.disk_io_counters(), psutil.net_io_counters(), psutil.cpu_stats()
    assert disk is not None, "this machine shows no disk counters"
    return {
        "cpu_user": cpu.user,
        "cpu_system": cpu.system,
        "cpu_iowait": cpu.iowait,
        "cpu_softirq": cpu.softirq,
        "load_1m": psutil.getloadavg()[0],
        "memory_used_mb": (memory.total - memory.available) / 1e6,
        "memory_cached_mb": memory.cached / 1e6,
        "disk_write_kb": disk.write_bytes / 1e3,
        "disk_writes": disk.write_count,
        "net_kb": net.bytes_sent / 1e3,
        "net_packets": net.packets_sent,
        "context_switches": stats.ctx_switches,
        "interrupts": stats.interrupts,
        "processes": len(psutil.pids()),
    }


GAUGES = ("load_1m", "memory_used_mb", "memory_cached_mb", "processes")
DIGITS = {"load_1m": 2, "cpu_user": 1, "cpu_system": 1, "cpu_iowait": 1, "cpu_softirq": 1}


def between(before: dict[str, float], now: dict[str, float], seconds: float) -> dict[str, float]:
    """Rates over one step: CPU in per cent of one core, the rest a second; gauges as they are."""
    row: dict[str, float] = {}
    for name, value in now.items():
        rate = value if name in GAUGES else (value - before[name]) / seconds
        row[name] = round(100 * rate if name.startswith("cpu_") else rate, DIGITS.get(name, 0))
    return row


def record(total_s: float, faults: list[Fault]) -> pl.DataFrame:
    """Sample every `STEP_S` seconds and lay each fault on for its time."""
    workload = Workload()
    workload.start()
    time.sleep(5.0)
    rows: list[dict[str, object]] = []
    pending, active, on = list(faults), None, nullcontext()
    begin, clock = time.monotonic(), datetime.now(UTC).replace(microsecond=0)
    before, read_at = read_counters(), time.monotonic()
    try:
        for i in range(1, int(total_s / STEP_S) + 1):
            time.sleep(max(0.0, begin + i * STEP_S - time.monotonic()))
            now, moment = read_counters(), time.monotonic()
            row = between(before, now, moment - read_at)
            before, read_at = now, moment
            if active is not None and active.kind == "stuck_counter":
                row[STUCK_CHANNEL] = rows[-1][STUCK_CHANNEL]  # type: ignore[assignment]
            stamp = clock + timedelta(seconds=i * STEP_S)
            rows.append({"time": stamp, **row, "label": int(active is not None)})
            if active is not None and i * STEP_S >= active.at + active.seconds:
                on.__exit__(None, None, None)
                active = None
            if pending and active is None and i * STEP_S >= pending[0].at:
                active = pending.pop(0)
                on = active.lay_on(workload)
                on.__enter__()
                print(f"{stamp:%H:%M:%S} {active.kind} for {active.seconds:.0f} s", flush=True)
    finally:
        workload.stop()
    return pl.DataFrame(rows)


def fault_log(frame: pl.DataFrame, faults: list[Fault]) -> list[dict[str, object]]:
    """What was done, with the time stamps of the first and the last row it is labelled on."""
    edges = frame.with_columns(run=pl.col("label").rle_id()).filter(pl.col("label") == 1)
    spans = edges.group_by("run", maintain_order=True).agg(
        start=pl.col("time").first(), end=pl.col("time").last()
    )
    return [
        {**asdict(fault), "start": f"{start:%FT%T.%f}Z", "end": f"{end:%FT%T.%f}Z"}
        for fault, start, end in zip(faults, spans["start"], spans["end"], strict=True)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    parser.add_argument("--minutes", type=float, default=38.0)
    args = parser.parse_args()
    faults = schedule(60 * args.minutes)
    frame = record(60 * args.minutes, faults)
    args.out.mkdir(parents=True, exist_ok=True)
    frame.write_csv(args.out / "machine.csv", datetime_format="%FT%T.%3fZ")
    frame.write_parquet(args.out / "machine.parquet", compression="zstd")
    log = json.dumps(fault_log(frame, faults), indent=2)
    (args.out / "faults.json").write_text(log + "\n")
    print(f"{frame.height} rows, {len(faults)} faults -> {args.out}")


if __name__ == "__main__":
    main()
