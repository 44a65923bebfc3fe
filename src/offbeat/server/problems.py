"""Problems: every error as an RFC 9457 problem document, with the library's own sentence."""

from __future__ import annotations

import errno
import logging
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from offbeat.errors import (
    ConfigError,
    DataError,
    MissingPartError,
    ModelFileError,
    NotFittedError,
    OffbeatError,
)
from offbeat.server.faults import (
    ConflictError,
    NotAllowedError,
    NotThereError,
    StoreError,
    TooLargeError,
    TooManyTriesError,
    UnknownCallerError,
)

__all__ = ["PROBLEMS", "answer_problems", "problem_of"]

HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
MEDIA_TYPE = "application/problem+json"
STATUS: Mapping[type[OffbeatError], tuple[int, str]] = {
    DataError: (422, "The data cannot be used"),
    ConfigError: (422, "An option cannot be so"),
    ModelFileError: (422, "The model file cannot be used"),
    NotFittedError: (409, "Nothing was learned yet"),
    MissingPartError: (501, "A part is not installed"),
    NotThereError: (404, "There is no such thing"),
    ConflictError: (409, "Not in this state"),
    UnknownCallerError: (401, "Who is asking?"),
    NotAllowedError: (403, "Not allowed"),
    TooLargeError: (413, "Too large"),
    TooManyTriesError: (429, "Too many tries"),
    StoreError: (503, "The store cannot be used"),
}
PROBLEMS: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "A problem document (RFC 9457); `detail` is one sentence",
        "content": {
            MEDIA_TYPE: {
                "schema": {
                    "type": "object",
                    "required": ["type", "title", "status", "detail"],
                    "properties": {
                        "type": {"type": "string"},
                        "title": {"type": "string"},
                        "status": {"type": "integer"},
                        "detail": {"type": "string"},
                        "request_id": {"type": "string"},
                    },
                }
            }
        },
    }
}
"""What every route may answer, for the description of the API."""

log = logging.getLogger("offbeat.problems")


def problem_of(problem: Exception, request_id: str | None = None) -> Response:
    """The document of any error; what was no one's intention says nothing of the inside."""
    headers: dict[str, str] = {}
    if isinstance(problem, OffbeatError):
        kind = next((each for each in type(problem).__mro__ if each in STATUS), OffbeatError)
        status, title = STATUS.get(kind, (422, "It cannot be done"))
        name, detail = kind.__name__.removesuffix("Error"), " ".join(str(problem).split())
        if isinstance(problem, TooManyTriesError):
            headers["Retry-After"] = str(problem.wait)
        if isinstance(problem, UnknownCallerError):
            headers["WWW-Authenticate"] = "Bearer"
    elif isinstance(problem, RequestValidationError):
        status, title, name, detail = 422, "The request cannot be read", "Request", _first(problem)
    elif isinstance(problem, OSError) and problem.errno in (errno.ENOSPC, errno.EDQUOT):
        status, title, name = 507, "No space is left", "Storage"
        detail = "no space is left on the disk of the server: nothing was kept; make room"
    elif isinstance(problem, HTTPException):
        status, title, name = problem.status_code, HTTPStatus(problem.status_code).phrase, "Request"
        detail = str(problem.detail)
        headers |= dict(problem.headers or {})
    else:
        status, title, name = 500, "A mistake of the server", "Server"
        detail = (
            "this is a mistake of the server, not yours: its log has more under this request id"
        )
    document = {
        "type": f"urn:offbeat:problem:{HUMP.sub('-', name).lower()}",
        "title": title,
        "status": status,
        "detail": detail,
    }
    if request_id is not None:
        document["request_id"] = request_id
    return Response(orjson.dumps(document), status, headers, MEDIA_TYPE)


def answer_problems(app: FastAPI) -> None:
    """Have an application answer every error so."""

    async def answer(request: Request, problem: Exception) -> Response:
        request_id = request.scope.get("request_id")
        if not isinstance(problem, OffbeatError | RequestValidationError | HTTPException):
            log.error("mistake", exc_info=problem)
        return problem_of(problem, request_id)

    for kind in (OffbeatError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, answer)


def _first(problem: RequestValidationError) -> str:
    """Where the first mistake is and what was expected, in one line."""
    first = problem.errors()[0]
    place = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path"))
    rest = len(problem.errors()) - 1
    more = f" (and {rest} more)" if rest else ""
    return f"{place or 'the body'}: {first['msg']}{more}"
