"""Worker: a process that does one task after the other, and dies with the server.

Server and worker talk in JSON over a pipe. The worker sends `epoch` lines while it trains, then one
`done` or `failed`. A pipe that ends means that the other side is gone.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import queue
import resource
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import asdict
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, Any

from offbeat.errors import OffbeatError
from offbeat.server.jobs.tasks import Task, task_from_dict, task_to_dict

if TYPE_CHECKING:
    from offbeat.training import EpochLog

__all__ = ["Epoch", "TaskFailedError", "Worker", "WorkerLostError"]

Epoch = dict[str, Any]
"""A line of a training's diary: the fields of `EpochLog`."""
NICENESS = 10
"""Workers stand back behind the server, so that a page stays quick while they train."""


class TaskFailedError(OffbeatError):
    """The library refused the task; the message is its own sentence."""


class WorkerLostError(OffbeatError):
    """The process ended in the middle of a task: it was cancelled, or ran out of memory."""


class Worker:
    """One process that is started when it is first needed, and again if it is lost.

    Parameters
    ----------
    name
        Shown in lists of processes.
    memory
        Bytes that it may use; None sets no limit.
    """

    def __init__(self, name: str, memory: int | None = None) -> None:
        self._name, self._memory = name, memory
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None
        self._closed = False
        self._turn = threading.Lock()

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.is_alive()

    def start(self) -> None:
        """Start the process, if none runs."""
        if self._closed:
            raise WorkerLostError("the server stops")
        if self.is_alive:
            return
        self._drop()
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=work, args=(theirs, NICENESS, self._memory), name=self._name, daemon=True
        )
        self._process.start()
        theirs.close()

    def run(self, task: Task, on_epoch: Callable[[Epoch], None] | None = None) -> dict[str, Any]:
        """Have a task done; those who ask at the same time wait for their turn.

        Raises
        ------
        TaskFailedError
            If the library refused it.
        WorkerLostError
            If the process ended in between.
        """
        with self._turn:
            self.start()
            return self._run(task, on_epoch)

    def _run(self, task: Task, on_epoch: Callable[[Epoch], None] | None) -> dict[str, Any]:
        assert self._pipe is not None  # `start` made it
        try:
            self._pipe.send_bytes(json.dumps(task_to_dict(task)).encode())
            while True:
                message = json.loads(self._pipe.recv_bytes())
                if message["kind"] == "epoch":
                    if on_epoch is not None:
                        on_epoch(message["epoch"])
                elif message["kind"] == "done":
                    return dict(message["result"])
                else:
                    raise TaskFailedError(message["problem"])
        except TaskFailedError:
            raise
        except (EOFError, OSError):
            self.stop()
            raise WorkerLostError(
                "the process that did this ended before it was done: it may need more memory than "
                "there is; try fewer rows or channels"
            ) from None
        except BaseException:  # the hook failed: what the process still says belongs to no task
            self.stop()
            raise

    def stop(self) -> None:
        """End the process now, whatever it does."""
        process = self._process
        if process is not None and process.is_alive():
            process.kill()
            process.join()
        # the pipe is left to the thread that reads it: it sees the end and clears up

    def close(self) -> None:
        """End the process, and start none any more."""
        self._closed = True
        self.stop()

    def _drop(self) -> None:
        if self._pipe is not None:
            self._pipe.close()
        self._pipe = self._process = None


def work(pipe: Connection, niceness: int, memory: int | None) -> None:
    """What the process does until the server is gone."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)  # they are for the server: it parks the jobs
    with contextlib.suppress(OSError):
        os.nice(niceness)
    if memory is not None:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    tasks: queue.Queue[bytes] = queue.Queue()
    threading.Thread(target=_listen, args=(pipe, tasks), daemon=True).start()
    while True:
        answer = _answer(tasks.get(), pipe)
        pipe.send_bytes(json.dumps(answer).encode())


def _listen(pipe: Connection, tasks: queue.Queue[bytes]) -> None:
    """Take tasks in; when the server is gone, so is this process, in the middle of whatever."""
    while True:
        try:
            tasks.put(pipe.recv_bytes())
        except (EOFError, OSError):
            os._exit(0)


def _answer(task: bytes, pipe: Connection) -> dict[str, Any]:
    def tell(epoch: EpochLog) -> None:
        pipe.send_bytes(json.dumps({"kind": "epoch", "epoch": asdict(epoch)}).encode())

    try:
        return {"kind": "done", "result": task_from_dict(json.loads(task)).run(tell)}
    except OffbeatError as problem:
        return {"kind": "failed", "problem": str(problem)}
    except MemoryError:
        return {"kind": "failed", "problem": "this needs more memory than it may have"}
    except Exception as problem:  # a mistake in the code: the job ends, the server goes on
        traceback.print_exc(file=sys.stderr)
        text = " ".join(str(problem).split())
        return {"kind": "failed", "problem": f"{type(problem).__name__}: {text}"}
