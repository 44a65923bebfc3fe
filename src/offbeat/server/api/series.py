"""Routes of series: upload, register, list, check, delete, train."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from offbeat.server.api.asking import Bench, Body, Name, PlainJSON, arriving
from offbeat.server.records import JobRecord, SeriesRecord
from offbeat.server.workbench import TrainingRequest

__all__ = ["router"]

router = APIRouter(prefix="/series", tags=["series"])


class Reading(Body):
    """How a file is read; what is left out is found from the data."""

    time: str | None = None
    channels: list[str] | None = None
    label: str | None = None
    delimiter: str | None = None
    zone: str | None = None
    every: str | None = None
    agg: str | None = None
    encoding: str | None = None


class Registration(Reading):
    """A file that lies in a folder the server may read."""

    path: str
    name: str | None = None


class NewName(Body):
    """What it is called from now on."""

    name: str


class Training(Body):
    """What is learned, and how; everything has a default, see `TrainingRequest`."""

    name: str | None = None
    model_id: str | None = None
    detector: str = "lstm"
    settings: tuple[str, ...] = ()
    train: float | int | str | None = None
    normal: tuple[tuple[int | str, int | str], ...] = ()
    exclude: tuple[tuple[int | str, int | str], ...] = ()
    covariates: tuple[str, ...] | None = None
    channels: tuple[str, ...] | None = None
    centred: bool = False
    seed: int = 0
    threshold: str | None = None

    def request(self) -> TrainingRequest:
        """As the workbench takes it."""
        return TrainingRequest(**self.model_dump())


class SeriesList(Body):
    """A part of all series, and how many there are."""

    items: list[SeriesRecord]
    total: int


@router.post(
    "",
    status_code=201,
    response_model=SeriesRecord,
    summary="Upload a file as a series",
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "The file itself: CSV, TSV, JSON lines, Parquet, Arrow, a log; or gzip",
            "content": {"application/octet-stream": {"schema": {"format": "binary"}}},
        }
    },
)
async def upload(
    request: Request,
    bench: Bench,
    by: Name,
    name: str,
    time: str | None = None,
    channels: list[str] | None = Query(None),
    label: str | None = None,
    delimiter: str | None = None,
    zone: str | None = None,
    every: str | None = None,
    agg: str | None = None,
    encoding: str | None = None,
) -> Response:
    """The series is in the store, on the disk, once this answers."""
    read = {
        "time": time, "channels": channels, "label": label, "delimiter": delimiter, "zone": zone,
        "every": every, "agg": agg, "encoding": encoding,
    }  # fmt: skip
    async with arriving(request, bench) as path:
        record = await run_in_threadpool(
            lambda: bench.series.upload(path, name=name, by=by, read=read)
        )
    return PlainJSON(record, 201, {"Location": f"/api/v1/series/{record.id}"})


@router.post(
    "/paths", status_code=201, response_model=SeriesRecord, summary="Register a file by its path"
)
def register(body: Registration, bench: Bench, by: Name) -> Response:
    """The file must lie in a folder given with `--source`; it is read now, and copied."""
    read = body.model_dump(exclude={"path", "name"})
    record = bench.series.register(body.path, name=body.name, by=by, read=read)
    return PlainJSON(record, 201, {"Location": f"/api/v1/series/{record.id}"})


@router.get("", response_model=SeriesList, summary="List series, the newest first")
def find(
    bench: Bench,
    text: str = "",
    offset: int = Query(0, ge=0),
    limit: int = Query(100, ge=1, le=1000),
) -> Response:
    """Those whose name holds the text."""
    items = bench.series.find(text=text, offset=offset, limit=limit)
    return PlainJSON({"items": items, "total": bench.series.count()})


@router.get("/{series_id}", response_model=SeriesRecord, summary="One series")
def get(series_id: str, bench: Bench) -> Response:
    """What it holds."""
    return PlainJSON(bench.series.get(series_id))


@router.patch("/{series_id}", response_model=SeriesRecord, summary="Rename a series")
def rename(series_id: str, body: NewName, bench: Bench) -> Response:
    """Call it something else."""
    return PlainJSON(bench.series.rename(series_id, body.name))


@router.delete("/{series_id}", status_code=204, summary="Delete a series")
def delete(series_id: str, bench: Bench) -> Response:
    """Its labels and kept scores go with it; models trained on it stay."""
    bench.series.delete(series_id)
    return Response(status_code=204)


@router.get(
    "/{series_id}/check", response_model=dict[str, Any], summary="Look before anything is trained"
)
def check(series_id: str, bench: Bench, step: str | None = None) -> Response:
    """The library's `CheckReport`, as `offbeat check --format json` writes it."""
    return PlainJSON(bench.series.check(series_id, step=step))


@router.post(
    "/{series_id}/train", status_code=202, response_model=JobRecord, summary="Train a model"
)
def train(series_id: str, body: Training, bench: Bench, by: Name) -> Response:
    """A job; watch it at `/jobs/{id}/events`."""
    job = bench.training.start(series_id, body.request(), by=by)
    return PlainJSON(job, 202, {"Location": f"/api/v1/jobs/{job.id}"})
