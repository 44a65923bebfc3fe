"""Runner: one thread a lane takes jobs from the queue and has a worker process do them."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from sqlalchemy.orm import Session

from offbeat.errors import OffbeatError
from offbeat.server.faults import StoreError
from offbeat.server.jobs.queue import JobQueue
from offbeat.server.jobs.tasks import Task
from offbeat.server.jobs.worker import Epoch, Worker, WorkerLostError
from offbeat.server.records import JobKind, JobRecord
from offbeat.server.store import JobRow

__all__ = ["Handler", "JobRunner"]

IDLE = 1.0
"""Seconds after which an idle lane looks at the queue without being called."""
DIARY_EVERY = 0.5
"""Seconds between two writes of a training's diary."""

T = TypeVar("T")
log = logging.getLogger("offbeat.jobs")


class Handler(Protocol):
    """What a kind of job is made of."""

    def prepare(self, job: JobRecord) -> Task:
        """The task that a worker does; raises if it can no longer be done."""

    def settle(self, session: Session, row: JobRow, task: Task, result: Mapping[str, Any]) -> None:
        """Write down what came of it."""

    def discard(self, task: Task) -> None:
        """Remove what a task wrote that nobody wants any more."""


class JobRunner:
    """The lanes, each with a worker process of its own.

    Parameters
    ----------
    queue
        Where jobs come from.
    handlers
        What each kind of job is made of.
    lanes
        How many of each kind run at a time.
    """

    def __init__(
        self,
        queue: JobQueue,
        handlers: Mapping[JobKind, Handler],
        lanes: Mapping[JobKind, int],
    ) -> None:
        self._queue, self._handlers = queue, handlers
        self._called = threading.Condition()
        self._stopping = False
        self._lanes = [
            _Lane(kind, Worker(f"offbeat-{kind}-{i + 1}"))
            for kind, n_lanes in lanes.items()
            for i in range(n_lanes)
        ]
        self._live: dict[str, list[Epoch]] = {}

    def start(self) -> None:
        """Begin to work."""
        for lane in self._lanes:
            thread = threading.Thread(
                target=self._work, args=(lane,), name=lane.worker_name, daemon=True
            )
            lane.thread = thread
            thread.start()

    def call(self) -> None:
        """There is something new in the queue."""
        with self._called:
            self._called.notify_all()

    def epochs(self, job_id: str) -> tuple[Epoch, ...]:
        """The diary of a training that runs now; () of any other job."""
        return tuple(self._live.get(job_id, ()))

    def interrupt(self, job_id: str) -> None:
        """End the process that does this job, if one does."""
        for lane in self._lanes:
            if lane.job_id == job_id:
                lane.worker.stop()

    def stop(self, grace: float) -> None:
        """Take nothing new; give running jobs this many seconds, then park them."""
        self._stopping = True
        self.call()
        until = time.monotonic() + grace
        for lane in self._lanes:
            if lane.thread is not None:
                lane.thread.join(max(0.0, until - time.monotonic()))
        for lane in self._lanes:
            lane.worker.close()
            if lane.thread is not None:
                lane.thread.join()

    def _work(self, lane: _Lane) -> None:
        while not self._stopping:
            try:
                job = self._queue.claim(lane.kind)
            except OffbeatError as problem:  # a database that is away comes back
                log.warning("queue cannot be read", extra={"problem": str(problem)})
                job = None
            if job is None:
                with self._called:
                    if not self._stopping:
                        self._called.wait(IDLE)
                continue
            lane.job_id = job.id
            self._live[job.id] = []
            try:
                self._do(lane, job)
            except Exception as problem:
                log.exception("job could not be written down", extra={"job": job.id})
                self._give_up(job, problem)
            finally:
                lane.job_id = None
                self._live.pop(job.id, None)

    def _do(self, lane: _Lane, job: JobRecord) -> None:
        handler = self._handlers[job.kind]
        began = time.monotonic()
        log.info("job begun", extra={"job": job.id, "kind": job.kind, "attempt": job.attempts})
        try:
            task = handler.prepare(job)
            result = lane.worker.run(task, self._diary(lane, job.id))
        except WorkerLostError as problem:
            self._lost(job, str(problem))
            return
        except OffbeatError as problem:
            sentence = str(problem)
            self._insist(lambda: self._queue.fail(job.id, sentence))
            log.info("job failed", extra={"job": job.id, "problem": sentence})
            return

        def settle(session: Session, row: JobRow, result: Mapping[str, Any]) -> None:
            row.epochs = list(self._live[job.id])
            handler.settle(session, row, task, result)

        if self._insist(lambda: self._queue.finish(job.id, result, settle)) is False:
            handler.discard(task)
        seconds = round(time.monotonic() - began, 3)
        log.info("job done", extra={"job": job.id, "seconds": seconds})

    def _give_up(self, job: JobRecord, problem: Exception) -> None:
        """A mistake in the code."""
        sentence = f"it could not be written down: {type(problem).__name__}"
        self._insist(lambda: self._queue.fail(job.id, sentence))

    def _insist(self, write: Callable[[], T]) -> T | None:
        """Write, however often the database is away; None if the server stops before it is back.

        Then the next start finds the job as one that was running.
        """
        while True:
            try:
                return write()
            except StoreError as problem:
                log.warning("job waits for the store", extra={"problem": str(problem)})
                if self._stopping:
                    return None
                time.sleep(IDLE)

    def _lost(self, job: JobRecord, problem: str) -> None:
        """A worker that is gone: the server stops, someone cancelled, or it broke."""
        if self._stopping:
            self._insist(lambda: self._queue.park(job.id))
            log.info("job parked", extra={"job": job.id})
        else:
            self._insist(lambda: self._queue.try_again(job.id, problem))  # unless cancelled
            log.info("worker lost", extra={"job": job.id})

    def _diary(self, lane: _Lane, job_id: str) -> Callable[[Epoch], None]:
        """Keeps every epoch at hand, and writes them down now and then."""
        written = 0.0

        def note(epoch: Epoch) -> None:
            nonlocal written
            self._live[job_id].append(epoch)
            if time.monotonic() - written < DIARY_EVERY:
                return
            written = time.monotonic()
            with contextlib.suppress(StoreError):  # it is written down once more at the end
                if not self._queue.note_epochs(job_id, self._live[job_id]):
                    lane.worker.stop()

        return note


class _Lane:
    """One job at a time."""

    def __init__(self, kind: JobKind, worker: Worker) -> None:
        self.kind, self.worker = kind, worker
        self.worker_name = f"lane-{kind}"
        self.thread: threading.Thread | None = None
        self.job_id: str | None = None
