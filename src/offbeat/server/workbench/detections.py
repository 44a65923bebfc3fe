"""Detections: score a series once, keep the scores, and look at them under the cut in force."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from offbeat.detection import Detection, EventRules
from offbeat.server.faults import ConflictError, NotThereError
from offbeat.server.files import DataFolder, StoredFile
from offbeat.server.files.scores import read_detection
from offbeat.server.jobs.queue import JobQueue
from offbeat.server.jobs.runner import JobRunner
from offbeat.server.jobs.tasks import ScoreTask, Task
from offbeat.server.records import DetectionRecord, JobRecord
from offbeat.server.store import (
    DetectionRow,
    JobRow,
    SeriesRow,
    Store,
    VersionRow,
    new_id,
    row_of,
)
from offbeat.server.workbench.labels import LabelBook
from offbeat.server.workbench.memory import Memory
from offbeat.server.workbench.models import ModelShelf, cut_in_force, version_row
from offbeat.server.workbench.series import SeriesShelf
from offbeat.thresholds import Calibration, Threshold, threshold_from_dict

__all__ = ["DetectionShelf", "ScoreHandler"]

MEMORY_BYTES = 768 << 20
OPENED = 64
"""Detections under a cut that are kept at hand; they share their arrays with the scores."""


class DetectionShelf:
    """The kept scores, one a series and model version.

    Parameters
    ----------
    store, folder, queue, runner
        Where rows, files and jobs are.
    series, models, labels
        What is scored, with what, and what people said of it.
    """

    def __init__(
        self,
        store: Store,
        folder: DataFolder,
        queue: JobQueue,
        runner: JobRunner,
        *,
        series: SeriesShelf,
        models: ModelShelf,
        labels: LabelBook,
    ) -> None:
        self._store, self._folder, self._queue, self._runner = store, folder, queue, runner
        self._series, self._models, self._labels = series, models, labels
        self._memory: Memory[Detection] = Memory(MEMORY_BYTES)
        self._opened: Memory[Detection] = Memory(OPENED)
        self._taught: Memory[tuple[Calibration, EventRules]] = Memory(OPENED)

    def score(
        self, series_id: str, model_id: str, *, by: str, version: int | None = None
    ) -> JobRecord | DetectionRecord:
        """Score a series, unless its scores are kept already.

        Returns
        -------
        The kept scores, or the job that makes them; a second call gets the same job.
        """
        self._series.get(series_id)
        number = self._models.version(model_id, version).number
        try:
            return self.get(series_id, model_id, version=number)
        except NotThereError:
            pass
        request = {"model_id": model_id, "version": number}
        for state in ("queued", "running"):
            for job in self._queue.find(state=state, series_id=series_id):
                if job.kind == "score" and job.request == request:
                    return job
        job = self._queue.add("score", request, series_id, by)
        self._runner.call()
        return job

    def find(
        self, *, series_id: str | None = None, model_id: str | None = None, limit: int = 1000
    ) -> list[DetectionRecord]:
        """Kept scores, the newest first."""
        wanted = (
            select(DetectionRow, VersionRow)
            .join(VersionRow, VersionRow.id == DetectionRow.version_id)
            .order_by(DetectionRow.created_at.desc(), DetectionRow.id)
        )
        if series_id is not None:
            wanted = wanted.where(DetectionRow.series_id == series_id)
        if model_id is not None:
            wanted = wanted.where(VersionRow.model_id == model_id)
        with self._store.reading() as session:
            return [_record(row, version) for row, version in session.execute(wanted.limit(limit))]

    def get(self, series_id: str, model_id: str, *, version: int | None = None) -> DetectionRecord:
        """The kept scores of one series by one model; None takes the version in use.

        Raises
        ------
        NotThereError
            If it has not been scored.
        """
        with self._store.reading() as session:
            known = version_row(session, model_id, version)
            return _record(_row(session, series_id, known), known)

    def by_id(self, detection_id: str) -> DetectionRecord:
        """The kept scores with this id."""
        with self._store.reading() as session:
            row = session.get(DetectionRow, detection_id)
            version = None if row is None else session.get(VersionRow, row.version_id)
            if row is None or version is None:
                raise NotThereError(f"there is no detection {detection_id}")
            return _record(row, version)

    def open(self, series_id: str, model_id: str, *, version: int | None = None) -> Detection:
        """The detection under the cut in force, with the labels of now. Nothing is scored.

        Raises
        ------
        ConflictError
            If the series has not been scored with this version.
        """
        scored = self._scored(series_id, model_id, version)
        key = f"{scored.id} {scored.cut_id} {self._labels.revision(series_id)}"
        return self._opened.get(key, lambda: (self._under_cut(series_id, scored), 1))

    def untouched(self, series_id: str, model_id: str, *, version: int | None = None) -> Detection:
        """The detection under the cut that the version came with, with the labels of now."""
        scored = self._scored(series_id, model_id, version)
        key = f"{scored.id} without {scored.cut_id} {self._labels.revision(series_id)}"
        plain = replace(scored, threshold=None, cut_id=None)
        return self._opened.get(key, lambda: (self._under_cut(series_id, plain), 1))

    def delete(self, detection_id: str) -> None:
        """Forget kept scores."""
        with self._store.writing() as session:
            row = row_of(session, DetectionRow, detection_id)
            session.delete(row)
        self._folder.remove("scores", row.file)
        self._memory.forget(detection_id)

    def _under_cut(self, series_id: str, scored: _Scored) -> Detection:
        detection = scored.detection
        changed: dict[str, Any] = {**self._labels.on(detection, series_id)}
        if scored.threshold is not None:
            calibration = scored.calibration or detection.calibration
            changed["calibration"] = calibration
            changed["threshold"] = scored.threshold
            changed["cut"] = scored.threshold.cut(calibration, detection.score)
        if scored.rules is not None:
            gap = detection.rules.merge_gap if scored.rules.merge_gap is None else None
            changed["rules"] = scored.rules if gap is None else replace(scored.rules, merge_gap=gap)
        return replace(detection, **changed) if changed else detection

    def _scored(self, series_id: str, model_id: str, number: int | None) -> _Scored:
        with self._store.reading() as session:
            row_of(session, SeriesRow, series_id)
            version = version_row(session, model_id, number)
            cut = cut_in_force(session, version)
            try:
                row = _row(session, series_id, version)
            except NotThereError as problem:
                raise ConflictError(f"{problem}: score it first") from None

        def read() -> tuple[Detection, int]:
            source = self._series.load(series_id).select(tuple(version.channels))
            stored = StoredFile(row.file, row.bytes, row.checksum)
            return read_detection(self._folder.check("scores", stored), source), row.bytes

        detection = self._memory.get(row.id, read)
        if cut is None:
            return _Scored(row.id, detection)
        threshold = threshold_from_dict(cut.threshold)
        if cut.file is None:
            return _Scored(row.id, detection, cut.id, threshold)
        number_ = version.number
        calibration, rules = self._taught.get(
            cut.id, lambda: (self._taught_by(model_id, number_), 1)
        )
        return _Scored(row.id, detection, cut.id, threshold, calibration, rules)

    def _taught_by(self, model_id: str, number: int) -> tuple[Calibration, EventRules]:
        fitted = self._models.detector(model_id, number)
        return fitted.calibrations_[fitted.smoothing], fitted.rules


@dataclass(frozen=True, eq=False)
class _Scored:
    """Kept scores, and the cut that a person applied: its method and, where labels or quiet times
    have a say, the scores that it learned from and the rules."""

    id: str
    detection: Detection
    cut_id: str | None = None
    threshold: Threshold | None = None
    calibration: Calibration | None = None
    rules: EventRules | None = None


class ScoreHandler:
    """What a scoring job is made of, see `offbeat.server.jobs.runner.Handler`."""

    def __init__(self, folder: DataFolder, series: SeriesShelf, models: ModelShelf) -> None:
        self._folder, self._series, self._models = folder, series, models

    def prepare(self, job: JobRecord) -> Task:
        """The task; the scores are written to a new place."""
        model, version = job.request["model_id"], job.request["version"]
        path, _ = self._models.file(model, version)
        return ScoreTask(
            series=str(self._series.path(job.series_id)),
            model=str(path),
            target=str(self._folder.path("scores", f"{new_id()}.safetensors")),
            model_name=self._models.get(model).name,
        )

    def settle(self, session: Session, row: JobRow, task: Task, result: Mapping[str, Any]) -> None:
        """Write the kept scores down."""
        assert isinstance(task, ScoreTask)
        version = version_row(session, row.request["model_id"], row.request["version"])
        with contextlib.suppress(NotThereError):
            kept = _row(session, row.series_id, version)  # another job was first
            row.version, row.detection_id = version.number, kept.id
            self.discard(task)
            return
        stored = self._folder.adopt("scores", Path(task.target).name)
        found = DetectionRow(
            series_id=row.series_id,
            version_id=version.id,
            file=stored.name,
            bytes=stored.bytes,
            checksum=stored.checksum,
            n_rows=result["n_rows"],
            created_by=row.created_by,
        )
        session.add(found)
        session.flush()
        row.version, row.detection_id = version.number, found.id

    def discard(self, task: Task) -> None:
        """Remove scores that nobody wants any more."""
        assert isinstance(task, ScoreTask)
        self._folder.remove("scores", Path(task.target).name)


def _row(session: Session, series_id: str, version: VersionRow) -> DetectionRow:
    row = session.scalar(
        select(DetectionRow).where(
            DetectionRow.series_id == series_id, DetectionRow.version_id == version.id
        )
    )
    if row is None:
        raise NotThereError(f"series {series_id} has no scores by version {version.number}")
    return row


def _record(row: DetectionRow, version: VersionRow) -> DetectionRecord:
    return DetectionRecord(
        id=row.id,
        series_id=row.series_id,
        model_id=version.model_id,
        version=version.number,
        n_rows=row.n_rows,
        bytes=row.bytes,
        created_at=row.created_at,
        created_by=row.created_by,
    )
