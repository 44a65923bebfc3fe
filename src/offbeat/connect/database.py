"""SQL: events and readings as rows of two tables, each once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from offbeat.connect.addresses import Address
from offbeat.connect.contract import Outcome, Position, Sink
from offbeat.connect.outcome import event_to_dict
from offbeat.errors import ConfigError
from offbeat.parts import optional_part

__all__ = ["SQLSink", "as_away", "engine_of"]

EVENTS = ("id", "series", "kind", "phase", "start_time", "end_time", "severity", "message")
READINGS = ("series", "time", "status", "score", "threshold", "severity")
ABOUT = "about"
"""Column of all the rest, as JSON."""


class SQLSink(Sink):
    """Upserts events by id and readings by series and time, a transaction a batch.

    Parameters
    ----------
    address
        `postgresql://user@host/database` or `sqlite:///file`. Options: `only=events` keeps no
        readings, `prefix=` of the tables, `offbeat_` if not given.
    """

    def __init__(self, address: Address) -> None:
        address.knows("only", "prefix")
        self.name, self._address = address.name, address
        self._prefix = address.option("prefix", "offbeat_")
        self._events_only = address.option("only") == "events"
        if address.option("only", "events") != "events":
            raise ConfigError(f"{self.name}: only={address.option('only')} must be events")
        if not self._prefix.replace("_", "").isalnum():
            raise ConfigError(f"{self.name}: prefix={self._prefix} must be letters and digits")
        self._engine: Any = None
        self._events: dict[str, dict[str, Any]] = {}
        self._readings: dict[tuple[str, str], dict[str, Any]] = {}

    def open(self, position: Position | None) -> None:
        """As `Sink.open`; the tables are made if they are not there."""
        del position
        sql = optional_part("sqlalchemy", extra="live", needed_by="an SQL sink")
        self._engine = self._engine or engine_of(self._address)
        about = sql.MetaData()
        numbers = {"score", "threshold", "severity"}

        def column(name: str, key: Sequence[str]) -> Any:
            kind = sql.Float(53) if name in numbers else sql.String(64)
            kind = sql.Text() if name in (ABOUT, "message", "series") else kind
            return sql.Column(name, kind, primary_key=name in key)

        self._event_table = sql.Table(
            f"{self._prefix}events", about, *(column(each, ("id",)) for each in (*EVENTS, ABOUT))
        )
        key = ("series", "time")
        self._reading_table = sql.Table(
            f"{self._prefix}readings", about, *(column(each, key) for each in (*READINGS, ABOUT))
        )
        with as_away():
            about.create_all(self._engine)

    def put(self, outcome: Outcome) -> None:
        """As `Sink.put`."""
        for event in outcome.events:
            plain = event_to_dict(event)
            plain["severity"] = None if event.event is None else event.event.severity
            self._events[event.id] = _row(plain, EVENTS)
        for reading in () if self._events_only else outcome.readings:
            row = _row(reading, READINGS)
            self._readings[row["series"], row["time"]] = row

    def flush(self) -> None:
        """As `Sink.flush`."""
        if not self._events and not self._readings:
            return
        with as_away(), self._engine.begin() as connection:
            self._upsert(connection, self._event_table, list(self._events.values()))
            self._upsert(connection, self._reading_table, list(self._readings.values()))
        self._events.clear()
        self._readings.clear()

    def close(self) -> None:
        """As `Sink.close`."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    def _upsert(self, connection: Any, table: Any, rows: list[dict[str, Any]]) -> None:
        if not rows:
            return
        dialect = optional_part(
            f"sqlalchemy.dialects.{self._engine.dialect.name}",
            extra="live",
            needed_by="an SQL sink",
        )
        insert = dialect.insert(table)
        changed = {c.name: insert.excluded[c.name] for c in table.columns if not c.primary_key}
        keys = [column.name for column in table.primary_key]
        connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=changed), rows)


def engine_of(address: Address) -> Any:
    """Connections to a database.

    Raises
    ------
    ConfigError
        If it is neither PostgreSQL nor SQLite.
    MissingPartError
        If a package is missing.
    """
    sql = optional_part("sqlalchemy", extra="live", needed_by="an SQL database")
    if address.scheme not in ("postgresql", "sqlite"):
        raise ConfigError(f"{address.name}: PostgreSQL and SQLite are known")
    url = f"{address.url}/{address.topic}"
    if address.scheme == "postgresql":
        optional_part("psycopg", extra="live", needed_by="PostgreSQL")
        url = url.replace("postgresql://", "postgresql+psycopg://", 1)
    return sql.create_engine(url, pool_pre_ping=True)


class as_away:  # noqa: N801 (used as a function)
    """What a database says when it cannot now, as a `ConnectionError`."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, problem: BaseException | None, trace: object) -> None:
        from sqlalchemy.exc import InterfaceError, OperationalError

        if isinstance(problem, OperationalError | InterfaceError):
            raise ConnectionError(" ".join(str(problem.orig).split())) from None


def _row(plain: Mapping[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    """The columns of a table, and the rest as JSON; times as text, which all databases sort."""
    row = {name: plain.get(name) for name in columns}
    for name in ("time", "start_time", "end_time"):
        if name in row:
            row[name] = str(row[name])
    rest = {name: value for name, value in plain.items() if name not in columns}
    return {**row, ABOUT: json.dumps(rest, ensure_ascii=False)}
