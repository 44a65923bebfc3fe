"""The tables. Moments are ISO text in UTC: they sort, and read the same in every database."""

from __future__ import annotations

import math
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

__all__ = [
    "Base",
    "CutRow",
    "DetectionRow",
    "JobRow",
    "LabelRow",
    "ModelRow",
    "SeriesRow",
    "SessionRow",
    "VersionRow",
    "WatcherRow",
    "new_id",
    "now_text",
]

ID = String(32)
MOMENT = String(40)


def new_id() -> str:
    """An id that nobody can guess."""
    return secrets.token_hex(8)


def now_text() -> str:
    """The moment, to the microsecond."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


class PlainJSON(TypeDecorator[Any]):
    """JSON that every database takes: a number that is none becomes null."""

    impl = JSON
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:  # noqa: ARG002
        """On the way in."""
        return _plain(value)


class Base(DeclarativeBase):
    """Every row has an id, and says when and by whom it was made."""

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    created_at: Mapped[str] = mapped_column(MOMENT, default=now_text)
    created_by: Mapped[str] = mapped_column(String(120))


class SeriesRow(Base):
    """A series, and the Parquet file that holds it."""

    __tablename__ = "series"
    name: Mapped[str] = mapped_column(String(300), index=True)
    origin: Mapped[str] = mapped_column(Text)
    file: Mapped[str] = mapped_column(String(80))
    bytes: Mapped[int] = mapped_column(BigInteger)
    checksum: Mapped[str] = mapped_column(String(64))
    n_rows: Mapped[int] = mapped_column(BigInteger)
    channels: Mapped[list[str]] = mapped_column(PlainJSON)
    start: Mapped[int | None] = mapped_column(BigInteger)
    end: Mapped[int | None] = mapped_column(BigInteger)
    has_clock: Mapped[bool]
    has_label: Mapped[bool]
    zone: Mapped[str | None] = mapped_column(String(80))
    notes: Mapped[list[str]] = mapped_column(PlainJSON)
    check: Mapped[dict[str, Any] | None] = mapped_column(PlainJSON)


class ModelRow(Base):
    """A name for the versions of one model, and which of them is in use."""

    __tablename__ = "models"
    name: Mapped[str] = mapped_column(String(300), index=True)
    active: Mapped[int]


class VersionRow(Base):
    """One trained or uploaded model file. What a person chose since is in the history of cuts."""

    __tablename__ = "versions"
    __table_args__ = (UniqueConstraint("model_id", "number"),)
    model_id: Mapped[str] = mapped_column(ForeignKey("models.id", ondelete="CASCADE"))
    number: Mapped[int]
    origin: Mapped[str] = mapped_column(String(20))
    file: Mapped[str] = mapped_column(String(80))
    bytes: Mapped[int] = mapped_column(BigInteger)
    checksum: Mapped[str] = mapped_column(String(64))
    detector: Mapped[str] = mapped_column(String(80))
    channels: Mapped[list[str]] = mapped_column(PlainJSON)
    n_learned: Mapped[int] = mapped_column(BigInteger)
    step: Mapped[str] = mapped_column(String(40))
    trained_on: Mapped[str] = mapped_column(Text)
    threshold: Mapped[dict[str, Any]] = mapped_column(PlainJSON)
    title: Mapped[str] = mapped_column(String(200))
    series_id: Mapped[str | None] = mapped_column(ForeignKey("series.id", ondelete="SET NULL"))
    job_id: Mapped[str | None] = mapped_column(ID)
    cut_id: Mapped[str | None] = mapped_column(ID)
    """The cut in force; None is the one it came with."""


class CutRow(Base):
    """One entry in the history of cuts."""

    __tablename__ = "cuts"
    version_id: Mapped[str] = mapped_column(
        ForeignKey("versions.id", ondelete="CASCADE"), index=True
    )
    action: Mapped[str] = mapped_column(String(10))
    threshold: Mapped[dict[str, Any]] = mapped_column(PlainJSON)
    title: Mapped[str] = mapped_column(String(200))
    series_id: Mapped[str | None] = mapped_column(ID)
    file: Mapped[str | None] = mapped_column(String(80))
    """Model file of a cut that was learned from labels, with the scores it learned from."""
    checksum: Mapped[str | None] = mapped_column(String(64))
    before_id: Mapped[str | None] = mapped_column(ID)
    """The cut that undoing this one leads back to; None is the one the version came with."""


class DetectionRow(Base):
    """Kept scores of one series by one version."""

    __tablename__ = "detections"
    __table_args__ = (UniqueConstraint("series_id", "version_id"),)
    series_id: Mapped[str] = mapped_column(ForeignKey("series.id", ondelete="CASCADE"))
    version_id: Mapped[str] = mapped_column(ForeignKey("versions.id", ondelete="CASCADE"))
    file: Mapped[str] = mapped_column(String(80))
    bytes: Mapped[int] = mapped_column(BigInteger)
    checksum: Mapped[str] = mapped_column(String(64))
    n_rows: Mapped[int] = mapped_column(BigInteger)


class JobRow(Base):
    """A training or a scoring, from the queue to its end."""

    __tablename__ = "jobs"
    __table_args__ = (Index("jobs_by_state", "state", "kind", "created_at"),)
    kind: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(10))
    request: Mapped[dict[str, Any]] = mapped_column(PlainJSON)
    epochs: Mapped[list[dict[str, Any]]] = mapped_column(PlainJSON, default=list)
    problem: Mapped[str | None] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[str | None] = mapped_column(MOMENT)
    ended_at: Mapped[str | None] = mapped_column(MOMENT)
    series_id: Mapped[str] = mapped_column(ID, index=True)
    model_id: Mapped[str | None] = mapped_column(ID)
    version: Mapped[int | None]
    detection_id: Mapped[str | None] = mapped_column(ID)


class LabelRow(Base):
    """What a person says of a span: nanoseconds since 1970 in UTC, or row numbers."""

    __tablename__ = "labels"
    series_id: Mapped[str] = mapped_column(ForeignKey("series.id", ondelete="CASCADE"), index=True)
    start: Mapped[int] = mapped_column(BigInteger)
    end: Mapped[int] = mapped_column(BigInteger)
    verdict: Mapped[str] = mapped_column(String(20))
    channels: Mapped[list[str]] = mapped_column(PlainJSON)
    said_by: Mapped[str] = mapped_column(String(120))
    said_at: Mapped[str] = mapped_column(MOMENT)
    note: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(String(10))
    model_id: Mapped[str | None] = mapped_column(ID)


class WatcherRow(Base):
    """A watcher: what it watches, what is wanted of it, and how far it is. It holds passwords."""

    __tablename__ = "watchers"
    name: Mapped[str] = mapped_column(String(300), index=True)
    source: Mapped[str] = mapped_column(Text)
    sinks: Mapped[list[str]] = mapped_column(PlainJSON)
    models: Mapped[list[dict[str, Any]]] = mapped_column(PlainJSON)
    fields: Mapped[dict[str, Any]] = mapped_column(PlainJSON)
    options: Mapped[dict[str, Any]] = mapped_column(PlainJSON)
    wanted: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(12))
    problem: Mapped[str | None] = mapped_column(Text)
    note: Mapped[str | None] = mapped_column(Text)
    restarts: Mapped[int] = mapped_column(BigInteger, default=0)
    n_rows: Mapped[int] = mapped_column(BigInteger, default=0)
    n_refused: Mapped[int] = mapped_column(BigInteger, default=0)
    n_events: Mapped[int] = mapped_column(BigInteger, default=0)
    refused: Mapped[list[dict[str, Any]]] = mapped_column(PlainJSON, default=list)
    in_use: Mapped[dict[str, Any]] = mapped_column(PlainJSON, default=dict)
    """Version and cut of each model that judge now."""
    last_at: Mapped[str | None] = mapped_column(MOMENT)
    last_time: Mapped[int | None] = mapped_column(BigInteger)


class SessionRow(Base):
    """Someone who logged in to the page; neither the cookie nor the CSRF token can be read here."""

    __tablename__ = "sessions"
    cookie_hash: Mapped[str] = mapped_column(String(64), unique=True)
    csrf_hash: Mapped[str] = mapped_column(String(64))
    role: Mapped[str] = mapped_column(String(10))
    expires_at: Mapped[str] = mapped_column(MOMENT)


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value
