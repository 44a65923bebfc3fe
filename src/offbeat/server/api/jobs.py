"""Routes of jobs: list, watch, cancel."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import anyio
import orjson
from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from offbeat.server.api.asking import Bench, PlainJSON
from offbeat.server.records import JobRecord, JobState
from offbeat.server.workbench import Workbench

__all__ = ["router"]

LOOK_EVERY = 0.25
BEAT_EVERY = 15.0
"""Seconds after which a silent stream says that it lives, so that no proxy closes it."""

router = APIRouter(prefix="/jobs", tags=["jobs"])


@router.get("", response_model=list[JobRecord], summary="List jobs, the newest first")
def find(
    bench: Bench,
    state: JobState | None = None,
    series_id: str | None = None,
    offset: int = Query(0, ge=0),
    limit: int = Query(100, ge=1, le=1000),
) -> Response:
    """Those in this state, of this series."""
    found = bench.jobs.find(state=state, series_id=series_id, offset=offset, limit=limit)
    return PlainJSON(found)


@router.get("/{job_id}", response_model=JobRecord, summary="One job")
def get(job_id: str, bench: Bench) -> Response:
    """With the epochs so far."""
    return PlainJSON(bench.jobs.get(job_id))


@router.post("/{job_id}/cancel", response_model=JobRecord, summary="Cancel a job")
def cancel(job_id: str, bench: Bench) -> Response:
    """What it had learned is thrown away."""
    return PlainJSON(bench.jobs.cancel(job_id))


@router.get(
    "/{job_id}/events",
    summary="Watch a job",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}}},
)
async def events(job_id: str, request: Request, bench: Bench) -> Response:
    """Server-sent events: `epoch` after each, `state` when it changes; ends with the job."""
    await run_in_threadpool(bench.jobs.get, job_id)  # one that is not there is a problem document
    return StreamingResponse(
        _stream(bench, job_id, request.app.state.stopping),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _stream(bench: Workbench, job_id: str, stopping: Any) -> AsyncIterator[bytes]:
    told, state, spoke = 0, "", time.monotonic()
    while not stopping.is_set():
        job = await run_in_threadpool(bench.jobs.get, job_id)
        if len(job.epochs) < told:  # begun anew after a stop
            told = 0
        for epoch in job.epochs[told:]:
            told, spoke = told + 1, time.monotonic()
            yield _event("epoch", epoch)
        if job.state != state:
            state, spoke = job.state, time.monotonic()
            yield _event("state", {**_plain(job), "epochs": len(job.epochs)})
        if job.ended:
            return
        if time.monotonic() - spoke > BEAT_EVERY:
            spoke = time.monotonic()
            yield b": still here\n\n"
        await anyio.sleep(LOOK_EVERY)


def _plain(job: JobRecord) -> dict[str, Any]:
    plain: dict[str, Any] = orjson.loads(orjson.dumps(job))
    return plain


def _event(name: str, data: Any) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + orjson.dumps(data) + b"\n\n"
