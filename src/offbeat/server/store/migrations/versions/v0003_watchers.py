"""Watchers, and what they say: series, readings, events."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables; what is pointed at comes first."""
    op.create_table(
        "watchers",
        sa.Column("id", sa.String(32), primary_key=True),
        _text("created_at", 40),
        _text("created_by", 120),
        _text("name", 300, index=True),
        _long_text("source"),
        *(_json(name) for name in ("sinks", "models", "fields", "options")),
        _text("wanted", 10),
        _text("state", 12),
        _long_text("problem", nullable=True),
        _long_text("note", nullable=True),
        *(_number(name) for name in ("restarts", "n_rows", "n_refused", "n_events")),
        *(_json(name) for name in ("refused", "in_use")),
        _text("last_at", 40, nullable=True),
        _number("last_time", nullable=True),
    )
    _make_live()


def downgrade() -> None:
    """Take them away."""
    for table in ("live_events", "live_readings", "live_series", "watchers"):
        op.drop_table(table)


def _make_live() -> None:
    op.create_table(
        "live_series",
        _of_watcher(),
        _text("name", 300, primary_key=True),
        _text("model_id", 32),
        _number("last_time"),
        sa.Column("severity", sa.Float(53), nullable=True),
        sa.Column("series_id", sa.String(32), sa.ForeignKey("series.id", ondelete="SET NULL")),
        _text("recorded_at", 40, nullable=True),
    )
    op.create_table(
        "live_readings",
        _of_watcher(),
        _text("series", 300, primary_key=True),
        _number("time", primary_key=True),
        _text("at", 40),
        _json("about"),
    )
    op.create_table(
        "live_events",
        _of_watcher(),
        _text("id", 32, primary_key=True),
        _text("series", 300),
        _text("kind", 20),
        _text("phase", 20),
        _number("start"),
        _number("end"),
        sa.Column("severity", sa.Float(53), nullable=True),
        _long_text("message"),
        _text("at", 40),
        _json("about"),
    )
    for table in ("live_readings", "live_events"):
        op.create_index(f"{table}_by_arrival", table, ["watcher_id", "at"])


def _of_watcher() -> sa.Column[str]:
    key = sa.ForeignKey("watchers.id", ondelete="CASCADE")
    return sa.Column("watcher_id", sa.String(32), key, primary_key=True)


def _text(name: str, length: int, **how: Any) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), **{"nullable": False, **how})


def _long_text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _json(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.JSON(), nullable=False)


def _number(name: str, **how: Any) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), **{"nullable": False, **how})
