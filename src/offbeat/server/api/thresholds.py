"""Routes of thresholds: all methods, preview, apply, history, undo."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from offbeat.server.api.asking import Bench, Body, Name, PlainJSON, Version
from offbeat.server.records import CutRecord

__all__ = ["router"]

router = APIRouter(tags=["thresholds"])

Threshold = str | float | dict[str, Any]
"""`"1/week"`, `"percentile:99"`, the cut as a number, or what `Threshold.to_dict` gives."""


class Trial(Body):
    """A cut to try."""

    threshold: Threshold


class Cut(Body):
    """A cut to keep; methods that learn from labels need the series that has them."""

    threshold: Threshold
    series_id: str | None = None
    version: int | None = None


class Undo(Body):
    """Which version's cut is taken back; that of the one in use if none is named."""

    version: int | None = None


@router.get(
    "/thresholds/methods", response_model=list[dict[str, Any]], summary="All methods there are"
)
def methods(bench: Bench) -> Response:
    """Their settings with defaults, and whether they learn from labels."""
    return PlainJSON(bench.thresholds.methods())


@router.get(
    "/detections/{detection_id}/thresholds",
    response_model=list[dict[str, Any]],
    summary="All methods side by side",
)
def table(detection_id: str, bench: Bench) -> Response:
    """As `offbeat threshold` shows them."""
    record = bench.detections.by_id(detection_id)
    rows = bench.thresholds.table(record.series_id, record.model_id, version=record.version)
    return PlainJSON([row.to_dict() for row in rows])


@router.post(
    "/detections/{detection_id}/thresholds/preview",
    response_model=dict[str, Any],
    summary="What a cut would do",
)
def preview(detection_id: str, body: Trial, bench: Bench) -> Response:
    """Events, alarms a day and, with labels, precision, recall and F1; nothing is kept."""
    record = bench.detections.by_id(detection_id)
    tried = bench.thresholds.preview(
        record.series_id, record.model_id, body.threshold, version=record.version
    )
    return PlainJSON({**tried.row.to_dict(), "runs": tried.runs})


@router.get(
    "/models/{model_id}/threshold", response_model=dict[str, Any], summary="The cut in force"
)
def in_force(model_id: str, bench: Bench, version: Version = None) -> Response:
    """The method, in words and as a dictionary."""
    threshold = bench.thresholds.in_force(model_id, version=version)
    return PlainJSON({"title": threshold.title, "threshold": threshold.to_dict()})


@router.post("/models/{model_id}/threshold", response_model=CutRecord, summary="Cut there from now")
def apply(model_id: str, body: Cut, bench: Bench, by: Name) -> Response:
    """Who did it and when goes into the history; nothing is trained."""
    cut = bench.thresholds.apply(
        model_id, body.threshold, by=by, series_id=body.series_id, version=body.version
    )
    return PlainJSON(cut)


@router.post(
    "/models/{model_id}/threshold/undo", response_model=CutRecord, summary="Take a cut back"
)
def undo(model_id: str, bench: Bench, by: Name, body: Undo | None = None) -> Response:
    """Once more takes back the one before it."""
    version = None if body is None else body.version
    return PlainJSON(bench.thresholds.undo(model_id, by=by, version=version))


@router.get(
    "/models/{model_id}/threshold/history",
    response_model=list[CutRecord],
    summary="Who cut where and when",
)
def history(model_id: str, bench: Bench, version: Version = None) -> Response:
    """The latest first."""
    return PlainJSON(bench.thresholds.history(model_id, version=version))
