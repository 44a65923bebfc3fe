"""Models: names, versions, roll back, download, upload."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from offbeat.detector import Detector
from offbeat.errors import ModelFileError
from offbeat.persist import load
from offbeat.server.faults import ConflictError, NotThereError
from offbeat.server.files import DataFolder, StoredFile
from offbeat.server.jobs.queue import JobQueue
from offbeat.server.jobs.tasks import about_model
from offbeat.server.records import ModelRecord, VersionRecord
from offbeat.server.store import (
    CutRow,
    DetectionRow,
    JobRow,
    ModelRow,
    Store,
    VersionRow,
    WatcherRow,
    new_id,
    row_of,
)
from offbeat.server.workbench.series import clean_name
from offbeat.thresholds import threshold_from_dict

__all__ = ["ModelShelf", "add_version", "version_row"]


class ModelShelf:
    """The models in the store.

    Parameters
    ----------
    store, folder, queue
        Where rows, files and jobs are.
    """

    def __init__(self, store: Store, folder: DataFolder, queue: JobQueue) -> None:
        self._store, self._folder, self._queue = store, folder, queue

    def find(self, *, text: str = "", offset: int = 0, limit: int = 100) -> list[ModelRecord]:
        """Models whose name holds the text, the newest first."""
        wanted = select(ModelRow).order_by(ModelRow.created_at.desc(), ModelRow.id)
        if text:
            wanted = wanted.where(ModelRow.name.icontains(text, autoescape=True))
        with self._store.reading() as session:
            rows = session.scalars(wanted.offset(offset).limit(limit)).all()
            return [_model(session, row) for row in rows]

    def get(self, model_id: str) -> ModelRecord:
        """One model.

        Raises
        ------
        NotThereError
            If there is no such model.
        """
        with self._store.reading() as session:
            return _model(session, row_of(session, ModelRow, model_id))

    def versions(self, model_id: str) -> list[VersionRecord]:
        """All versions, the newest first."""
        wanted = select(VersionRow).where(VersionRow.model_id == model_id)
        with self._store.reading() as session:
            row_of(session, ModelRow, model_id)
            rows = session.scalars(wanted.order_by(VersionRow.number.desc())).all()
            return [_version(session, row) for row in rows]

    def version(self, model_id: str, number: int | None = None) -> VersionRecord:
        """One version; None takes the one in use."""
        with self._store.reading() as session:
            return _version(session, version_row(session, model_id, number))

    def use(self, model_id: str, number: int) -> ModelRecord:
        """Roll back, or forth, to a version: this one is in use from now on."""
        with self._store.writing() as session:
            version_row(session, model_id, number)
            row_of(session, ModelRow, model_id).active = number
        return self.get(model_id)

    def rename(self, model_id: str, name: str) -> ModelRecord:
        """Call it something else."""
        with self._store.writing() as session:
            row_of(session, ModelRow, model_id).name = clean_name(name)
        return self.get(model_id)

    def upload(self, path: Path, *, name: str, by: str, model_id: str | None = None) -> ModelRecord:
        """Take in a model file, as a new model or as a new version of one.

        Raises
        ------
        ModelFileError
            If it is none, is damaged or carries a pickle: nothing in it is ever run.
        """
        called = clean_name(name)
        try:
            fitted = load(path)
        except ModelFileError as problem:
            raise ModelFileError(str(problem).replace(str(path), called)) from None
        stored = self._folder.keep("models", f"{new_id()}.offbeat", fitted.save)
        about = about_model(fitted)
        with self._store.writing() as session:
            row = add_version(session, stored, about, by=by, model_id=model_id, name=called)
            row.origin = "upload"
            return _model(session, row_of(session, ModelRow, row.model_id))

    def detector(self, model_id: str, number: int | None = None) -> Detector:
        """The fitted detector, with the cut in force."""
        with self._store.reading() as session:
            row = version_row(session, model_id, number)
            cut = cut_in_force(session, row)
        return self._under(row, cut)

    def under(self, version_id: str, cut_id: str | None) -> Detector:
        """The fitted detector of a version under any cut of its history; None as it came.

        Raises
        ------
        NotThereError
            If one of them is gone.
        """
        with self._store.reading() as session:
            row = session.get(VersionRow, version_id)
            cut = None if cut_id is None else session.get(CutRow, cut_id)
        if row is None or (cut is None and cut_id is not None):
            raise NotThereError("a version that is asked for was deleted")
        return self._under(row, cut)

    def _under(self, row: VersionRow, cut: CutRow | None) -> Detector:
        if cut is not None and cut.file is not None and cut.checksum is not None:
            return load(self._folder.check("models", StoredFile(cut.file, 0, cut.checksum)))
        fitted = self.as_trained(row)
        return fitted if cut is None else fitted.set_threshold(threshold_from_dict(cut.threshold))

    def as_trained(self, row: VersionRow) -> Detector:
        """The fitted detector with the cut that it came with."""
        return load(self._folder.check("models", StoredFile(row.file, row.bytes, row.checksum)))

    def write(self, model_id: str, path: Path, number: int | None = None) -> Path:
        """Write a model file with the cut in force: what a download gives."""
        return self.detector(model_id, number).save(path)

    def file(self, model_id: str, number: int | None = None) -> tuple[Path, VersionRecord]:
        """Where a version lies as it was trained, for a worker."""
        with self._store.reading() as session:
            row = version_row(session, model_id, number)
            return self._folder.path("models", row.file), _version(session, row)

    def delete(self, model_id: str) -> None:
        """Take a model away, with its versions, their scores and the history of their cuts.

        Raises
        ------
        ConflictError
            If a job or a watcher needs it.
        """
        with self._store.writing() as session:
            row = row_of(session, ModelRow, model_id)
            self._queue.refuse_if_busy(session, JobRow.model_id, model_id, "this model")
            _refuse_if_watching(session, model_id)
            gone = _files_of(session, [each.id for each in _versions_of(session, model_id)])
            session.delete(row)
        for shelf, name in gone:
            self._folder.remove("scores" if shelf == "scores" else "models", name)

    def delete_version(self, model_id: str, number: int) -> None:
        """Take one version away.

        Raises
        ------
        ConflictError
            If it is the one in use.
        """
        with self._store.writing() as session:
            row = version_row(session, model_id, number)
            if row_of(session, ModelRow, model_id).active == number:
                raise ConflictError(
                    f"version {number} is in use: roll back to another one first, or delete the "
                    "model"
                )
            self._queue.refuse_if_busy(session, JobRow.model_id, model_id, "this model")
            gone = _files_of(session, [row.id])
            session.delete(row)
        for shelf, name in gone:
            self._folder.remove("scores" if shelf == "scores" else "models", name)


def add_version(
    session: Session,
    stored: StoredFile,
    about: Mapping[str, Any],
    *,
    by: str,
    model_id: str | None,
    name: str,
    use: bool = True,
) -> VersionRow:
    """Write a model file down: a new model, or the next version of one.

    Parameters
    ----------
    session, stored, about, by, name
        Where, what, and whose.
    model_id
        None makes a new model.
    use
        Whether a next version takes the place of the one in use at once.
    """
    if model_id is None:
        model = ModelRow(name=name, active=1, created_by=by)
        session.add(model)
        session.flush()
        number = 1
    else:
        model = row_of(session, ModelRow, model_id)
        newest = select(func.max(VersionRow.number)).where(VersionRow.model_id == model_id)
        number = (session.scalar(newest) or 0) + 1
        model.active = number if use else model.active
    row = VersionRow(
        **about,
        model_id=model.id,
        number=number,
        origin="training",
        file=stored.name,
        bytes=stored.bytes,
        checksum=stored.checksum,
        created_by=by,
    )
    session.add(row)
    session.flush()
    return row


def version_row(session: Session, model_id: str, number: int | None = None) -> VersionRow:
    """The row of a version; None takes the one in use.

    Raises
    ------
    NotThereError
        If there is none.
    """
    wanted = row_of(session, ModelRow, model_id).active if number is None else number
    row = session.scalar(
        select(VersionRow).where(VersionRow.model_id == model_id, VersionRow.number == wanted)
    )
    if row is None:
        raise NotThereError(f"model {model_id} has no version {wanted}")
    return row


def cut_in_force(session: Session, row: VersionRow) -> CutRow | None:
    """The cut that a person applied; None where it is the one the version came with."""
    return None if row.cut_id is None else session.get(CutRow, row.cut_id)


def _refuse_if_watching(session: Session, model_id: str) -> None:
    for name, models in session.execute(select(WatcherRow.name, WatcherRow.models)):
        if any(each["model_id"] == model_id for each in models):
            raise ConflictError(f"this model is needed by the watcher {name!r}: delete that first")


def _versions_of(session: Session, model_id: str) -> list[VersionRow]:
    wanted = select(VersionRow).where(VersionRow.model_id == model_id)
    return list(session.scalars(wanted).all())


def _files_of(session: Session, version_ids: list[str]) -> list[tuple[str, str]]:
    """Shelf and name of all that goes with these versions."""
    found: list[tuple[str, str]] = []
    for shelf, column, key in (
        ("models", VersionRow.file, VersionRow.id),
        ("models", CutRow.file, CutRow.version_id),
        ("scores", DetectionRow.file, DetectionRow.version_id),
    ):
        names = session.scalars(select(column).where(key.in_(version_ids))).all()
        found += [(shelf, name) for name in names if name is not None]
    return found


def _model(session: Session, row: ModelRow) -> ModelRecord:
    versions = select(func.count()).where(VersionRow.model_id == row.id)
    return ModelRecord(
        id=row.id,
        name=row.name,
        active=_version(session, version_row(session, row.id)),
        n_versions=session.scalar(versions) or 0,
        created_at=row.created_at,
        created_by=row.created_by,
    )


def _version(session: Session, row: VersionRow) -> VersionRecord:
    cut = cut_in_force(session, row)
    return VersionRecord(
        id=row.id,
        number=row.number,
        origin=row.origin,
        detector=row.detector,
        channels=tuple(row.channels),
        n_learned=row.n_learned,
        step=row.step,
        trained_on=row.trained_on,
        threshold=row.title if cut is None else cut.title,
        series_id=row.series_id,
        job_id=row.job_id,
        bytes=row.bytes,
        checksum=row.checksum,
        created_at=row.created_at,
        created_by=row.created_by,
    )
