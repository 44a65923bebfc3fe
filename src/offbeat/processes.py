"""Worker processes: each does one task after the other, and dies with whoever started it.

Both sides talk in JSON over a pipe. The worker sends `note` lines while it works, then one `done`
or `failed`. A pipe that ends means that the other side is gone.
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
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from offbeat.errors import OffbeatError

__all__ = ["Message", "TaskFailedError", "Tell", "WorkerLostError", "WorkerProcess"]

Message = dict[str, Any]
"""JSON-able."""
Tell = Callable[[Message], None]
Do = Callable[[Message, Tell], Message]
"""What the process does with a task: a function of a module, which is imported there."""


class TaskFailedError(OffbeatError):
    """The library refused the task; the message is its own sentence."""


class WorkerLostError(OffbeatError):
    """The process ended in the middle of a task: it was stopped, or ran out of memory."""


class WorkerProcess:
    """One process that is started when it is first needed, and again if it is lost.

    Parameters
    ----------
    name
        Shown in lists of processes.
    do
        What it does with a task.
    niceness
        How far it stands back behind others.
    memory
        Bytes that it may use; None sets no limit.
    environment
        Variables that are set in it before anything is imported.
    """

    def __init__(
        self,
        name: str,
        do: Do,
        *,
        niceness: int,
        memory: int | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._name, self._do = name, do
        self._niceness, self._memory = niceness, memory
        self._environment = dict(environment or {})
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
        given = (theirs, self._environment, self._do, self._niceness, self._memory)
        self._process = context.Process(target=work, args=given, name=self._name, daemon=True)
        self._process.start()
        theirs.close()

    def ask(self, task: Message, on_note: Tell | None = None) -> Message:
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
            return self._ask(task, on_note)

    def _ask(self, task: Message, on_note: Tell | None) -> Message:
        assert self._pipe is not None  # `start` made it
        try:
            self._pipe.send_bytes(json.dumps(task).encode())
            while True:
                message = json.loads(self._pipe.recv_bytes())
                if message["kind"] == "note":
                    if on_note is not None:
                        on_note(message["note"])
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


def work(
    pipe: Connection,
    environment: Mapping[str, str],
    do: Do,
    niceness: int,
    memory: int | None,
) -> None:
    """What the process does until the other side is gone."""
    os.environ.update(environment)
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)  # they are for the other side, which ends this one
    with contextlib.suppress(OSError):
        os.nice(niceness)
    if memory is not None:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    tasks: queue.Queue[bytes] = queue.Queue()
    threading.Thread(target=_listen, args=(pipe, tasks), daemon=True).start()
    while True:
        answer = _answer(do, tasks.get(), pipe)
        pipe.send_bytes(json.dumps(answer).encode())


def _listen(pipe: Connection, tasks: queue.Queue[bytes]) -> None:
    """Take tasks in; when the other side is gone, so is this process, in the middle of whatever."""
    while True:
        try:
            tasks.put(pipe.recv_bytes())
        except (EOFError, OSError):
            os._exit(0)


def _answer(do: Do, task: bytes, pipe: Connection) -> Message:
    def tell(note: Message) -> None:
        pipe.send_bytes(json.dumps({"kind": "note", "note": note}).encode())

    try:
        return {"kind": "done", "result": do(json.loads(task), tell)}
    except OffbeatError as problem:
        return {"kind": "failed", "problem": str(problem)}
    except MemoryError:
        return {"kind": "failed", "problem": "this needs more memory than it may have"}
    except Exception as problem:  # a mistake in the code: the task ends, the other side goes on
        traceback.print_exc(file=sys.stderr)
        text = " ".join(str(problem).split())
        return {"kind": "failed", "problem": f"{type(problem).__name__}: {text}"}
