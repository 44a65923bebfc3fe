"""Routes of teaching: what labels would change, applied on demand; quiet times; training anew."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from offbeat.errors import ConfigError
from offbeat.mutes import Mute, mute_from_dict, parse_mute
from offbeat.server.api.asking import Bench, Body, Name, PlainJSON, Version
from offbeat.server.records import CutRecord, JobRecord
from offbeat.thresholds import LabelledThreshold, threshold_from_dict
from offbeat.thresholds.text import parse_goal

__all__ = ["router"]

router = APIRouter(prefix="/models/{model_id}", tags=["teaching"])


class Lesson(Body):
    """Whose labels, and what the cut is chosen for: "fbeta:1", "cost:10:1"."""

    series_id: str
    goal: str | dict[str, Any] = "fbeta:1"
    alike: bool = True
    version: int | None = None


class QuietTimes(Body):
    """All of them, as `Mute.to_dict` gives them or as text: "Mon-Fri 02:00-03:00"."""

    mutes: list[str | dict[str, Any]]
    version: int | None = None


class Again(Body):
    """Whose labels are learned."""

    series_id: str
    version: int | None = None


@router.post("/recalibrate", response_model=dict[str, Any], summary="What the labels would change")
def recalibrate(model_id: str, body: Lesson, bench: Bench) -> Response:
    """Before and after, events gained and lost; nothing has changed yet."""
    found = bench.teaching.recalibrate(
        body.series_id, model_id, goal=_goal(body), version=body.version, alike=body.alike
    )
    return PlainJSON(found.to_dict())


@router.post("/recalibrate/apply", response_model=CutRecord, summary="Cut and mute so from now on")
def apply(model_id: str, body: Lesson, bench: Bench, by: Name) -> Response:
    """As proposed; undone like any other cut."""
    found = bench.teaching.recalibrate(
        body.series_id, model_id, goal=_goal(body), version=body.version, alike=body.alike
    )
    cut = bench.teaching.apply(body.series_id, model_id, found, by=by, version=body.version)
    return PlainJSON(cut)


@router.get("/mutes", response_model=list[dict[str, Any]], summary="The quiet times")
def mutes(model_id: str, bench: Bench, version: Version = None) -> Response:
    """In which events are kept quiet."""
    rules = bench.teaching.rules(model_id, version=version)
    return PlainJSON([mute.to_dict() for mute in rules.mutes])


@router.put("/mutes", response_model=CutRecord, summary="Keep events quiet in these times only")
def mute(model_id: str, body: QuietTimes, bench: Bench, by: Name) -> Response:
    """Undone like any other cut."""
    made = [_mute(each) for each in body.mutes]
    return PlainJSON(bench.teaching.mute(model_id, made, by=by, version=body.version))


@router.post(
    "/retrain", status_code=202, response_model=JobRecord, summary="Train the next version"
)
def retrain(model_id: str, body: Again, bench: Bench, by: Name) -> Response:
    """Confirmed anomalies are left out, expected stretches are learned."""
    job = bench.teaching.retrain(body.series_id, model_id, by=by, version=body.version)
    return PlainJSON(job, 202)


def _goal(body: Lesson) -> LabelledThreshold:
    if isinstance(body.goal, str):
        return parse_goal(body.goal)
    goal = threshold_from_dict(body.goal)
    if not isinstance(goal, LabelledThreshold):
        raise ConfigError(f"the goal is fbeta:1 or cost:10:1, {body.goal!r} came")
    return goal


def _mute(given: str | dict[str, Any]) -> Mute:
    return parse_mute(given) if isinstance(given, str) else mute_from_dict(given)
