"""Thresholds: try a cut, keep it, see who kept which, take it back; nothing is trained for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, cast

import numpy as np
from sqlalchemy import select

from offbeat.detection import Detection
from offbeat.detector import Detector
from offbeat.errors import ConfigError
from offbeat.series import FloatArray, IntArray
from offbeat.server.faults import ConflictError
from offbeat.server.files import DataFolder
from offbeat.server.records import CutRecord
from offbeat.server.store import CutRow, Store, VersionRow, new_id
from offbeat.server.workbench.detections import DetectionShelf
from offbeat.server.workbench.models import ModelShelf, cut_in_force, version_row
from offbeat.storable import plain
from offbeat.thresholds import (
    StaticThreshold,
    Threshold,
    ThresholdRow,
    parse_threshold,
    threshold_from_dict,
)
from offbeat.thresholds.text import METHODS

__all__ = ["Preview", "ThresholdDesk", "as_threshold"]

LONGEST_TITLE = 200


@dataclass(frozen=True, eq=False)
class Preview:
    """What a cut would do.

    Parameters
    ----------
    row
        As in the table: cut, share flagged, events, alarms a day, with labels precision, recall
        and F1.
    cut
        Shape (T,): the cut in every row.
    runs
        Shape (n, 2): the events as rows [start, end) of the regular grid.
    """

    row: ThresholdRow
    cut: FloatArray
    runs: IntArray


class ThresholdDesk:
    """Where people choose the cut.

    Parameters
    ----------
    store, folder
        Where the history is.
    models, detections
        What is cut.
    """

    def __init__(
        self, store: Store, folder: DataFolder, models: ModelShelf, detections: DetectionShelf
    ) -> None:
        self._store, self._folder = store, folder
        self._models, self._detections = models, detections

    def methods(self) -> list[dict[str, Any]]:
        """Every method: its kind, its settings with their defaults, whether it needs labels."""
        return [
            {
                "kind": kind,
                "needs_labels": method.needs_labels,
                "about": (method.__doc__ or "").splitlines()[0],
                "settings": {
                    field.name: None if field.default is MISSING else plain(field.default)
                    for field in fields(method)
                },
            }
            for kind, method in METHODS.items()
        ]

    def table(
        self, series_id: str, model_id: str, *, version: int | None = None
    ) -> list[ThresholdRow]:
        """All methods side by side on a scored series.

        Raises
        ------
        ConflictError
            If the series has not been scored with this version.
        """
        return self._detections.untouched(series_id, model_id, version=version).threshold_table()

    def preview(
        self,
        series_id: str,
        model_id: str,
        threshold: Threshold | str | Mapping[str, Any] | float,
        *,
        version: int | None = None,
    ) -> Preview:
        """What a cut would do, without keeping it.

        Parameters
        ----------
        series_id, model_id, version
            The scored series; None takes the version in use.
        threshold
            A method, its text ("1/week", "percentile:99"), its dictionary, or the cut itself.
        """
        detection = self._detections.untouched(series_id, model_id, version=version)
        return preview_of(detection, as_threshold(threshold))

    def in_force(self, model_id: str, *, version: int | None = None) -> Threshold:
        """The method that cuts now."""
        with self._store.reading() as session:
            row = version_row(session, model_id, version)
            cut = cut_in_force(session, row)
            return threshold_from_dict(row.threshold if cut is None else cut.threshold)

    def apply(
        self,
        model_id: str,
        threshold: Threshold | str | Mapping[str, Any] | float,
        *,
        by: str,
        series_id: str | None = None,
        version: int | None = None,
    ) -> CutRecord:
        """Cut there from now on.

        Parameters
        ----------
        model_id, version
            What is cut; None takes the version in use.
        threshold
            As in `preview`.
        by
            Who.
        series_id
            For methods that learn from labels: whose labels. It must be scored.

        Raises
        ------
        ConfigError, DataError
            If the model's scores do not admit this method.
        """
        method = as_threshold(threshold)
        with self._store.reading() as session:
            number = version_row(session, model_id, version).number
        kept = self._settled(model_id, number, method, series_id)
        series_id = series_id if method.needs_labels else None
        return self._write(model_id, number, method, method.title, by, series_id, kept)

    def adopt(
        self,
        model_id: str,
        fitted: Detector,
        *,
        title: str,
        by: str,
        series_id: str | None = None,
        version: int | None = None,
    ) -> CutRecord:
        """Cut and mute as this detector does from now on.

        Parameters
        ----------
        model_id, version
            Whose cut it becomes.
        fitted
            The version's detector, with another threshold or other rules.
        title
            What the history calls it.
        by, series_id
            Who, and whose labels taught it.
        """
        with self._store.reading() as session:
            number = version_row(session, model_id, version).number
        kept = self._file_of(fitted)
        return self._write(model_id, number, fitted.threshold_, title, by, series_id, kept)

    def _write(
        self,
        model_id: str,
        number: int,
        method: Threshold,
        title: str,
        by: str,
        series_id: str | None,
        kept: Mapping[str, str],
    ) -> CutRecord:
        with self._store.writing() as session:
            row = version_row(session, model_id, number)
            cut = CutRow(
                id=new_id(),
                version_id=row.id,
                action="apply",
                threshold=method.to_dict(),
                title=title[:LONGEST_TITLE],
                series_id=series_id,
                before_id=row.cut_id,
                created_by=by,
                **kept,
            )
            session.add(cut)
            session.flush()
            row.cut_id = cut.id
            return _record(cut, model_id, row)

    def undo(self, model_id: str, *, by: str, version: int | None = None) -> CutRecord:
        """Take the last cut back; once more takes back the one before it.

        Raises
        ------
        ConflictError
            If nobody moved the cut.
        """
        with self._store.writing() as session:
            row = version_row(session, model_id, version)
            now = cut_in_force(session, row)
            if now is None:
                raise ConflictError("the cut is the one that the model came with: nothing to undo")
            before = None if now.before_id is None else session.get(CutRow, now.before_id)
            undone = CutRow(
                id=new_id(),
                version_id=row.id,
                action="undo",
                threshold=row.threshold if before is None else before.threshold,
                title=row.title if before is None else before.title,
                series_id=None if before is None else before.series_id,
                file=None if before is None else before.file,
                checksum=None if before is None else before.checksum,
                before_id=None if before is None else before.before_id,
                created_by=by,
            )
            session.add(undone)
            session.flush()
            row.cut_id = None if before is None else undone.id
            return _record(undone, model_id, row)

    def history(self, model_id: str, *, version: int | None = None) -> list[CutRecord]:
        """Who cut where and when, the latest first."""
        with self._store.reading() as session:
            row = version_row(session, model_id, version)
            wanted = select(CutRow).where(CutRow.version_id == row.id)
            cuts = session.scalars(wanted.order_by(CutRow.created_at.desc(), CutRow.id)).all()
            return [_record(cut, model_id, row) for cut in cuts]

    def _settled(
        self, model_id: str, number: int, method: Threshold, series_id: str | None
    ) -> dict[str, str]:
        """Refuse what could not be cut later; what learns from labels gets a file of its own."""
        with self._store.reading() as session:
            trained = self._models.as_trained(version_row(session, model_id, number))
        fitted = self._models.detector(model_id, number)  # with the rules in force: they stay
        if not method.needs_labels:
            fitted.set_threshold(method)
            return {} if fitted.rules == trained.rules else self._file_of(fitted)
        if series_id is None:
            raise ConfigError(f"{method.title!r} learns from labels: name the series that has them")
        detection = self._detections.untouched(series_id, model_id, version=number)
        fitted.set_threshold(method, detection)
        return self._file_of(fitted)

    def _file_of(self, fitted: Detector) -> dict[str, str]:
        stored = self._folder.keep("models", f"{new_id()}.offbeat", fitted.save)
        return {"file": stored.name, "checksum": stored.checksum}


def as_threshold(given: Threshold | str | Mapping[str, Any] | float) -> Threshold:
    """A method, however it was named.

    Raises
    ------
    ConfigError
        If it cannot be read.
    """
    if isinstance(given, Threshold):
        return given
    if isinstance(given, Mapping):
        return threshold_from_dict(given)
    return parse_threshold(str(given))


def preview_of(detection: Detection, threshold: Threshold) -> Preview:
    """What a cut would do to a detection."""
    row = detection.preview(threshold)
    cut = _curve(detection, threshold, row)
    return Preview(row, cut, detection.runs_at(cut))


def _curve(detection: Detection, threshold: Threshold, row: ThresholdRow) -> FloatArray:
    """The cut in every row; a static one is in the table already."""
    if isinstance(threshold, StaticThreshold):
        return np.full(len(detection.score), row.cut)
    return threshold.cut(detection.calibration, detection.score)


def _record(cut: CutRow, model_id: str, row: VersionRow) -> CutRecord:
    return CutRecord(
        id=cut.id,
        model_id=model_id,
        version=row.number,
        action=cast(Any, cut.action),
        title=cut.title,
        threshold=cut.threshold,
        series_id=cut.series_id,
        in_force=row.cut_id == cut.id,
        created_at=cut.created_at,
        created_by=cut.created_by,
    )
