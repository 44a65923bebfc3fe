"""The first tables: series, models with their versions and cuts, scores, jobs, labels, sessions."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make them; what is pointed at comes first."""
    _make_series_and_models()
    _make_results()
    _make_jobs_and_sessions()


def downgrade() -> None:
    """Take them away, the last first."""
    for table in ("sessions", "jobs", "labels", "detections", "cuts", "versions", "models"):
        op.drop_table(table)
    op.drop_table("series")


def _make_series_and_models() -> None:
    _make(
        "series",
        _text("name", 300, index=True),
        _long_text("origin"),
        *_file(),
        _big("n_rows"),
        _json("channels"),
        _big("start", nullable=True),
        _big("end", nullable=True),
        sa.Column("has_clock", sa.Boolean(), nullable=False),
        sa.Column("has_label", sa.Boolean(), nullable=False),
        _text("zone", 80, nullable=True),
        _json("notes"),
        _json("check", nullable=True),
    )
    _make("models", _text("name", 300, index=True), _number("active"))
    _make(
        "versions",
        _part_of("model_id", "models.id"),
        _number("number"),
        _text("origin", 20),
        *_file(),
        _text("detector", 80),
        _json("channels"),
        _big("n_learned"),
        _text("step", 40),
        _long_text("trained_on"),
        _json("threshold"),
        _text("title", 200),
        _part_of("series_id", "series.id", ondelete="SET NULL", nullable=True),
        _text("job_id", 32, nullable=True),
        _text("cut_id", 32, nullable=True),
        sa.UniqueConstraint("model_id", "number"),
    )


def _make_results() -> None:
    _make(
        "cuts",
        _part_of("version_id", "versions.id", index=True),
        _text("action", 10),
        _json("threshold"),
        _text("title", 200),
        _text("series_id", 32, nullable=True),
        _text("file", 80, nullable=True),
        _text("checksum", 64, nullable=True),
        _text("before_id", 32, nullable=True),
    )
    _make(
        "detections",
        _part_of("series_id", "series.id"),
        _part_of("version_id", "versions.id"),
        *_file(),
        _big("n_rows"),
        sa.UniqueConstraint("series_id", "version_id"),
    )
    _make(
        "labels",
        _part_of("series_id", "series.id", index=True),
        _big("start"),
        _big("end"),
        _text("verdict", 10),
        _long_text("note"),
        _text("source", 10),
        _text("model_id", 32, nullable=True),
    )


def _make_jobs_and_sessions() -> None:
    _make(
        "jobs",
        _text("kind", 10),
        _text("state", 10),
        _json("request"),
        _json("epochs"),
        _long_text("problem", nullable=True),
        _number("attempts"),
        _text("started_at", 40, nullable=True),
        _text("ended_at", 40, nullable=True),
        _text("series_id", 32, index=True),
        _text("model_id", 32, nullable=True),
        _number("version", nullable=True),
        _text("detection_id", 32, nullable=True),
    )
    op.create_index("jobs_by_state", "jobs", ["state", "kind", "created_at"])
    _make(
        "sessions",
        sa.Column("cookie_hash", sa.String(64), nullable=False, unique=True),
        _text("csrf_hash", 64),
        _text("role", 10),
        _text("expires_at", 40),
    )


def _make(table: str, *columns: Any) -> None:
    """A table with what every row has."""
    op.create_table(
        table,
        sa.Column("id", sa.String(32), primary_key=True),
        _text("created_at", 40),
        _text("created_by", 120),
        *columns,
    )


def _text(name: str, length: int, **how: Any) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), **{"nullable": False, **how})


def _long_text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _json(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.JSON(), nullable=nullable)


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=nullable)


def _big(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def _part_of(
    name: str,
    target: str,
    *,
    ondelete: str = "CASCADE",
    nullable: bool = False,
    index: bool = False,
) -> sa.Column[str]:
    key = sa.ForeignKey(target, ondelete=ondelete)
    return sa.Column(name, sa.String(32), key, nullable=nullable, index=index)


def _file() -> tuple[sa.Column[Any], ...]:
    """Name, size and SHA-256 of a stored file."""
    return _text("file", 80), _big("bytes"), _text("checksum", 64)
