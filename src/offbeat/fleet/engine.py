"""Engines: who does the tasks. The local one has a process a worker; the driver only waits.

A worker that is lost (killed, out of memory) is started anew, and its task is done again.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from offbeat.errors import OffbeatError
from offbeat.fleet.work import do_task
from offbeat.processes import Message, TaskFailedError, WorkerLostError, WorkerProcess

__all__ = ["ALONE_AFTER", "Answer", "Engine", "Inline", "LocalWorkers", "usual_workers"]

ALONE_AFTER = 3
"""Losses over one task after which its series are done one by one, to find the one to blame."""
GIVEN_UP_AFTER = 200
"""Losses over one task after which it is not tried again."""
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "POLARS_MAX_THREADS": "1",
}
"""A worker has one core: more threads would only wait for each other."""
NICENESS = 0


@dataclass(frozen=True)
class Answer:
    """What came of a task: its result, or why there is none.

    Parameters
    ----------
    task
        What was asked.
    result
        What `do_task` gave.
    problem
        A mistake in the code, or a task that ends every worker; "" if all is well.
    lost
        Whether a worker was lost over it, and it will be done again.
    """

    task: Message
    result: Message | None = None
    problem: str = ""
    lost: bool = False


class Engine(Protocol):
    """Does tasks, several at a time, in about the order in which they come."""

    def run(self, tasks: Sequence[Message]) -> Iterator[Answer]:
        """Answers as they come; each task gets one that is not `lost`."""

    def close(self) -> None:
        """End whatever still runs."""


def usual_workers() -> int:
    """As many as this process may use cores."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def tried_again(task: Message, losses: int) -> Message:
    """The task as it is done after so many losses."""
    return {**task, "alone": True} if losses >= ALONE_AFTER else task


class Inline:
    """No worker: this process does it all, one task after the other."""

    def run(self, tasks: Sequence[Message]) -> Iterator[Answer]:
        """See `Engine`."""
        for task in tasks:
            try:
                yield Answer(task, do_task(task))
            except OffbeatError as problem:
                yield Answer(task, problem=str(problem))

    def close(self) -> None:
        """Nothing runs on."""


class LocalWorkers:
    """Processes on this machine, one core each.

    Parameters
    ----------
    n_workers
        How many.
    n_gpus
        GPUs that they are spread over; 0 if they compute on the CPU.
    """

    def __init__(self, n_workers: int, n_gpus: int = 0) -> None:
        self._workers = [
            WorkerProcess(
                f"offbeat-fleet-{number + 1}",
                do_task,
                niceness=NICENESS,
                environment=ONE_THREAD | _own_gpu(number, n_gpus),
            )
            for number in range(n_workers)
        ]

    def run(self, tasks: Sequence[Message]) -> Iterator[Answer]:
        """See `Engine`."""
        waiting: queue.SimpleQueue[Message] = queue.SimpleQueue()
        answers: queue.SimpleQueue[Answer | BaseException] = queue.SimpleQueue()
        for task in tasks:
            waiting.put(task)
        lanes = [
            threading.Thread(target=_lane, args=(worker, waiting, answers.put), daemon=True)
            for worker in self._workers[: len(tasks)]
        ]
        for lane in lanes:
            lane.start()
        left = len(tasks)
        try:
            while left:
                answer = answers.get()
                if isinstance(answer, BaseException):
                    raise answer
                left -= not answer.lost
                yield answer
        finally:
            if left:
                self.close()

    def close(self) -> None:
        """End the processes, whatever they do."""
        for worker in self._workers:
            worker.close()


def _lane(
    worker: WorkerProcess,
    waiting: queue.SimpleQueue[Message],
    tell: Callable[[Answer | BaseException], None],
) -> None:
    try:
        while True:
            try:
                task = waiting.get_nowait()
            except queue.Empty:
                return
            _do(worker, task, tell)
    except BaseException as problem:  # it must not be lost with the thread
        tell(problem)


def _do(worker: WorkerProcess, task: Message, tell: Callable[[Answer], None]) -> None:
    for losses in range(GIVEN_UP_AFTER):
        try:
            tell(Answer(task, worker.ask(tried_again(task, losses))))
            return
        except TaskFailedError as problem:
            tell(Answer(task, problem=str(problem)))
            return
        except WorkerLostError:
            tell(Answer(task, lost=True))
    tell(Answer(task, problem=f"its worker ended {GIVEN_UP_AFTER} times"))


def _own_gpu(number: int, n_gpus: int) -> dict[str, str]:
    return {"CUDA_VISIBLE_DEVICES": str(number % n_gpus)} if n_gpus else {}
