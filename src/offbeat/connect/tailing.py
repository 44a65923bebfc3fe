"""A table that grows: the rows of a query that are newer than those that were read."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from offbeat.connect.addresses import Address
from offbeat.connect.contract import Batch, Position, Record, Source
from offbeat.connect.database import as_away, engine_of
from offbeat.errors import ConfigError, DataError
from offbeat.parts import optional_part

__all__ = ["SQLSource"]

BATCH = 5_000


class SQLSource(Source):
    """Rows of a query in the order of its time column; the position is the last time.

    Rows of one time are read together or not at all, so they must be written in one transaction,
    or be older than the delay before they are read.

    Parameters
    ----------
    address
        `postgresql://user@host/database?query=SELECT ...`. Options: `time=`, the column, `time` if
        not given; `every=` between looks, 1s; `delay=` after which rows of a time count as
        complete, none if not given; `follow=no` ends at the newest row.
    """

    def __init__(self, address: Address) -> None:
        address.knows("query", "time", "every", "delay", "follow")
        self.name, self._address = address.name, address
        self._query = address.option("query").strip().rstrip(";")
        if not self._query:
            raise ConfigError(f"{self.name} asks nothing: write {self.name}?query=SELECT ...")
        self._time = address.option("time", "time")
        self._every = address.seconds("every", "1s")
        self._delay = address.seconds("delay")
        self.is_live = address.yes("follow", default=True)
        self._sql = optional_part("sqlalchemy", extra="live", needed_by="postgresql://")
        self._engine: Any = None
        self._last: Any = None
        self._looked = 0.0

    def open(self, position: Position | None) -> None:
        """As `Source.open`."""
        self._engine = self._engine or engine_of(self._address)
        if position and position["time"] is not None:
            kind, last = position["time"]
            self._last = datetime.fromisoformat(last) if kind == "moment" else last
        self._looked = 0.0

    def take(self, patience: float) -> Batch | None:
        """As `Source.take`."""
        missing = self._looked + self._every - time.monotonic()
        if self.is_live and missing > 0:
            time.sleep(min(missing, patience))
            if missing > patience:
                return Batch()
        rows = self._newer()
        if len(rows) < BATCH:
            self._looked = time.monotonic()
        else:  # the last time may have more rows than were read
            rows = [row for row in rows if row[self._time] != rows[-1][self._time]]
            if not rows:
                raise DataError(f"{self.name}: more than {BATCH} rows have one time")
        if not rows:
            return Batch() if self.is_live else None
        self._last = rows[-1][self._time]
        return Batch([_record(row) for row in rows])

    def position(self) -> Position:
        """As `Source.position`."""
        if self._last is None:
            return {"time": None}
        if isinstance(self._last, date):
            return {"time": ["moment", self._last.isoformat()]}
        return {"time": ["plain", self._last]}

    def close(self) -> None:
        """As `Source.close`."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    def _newer(self) -> list[dict[str, Any]]:
        column = self._engine.dialect.identifier_preparer.quote(self._time)
        conditions = [f"{column} > :last"] if self._last is not None else [f"{column} IS NOT NULL"]
        given: dict[str, Any] = {} if self._last is None else {"last": self._last}
        if self._delay:
            conditions.append(f"{column} <= :complete")
            given["complete"] = datetime.fromtimestamp(time.time() - self._delay, UTC)
        text = (
            f"SELECT * FROM ({self._query}) AS asked WHERE {' AND '.join(conditions)} "
            f"ORDER BY {column} LIMIT {BATCH}"
        )
        errors = self._sql.exc
        try:
            with as_away(), self._engine.connect() as connection:
                answer = connection.execute(self._sql.text(text), given)
                return [dict(row) for row in answer.mappings()]
        except (errors.ProgrammingError, errors.DataError) as problem:
            raise DataError(f"{self.name}: {' '.join(str(problem.orig).split())}") from None


def _record(row: dict[str, Any]) -> Record:
    """Numbers as numbers; what else a database knows stays as it is."""
    return {k: float(v) if isinstance(v, Decimal) else v for k, v in row.items()}
