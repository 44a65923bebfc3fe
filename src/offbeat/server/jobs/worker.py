"""Worker: a process that does one task of the server after the other, and dies with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from offbeat.processes import Message, TaskFailedError, Tell, WorkerLostError, WorkerProcess
from offbeat.server.jobs.tasks import Task, task_from_dict, task_to_dict

if TYPE_CHECKING:
    from offbeat.training import EpochLog

__all__ = ["Epoch", "TaskFailedError", "Worker", "WorkerLostError"]

Epoch = dict[str, Any]
"""A line of a training's diary: the fields of `EpochLog`."""
NICENESS = 10
"""Workers stand back behind the server, so that a page stays quick while they train."""


class Worker(WorkerProcess):
    """One process of the server.

    Parameters
    ----------
    name
        Shown in lists of processes.
    memory
        Bytes that it may use; None sets no limit.
    """

    def __init__(self, name: str, memory: int | None = None) -> None:
        super().__init__(name, do_task, niceness=NICENESS, memory=memory)

    def run(self, task: Task, on_epoch: Callable[[Epoch], None] | None = None) -> dict[str, Any]:
        """As `ask`, of a task."""
        return self.ask(task_to_dict(task), on_epoch)


def do_task(task: Message, tell: Tell) -> Message:
    """In the process: one task, whose epochs are told."""

    def epoch(log: EpochLog) -> None:
        tell(asdict(log))

    return task_from_dict(task).run(epoch)
