"""Launch: run the application until it is told to stop, and stop without losing a job."""

from __future__ import annotations

import errno
import logging
import signal
import socket
from types import FrameType

import uvicorn
from fastapi import FastAPI

from offbeat.errors import ConfigError
from offbeat.server.app import create_app
from offbeat.server.example import begin_example
from offbeat.server.observability import write_structured_logs
from offbeat.server.options import ServerOptions
from offbeat.server.workbench import Workbench

__all__ = ["serve"]

LINGER = 3
"""Seconds that requests may take after the stop was asked for."""

log = logging.getLogger("offbeat.launch")


def serve(options: ServerOptions) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises
    ------
    ConfigError
        If the options cannot be, or the address is taken.
    StoreError
        If the data folder is in use or the database does not answer.
    """
    bench = Workbench(options)
    write_structured_logs()
    listening = _socket(options)
    # opened here, not by the application, so that what is wrong is one line and no traceback
    bench.open()
    try:
        app = create_app(options, bench, page=True)
        server = _Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=LINGER,
            ),
            app,
        )
        host, port = listening.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        log.info("serving", extra={"address": f"http://{shown}:{port}", "data": str(options.data)})
        if options.example:
            begin_example(bench)
        print(f"offbeat: http://{shown}:{port}, data in {options.data}", flush=True)
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, server.handle_early)
        server.run(sockets=[listening])
    finally:
        bench.close()
        log.info("stopped")


class _Server(uvicorn.Server):
    """Tells the open streams that the server stops, so that they end."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._stopping = app.state.stopping

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """On SIGINT and SIGTERM."""
        self._stopping.set()
        super().handle_exit(sig, frame)

    def handle_early(self, _sig: int, _frame: FrameType | None) -> None:
        """On a signal before the first request is taken: the start is the end.

        It also comes once more when all requests have ended; jobs are still to be parked then.
        """
        self.should_exit = True


def _socket(options: ServerOptions) -> socket.socket:
    """Where the server listens."""
    try:
        family = socket.getaddrinfo(options.host, options.port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((options.host, options.port), family=family)
    except OSError as problem:
        taken = problem.errno == errno.EADDRINUSE
        remedy = "stop what listens there, or name another --port" if taken else "name another one"
        raise ConfigError(
            f"{options.host}:{options.port} cannot be served ({problem.strerror}): {remedy}"
        ) from None
