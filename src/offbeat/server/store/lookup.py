"""One row by its id, or the sentence that says it is not there."""

from __future__ import annotations

from typing import TypeVar

from sqlalchemy.orm import Session

from offbeat.server.faults import NotThereError
from offbeat.server.store.tables import (
    DetectionRow,
    JobRow,
    LabelRow,
    ModelRow,
    SeriesRow,
    WatcherRow,
)

__all__ = ["row_of"]

Row = TypeVar("Row", SeriesRow, ModelRow, DetectionRow, LabelRow, JobRow, WatcherRow)
CALLED = {
    SeriesRow: "series",
    ModelRow: "model",
    DetectionRow: "detection",
    LabelRow: "label",
    JobRow: "job",
    WatcherRow: "watcher",
}


def row_of(session: Session, table: type[Row], row_id: str) -> Row:
    """The row of a table with this id.

    Raises
    ------
    NotThereError
        If there is none.
    """
    row = session.get(table, row_id)
    if row is None:
        raise NotThereError(f"there is no {CALLED[table]} {row_id}")
    return row
