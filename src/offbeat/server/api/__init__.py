"""The REST routes, one file a noun. Each route is one call of the workbench.

`POST /models/{model_id}/recalibrate` (preview and apply) has its place in `models.py`.
"""

from __future__ import annotations

from offbeat.server.api import detections, jobs, labels, models, series, session, thresholds

__all__ = ["routers"]

routers = (
    series.router,
    models.router,
    jobs.router,
    detections.router,
    thresholds.router,
    labels.router,
    session.router,
)
