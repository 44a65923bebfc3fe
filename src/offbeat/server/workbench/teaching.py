"""Teaching: labels act. A cut and quiet times that follow from them, and a training with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from offbeat.errors import ConfigError, DataError
from offbeat.mutes import Mute
from offbeat.recalibration import Recalibration, recalibrate
from offbeat.rules import EventRules
from offbeat.server.jobs.queue import JobQueue
from offbeat.server.jobs.runner import JobRunner
from offbeat.server.records import CutRecord, JobRecord
from offbeat.server.workbench.detections import DetectionShelf
from offbeat.server.workbench.labels import LabelBook
from offbeat.server.workbench.models import ModelShelf
from offbeat.server.workbench.thresholds import ThresholdDesk
from offbeat.thresholds import FBetaThreshold, LabelledThreshold

__all__ = ["TeachingDesk"]


class TeachingDesk:
    """Where labels change what a model does.

    Parameters
    ----------
    models, detections, labels, thresholds
        What is taught, on what, by what, and where the outcome is kept.
    queue, runner
        Where a training with labels is written down and done.
    """

    def __init__(
        self,
        models: ModelShelf,
        detections: DetectionShelf,
        labels: LabelBook,
        thresholds: ThresholdDesk,
        queue: JobQueue,
        runner: JobRunner,
    ) -> None:
        self._models, self._detections, self._labels = models, detections, labels
        self._thresholds, self._queue, self._runner = thresholds, queue, runner

    def recalibrate(
        self,
        series_id: str,
        model_id: str,
        *,
        goal: LabelledThreshold = FBetaThreshold(),
        version: int | None = None,
        alike: bool = True,
    ) -> Recalibration:
        """What the labels would change, see `offbeat.recalibrate`. Nothing has changed yet.

        Raises
        ------
        DataError
            If nobody has labelled anything.
        """
        detection = self._detections.open(series_id, model_id, version=version)
        fitted = self._models.detector(model_id, version)
        return recalibrate(fitted, detection, self._labels.said(series_id), goal=goal, alike=alike)

    def apply(
        self, series_id: str, model_id: str, found: Recalibration, *, by: str,
        version: int | None = None,
    ) -> CutRecord:  # fmt: skip
        """Cut and mute as proposed from now on; undone like any other cut."""
        title = f"{found.threshold.title}, from {len(found.labels)} labels"
        return self._thresholds.adopt(
            model_id, found.apply(), title=title,
            by=by, series_id=series_id, version=version,
        )  # fmt: skip

    def rules(self, model_id: str, *, version: int | None = None) -> EventRules:
        """The rules in force: when rows are one event, and what is kept quiet."""
        rules: EventRules = self._models.detector(model_id, version).rules
        return rules

    def mute(
        self, model_id: str, mutes: Sequence[Mute], *, by: str, version: int | None = None
    ) -> CutRecord:
        """Keep events quiet in these times from now on, and in no others.

        Raises
        ------
        ConfigError
            If a time of day is named and the model's data have no clock.
        """
        fitted = self._models.detector(model_id, version)
        if any(each.needs_clock for each in mutes) and not fitted.has_clock_:
            raise ConfigError("a mute by time needs data with a time column; name channels instead")
        fitted.set_params(rules=replace(fitted.rules, mutes=tuple(mutes)))
        number = len(mutes)
        quiet = f"{number} quiet time{'' if number == 1 else 's'}" if number else "no quiet times"
        return self._thresholds.adopt(
            model_id, fitted, title=f"{fitted.threshold_.title}, {quiet}", by=by, version=version
        )

    def retrain(
        self, series_id: str, model_id: str, *, by: str, version: int | None = None
    ) -> JobRecord:
        """Train the next version with what was labelled, see `offbeat.retrain`."""
        labels = self._labels.said(series_id)
        if not len(labels):
            raise DataError("nobody has labelled anything in this series: there is nothing to add")
        known = self._models.version(model_id, version)
        request: dict[str, Any] = {
            "name": self._models.get(model_id).name,
            "model_id": model_id,
            "version": known.number,
            "labels": labels.to_text("json"),
        }
        job = self._queue.add("train", request, series_id, by)
        self._runner.call()
        return job
