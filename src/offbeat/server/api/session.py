"""Routes of sessions: log in to the page, see who it is, log out."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from offbeat.server.access import COOKIE
from offbeat.server.api.asking import Bench, Body, PlainJSON

__all__ = ["router"]

router = APIRouter(prefix="/session", tags=["session"])


class LogIn(Body):
    """A token, and the name that the history shows."""

    token: str = ""
    name: str = ""


class Session(Body):
    """Who is logged in; `csrf_token` goes into `X-CSRF-Token` of every change."""

    name: str
    role: str
    csrf_token: str | None = None
    expires_at: str | None = None


@router.post("", response_model=Session, summary="Log in")
def log_in(body: LogIn, request: Request) -> Response:
    """The browser gets a cookie that no script can read."""
    address = request.client.host if request.client is not None else "unknown"
    caller, login = request.app.state.gate.log_in(body.token, body.name, address)
    answer = PlainJSON(
        Session(
            name=caller.name,
            role=caller.role,
            csrf_token=login.csrf_token,
            expires_at=login.expires_at,
        ).model_dump()
    )
    answer.set_cookie(
        COOKIE,
        login.cookie,
        httponly=True,
        samesite="strict",
        secure=request.app.state.options.secure_cookies,
        max_age=12 * 3600,
    )
    return answer


@router.get("", response_model=Session, summary="Who asks")
def who(request: Request) -> Response:
    """The caller's name and role."""
    caller = request.scope["caller"]
    return PlainJSON({"name": caller.name, "role": caller.role})


@router.delete("", status_code=204, summary="Log out")
def log_out(request: Request, bench: Bench) -> Response:
    """The cookie is worth nothing from now on."""
    cookie = request.cookies.get(COOKIE)
    if cookie is not None:
        bench.sessions.end(cookie)
    answer = Response(status_code=204)
    answer.delete_cookie(COOKIE)
    return answer
