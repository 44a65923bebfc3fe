"""The queue: jobs as rows, so that none is lost whatever stops the server."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from offbeat.server.faults import ConflictError
from offbeat.server.records import JobKind, JobRecord, JobState
from offbeat.server.store import JobRow, Store, now_text, row_of

__all__ = ["JobQueue", "Settle", "job_record"]

MAX_ATTEMPTS = 3
LIVE = ("queued", "running")

Settle = Callable[[Session, JobRow, Mapping[str, Any]], None]
"""Writes down what a worker brought, in the transaction that ends the job."""


class JobQueue:
    """What is to be done, is being done and was done.

    Parameters
    ----------
    store
        Where the rows are.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, kind: JobKind, request: dict[str, Any], series_id: str, by: str) -> JobRecord:
        """Put a job at the end of the queue."""
        row = JobRow(kind=kind, state="queued", request=request, series_id=series_id, created_by=by)
        row.model_id = request.get("model_id")
        with self._store.writing() as session:
            session.add(row)
            session.flush()
            return job_record(row)

    def get(self, job_id: str) -> JobRecord:
        """One job.

        Raises
        ------
        NotThereError
            If there is no such job.
        """
        with self._store.reading() as session:
            return job_record(row_of(session, JobRow, job_id))

    def find(
        self,
        *,
        state: JobState | None = None,
        series_id: str | None = None,
        offset: int = 0,
        limit: int = 100,
    ) -> list[JobRecord]:
        """Jobs, the newest first."""
        wanted = select(JobRow).order_by(JobRow.created_at.desc(), JobRow.id)
        if state is not None:
            wanted = wanted.where(JobRow.state == state)
        if series_id is not None:
            wanted = wanted.where(JobRow.series_id == series_id)
        with self._store.reading() as session:
            return [job_record(row) for row in session.scalars(wanted.offset(offset).limit(limit))]

    def counts(self) -> dict[str, int]:
        """Jobs by state."""
        counted = select(JobRow.state, func.count()).group_by(JobRow.state)
        with self._store.reading() as session:
            return {row[0]: row[1] for row in session.execute(counted)}

    def claim(self, kind: JobKind) -> JobRecord | None:
        """Take the oldest waiting job of a kind, or None."""
        waiting = (
            select(JobRow)
            .where(JobRow.state == "queued", JobRow.kind == kind)
            .order_by(JobRow.created_at, JobRow.id)
            .limit(1)
        )
        with self._store.reading() as session:
            if session.scalar(waiting) is None:  # looked at often: no write if there is none
                return None
        with self._store.writing() as session:
            row = session.scalar(waiting.with_for_update(skip_locked=True))
            if row is None:
                return None
            row.state, row.started_at, row.epochs = "running", now_text(), []
            row.attempts += 1
            return job_record(row)

    def note_epochs(self, job_id: str, epochs: Sequence[dict[str, Any]]) -> bool:
        """Write the diary of a training down; False if it is no longer wanted."""
        with self._store.writing() as session:
            row = session.get(JobRow, job_id)
            if row is None or row.state != "running":
                return False
            row.epochs = list(epochs)
            return True

    def finish(self, job_id: str, result: Mapping[str, Any], settle: Settle) -> bool:
        """End a job, and write down what came of it in the same transaction.

        Returns
        -------
        False if the job had been cancelled meanwhile: then nothing is written down.
        """
        with self._store.writing() as session:
            row = session.get(JobRow, job_id)
            if row is None or row.state != "running":
                return False
            settle(session, row, result)
            row.state, row.ended_at = "done", now_text()
            return True

    def fail(self, job_id: str, problem: str) -> None:
        """End a job that cannot be done, with the reason."""
        self._leave(job_id, "failed", problem)

    def park(self, job_id: str) -> None:
        """Put a running job back to the front: the server stops, and it is no fault of the job."""
        with self._store.writing() as session:
            row = session.get(JobRow, job_id)
            if row is not None and row.state == "running":
                row.state, row.started_at, row.attempts = "queued", None, row.attempts - 1

    def try_again(self, job_id: str, problem: str) -> None:
        """Put a job whose process was lost back, or end it if that happens too often."""
        with self._store.writing() as session:
            row = session.get(JobRow, job_id)
            if row is not None and row.state == "running":
                _put_back(row, problem)

    def cancel(self, job_id: str) -> JobRecord:
        """End a job that waits or runs.

        Raises
        ------
        NotThereError
            If there is no such job.
        ConflictError
            If it has ended already.
        """
        with self._store.writing() as session:
            row = row_of(session, JobRow, job_id)
            if row.state not in LIVE:
                raise ConflictError(f"job {job_id} is {row.state} already: nothing to cancel")
            row.state, row.ended_at = "cancelled", now_text()
            return job_record(row)

    def recover(self) -> tuple[int, int]:
        """After a stop: running jobs wait again, or have failed if they were begun too often.

        Returns
        -------
        How many wait again, and how many have failed.
        """
        again = failed = 0
        with self._store.writing() as session:
            for row in session.scalars(select(JobRow).where(JobRow.state == "running")):
                _put_back(
                    row,
                    f"the server stopped {row.attempts} times while this ran: it may need more "
                    "memory than there is; try fewer rows or channels",
                )
                again, failed = again + (row.state == "queued"), failed + (row.state == "failed")
        return again, failed

    def refuse_if_busy(self, session: Session, column: Any, value: str, what: str) -> None:
        """Raise a `ConflictError` if a waiting or running job needs this series or model."""
        busy = select(JobRow.id).where(column == value, JobRow.state.in_(LIVE)).limit(1)
        job_id = session.scalar(busy)
        if job_id is not None:
            raise ConflictError(f"{what} is needed by job {job_id}: cancel it or wait for its end")

    def _leave(self, job_id: str, state: JobState, problem: str | None) -> None:
        with self._store.writing() as session:
            row = session.get(JobRow, job_id)
            if row is not None and row.state == "running":
                row.state, row.problem, row.ended_at = state, problem, now_text()


def _put_back(row: JobRow, problem: str) -> None:
    """It waits again, or has failed with this problem if it was begun too often."""
    if row.attempts < MAX_ATTEMPTS:
        row.state, row.started_at = "queued", None
    else:
        row.state, row.ended_at, row.problem = "failed", now_text(), problem


def job_record(row: JobRow) -> JobRecord:
    """A row as it is handed out."""
    return JobRecord(
        id=row.id,
        kind=cast(JobKind, row.kind),
        state=cast(JobState, row.state),
        series_id=row.series_id,
        model_id=row.model_id,
        version=row.version,
        detection_id=row.detection_id,
        epochs=tuple(row.epochs or ()),
        problem=row.problem,
        attempts=row.attempts,
        created_at=row.created_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        created_by=row.created_by,
        request=row.request,
    )
