"""Training: from what a person asks for to a job, and from its end to a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from offbeat.lesson import Lesson
from offbeat.preparation import Span, span_rows
from offbeat.roster import chosen_detectors
from offbeat.server.files import DataFolder
from offbeat.server.jobs.queue import JobQueue
from offbeat.server.jobs.runner import JobRunner
from offbeat.server.jobs.tasks import RetrainTask, Task, TrainTask
from offbeat.server.records import JobRecord, ModelRecord, SeriesRecord
from offbeat.server.store import JobRow, new_id
from offbeat.server.workbench.models import ModelShelf, add_version
from offbeat.server.workbench.series import SeriesShelf, clean_name
from offbeat.settings import with_settings
from offbeat.storable import plain
from offbeat.thresholds import parse_threshold

__all__ = ["Training", "TrainingHandler", "TrainingRequest"]


@dataclass(frozen=True)
class TrainingRequest:
    """What a person may choose; everything has a default.

    Parameters
    ----------
    name
        Of the model; None takes the series' name.
    model_id
        Train the next version of this model, which is not in use until somebody says so; None
        makes a new model.
    detector
        A name on the roster: lstm, ensemble, memory, ...
    settings
        Options as `offbeat train --set` takes them: "training.max_epochs=50".
    train
        Where the training part ends: fraction, row or time stamp; None takes all rows, or those of
        `normal`.
    normal, exclude
        Spans [start, end) that are known to be normal (only these are learned), or never learned.
    covariates, channels
        Channels that are read but not judged (None finds them); channels to watch (None takes
        all).
    centred, seed
        Whether scores look back at history, both ways; the seed of the training.
    threshold
        Where to cut: "1/week", "percentile:99" ...; None takes the default.
    """

    name: str | None = None
    model_id: str | None = None
    detector: str = "lstm"
    settings: tuple[str, ...] = ()
    train: float | int | str | None = None
    normal: tuple[Span, ...] = ()
    exclude: tuple[Span, ...] = ()
    covariates: tuple[str, ...] | None = None
    channels: tuple[str, ...] | None = None
    centred: bool = False
    seed: int = 0
    threshold: str | None = None


class Training:
    """Trainings are begun here.

    Parameters
    ----------
    queue, runner
        Where jobs are written down and done.
    series, models
        What is learned from, and where the model goes.
    """

    def __init__(
        self,
        queue: JobQueue,
        runner: JobRunner,
        series: SeriesShelf,
        models: ModelShelf,
    ) -> None:
        self._queue, self._runner = queue, runner
        self._series, self._models = series, models

    def start(self, series_id: str, request: TrainingRequest, *, by: str) -> JobRecord:
        """Put a training into the queue; what can be refused is refused now.

        Raises
        ------
        ConfigError
            If an option has a value that it cannot have.
        NotThereError
            If there is no such series or model.
        """
        record: SeriesRecord | ModelRecord = self._series.get(series_id)
        if request.model_id is not None:
            record = self._models.get(request.model_id)
        request = replace(request, name=clean_name(request.name or record.name))
        self._refuse(series_id, request)
        job = self._queue.add("train", asdict(request), series_id, by)
        self._runner.call()
        return job

    def _refuse(self, series_id: str, request: TrainingRequest) -> None:
        kind = chosen_detectors([request.detector])[request.detector]
        detector = with_settings(kind(), request.settings)
        detector.preparation.check()
        if request.threshold is not None:
            parse_threshold(request.threshold)
        named = (*(request.channels or ()), *(request.covariates or ()))
        series = self._series.load(series_id)
        if named:
            series.select(named)
        spans = (*request.normal, *request.exclude)
        if spans:
            span_rows(series, spans)
        Lesson(train=request.train, whole=request.train is None).part(series)


class TrainingHandler:
    """What a training job is made of, see `offbeat.server.jobs.runner.Handler`."""

    def __init__(self, folder: DataFolder, series: SeriesShelf, models: ModelShelf) -> None:
        self._folder, self._series, self._models = folder, series, models

    def prepare(self, job: JobRecord) -> Task:
        """The task; the model is written to a new place, and found again by its name there."""
        if "labels" in job.request:
            return self._again(job)
        asked = {
            key: value
            for key, value in job.request.items()
            if key not in ("name", "model_id", "threshold")
        }
        text = job.request.get("threshold")
        return TrainTask(
            series=str(self._series.path(job.series_id)),
            target=str(self._folder.path("models", f"{new_id()}.offbeat")),
            threshold=None if text is None else parse_threshold(text).to_dict(),
            **asked,
        )

    def _again(self, job: JobRecord) -> Task:
        """A training with labels, of the version under the cut in force."""
        model_id, version = job.request["model_id"], job.request["version"]
        fitted = self._models.detector(model_id, version)
        path, _ = self._models.file(model_id, version)
        return RetrainTask(
            series=str(self._series.path(job.series_id)),
            model=str(path),
            target=str(self._folder.path("models", f"{new_id()}.offbeat")),
            labels=job.request["labels"],
            threshold=fitted.threshold_.to_dict(),
            rules=plain(fitted.rules),
        )

    def settle(self, session: Session, row: JobRow, task: Task, result: Mapping[str, Any]) -> None:
        """Write the new version down."""
        assert isinstance(task, TrainTask | RetrainTask)
        stored = self._folder.adopt("models", Path(task.target).name)
        version = add_version(
            session,
            stored,
            result,
            by=row.created_by,
            model_id=row.request.get("model_id"),
            name=row.request["name"],
            use=False,  # a person compares it first
        )
        version.series_id, version.job_id = row.series_id, row.id
        row.model_id, row.version = version.model_id, version.number

    def discard(self, task: Task) -> None:
        """Remove the model of a training that nobody wants any more."""
        assert isinstance(task, TrainTask | RetrainTask)
        self._folder.remove("models", Path(task.target).name)
