"""The store: tables in SQLite or PostgreSQL, brought up to date by migrations."""

from __future__ import annotations

from offbeat.server.store.engine import Store
from offbeat.server.store.live import live_events, live_readings, live_series, upsert
from offbeat.server.store.lookup import row_of
from offbeat.server.store.tables import (
    Base,
    CutRow,
    DetectionRow,
    JobRow,
    LabelRow,
    ModelRow,
    SeriesRow,
    SessionRow,
    VersionRow,
    WatcherRow,
    new_id,
    now_text,
)

__all__ = [
    "Base",
    "CutRow",
    "DetectionRow",
    "JobRow",
    "LabelRow",
    "ModelRow",
    "SeriesRow",
    "SessionRow",
    "Store",
    "VersionRow",
    "WatcherRow",
    "live_events",
    "live_readings",
    "live_series",
    "new_id",
    "now_text",
    "row_of",
    "upsert",
]
