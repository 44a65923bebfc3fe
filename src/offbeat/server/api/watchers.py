"""Routes of watchers: create, list, start, stop, delete, readings, events, feedback, live feed."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import anyio
import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from offbeat.server.api.asking import Bench, Body, Name, PlainJSON, Word, download
from offbeat.server.faults import NotThereError
from offbeat.server.records import CutRecord, LabelRecord, SeriesRecord, WatcherRecord
from offbeat.server.store import now_text
from offbeat.server.workbench import WatcherRequest, Workbench
from offbeat.server.workbench.exports import TableFormat
from offbeat.thresholds.text import parse_goal

__all__ = ["router"]

LOOK_EVERY = 0.25
BEAT_EVERY = 15.0

router = APIRouter(prefix="/watchers", tags=["watchers"])


class Watched(Body):
    """Which model watches the series whose names a pattern fits; the first that fits counts."""

    series: str = Field("*", description="a pattern of names, with * and ?")
    model_id: str | None = None
    series_id: str | None = Field(None, description="the model that judges this series")


class Fields(Body):
    """What stands where in a record: names, or JSON pointers such as `/data/at`."""

    time: str | None = None
    series: str | None = None
    values: dict[str, str] = Field(default_factory=dict)
    zone: str | None = None


class StreamSettings(Body):
    """How series are watched, see `StreamOptions`."""

    lateness: str | int | None = None
    stall_after: int | None = None
    stuck_after: int | None = None
    drift_span: int | None = None
    zone: str | None = None
    history: int | None = None


class NewWatcher(Body):
    """What is to be watched."""

    name: str
    source: str
    models: list[Watched]
    sinks: list[str] = Field(default_factory=list)
    fields_: Fields = Field(default_factory=Fields, alias="fields")
    options: StreamSettings = StreamSettings()
    start: bool = True


class Start(Body):
    """`anew` forgets the checkpoint, and with it where the source was."""

    anew: bool = False


class Lesson(Body):
    """Which series of the watcher, and what the cut is chosen for: "fbeta:1", "cost:10:1"."""

    series: str | None = None
    goal: str = "fbeta:1"
    alike: bool = True


@router.post("", status_code=201, response_model=WatcherRecord, summary="Watch a stream")
def create(body: NewWatcher, bench: Bench, by: Name) -> Response:
    """In a process of its own, from now on and after every start of the server."""
    models = [(each.series, bench.watchers.model_for(each.model_id, each.series_id))
              for each in body.models]  # fmt: skip
    request = WatcherRequest(
        body.name,
        body.source,
        models,
        body.sinks,
        body.fields_.model_dump(),
        body.options.model_dump(exclude_none=True),
    )
    made = bench.watchers.create(request, by=by, start=body.start)
    return PlainJSON(made, 201, {"Location": f"/api/v1/watchers/{made.id}"})


@router.get("", response_model=list[WatcherRecord], summary="List watchers")
def find(bench: Bench) -> Response:
    """By name, each with its state."""
    return PlainJSON(bench.watchers.find())


@router.get("/{watcher_id}", response_model=WatcherRecord, summary="One watcher")
def get(watcher_id: str, bench: Bench) -> Response:
    """How far it is; passwords of its addresses are not shown."""
    return PlainJSON(bench.watchers.get(watcher_id))


@router.post("/{watcher_id}/start", response_model=WatcherRecord, summary="Start a watcher")
def start(watcher_id: str, bench: Bench, body: Start | None = None) -> Response:
    """It goes on from its checkpoint."""
    return PlainJSON(bench.watchers.start(watcher_id, anew=body is not None and body.anew))


@router.post("/{watcher_id}/stop", response_model=WatcherRecord, summary="Stop a watcher")
def stop(watcher_id: str, bench: Bench) -> Response:
    """Its checkpoint is on the disk once this answers."""
    return PlainJSON(bench.watchers.stop(watcher_id))


@router.delete("/{watcher_id}", status_code=204, summary="Delete a watcher")
def delete(watcher_id: str, bench: Bench) -> Response:
    """Its readings and events go with it; what was recorded as a series stays."""
    bench.watchers.delete(watcher_id)
    return Response(status_code=204)


@router.get(
    "/{watcher_id}/series", response_model=list[dict[str, Any]], summary="The series of a watcher"
)
def series(watcher_id: str, bench: Bench) -> Response:
    """Which model judges each, its newest severity, and the series that it is recorded as."""
    bench.watchers.get(watcher_id)
    return PlainJSON(bench.watchers.feed.series(watcher_id))


@router.get(
    "/{watcher_id}/readings", response_model=list[dict[str, Any]], summary="The newest readings"
)
def readings(
    watcher_id: str,
    bench: Bench,
    series: str | None = None,
    minutes: float | None = Query(None, gt=0, le=525_600),
    limit: int = Query(1_000, ge=1, le=20_000),
) -> Response:
    """As `offbeat watch` writes them, the oldest first; minutes count back from the newest."""
    bench.watchers.get(watcher_id)
    name = bench.watchers.feed.one(watcher_id, series).name
    return PlainJSON(bench.watchers.feed.readings(watcher_id, name, minutes=minutes, limit=limit))


@router.get("/{watcher_id}/events", response_model=list[dict[str, Any]], summary="The events")
def events(
    watcher_id: str,
    bench: Bench,
    series: str | None = None,
    is_open: bool = Query(False, alias="open"),
    limit: int = Query(200, ge=1, le=5_000),
) -> Response:
    """As `offbeat watch` writes them, the latest first, with `severity` and `verdict`."""
    found = bench.watchers.events(watcher_id, series=series, is_open=is_open, limit=limit)
    return PlainJSON(found)


@router.get(
    "/{watcher_id}/events/file",
    summary="Export the events",
    response_class=Response,
    responses={200: {"content": {"text/csv": {}}}},
)
def events_file(watcher_id: str, bench: Bench, format: TableFormat = "csv") -> Response:  # noqa: A002
    """One line an event, the latest first, with what was said of it."""
    found = bench.watchers.events(watcher_id, limit=5_000)
    return download(bench.exports.live_events(found, format))


@router.post(
    "/{watcher_id}/events/{event_id}/feedback",
    response_model=LabelRecord | None,
    summary="Say what an event was",
)
def feedback(watcher_id: str, event_id: str, body: Word, bench: Bench, by: Name) -> Response:
    """It becomes a label of the recorded series; "clear" takes back what was said."""
    said = bench.watchers.say(watcher_id, event_id, body.feedback, by=by, note=body.note)
    return PlainJSON(said)


@router.post(
    "/{watcher_id}/record", response_model=SeriesRecord, summary="Record a series as it is now"
)
def record(watcher_id: str, bench: Bench, by: Name, series: str | None = None) -> Response:
    """A series of the workbench, scored by what watches it; the same one each time."""
    return PlainJSON(bench.watchers.record(watcher_id, series, by=by))


@router.post(
    "/{watcher_id}/recalibrate", response_model=dict[str, Any], summary="What labels would change"
)
def recalibrate(watcher_id: str, body: Lesson, bench: Bench, by: Name) -> Response:
    """On the rows of now; nothing has changed yet."""
    found = bench.watchers.recalibrate(
        watcher_id, body.series, by=by, goal=parse_goal(body.goal), alike=body.alike
    )
    return PlainJSON(found.to_dict())


@router.post(
    "/{watcher_id}/recalibrate/apply", response_model=CutRecord, summary="Judge the next row so"
)
def apply(watcher_id: str, body: Lesson, bench: Bench, by: Name) -> Response:
    """As proposed; undone like any other cut."""
    found = bench.watchers.recalibrate(
        watcher_id, body.series, by=by, goal=parse_goal(body.goal), alike=body.alike
    )
    return PlainJSON(bench.watchers.apply(watcher_id, found, body.series, by=by))


@router.get(
    "/{watcher_id}/live",
    summary="Watch a watcher",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}}},
)
async def live(
    watcher_id: str, request: Request, bench: Bench, series: str | None = None
) -> Response:
    """Server-sent events: `state` when it changes, `reading` and `event` as they come."""
    await run_in_threadpool(bench.watchers.get, watcher_id)
    after = request.headers.get("last-event-id") or now_text()
    return StreamingResponse(
        _stream(bench, watcher_id, series, after, request.app.state.stopping),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _stream(
    bench: Workbench, watcher_id: str, series: str | None, after: str, stopping: Any
) -> AsyncIterator[bytes]:
    state, spoke = None, time.monotonic()
    while not stopping.is_set():
        try:
            watcher = await run_in_threadpool(bench.watchers.get, watcher_id)
        except NotThereError:
            return  # it was deleted
        readings, events, after = await run_in_threadpool(
            bench.watchers.feed.since, watcher_id, after, series
        )
        now = (watcher.state, watcher.problem, watcher.note)
        if now != state:
            state, spoke = now, time.monotonic()
            yield _event("state", watcher, after)
        for name, found in (("reading", readings), ("event", events)):
            for each in found:
                spoke = time.monotonic()
                yield _event(name, each, after)
        if time.monotonic() - spoke > BEAT_EVERY:
            spoke = time.monotonic()
            yield b": still here\n\n"
        await anyio.sleep(LOOK_EVERY)


def _event(name: str, data: Any, after: str) -> bytes:
    head = f"id: {after}\nevent: {name}\ndata: ".encode()
    return head + orjson.dumps(data) + b"\n\n"
