"""Observability: a structured line a request, figures for Prometheus, and whether all is well."""

from __future__ import annotations

import logging
import re
import secrets
import sys
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

import structlog
from fastapi import APIRouter, Request, Response
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

if TYPE_CHECKING:
    from offbeat.server.workbench import Workbench

__all__ = ["Figures", "RequestLog", "health", "write_structured_logs"]

REQUEST_ID = re.compile(r"[\w.-]{1,64}")
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 10.0)
STATES = ("queued", "running", "done", "failed", "cancelled")
OF_WATCHERS = {
    "up": "1 while a watcher runs.",
    "rows": "Readings that it wrote.",
    "refused": "Messages that became no row.",
    "events": "Events that opened.",
    "open_events": "Events that go on.",
    "restarts": "Times that it began anew after a crash.",
    "lag": "Seconds between the time of its newest row and its arrival.",
    "severity": "Highest severity of the newest rows of its series; 1 is the limit.",
}

disable_created_metrics()  # type: ignore[no-untyped-call]  # when a counter began is no figure of anything
log = logging.getLogger("offbeat.requests")
health = APIRouter(tags=["health"])


class Figures:
    """What Prometheus reads, of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "offbeat_requests", "Requests answered.", ("method", "route", "status"),
            registry=self.registry,
        )  # fmt: skip
        self.seconds = Histogram(
            "offbeat_request_seconds", "Seconds until the answer began.", ("route",),
            registry=self.registry, buckets=BUCKETS,
        )  # fmt: skip
        self.received = Counter(
            "offbeat_received_bytes", "Bytes of requests.", registry=self.registry
        )
        self.jobs = Gauge("offbeat_jobs", "Jobs by state.", ("state",), registry=self.registry)
        self.series = Gauge("offbeat_series", "Series in the store.", registry=self.registry)
        self.watchers = {
            name: Gauge(f"offbeat_watcher_{name}", text, ("watcher", "id"), registry=self.registry)
            for name, text in OF_WATCHERS.items()
        }
        ProcessCollector(registry=self.registry)

    def text(self, bench: Workbench) -> bytes:
        """All figures, those of the store as they are now."""
        counts = bench.jobs.counts()
        for state in STATES:
            self.jobs.labels(state).set(counts.get(state, 0))
        self.series.set(bench.series.count())
        for gauge in self.watchers.values():
            gauge.clear()
        for watcher in bench.watchers.find():
            for name, gauge in self.watchers.items():
                number = watcher.state == "running" if name == "up" else getattr(watcher, name)
                if number is not None:
                    gauge.labels(watcher.name, watcher.id).set(number)
        return generate_latest(self.registry)


class RequestLog:
    """Gives every request an id, a line in the log and its place in the figures."""

    def __init__(self, app: ASGIApp, figures: Figures) -> None:
        self._app, self._figures = app, figures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Measure it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        scope["request_id"] = request_id
        began, status, came = time.perf_counter(), 500, 0

        async def counted() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            return message

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
                self._figures.seconds.labels(_route(scope)).observe(time.perf_counter() - began)
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, counted, watched)
            finally:
                self._note(scope, status, came, time.perf_counter() - began)

    def _note(self, scope: Scope, status: int, came: int, seconds: float) -> None:
        route = _route(scope)
        self._figures.requests.labels(scope["method"], route, status).inc()
        self._figures.received.inc(came)
        caller = scope.get("caller")
        log.info(
            "request",
            extra={
                "method": scope["method"],
                "path": scope["path"],
                "status": status,
                "ms": round(1000 * seconds, 1),
                "received": came,
                "by": getattr(caller, "name", None),
            },
        )


@health.get("/healthz", summary="Whether the server runs")
async def healthz() -> dict[str, str]:
    """It answers, so it does."""
    return {"status": "ok"}


@health.get("/readyz", summary="Whether the store and the data folder can be used")
def readyz(request: Request, response: Response) -> dict[str, str]:
    """503 where they cannot, or where the server is about to stop."""
    ready = request.app.state.bench.is_ready() and not request.app.state.stopping.is_set()
    response.status_code = 200 if ready else 503
    return {"status": "ready" if ready else "not ready"}


@health.get("/metrics", summary="Figures for Prometheus")
def metrics(request: Request) -> Response:
    """In Prometheus' text format."""
    state = request.app.state
    return Response(state.figures.text(state.bench), media_type=CONTENT_TYPE_LATEST)


def write_structured_logs(level: str = "INFO") -> None:
    """One line of JSON an event on standard error, with the id of the request it belongs to."""
    shared: Iterable[structlog.typing.Processor] = (
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=list(shared),
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers, root.level = [handler], logging.WARNING
    logging.getLogger("offbeat").setLevel(level)


def _route(scope: Scope) -> str:
    """The route's template: a figure for every id would be a figure for nothing."""
    return getattr(scope.get("route"), "path", None) or "other"
