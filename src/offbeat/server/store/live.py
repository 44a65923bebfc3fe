"""The tables of what watchers say. A row is known by what it is of, so that it is there once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Index, String, Table, Text
from sqlalchemy.orm import Session

from offbeat.server.store.tables import ID, MOMENT, Base, PlainJSON

__all__ = ["live_events", "live_readings", "live_series", "upsert"]


def _of_watcher() -> Column[str]:
    return Column("watcher_id", ID, ForeignKey("watchers.id", ondelete="CASCADE"), primary_key=True)


live_series = Table(
    "live_series",
    Base.metadata,
    _of_watcher(),
    Column("name", String(300), primary_key=True),
    Column("model_id", ID, nullable=False),
    Column("last_time", BigInteger, nullable=False),
    Column("severity", Float(53)),
    Column("series_id", ID, ForeignKey("series.id", ondelete="SET NULL")),
    Column("recorded_at", MOMENT),
)
"""Series that a watcher has heard of, and the series of the workbench that they are kept as."""

live_readings = Table(
    "live_readings",
    Base.metadata,
    _of_watcher(),
    Column("series", String(300), primary_key=True),
    Column("time", BigInteger, primary_key=True),
    Column("at", MOMENT, nullable=False),
    Column("about", PlainJSON, nullable=False),
    Index("live_readings_by_arrival", "watcher_id", "at"),
)
"""The newest readings of each series."""

live_events = Table(
    "live_events",
    Base.metadata,
    _of_watcher(),
    Column("id", ID, primary_key=True),
    Column("series", String(300), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("phase", String(20), nullable=False),
    Column("start", BigInteger, nullable=False),
    Column("end", BigInteger, nullable=False),
    Column("severity", Float(53)),
    Column("message", Text, nullable=False),
    Column("at", MOMENT, nullable=False),
    Column("about", PlainJSON, nullable=False),
    Index("live_events_by_arrival", "watcher_id", "at"),
)
"""Events as they stand."""


def upsert(
    session: Session, table: Table, rows: Sequence[Mapping[str, Any]], changed: Sequence[str]
) -> None:
    """Write rows; of one that is there already the columns `changed` are taken."""
    if not rows:
        return
    dialect = import_module(f"sqlalchemy.dialects.{session.get_bind().dialect.name}")
    insert = dialect.insert(table)
    keys = [column.name for column in table.primary_key]
    new = {name: insert.excluded[name] for name in changed}
    session.execute(insert.on_conflict_do_update(index_elements=keys, set_=new), list(rows))
