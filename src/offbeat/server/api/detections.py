"""Routes of detections: score, events, feedback, exports."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from offbeat.server.api.asking import Bench, Body, Name, PlainJSON, Word, download
from offbeat.server.records import DetectionRecord, JobRecord, LabelRecord
from offbeat.server.workbench.exports import TableFormat

__all__ = ["router"]

router = APIRouter(prefix="/detections", tags=["detections"])


class Scoring(Body):
    """What is scored, and by which version; the one in use if none is named."""

    series_id: str
    model_id: str
    version: int | None = None


@router.post(
    "",
    response_model=DetectionRecord,
    responses={202: {"model": JobRecord, "description": "A job scores it"}},
    summary="Score a series",
)
def score(body: Scoring, bench: Bench, by: Name) -> Response:
    """The kept scores, or the job that makes them."""
    found = bench.detections.score(body.series_id, body.model_id, by=by, version=body.version)
    if isinstance(found, JobRecord):
        return PlainJSON(found, 202, {"Location": f"/api/v1/jobs/{found.id}"})
    return PlainJSON(found)


@router.get("", response_model=list[DetectionRecord], summary="List kept scores")
def find(bench: Bench, series_id: str | None = None, model_id: str | None = None) -> Response:
    """The newest first."""
    return PlainJSON(bench.detections.find(series_id=series_id, model_id=model_id))


@router.get("/{detection_id}", response_model=dict[str, Any], summary="What was found")
def get(detection_id: str, bench: Bench) -> Response:
    """Under the cut in force: how many events, how many a day, which threshold."""
    record = bench.detections.by_id(detection_id)
    detection = bench.detections.open(record.series_id, record.model_id, version=record.version)
    return PlainJSON(
        {
            "record": record,
            "threshold": detection.threshold.to_dict(),
            "title": detection.threshold.title,
            "events": len(detection.events),
            "alarms_per_day": detection.alarms_per_day,
            "learned_rows": int(detection.learned.sum()),
        }
    )


@router.delete("/{detection_id}", status_code=204, summary="Forget kept scores")
def delete(detection_id: str, bench: Bench) -> Response:
    """They can be made again."""
    bench.detections.delete(detection_id)
    return Response(status_code=204)


@router.get("/{detection_id}/events", response_model=list[dict[str, Any]], summary="The events")
def events(detection_id: str, bench: Bench) -> Response:
    """As `Event.to_dict` gives them, with `number`, `span` and `verdict` beside."""
    record = bench.detections.by_id(detection_id)
    found = bench.feedback.events(record.series_id, record.model_id, version=record.version)
    return PlainJSON([each.to_dict() for each in found])


@router.post(
    "/{detection_id}/events/{number}/feedback",
    response_model=LabelRecord | None,
    summary="Say what an event was",
)
def feedback(detection_id: str, number: int, body: Word, bench: Bench, by: Name) -> Response:
    """It becomes a label of the event's span; "clear" takes back what was said."""
    record = bench.detections.by_id(detection_id)
    label = bench.feedback.say_of(
        record.series_id, record.model_id, number, body.feedback,
        by=by, version=record.version, note=body.note,
    )  # fmt: skip
    return PlainJSON(label)


@router.get(
    "/{detection_id}/events/file",
    summary="Export the events",
    response_class=Response,
    responses={200: {"content": {"text/csv": {}}}},
)
def events_file(detection_id: str, bench: Bench, format: TableFormat = "csv") -> Response:  # noqa: A002
    """As `offbeat detect --out` writes them."""
    record = bench.detections.by_id(detection_id)
    made = bench.exports.events(record.series_id, record.model_id, format, version=record.version)
    return download(made)


@router.get(
    "/{detection_id}/scores",
    summary="Export the scores",
    response_class=Response,
    responses={200: {"content": {"text/csv": {}}}},
)
def scores(detection_id: str, bench: Bench, format: TableFormat = "csv") -> Response:  # noqa: A002
    """Every row with score, cut and what was expected, as `offbeat score --out` writes them."""
    record = bench.detections.by_id(detection_id)
    made = bench.exports.scores(record.series_id, record.model_id, format, version=record.version)
    return download(made)


@router.get(
    "/{detection_id}/report",
    summary="The report in one HTML file",
    response_class=Response,
    responses={200: {"content": {"text/html": {}}}},
)
def report(detection_id: str, bench: Bench) -> Response:
    """As `offbeat report` writes it."""
    record = bench.detections.by_id(detection_id)
    made = bench.exports.report(record.series_id, record.model_id, version=record.version)
    return download(made)
