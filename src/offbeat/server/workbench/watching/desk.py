"""The desk of the watchers: every operation on them."""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from offbeat.errors import ConfigError, DataError, OffbeatError
from offbeat.recalibration import Recalibration
from offbeat.server.faults import ConflictError
from offbeat.server.files import DataFolder
from offbeat.server.options import ServerOptions
from offbeat.server.records import (
    LIVE_STATES,
    CutRecord,
    Feedback,
    LabelRecord,
    SeriesRecord,
    WatcherRecord,
)
from offbeat.server.store import SeriesRow, Store, WatcherRow, new_id, row_of
from offbeat.server.workbench.detections import DetectionShelf
from offbeat.server.workbench.feedback import FeedbackDesk
from offbeat.server.workbench.labels import LabelBook
from offbeat.server.workbench.models import ModelShelf
from offbeat.server.workbench.moments import moment_number, moment_text
from offbeat.server.workbench.series import clean_name
from offbeat.server.workbench.teaching import TeachingDesk
from offbeat.server.workbench.watching.feed import Feed, LiveSeries
from offbeat.server.workbench.watching.guarding import masked
from offbeat.server.workbench.watching.keeper import Keeper
from offbeat.server.workbench.watching.process import WatcherTask, watcher_folder
from offbeat.server.workbench.watching.recording import Recorder
from offbeat.server.workbench.watching.request import WatcherRequest, check_request, checked_models
from offbeat.stream.arrival import step_units
from offbeat.thresholds import FBetaThreshold, LabelledThreshold

__all__ = ["WatcherDesk"]

LIVE_FOLDER = "live"
RECORD_EVERY = 60.0
"""Seconds after which a recording is brought up to date if an event has closed since."""
RECORDER = "the watcher"
"""Who has recorded if nobody asked."""

log = logging.getLogger("offbeat.watchers")


class WatcherDesk:
    """Where people have streams watched.

    Parameters
    ----------
    store, folder, options
        Where they are written down, where checkpoints lie, and the limits.
    models, detections, labels, feedback, teaching
        What judges, and what people say of it.
    recorder
        What keeps live series as series of the workbench.
    """

    def __init__(
        self,
        store: Store,
        folder: DataFolder,
        options: ServerOptions,
        *,
        models: ModelShelf,
        detections: DetectionShelf,
        labels: LabelBook,
        feedback: FeedbackDesk,
        teaching: TeachingDesk,
        recorder: Recorder,
    ) -> None:
        self._store, self._folder, self._options = store, folder, options
        self._models, self._detections = models, detections
        self._labels, self._feedback = labels, feedback
        self._teaching, self._recorder = teaching, recorder
        self.feed = Feed(store)
        self._keeper = Keeper(store, self._task)
        self._turn = threading.Lock()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    # ------------------------------------------------------------ life

    def open(self) -> None:
        """Go on with all that were running."""
        self._live_folder.mkdir(mode=0o700, exist_ok=True)
        self._keeper.open()
        self._thread = threading.Thread(target=self._record_now_and_then, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop all in order; the next start goes on with them."""
        self._closing.set()
        self._keeper.close()
        if self._thread is not None:
            self._thread.join()

    def create(self, request: WatcherRequest, *, by: str, start: bool = True) -> WatcherRecord:
        """Write a watcher down, and begin.

        Raises
        ------
        ConfigError, NotAllowedError
            If an address or an option cannot be, or may not be on a server.
        ConflictError
            If there are as many watchers as there may be.
        """
        models = checked_models(request.models, self._models)
        check_request(request, self._readable, [self._live_folder])
        row = WatcherRow(
            id=new_id(), name=clean_name(request.name), source=request.source,
            sinks=list(request.sinks), models=models, fields=dict(request.fields),
            options=dict(request.options), created_by=by,
            wanted="running" if start else "stopped", state="starting" if start else "stopped",
        )  # fmt: skip
        most = self._options.limits.watchers
        with self._store.writing() as session:
            if (session.scalar(select(func.count()).select_from(WatcherRow)) or 0) >= most:
                raise ConflictError(f"there are {most} watchers already, the limit: delete one")
            session.add(row)
        if start:
            self._keeper.start(row.id)
        return self.get(row.id)

    def find(self) -> list[WatcherRecord]:
        """All of them, by name."""
        with self._store.reading() as session:
            wanted = select(WatcherRow).order_by(WatcherRow.name, WatcherRow.id)
            rows = session.scalars(wanted).all()
        series = self.feed.series_of([row.id for row in rows])
        return [_record(row, series[row.id]) for row in rows]

    def get(self, watcher_id: str) -> WatcherRecord:
        """One of them.

        Raises
        ------
        NotThereError
            If there is no such watcher.
        """
        return _record(*self._known(watcher_id))

    def _known(self, watcher_id: str) -> tuple[WatcherRow, list[LiveSeries]]:
        with self._store.reading() as session:
            row = row_of(session, WatcherRow, watcher_id)
        return row, self.feed.series(watcher_id)

    def start(self, watcher_id: str, *, anew: bool = False) -> WatcherRecord:
        """Begin, or go on from the checkpoint; `anew` forgets it and where the source was.

        Raises
        ------
        ConflictError
            If it runs already.
        """
        with self._turn:
            with self._store.writing() as session:
                row = row_of(session, WatcherRow, watcher_id)
                if row.state in LIVE_STATES:
                    raise ConflictError(f"the watcher is {row.state} already")
                if anew:
                    (self._place(watcher_id) / "checkpoint").unlink(missing_ok=True)
                row.wanted, row.state, row.problem, row.note = "running", "starting", None, None
            self._keeper.start(watcher_id)
        return self.get(watcher_id)

    def stop(self, watcher_id: str) -> WatcherRecord:
        """End it after its checkpoint.

        Raises
        ------
        ConflictError
            If it does not run.
        """
        with self._turn:
            with self._store.writing() as session:
                row = row_of(session, WatcherRow, watcher_id)
                if row.state not in LIVE_STATES:
                    raise ConflictError(f"the watcher is {row.state}: there is nothing to stop")
                row.wanted = "stopped"
            self._keeper.stop(watcher_id)
            with self._store.writing() as session:
                row = row_of(session, WatcherRow, watcher_id)
                if row.state in LIVE_STATES:
                    row.state, row.problem, row.note = "stopped", None, None
        return self.get(watcher_id)

    def delete(self, watcher_id: str) -> None:
        """Take it away, with its readings and events; what was recorded as a series stays."""
        with self._turn:
            with self._store.writing() as session:
                row_of(session, WatcherRow, watcher_id).wanted = "stopped"
            self._keeper.stop(watcher_id)
            with self._store.writing() as session:
                session.delete(row_of(session, WatcherRow, watcher_id))
            shutil.rmtree(self._place(watcher_id), ignore_errors=True)

    def pid(self, watcher_id: str) -> int | None:
        """The process that watches, if one does."""
        return self._keeper.pid(watcher_id)

    # ------------------------------------------------------------ what people say

    def record(self, watcher_id: str, series: str | None = None, *, by: str) -> SeriesRecord:
        """Keep the rows of now as a series of the workbench, scored; always the same one."""
        self.get(watcher_id)
        return self._recorder.record(watcher_id, self.feed.one(watcher_id, series), by=by)

    def events(
        self, watcher_id: str, *, series: str | None = None, is_open: bool = False, limit: int = 200
    ) -> list[dict[str, Any]]:
        """Events, the latest first, with `verdict`: what people said of them."""
        kept = {each.name: each.series_id for each in self._known(watcher_id)[1]}
        found = self.feed.events(watcher_id, series=series, is_open=is_open, limit=limit)
        labels = {
            series_id: self._labels.find(series_id)
            for series_id in {kept.get(each["series"]) for each in found}
            if series_id is not None
        }
        return [
            {**each, "verdict": _verdict(each, labels.get(kept.get(each["series"]) or "", []))}
            for each in found
        ]

    def say(
        self, watcher_id: str, event_id: str, feedback: Feedback, *, by: str, note: str = ""
    ) -> LabelRecord | None:
        """Say what an event was: a label of its span in the recording.

        Raises
        ------
        ConflictError
            If it is no anomaly: of "no data", "stuck" and "drift" nothing is learned.
        """
        event = self.feed.event(watcher_id, event_id)
        if event["kind"] != "anomaly":
            raise ConflictError(f"only anomalies are labelled, this is {event['kind']!r}")
        live = self.feed.one(watcher_id, event["series"])
        series_id = live.series_id
        if series_id is None or self._ends_before(series_id, event["end"]):
            series_id = self._recorder.record(watcher_id, live, by=by).id
        after = event["end"] + step_units(self._models.detector(live.model_id))
        start, end = (moment_text(at, has_clock=True) for at in (event["start"], after))
        assert start is not None
        assert end is not None
        return self._feedback.say(
            series_id, start, end, feedback, by=by, model_id=live.model_id, note=note
        )

    def recalibrate(
        self,
        watcher_id: str,
        series: str | None = None,
        *,
        by: str,
        goal: LabelledThreshold = FBetaThreshold(),
        alike: bool = True,
    ) -> Recalibration:
        """What the labels would change, on the rows of now. Nothing has changed yet."""
        recorded = self.record(watcher_id, series, by=by)
        live = self.feed.one(watcher_id, series)
        return self._teaching.recalibrate(recorded.id, live.model_id, goal=goal, alike=alike)

    def apply(
        self, watcher_id: str, found: Recalibration, series: str | None = None, *, by: str
    ) -> CutRecord:
        """Cut and mute as proposed: the next row is judged so."""
        live = self.feed.one(watcher_id, series)
        if live.series_id is None:
            raise DataError("this series is not recorded yet: label one of its events first")
        return self._teaching.apply(live.series_id, live.model_id, found, by=by)

    # ------------------------------------------------------------ what may be

    def model_for(self, model_id: str | None, series_id: str | None) -> str:
        """The model that is named, or the one that judges a series in the store."""
        if (model_id is None) == (series_id is None):
            raise ConfigError("name a model, or a series whose model is meant")
        if model_id is not None:
            return model_id
        for found in self._detections.find(series_id=series_id):
            return found.model_id
        raise ConflictError(f"no model judges the series {series_id}: score it first")

    @property
    def _live_folder(self) -> Path:
        return self._folder.root / LIVE_FOLDER

    @property
    def _readable(self) -> list[Path]:
        return [self._live_folder, *self._options.sources]

    def _place(self, watcher_id: str) -> Path:
        return watcher_folder(self._folder.root, watcher_id)

    def _task(self, watcher_id: str) -> WatcherTask:
        limits = self._options.limits
        return WatcherTask(
            watcher_id=watcher_id,
            store=self._store.url,
            data=str(self._folder.root),
            readable=tuple(str(each.resolve()) for each in self._readable),
            writable=(str(self._live_folder),),
            keep=limits.live_rows,
            max_series=limits.live_series,
        )

    # ------------------------------------------------------------ recordings

    def _ends_before(self, series_id: str, moment: int) -> bool:
        with self._store.reading() as session:
            end = row_of(session, SeriesRow, series_id).end
        return end is None or end < moment

    def _record_now_and_then(self) -> None:
        """Bring recordings up to date of which an event has closed since."""
        while not self._closing.wait(RECORD_EVERY):
            for watcher_id, live in self._due():
                if self._closing.is_set():
                    return
                try:
                    self._recorder.record(watcher_id, live, by=RECORDER)
                except Exception:  # the watcher was just deleted, or the disk is full: tried again
                    log.exception("not recorded", extra={"watcher": watcher_id})

    def _due(self) -> list[tuple[str, LiveSeries]]:
        try:
            return self.feed.due()
        except OffbeatError:
            return []


def _verdict(event: Mapping[str, Any], labels: Sequence[LabelRecord]) -> str | None:
    """The latest word that touches it."""
    touching = [
        label
        for label in labels
        if moment_number(label.start) <= event["end"] and event["start"] < moment_number(label.end)
    ]
    return max(touching, key=lambda each: each.created_at).verdict if touching else None


def _record(row: WatcherRow, series: Sequence[LiveSeries]) -> WatcherRecord:
    """As it is shown: without passwords."""
    lag = None
    if row.last_at is not None and row.last_time is not None:
        lag = datetime.fromisoformat(row.last_at).timestamp() - row.last_time / 1e9
    scored = [each.severity for each in series if each.severity is not None]
    return WatcherRecord(
        id=row.id,
        name=row.name,
        source=masked(row.source),
        sinks=tuple(masked(url) for url in row.sinks),
        models=tuple(row.models),
        fields=row.fields,
        options=row.options,
        state=row.state,  # type: ignore[arg-type]
        problem=row.problem,
        note=row.note,
        restarts=row.restarts,
        rows=row.n_rows,
        refused=row.n_refused,
        last_refused=tuple(row.refused),
        events=row.n_events,
        open_events=sum(each.open_events for each in series),
        severity=max(scored, default=None),
        last_time=moment_text(row.last_time, has_clock=True),
        last_at=row.last_at,
        lag=None if lag is None else round(lag, 3),
        in_use=row.in_use,
        series=tuple(each.name for each in series),
        created_at=row.created_at,
        created_by=row.created_by,
    )
