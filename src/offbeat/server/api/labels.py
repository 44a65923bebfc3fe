"""Routes of labels: what people say of spans, one by one or as a file."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from offbeat.server.api.asking import Bench, Body, Name, PlainJSON, SaidFeedback, SaidVerdict
from offbeat.server.records import LabelRecord, Moment

__all__ = ["router"]

router = APIRouter(tags=["labels"])

FileFormat = Literal["csv", "json"]


class Label(Body):
    """What is said of a span [start, end); without channels, of all of them."""

    start: Moment
    end: Moment
    verdict: SaidVerdict
    channels: tuple[str, ...] = ()
    note: str = ""


class Change(Body):
    """What changes of a label; the rest stays."""

    start: Moment | None = None
    end: Moment | None = None
    verdict: SaidVerdict | None = None
    channels: tuple[str, ...] | None = None
    note: str | None = None


class Said(Body):
    """What an alarm was, or what was missed."""

    start: Moment
    end: Moment
    feedback: SaidFeedback
    note: str = ""
    model_id: str | None = None


@router.get(
    "/series/{series_id}/labels", response_model=list[LabelRecord], summary="The labels of a series"
)
def find(series_id: str, bench: Bench) -> Response:
    """In the order of time; the label column that it came with is not among them."""
    return PlainJSON(bench.labels.find(series_id))


@router.post(
    "/series/{series_id}/labels", status_code=201, response_model=LabelRecord, summary="Add a label"
)
def add(series_id: str, body: Label, bench: Bench, by: Name) -> Response:
    """On the disk once this answers, in place of what was said of the very same span."""
    label = bench.labels.add(
        series_id, body.start, body.end, body.verdict,
        channels=body.channels, by=by, note=body.note,
    )  # fmt: skip
    return PlainJSON(label, 201, {"Location": f"/api/v1/labels/{label.id}"})


@router.patch("/labels/{label_id}", response_model=LabelRecord, summary="Change a label")
def change(label_id: str, body: Change, bench: Bench, by: Name) -> Response:
    """What is given changes."""
    return PlainJSON(bench.labels.change(label_id, by=by, **body.model_dump()))


@router.delete("/labels/{label_id}", status_code=204, summary="Take a label back")
def remove(label_id: str, bench: Bench) -> Response:
    """It is gone."""
    bench.labels.remove(label_id)
    return Response(status_code=204)


@router.post(
    "/series/{series_id}/feedback",
    response_model=LabelRecord | None,
    summary="Say what an alarm was, or what was missed",
)
def feedback(series_id: str, body: Said, bench: Bench, by: Name) -> Response:
    """It becomes a label; "clear" takes back all that was said of the span."""
    label = bench.feedback.say(
        series_id, body.start, body.end, body.feedback,
        by=by, model_id=body.model_id, note=body.note,
    )  # fmt: skip
    return PlainJSON(label)


@router.get(
    "/series/{series_id}/labels/file",
    summary="Export labels",
    response_class=Response,
    responses={200: {"content": {"text/csv": {}, "application/json": {}}}},
)
def export(series_id: str, bench: Bench, format: FileFormat = "csv") -> Response:  # noqa: A002
    """As `Labels.write` writes it; what a later label contradicts is left out."""
    data = bench.labels.export(series_id, format)
    media_type = "text/csv; charset=utf-8" if format == "csv" else "application/json"
    headers = {"Content-Disposition": f'attachment; filename="labels.{format}"'}
    return Response(data, headers=headers, media_type=media_type)


@router.post(
    "/series/{series_id}/labels/file",
    status_code=201,
    response_model=list[LabelRecord],
    summary="Import labels",
    openapi_extra={
        "requestBody": {"required": True, "content": {"text/csv": {}, "application/json": {}}}
    },
)
async def take_in(
    series_id: str,
    request: Request,
    bench: Bench,
    by: Name,
    format: FileFormat = "csv",  # noqa: A002
    replace: bool = False,
) -> Response:
    """As `Labels.read` reads it, all lines or none; `replace` takes all older labels away."""
    data = await request.body()
    made = await run_in_threadpool(
        lambda: bench.labels.take_in(series_id, data, format, by=by, replace_all=replace)
    )
    return PlainJSON(made, 201)
