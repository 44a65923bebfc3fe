"""Routes of models: list, versions, roll back, download, upload, settings, delete."""

from __future__ import annotations

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from offbeat.server.api.asking import Bench, Body, Name, PlainJSON, Version, arriving, download
from offbeat.server.records import ModelRecord, VersionRecord

__all__ = ["router"]

router = APIRouter(prefix="/models", tags=["models"])


class NewName(Body):
    """What it is called from now on."""

    name: str


class Use(Body):
    """The version to use from now on."""

    version: int


@router.get("", response_model=list[ModelRecord], summary="List models, the newest first")
def find(
    bench: Bench,
    text: str = "",
    offset: int = Query(0, ge=0),
    limit: int = Query(100, ge=1, le=1000),
) -> Response:
    """Those whose name holds the text."""
    return PlainJSON(bench.models.find(text=text, offset=offset, limit=limit))


@router.post(
    "",
    status_code=201,
    response_model=ModelRecord,
    summary="Upload a model file",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/octet-stream": {"schema": {"format": "binary"}}},
        }
    },
)
async def upload(
    request: Request, bench: Bench, by: Name, name: str, model_id: str | None = None
) -> Response:
    """As a new model, or as the next version of `model_id`. Nothing in the file is ever run."""
    async with arriving(request, bench) as path:
        record = await run_in_threadpool(
            lambda: bench.models.upload(path, name=name, by=by, model_id=model_id)
        )
    return PlainJSON(record, 201, {"Location": f"/api/v1/models/{record.id}"})


@router.get("/{model_id}", response_model=ModelRecord, summary="One model")
def get(model_id: str, bench: Bench) -> Response:
    """With the version in use."""
    return PlainJSON(bench.models.get(model_id))


@router.patch("/{model_id}", response_model=ModelRecord, summary="Rename a model")
def rename(model_id: str, body: NewName, bench: Bench) -> Response:
    """Call it something else."""
    return PlainJSON(bench.models.rename(model_id, body.name))


@router.delete("/{model_id}", status_code=204, summary="Delete a model")
def delete(model_id: str, bench: Bench) -> Response:
    """Its versions, their scores and the history of their cuts go with it."""
    bench.models.delete(model_id)
    return Response(status_code=204)


@router.get("/{model_id}/versions", response_model=list[VersionRecord], summary="All versions")
def versions(model_id: str, bench: Bench) -> Response:
    """The newest first."""
    return PlainJSON(bench.models.versions(model_id))


@router.delete("/{model_id}/versions/{number}", status_code=204, summary="Delete a version")
def delete_version(model_id: str, number: int, bench: Bench) -> Response:
    """One that is not in use."""
    bench.models.delete_version(model_id, number)
    return Response(status_code=204)


@router.post("/{model_id}/use", response_model=ModelRecord, summary="Roll back, or forth")
def use(model_id: str, body: Use, bench: Bench) -> Response:
    """This version is in use from now on."""
    return PlainJSON(bench.models.use(model_id, body.version))


@router.get(
    "/{model_id}/file",
    summary="Download a model",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}}},
)
def file(model_id: str, bench: Bench, version: Version = None) -> Response:
    """The file that `offbeat detect --model` takes, with the cut in force."""
    return download(bench.exports.model(model_id, version=version))


@router.get(
    "/{model_id}/settings",
    summary="Settings for the command line",
    response_class=Response,
    responses={200: {"content": {"application/yaml": {}}}},
)
def settings(model_id: str, bench: Bench, version: Version = None) -> Response:
    """YAML that `offbeat train FILE --set @settings.yaml` reads."""
    return download(bench.exports.settings(model_id, version=version))
