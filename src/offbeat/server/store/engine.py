"""Store: a database that is up to date, and transactions on it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import DataError as DriverDataError
from sqlalchemy.orm import Session

from offbeat.errors import ConfigError
from offbeat.server.faults import StoreError

__all__ = ["Store"]

WAIT_MS = 30_000
MIGRATIONS = Path(__file__).parent / "migrations"
POSTGRES = ("postgresql", "postgres")


class Store:
    """Transactions on SQLite or PostgreSQL.

    Parameters
    ----------
    url
        `sqlite:///path` or `postgresql://user:password@host/name`.

    Attributes
    ----------
    url
        As it was given.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._engine = _sqlite(url) if url.startswith("sqlite") else _postgres(url)
        self._writer = self._engine.execution_options(writing=True)
        is_sqlite = self._engine.dialect.name == "sqlite"
        self._pen: Any = threading.Lock() if is_sqlite else nullcontext()  # it has one writer

    def migrate(self) -> None:
        """Bring the tables up to date.

        Raises
        ------
        StoreError
            If the database cannot be reached, or a newer version wrote it.
        """
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        try:
            with self._writer.begin() as connection:
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
        except DBAPIError as problem:
            raise StoreError(f"the store cannot be opened: {_first_line(problem)}") from None
        except CommandError as problem:
            raise StoreError(f"the store was written by a newer version: {problem}") from None

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that only looks."""
        with _reported(), Session(self._engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction that is kept on the disk when the block ends, or undone if it fails."""
        opened = Session(self._writer, expire_on_commit=False)
        with self._pen, _reported(), opened as session, session.begin():
            yield session

    def answers(self) -> bool:
        """Whether the database can be reached now."""
        try:
            with self._engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except DBAPIError:
            return False
        return True

    def close(self) -> None:
        """Give all connections back."""
        self._engine.dispose()


@contextmanager
def _reported() -> Iterator[None]:
    """A database that is gone is a `StoreError`, a value that fits into none a `ConfigError`."""
    try:
        yield
    except (OverflowError, DriverDataError):
        raise ConfigError(
            "a number that came is too large, or a text holds what none may"
        ) from None
    except DBAPIError as problem:
        if problem.connection_invalidated or type(problem).__name__ == "OperationalError":
            raise StoreError(f"the store does not answer: {_first_line(problem)}") from problem
        raise


def _sqlite(url: str) -> Engine:
    engine = create_engine(url, connect_args={"timeout": WAIT_MS / 1000}, pool_size=20)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",  # what was acknowledged outlives a power cut
            "foreign_keys=ON",
            f"busy_timeout={WAIT_MS}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writing = connection.get_execution_options().get("writing")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def _postgres(url: str) -> Engine:
    try:
        parsed = make_url(url)
        if parsed.drivername not in (*POSTGRES, "postgresql+psycopg"):
            raise ConfigError(
                f"--store is a database of PostgreSQL, such as postgresql://user@host/offbeat; "
                f"{parsed.render_as_string()!r} came"
            )
        parsed = parsed.set(drivername="postgresql+psycopg")
        return create_engine(parsed, pool_pre_ping=True, pool_size=20)
    except (ArgumentError, NoSuchModuleError):
        raise ConfigError(
            "--store is a database of PostgreSQL, such as postgresql://user@host/offbeat; what "
            "came is no such address"
        ) from None


def _first_line(problem: DBAPIError) -> str:
    return str(problem.orig).strip().splitlines()[0]
