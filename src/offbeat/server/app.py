"""The application: routes on a workbench, behind the gate."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from offbeat.server.access import BodyLimit, Gate, GateKeeper, SafeHeaders
from offbeat.server.api import routers
from offbeat.server.observability import Figures, RequestLog, health
from offbeat.server.options import ServerOptions
from offbeat.server.problems import PROBLEMS, answer_problems
from offbeat.server.workbench import Workbench

__all__ = ["create_app"]

ABOUT = """Find what is off in time series, choose the cut, and teach the detector.

Errors are problem documents (RFC 9457). With a token set, send it as `Authorization: Bearer ...`.
Spans are half-open, [start, end): time stamps in ISO form, or row numbers without a clock."""


def create_app(
    options: ServerOptions, bench: Workbench | None = None, *, page: bool = False
) -> FastAPI:
    """The application.

    Parameters
    ----------
    options
        See `ServerOptions`.
    bench
        An open workbench, which the caller closes; None makes one that is opened when the
        application starts and closed when it stops.
    page
        Whether the page for a browser is there too; it can be on one application a process.
    """
    workbench = bench or Workbench(options)

    @asynccontextmanager
    async def life(_app: FastAPI) -> AsyncIterator[None]:
        if bench is None:
            await run_in_threadpool(workbench.open)
        try:
            yield
        finally:
            if bench is None:
                await run_in_threadpool(workbench.close)

    app = FastAPI(
        title="Offbeat",
        version=version("offbeat"),
        description=ABOUT,
        lifespan=life,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # these pages load scripts from other sites
        redoc_url=None,
        responses=PROBLEMS,
    )
    app.state.bench, app.state.options = workbench, options
    app.state.gate, app.state.figures = Gate(options, workbench.sessions), Figures()
    app.state.stopping = threading.Event()
    app.include_router(health)
    for router in routers:
        app.include_router(router, prefix="/api/v1")
    answer_problems(app)
    if page:
        from offbeat.server.page import mount_page  # loads NiceGUI, which the routes do without

        mount_page(app, workbench, options)
    app.add_middleware(GateKeeper, gate=app.state.gate)
    app.add_middleware(BodyLimit, limits=options.limits)
    app.add_middleware(SafeHeaders)
    app.add_middleware(RequestLog, figures=app.state.figures)  # the last added comes first
    return app
