"""Jobs: look at them, wait for them, cancel them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

from offbeat.errors import OffbeatError
from offbeat.server.jobs.queue import JobQueue
from offbeat.server.jobs.runner import JobRunner
from offbeat.server.records import JobRecord, JobState

__all__ = ["JobDesk"]

LOOK_EVERY = 0.1


class JobDesk:
    """What waits, runs and ended.

    Parameters
    ----------
    queue, runner
        Where jobs are written down and done.
    """

    def __init__(self, queue: JobQueue, runner: JobRunner) -> None:
        self._queue, self._runner = queue, runner

    def get(self, job_id: str) -> JobRecord:
        """One job, with the epochs so far.

        Raises
        ------
        NotThereError
            If there is no such job.
        """
        job = self._queue.get(job_id)
        live = self._runner.epochs(job_id)
        if job.ended or len(live) <= len(job.epochs):
            return job
        return replace(job, epochs=live)

    def find(
        self,
        *,
        state: JobState | None = None,
        series_id: str | None = None,
        offset: int = 0,
        limit: int = 100,
    ) -> list[JobRecord]:
        """Jobs, the newest first."""
        return self._queue.find(state=state, series_id=series_id, offset=offset, limit=limit)

    def counts(self) -> dict[str, int]:
        """Jobs by state."""
        return self._queue.counts()

    def cancel(self, job_id: str) -> JobRecord:
        """End a job that waits or runs; what it had learned is thrown away.

        Raises
        ------
        NotThereError
            If there is no such job.
        ConflictError
            If it has ended already.
        """
        job = self._queue.cancel(job_id)
        self._runner.interrupt(job_id)
        return job

    def watch(self, job_id: str) -> Iterator[JobRecord]:
        """The job whenever something changed, until it has ended. Blocks in between."""
        seen: tuple[str, int] | None = None
        while True:
            job = self.get(job_id)
            now = (job.state, len(job.epochs))
            if now != seen:
                seen = now
                yield job
            if job.ended:
                return
            time.sleep(LOOK_EVERY)

    def wait(self, job_id: str, *, seconds: float = 600.0) -> JobRecord:
        """The job once it has ended.

        Raises
        ------
        OffbeatError
            If it takes longer than so many seconds.
        """
        until = time.monotonic() + seconds
        while not (job := self.get(job_id)).ended:
            if time.monotonic() > until:
                raise OffbeatError(f"job {job_id} is still {job.state} after {seconds:g} s")
            time.sleep(LOOK_EVERY)
        return job
