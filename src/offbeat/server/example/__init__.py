"""The example: a machine that was recorded while a dozen faults were set off in it on purpose.

A new server shows it scored, by a model that learned the calm first part (examples/machine/learn.py
trained it), so that there is something to look at before anybody has uploaded anything.
"""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from offbeat.errors import OffbeatError
from offbeat.server.workbench import Workbench

__all__ = ["RECORDING", "begin_example", "bring_example"]

HERE = Path(__file__).parent
RECORDING, MODEL = HERE / "machine.parquet", HERE / "machine.offbeat"
NAME = "Machine (example)"
BY = "offbeat"
MARKER = "example-was-shown"

log = logging.getLogger("offbeat.example")


def begin_example(bench: Workbench) -> None:
    """Bring it while the server answers already; only into a store that has never held anything."""
    if not is_new(bench):
        return
    threading.Thread(target=_bring_quietly, args=(bench,), name="offbeat-example").start()


def is_new(bench: Workbench) -> bool:
    """Whether nobody has put anything in, and the example was never deleted."""
    held = bench.series.count() or bench.models.find(limit=1) or bench.jobs.find(limit=1)
    return not held and not (bench.folder.root / MARKER).exists()


def bring_example(bench: Workbench) -> None:
    """The recording, its model, and a job that scores it; taken away, it stays away."""
    (bench.folder.root / MARKER).touch()
    series = bench.series.upload(RECORDING, name=NAME, by=BY)
    model = bench.models.upload(MODEL, name=NAME, by=BY)
    bench.detections.score(series.id, model.id, by=BY)


def _bring_quietly(bench: Workbench) -> None:
    try:
        bring_example(bench)
    except OffbeatError as problem:
        log.warning("no example", extra={"problem": str(problem)})
