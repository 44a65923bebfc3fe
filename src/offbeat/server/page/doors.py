"""Doors: which address opens which view, and that only those get in who may."""

from __future__ import annotations

import warnings
from collections.abc import Awaitable, Callable
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from nicegui import ui

from offbeat.server.access import LOG_IN_PAGE
from offbeat.server.options import ServerOptions
from offbeat.server.page.checking import check_view
from offbeat.server.page.event import event_view
from offbeat.server.page.frame import frame, honest
from offbeat.server.page.jobs import job_view, jobs_view
from offbeat.server.page.labels import labels_view
from offbeat.server.page.live import live_view
from offbeat.server.page.models import models_view
from offbeat.server.page.moved import moved_view
from offbeat.server.page.newwatcher import new_watcher_view
from offbeat.server.page.overview import overview
from offbeat.server.page.pieces import link
from offbeat.server.page.quiet import quiet_view
from offbeat.server.page.series import series_view
from offbeat.server.page.standing import StandingBook
from offbeat.server.page.training import train_view
from offbeat.server.page.versions import versions_view
from offbeat.server.page.visit import Visit
from offbeat.server.page.watcher import watcher_view
from offbeat.server.workbench import Workbench

__all__ = ["mount_page"]

HERE = Path(__file__).parent
View = Callable[[Visit], Awaitable[None]]
PATIENCE = 60.0
"""Seconds that building a view may take: the first look at a long series reads the disk."""
SERIES_VIEWS: dict[str, View] = {
    "": series_view,
    "/event": event_view,
    "/check": check_view,
    "/train": train_view,
    "/versions": versions_view,
    "/labels": labels_view,
    "/quiet": quiet_view,
}
LOST = "The address is wrong, or the page has moved."
ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 52 52"><path d="M3 31h9l5-9 6 17 7-29 7 '
    '27 4-6h8" fill="none" stroke="#0072B2" stroke-width="5" stroke-linecap="round" '
    'stroke-linejoin="round"/><circle cx="30" cy="9" r="5" fill="#D55E00"/></svg>'
)


def mount_page(app: FastAPI, bench: Workbench, options: ServerOptions) -> None:
    """Put the page on the application, behind its gate.

    Parameters
    ----------
    app
        The application; its middleware lets in who may.
    bench
        What is shown.
    options
        Whether a token is needed.
    """
    # NiceGUI looks at every object there is when it starts, and PyTorch warns of one of its own
    warnings.filterwarnings("ignore", "`torch.distributed.reduce_op`", FutureWarning)
    book = StandingBook(bench)
    _sign_in(app, options)
    _door(bench, options, "/", "Overview", lambda visit: overview(visit, book))
    _door(bench, options, "/moved", "Overview", lambda visit: moved_view(visit, book))
    _door(bench, options, "/jobs", "Jobs", jobs_view)
    _door(bench, options, "/jobs/{job_id}", "Jobs", job_view)
    _door(bench, options, "/models", "Models", models_view)
    _door(bench, options, "/live", "Live", live_view)
    _door(bench, options, "/live/new", "Live", new_watcher_view)
    _door(bench, options, "/live/{watcher_id}", "Live", watcher_view)
    for name, view in SERIES_VIEWS.items():
        _door(bench, options, f"/series/{{series_id}}{name}", "Overview", view)
    _nowhere(bench, options)
    ui.run_with(
        app,
        title="Offbeat",
        favicon=ICON,
        dark=None,
        tailwind=False,
        gzip_middleware_factory=None,
        reconnect_timeout=30.0,
        show_welcome_message=False,
    )


def _door(bench: Workbench, options: ServerOptions, path: str, section: str, view: View) -> None:
    @ui.page(path, response_timeout=PATIENCE)
    async def opened(request: Request) -> None:
        visit = Visit(bench, options, request)
        with frame(visit, section):
            await view(visit)


def _nowhere(bench: Workbench, options: ServerOptions) -> None:
    """Every other address: the last door, so that all others come first."""

    @ui.page("/{elsewhere:path}")
    async def lost(request: Request) -> Response:
        with frame(Visit(bench, options, request)), honest("There is no such page", LOST):
            link("To the overview", "/", "button main")
        return ui.context.client.build_response(request, 404)


def _sign_in(app: FastAPI, options: ServerOptions) -> None:
    """The one page that is open to everybody: it needs nothing from anywhere else."""
    text = (HERE / "signin.html").read_text().replace("/*style*/", (HERE / "style.css").read_text())

    @app.get(LOG_IN_PAGE, include_in_schema=False)
    def sign_in() -> Response:
        return HTMLResponse(text) if options.token is not None else RedirectResponse("/", 303)
