"""Recording: the newest rows of a live series as a series of the workbench, scored.

A cut is dragged, events are judged, labels act, a report is written: all of it on a series and its
kept scores. So a live series becomes one, and stays the same one while it is brought up to date.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from offbeat.series import Series
from offbeat.server.files import DataFolder, Shelf, StoredFile, write_series
from offbeat.server.jobs.tasks import ScoreTask, about_series
from offbeat.server.jobs.worker import Worker
from offbeat.server.records import SeriesRecord
from offbeat.server.store import (
    DetectionRow,
    SeriesRow,
    Store,
    WatcherRow,
    live_series,
    new_id,
    now_text,
    row_of,
)
from offbeat.server.workbench.models import ModelShelf
from offbeat.server.workbench.moments import moment_number
from offbeat.server.workbench.series import LONGEST_NAME, SeriesShelf
from offbeat.server.workbench.watching.feed import Feed, LiveSeries

__all__ = ["Recorder"]

ORIGIN = "watcher"
MOST_ROWS = 100_000
"""Rows of a recording; the oldest go."""


class Recorder:
    """Brings recordings up to date.

    Parameters
    ----------
    store, folder
        Where rows and files are.
    series, models
        The shelves of the workbench.
    feed
        Where live readings come from.
    worker
        The process that scores.
    """

    def __init__(
        self,
        store: Store,
        folder: DataFolder,
        *,
        series: SeriesShelf,
        models: ModelShelf,
        feed: Feed,
        worker: Worker,
    ) -> None:
        self._store, self._folder, self._feed = store, folder, feed
        self._series, self._models, self._worker = series, models, worker
        self._turn = threading.Lock()

    def record(self, watcher_id: str, live: LiveSeries, *, by: str) -> SeriesRecord:
        """The recording of a live series with all rows that are there now, scored as watched.

        Parameters
        ----------
        watcher_id, live
            Which.
        by
            Who asks; the first one is named as its author.
        """
        with self._turn:
            begun = now_text()
            rows = self._feed.readings(watcher_id, live.name)
            series_id = self._feed.one(watcher_id, live.name).series_id
            made = series_of(rows, live.name)
            if series_id is not None:
                made = joined(self._series.load(series_id), made)
            return self._keep(watcher_id, live, made, series_id, begun, by)

    def _keep(
        self,
        watcher_id: str,
        live: LiveSeries,
        made: Series,
        series_id: str | None,
        begun: str,
        by: str,
    ) -> SeriesRecord:
        """Put rows and scores in the place of the older ones."""
        file = self._folder.keep(
            "series", f"{new_id()}.parquet", lambda path: write_series(made, path)
        )
        try:
            scores = self._score(live.model_id, file)
        except BaseException:
            self._folder.remove("series", file.name)
            raise
        with self._store.writing() as session:
            row = None if series_id is None else session.get(SeriesRow, series_id)
            if row is None:
                row, gone = _new_row(session, watcher_id, live.name, by), []
            else:
                gone = _take_older(session, row)
            _describe(row, made, file)
            session.add(row)
            session.flush()
            scores.series_id, scores.created_by = row.id, by
            session.add(scores)
            session.execute(
                update(live_series)
                .where(live_series.c.watcher_id == watcher_id, live_series.c.name == live.name)
                .values(series_id=row.id, recorded_at=begun)
            )
            series_id = row.id
        self._series.forget(series_id)
        for shelf, name in gone:
            self._folder.remove(shelf, name)
        return self._series.get(series_id)

    def _score(self, model_id: str, file: StoredFile) -> DetectionRow:
        """Scores of a file by the version in use, not in the store yet."""
        path, version = self._models.file(model_id)
        task = ScoreTask(
            series=str(self._folder.path("series", file.name)),
            model=str(path),
            target=str(self._folder.path("scores", f"{new_id()}.safetensors")),
            model_name=self._models.get(model_id).name,
        )
        n_rows = self._worker.run(task)["n_rows"]
        stored = self._folder.adopt("scores", Path(task.target).name)
        return DetectionRow(
            version_id=version.id,
            file=stored.name,
            bytes=stored.bytes,
            checksum=stored.checksum,
            n_rows=n_rows,
        )


def _new_row(session: Session, watcher_id: str, name: str, by: str) -> SeriesRow:
    watcher = row_of(session, WatcherRow, watcher_id)
    return SeriesRow(
        id=new_id(), name=_name(watcher.name, name), created_by=by, notes=[],
        origin=f"{ORIGIN} {watcher_id}",
    )  # fmt: skip


def _take_older(session: Session, row: SeriesRow) -> list[tuple[Shelf, str]]:
    """Take the older scores away; the files that are not needed any more."""
    of_series = DetectionRow.series_id == row.id
    scores = session.scalars(select(DetectionRow.file).where(of_series)).all()
    session.execute(delete(DetectionRow).where(of_series))
    return [("series", row.file), *(("scores", name) for name in scores)]


def series_of(rows: list[dict[str, Any]], name: str) -> Series:
    """Readings as a series: what was filled in is missing, as it came."""
    channels = tuple(rows[0]["values"])
    values = np.array(
        [
            [
                np.nan if each["values"][c] is None or c in each["imputed"] else each["values"][c]
                for c in channels
            ]
            for each in rows
        ],
        dtype=np.float64,
    )
    times = np.array([moment_number(each["time"]) for each in rows], dtype=np.int64)
    return Series(values, times.view("datetime64[ns]"), channels, name=name)


def joined(old: Series, new: Series) -> Series:
    """Older rows that are no longer among the readings, and those."""
    if old.channels != new.channels:
        return new
    before = old.time < new.time[0]
    return Series(
        np.concatenate([old.values[before], new.values])[-MOST_ROWS:],
        np.concatenate([old.time[before], new.time])[-MOST_ROWS:],
        new.channels,
        name=new.name,
    )


def _describe(row: SeriesRow, made: Series, file: StoredFile) -> None:
    row.file, row.bytes, row.checksum = file.name, file.bytes, file.checksum
    for name, found in about_series(made).items():
        setattr(row, name, found)
    row.check = None


def _name(watcher: str, series: str) -> str:
    return f"{watcher}: {series}"[:LONGEST_NAME]
