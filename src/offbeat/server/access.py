"""Access: who may do what.

Without a token only this machine is served, to everyone on it. With one, every call but the health
checks needs it: as `Authorization: Bearer`, or as a session that a browser began by logging in.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from collections import defaultdict, deque
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from offbeat.errors import OffbeatError
from offbeat.server.faults import (
    NotAllowedError,
    TooLargeError,
    TooManyTriesError,
    UnknownCallerError,
)
from offbeat.server.options import Limits, ServerOptions, is_loopback
from offbeat.server.problems import problem_of
from offbeat.server.workbench.sessions import Login, Role, SessionBook

__all__ = ["COOKIE", "CSRF_HEADER", "BodyLimit", "Caller", "Gate", "GateKeeper", "SafeHeaders"]

COOKIE = "offbeat_session"
CSRF_HEADER = "x-csrf-token"
USER_HEADER = "offbeat-user"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
OPEN_PATHS = ("/healthz", "/readyz")
LOG_IN = "/api/v1/session"
LOG_IN_PAGE = "/login"
UPLOADS = ("/api/v1/series", "/api/v1/models")
MINUTE = 60.0
LONGEST_NAME = 80
MOST_ADDRESSES = 10_000


@dataclass(frozen=True)
class Caller:
    """Who asks: a name for the history, and whether they may change anything."""

    name: str
    role: Role


class Gate:
    """Decides who asks and what they may do.

    Parameters
    ----------
    options
        The tokens, and where the server listens.
    sessions
        Who is logged in.
    """

    def __init__(self, options: ServerOptions, sessions: SessionBook) -> None:
        self._options, self._sessions = options, sessions
        self._tries = _Tries(options.limits.log_in_tries)

    @property
    def is_open(self) -> bool:
        """Whether no token is needed: then only this machine is served."""
        return self._options.token is None

    def caller(self, connection: HTTPConnection) -> Caller:
        """Who asks.

        Raises
        ------
        UnknownCallerError
            If a token is needed and none came, or a wrong one.
        NotAllowedError
            If the page of another site asks in the name of a visitor.
        """
        changes = connection.scope.get("method", "GET") not in SAFE_METHODS
        if changes or connection.scope["type"] == "websocket":
            _refuse_foreign_origin(connection.headers)
        if self.is_open:
            self._refuse_foreign_host(connection.headers)
            return Caller(_name_in(connection.headers) or "local", "full")
        scheme, _, token = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            role = self._role_of(token.strip(), _address(connection))
            return Caller(_name_in(connection.headers) or f"{role} token", role)
        cookie = connection.cookies.get(COOKIE)
        visitor = None if cookie is None else self._sessions.visitor(cookie)
        if visitor is None:
            raise UnknownCallerError("a token is needed: send it as 'Authorization: Bearer ...'")
        if changes and not visitor.owns(connection.headers.get(CSRF_HEADER, "")):
            raise NotAllowedError(f"a change from a page needs its {CSRF_HEADER} header")
        return Caller(visitor.name, visitor.role)

    def log_in(self, token: str, name: str, address: str) -> tuple[Caller, Login]:
        """Begin a session of a browser.

        Raises
        ------
        UnknownCallerError, TooManyTriesError
            If the token is wrong, or too many came from this address.
        """
        role: Role = "full" if self.is_open else self._role_of(token, address)
        caller = Caller(_clean(name) or f"{role} token", role)
        return caller, self._sessions.begin(caller.name, caller.role)

    def _role_of(self, token: str, address: str) -> Role:
        self._tries.refuse_if_many(address)
        full = _same(token, self._options.token)
        read = _same(token, self._options.read_token)
        if not full and not read:
            self._tries.note(address)
            raise UnknownCallerError("this token is wrong")
        return "full" if full else "read"

    def _refuse_foreign_host(self, headers: Headers) -> None:
        """A name that was bent to this machine is no name of it (DNS rebinding)."""
        host = urlsplit(f"//{headers.get('host', '')}").hostname or ""
        if not is_loopback(host):
            raise NotAllowedError(
                f"{host or 'no name'!r} is no name of this machine: ask for localhost, or set "
                "OFFBEAT_TOKEN to be served under other names"
            )


class GateKeeper:
    """Lets through who may, for every path: no route and no page can be forgotten.

    Who asks is in `scope["caller"]`, of a request and of a live connection alike; what a live
    connection may change is for the page to ask of the caller's role. Without a caller, a browser
    that wants a page is sent to `LOG_IN_PAGE`.
    """

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self._app, self._gate = app, gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Ask who it is, and go on or answer why not."""
        if scope["type"] not in ("http", "websocket") or scope["path"] in OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        try:
            if _begins_a_session(scope) and not self._gate.is_open:
                _refuse_foreign_origin(connection.headers)
            else:
                scope["caller"] = await run_in_threadpool(self._gate.caller, connection)
                _refuse_change_by_reader(scope)
        except (UnknownCallerError, NotAllowedError, TooManyTriesError) as problem:
            await _refusal(scope, connection, problem)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _begins_a_session(scope: Scope) -> bool:
    return scope["path"] == LOG_IN_PAGE or (
        scope["path"] == LOG_IN and scope.get("method") == "POST"
    )


def _refuse_change_by_reader(scope: Scope) -> None:
    changes = scope.get("method", "GET") not in SAFE_METHODS
    ends_session = scope["path"] == LOG_IN
    if changes and not ends_session and scope["caller"].role == "read":
        raise NotAllowedError("this token may read only")


def _refusal(scope: Scope, connection: HTTPConnection, problem: OffbeatError) -> ASGIApp:
    """A closed connection, a way to the log-in page, or a problem document."""
    if scope["type"] == "websocket":
        return WebSocketClose(1008, str(problem)[:100])
    wants_page = "text/html" in connection.headers.get("accept", "")
    if isinstance(problem, UnknownCallerError) and wants_page and scope["method"] == "GET":
        return RedirectResponse(LOG_IN_PAGE, 303)
    return problem_of(problem, scope.get("request_id"))


class BodyLimit:
    """Refuses what is too large before it is read, or as soon as it is known to be."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app, self._limits = app, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count what comes in."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        upload = scope["path"] in UPLOADS and scope["method"] == "POST"
        room = self._limits.upload_bytes if upload else self._limits.body_bytes
        said = Headers(scope=scope).get("content-length", "0")
        sentence = f"at most {room} bytes are taken here: send a part, or pack the file with gzip"
        if not said.isdigit() or int(said) > room:
            refusal = problem_of(TooLargeError(sentence), scope.get("request_id"))
            refusal.headers["Connection"] = "close"
            await refusal(scope, receive, send)
            return
        came = 0

        async def counted() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > room:
                raise HTTPException(413, sentence, {"Connection": "close"})
            return message

        await self._app(scope, counted, send)


class SafeHeaders:
    """Adds the headers that keep a browser from being used against its owner."""

    EVERYWHERE = (
        (b"x-content-type-options", b"nosniff"),
        (b"x-frame-options", b"DENY"),
        (b"referrer-policy", b"no-referrer"),
        (b"cross-origin-opener-policy", b"same-origin"),
        (b"cross-origin-resource-policy", b"same-origin"),
        (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
    )
    API = (
        (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; sandbox"),
        (b"cache-control", b"no-store"),
    )
    PAGE = (
        (
            b"content-security-policy",
            b"default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
            b"style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
            b"connect-src 'self'; worker-src 'self' blob:; object-src 'none'; base-uri 'self'; "
            b"form-action 'self'; frame-ancestors 'none'",
        ),
    )

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add them to every answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        extra = self.API if scope["path"].startswith("/api/") else self.PAGE

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self.EVERYWHERE, *extra]
            await send(message)

        await self._app(scope, receive, with_headers)


class _Tries:
    """Wrong tokens of the last minute, by address."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._wrong: defaultdict[str, deque[float]] = defaultdict(deque)
        self._lock = threading.Lock()

    def refuse_if_many(self, address: str) -> None:
        """Raise a `TooManyTriesError` if there were too many."""
        now = time.monotonic()
        with self._lock:
            wrong = self._wrong.get(address)
            while wrong and now - wrong[0] > MINUTE:
                wrong.popleft()
            if wrong and len(wrong) >= self._most:
                wait = int(MINUTE - (now - wrong[0])) + 1
                raise TooManyTriesError(
                    f"{len(wrong)} wrong tokens came from here: wait {wait} s", wait
                )

    def note(self, address: str) -> None:
        """One more."""
        with self._lock:
            if len(self._wrong) > MOST_ADDRESSES:
                self._wrong.clear()  # so many addresses at once: the memory is worth more
            self._wrong[address].append(time.monotonic())


def _refuse_foreign_origin(headers: Headers) -> None:
    """A change or a live connection may come from this server's own page only."""
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != headers.get("host", ""):
        raise NotAllowedError("the page of another site may not change anything here")


def _same(given: str, token: str | None) -> bool:
    """Whether the token is right, in a time that does not tell how much of it is."""
    known = hashlib.sha256((token or "").encode()).digest()
    return hmac.compare_digest(hashlib.sha256(given.encode()).digest(), known) and bool(token)


def _address(connection: HTTPConnection) -> str:
    return connection.client.host if connection.client is not None else "unknown"


def _name_in(headers: Headers) -> str:
    return _clean(headers.get(USER_HEADER, ""))


def _clean(name: str) -> str:
    """A name for the history: printable, and not too long."""
    return "".join(each for each in name if each.isprintable()).strip()[:LONGEST_NAME]
