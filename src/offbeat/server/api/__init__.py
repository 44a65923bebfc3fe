"""The REST routes, one file a noun. Each route is one call of the workbench."""

from __future__ import annotations

from offbeat.server.api import (
    detections,
    jobs,
    labels,
    models,
    series,
    session,
    teaching,
    thresholds,
    watchers,
)

__all__ = ["routers"]

routers = (
    series.router,
    models.router,
    jobs.router,
    detections.router,
    thresholds.router,
    labels.router,
    teaching.router,
    watchers.router,
    session.router,
)
