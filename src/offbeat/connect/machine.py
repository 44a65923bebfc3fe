"""This machine: its processor, memory, disk and network, once every so often."""

from __future__ import annotations

import socket
import time
from typing import Any

from offbeat.connect.addresses import Address
from offbeat.connect.contract import Batch, Position, Source
from offbeat.parts import optional_part

__all__ = ["CHANNELS", "MachineSource"]

CHANNELS = ("cpu_percent", "load", "memory_percent", "disk_kb_s", "net_kb_s")
"""What is measured: rates since the measurement before."""
KB = 1024


class MachineSource(Source):
    """A row every step, named after the machine; its clock may be set meanwhile.

    Parameters
    ----------
    address
        `machine:`. Options: `step=`, one second if not given; `rows=`, after which it ends.
    """

    def __init__(self, address: Address) -> None:
        address.knows("step", "rows")
        self.name = "machine:"
        self._step = address.seconds("step", "1s")
        self._n_left = address.number("rows", 2**62)
        self._psutil = optional_part("psutil", extra="live", needed_by="machine:")
        self._series = socket.gethostname() or "machine"
        self._before: tuple[float, int, int] | None = None
        self._next, self._behind = 0.0, time.time() - _passed()

    def open(self, position: Position | None) -> None:
        """As `Source.open`; what was while it was not watched is not known."""
        del position
        self._psutil.cpu_percent(None)  # its next answer is about the time since this one
        self._behind = time.time() - _passed()
        self._before, self._next = self._counted(), self._now() + self._step

    def take(self, patience: float) -> Batch | None:
        """As `Source.take`."""
        if self._n_left <= 0:
            return None
        missing = self._next - self._now()
        if missing > 0:
            time.sleep(min(missing, patience))
        if self._now() < self._next:
            return Batch()
        n_steps = 1 + (self._now() - self._next) // self._step  # those that were missed are missing
        at, self._next = self._next, self._next + n_steps * self._step
        self._n_left -= 1
        return Batch([self._measured(at)])

    def position(self) -> Position:
        """As `Source.position`."""
        return {}

    def _measured(self, at: float) -> dict[str, Any]:
        now = self._counted()
        before = self._before or now
        passed = max(now[0] - before[0], 1e-9) * KB
        self._before = now
        return {
            "time": round(at, 3),
            "series": self._series,
            "cpu_percent": self._psutil.cpu_percent(None),
            "load": round(self._psutil.getloadavg()[0], 3),
            "memory_percent": self._psutil.virtual_memory().percent,
            "disk_kb_s": round((now[1] - before[1]) / passed, 3),
            "net_kb_s": round((now[2] - before[2]) / passed, 3),
        }

    def _counted(self) -> tuple[float, int, int]:
        """Now, and bytes to and from disks and networks since the start; none where there are."""
        disk, net = self._psutil.disk_io_counters(), self._psutil.net_io_counters()
        n_disk = disk.read_bytes + disk.write_bytes if disk else 0
        n_net = net.bytes_sent + net.bytes_recv if net else 0
        return self._now(), n_disk, n_net

    def _now(self) -> float:
        """Seconds since 1970 by a clock that never jumps, set once by the wall clock."""
        return self._behind + _passed()


def _passed() -> float:
    """Seconds by a clock that nobody sets; it counts while the machine sleeps, if it can."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()
