"""What routes ask of a request, and how they answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import orjson
from fastapi import Depends, Request, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from offbeat.errors import DataError
from offbeat.labels import Verdict, usual_verdict
from offbeat.server.records import Feedback
from offbeat.server.workbench import Exported, Workbench

__all__ = [
    "Bench",
    "Body",
    "Name",
    "PlainJSON",
    "SaidFeedback",
    "SaidVerdict",
    "Version",
    "Word",
    "arriving",
    "download",
]


class Body(BaseModel):
    """What comes in as JSON; a field that is not known is refused, not overlooked."""

    model_config = ConfigDict(extra="forbid", strict=False)


class PlainJSON(Response):
    """Records and arrays as JSON: every digit of a number, and null for one that is none."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """As text."""
        return orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS)


def _bench(request: Request) -> Workbench:
    bench: Workbench = request.app.state.bench
    return bench


def _name(request: Request) -> str:
    name: str = request.scope["caller"].name
    return name


Bench = Annotated[Workbench, Depends(_bench)]
Name = Annotated[str, Depends(_name)]
"""Who asks, for the history."""
Version = int | None
VERDICT_TEXT = (
    "true alarm: rightly so; false alarm: nothing was wrong; expected: off, but as planned; "
    "missed: off, and no alarm came"
)
SaidVerdict = Annotated[Verdict, BeforeValidator(usual_verdict), Field(description=VERDICT_TEXT)]
SaidFeedback = Annotated[
    Feedback,
    BeforeValidator(usual_verdict),
    Field(description=f"{VERDICT_TEXT}; clear: take back what was said"),
]


class Word(Body):
    """What a person says of an event."""

    feedback: SaidFeedback
    note: str = ""


@asynccontextmanager
async def arriving(request: Request, bench: Workbench) -> AsyncIterator[Path]:
    """The body of a request as a file, written while it comes in; it is gone afterwards."""
    with bench.folder.incoming() as path:
        size = 0
        with path.open("wb") as file:
            async for block in request.stream():
                size += len(block)
                await run_in_threadpool(file.write, block)
        if not size:
            raise DataError("no file came: send it as the body, as curl --data-binary @FILE does")
        yield path


def download(made: Exported) -> Response:
    """A file that a browser saves."""
    headers = {"Content-Disposition": f'attachment; filename="{made.name}"'}
    return Response(made.data, headers=headers, media_type=made.media_type)
