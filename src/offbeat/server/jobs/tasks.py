"""Tasks: what a worker process is asked to do. Each is one call of the library.

A task travels as JSON; a file goes by its path, and comes back as what was written. What needs
PyTorch is imported when it is needed: the process that reads uploads starts without.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from offbeat.errors import DataError
from offbeat.io import ReadOptions, read_source
from offbeat.server.files import read_stored_series, write_series
from offbeat.stamps import step_text

if TYPE_CHECKING:
    from offbeat.detector import Detector
    from offbeat.preparation import Span
    from offbeat.series import Series
    from offbeat.training import ProgressHook

__all__ = [
    "CheckTask",
    "ReadTask",
    "RetrainTask",
    "ScoreTask",
    "Task",
    "TrainTask",
    "about_model",
    "about_series",
    "task_from_dict",
    "task_to_dict",
]

PARQUET_MAGIC = b"PAR1"


@dataclass(frozen=True)
class ReadTask:
    """Read a table as a series and write it as Parquet.

    Parameters
    ----------
    source, target
        Paths.
    options
        Fields of `ReadOptions` that a person gave.
    max_rows, max_cells
        Limits.
    """

    source: str
    target: str
    options: dict[str, Any]
    max_rows: int
    max_cells: int

    def run(self, progress: ProgressHook) -> dict[str, Any]:  # noqa: ARG002
        """What the series holds."""
        self._refuse_wide_parquet()
        chosen = dict(self.options)
        if chosen.get("channels") is not None:
            chosen["channels"] = tuple(chosen["channels"])
        reading = read_source(self.source, ReadOptions(**chosen))
        series = reading.series
        self._refuse_large(len(series), series.n_channels)
        write_series(series, Path(self.target))
        return {**about_series(series), "name": series.name, "notes": list(reading.notes)}

    def _refuse_wide_parquet(self) -> None:
        """A small Parquet file can hold any number of equal rows: look before it is unpacked."""
        with Path(self.source).open("rb") as file:
            if file.read(len(PARQUET_MAGIC)) != PARQUET_MAGIC:
                return
        try:
            table = pl.scan_parquet(self.source)
            n_rows = int(table.select(pl.len()).collect().item())
            self._refuse_large(n_rows, len(table.collect_schema()))
        except pl.exceptions.PolarsError:
            return  # the reader says better what is wrong

    def _refuse_large(self, n_rows: int, n_columns: int) -> None:
        if n_rows > self.max_rows or n_rows * n_columns > self.max_cells:
            raise DataError(
                f"{n_rows} rows of {n_columns} columns came; a series has at most {self.max_rows} "
                f"rows and {self.max_cells} values: send a part, or fewer columns"
            )


@dataclass(frozen=True)
class CheckTask:
    """The data check of a stored series."""

    series: str
    step: str | None = None

    def run(self, progress: ProgressHook) -> dict[str, Any]:  # noqa: ARG002
        """What `CheckReport.to_dict` gives."""
        from offbeat.checks import check

        return check(read_stored_series(Path(self.series)), step=self.step).to_dict()


@dataclass(frozen=True)
class TrainTask:
    """Train a detector on a stored series, as `offbeat train` does.

    Parameters
    ----------
    series, target
        Paths of the series and of the model to write.
    detector
        A name on the roster.
    settings
        As `offbeat train --set` takes them.
    train, normal, exclude
        What is learned, see `Lesson`; without `train` and `normal`, all of it.
    covariates, channels
        Channels that are read but not judged, None finds them; channels to watch, None takes all.
    centred, seed
        Whether scores look back at history, both ways; the seed of the training.
    threshold
        What `Threshold.to_dict` gives; None takes the default.
    """

    series: str
    target: str
    detector: str = "lstm"
    settings: tuple[str, ...] = ()
    train: float | int | str | None = None
    normal: tuple[Span, ...] = ()
    exclude: tuple[Span, ...] = ()
    covariates: tuple[str, ...] | None = None
    channels: tuple[str, ...] | None = None
    centred: bool = False
    seed: int = 0
    threshold: dict[str, Any] | None = None

    def run(self, progress: ProgressHook) -> dict[str, Any]:
        """What the model knows."""
        from offbeat.lesson import Lesson
        from offbeat.roster import chosen_detectors
        from offbeat.settings import with_settings
        from offbeat.thresholds import threshold_from_dict
        from offbeat.workflow import train_series

        series = read_stored_series(Path(self.series))
        if self.channels is not None:
            series = series.select(self.channels)
        detector = chosen_detectors([self.detector])[self.detector]()
        detector.set_params(
            random_state=self.seed,
            smoothing="centred" if self.centred else "trailing",
            covariates=self.covariates,
        )
        fitted = train_series(
            series,
            self.target,
            detector=with_settings(detector, self.settings),
            lesson=Lesson(self.train, self.normal, self.exclude, whole=self.train is None),
            threshold=None if self.threshold is None else threshold_from_dict(self.threshold),
            progress=progress,
        )
        return about_model(fitted)


@dataclass(frozen=True)
class RetrainTask:
    """Train a stored model anew with what was labelled, as `offbeat.retrain` does.

    Parameters
    ----------
    series, model, target
        Paths of the series, of the old model and of the one to write.
    labels
        What `Labels.to_text("json")` gives.
    threshold, rules
        Those in force, as JSON: they stay.
    """

    series: str
    model: str
    target: str
    labels: str
    threshold: dict[str, Any]
    rules: dict[str, Any]

    def run(self, progress: ProgressHook) -> dict[str, Any]:
        """What the model knows."""
        from offbeat.labels import Labels
        from offbeat.persist import load
        from offbeat.recalibration import retrain
        from offbeat.rules import rules_from_plain
        from offbeat.thresholds import threshold_from_dict

        fitted = load(self.model).set_threshold(threshold_from_dict(self.threshold))
        fitted.set_params(rules=rules_from_plain(**self.rules))
        series = read_stored_series(Path(self.series))
        labels = Labels.from_text(self.labels, "json")
        fresh = retrain(fitted, series, labels, progress=progress)
        fresh.save(self.target)
        return about_model(fresh)


@dataclass(frozen=True)
class ScoreTask:
    """Score a stored series with a stored model, and keep all that a `Detection` holds.

    Parameters
    ----------
    series, model, target
        Paths.
    model_name
        What the model is called in messages.
    """

    series: str
    model: str
    target: str
    model_name: str

    def run(self, progress: ProgressHook) -> dict[str, Any]:  # noqa: ARG002
        """How many rows the grid has."""
        from offbeat.persist import load
        from offbeat.server.files.scores import write_detection
        from offbeat.workflow import detect_series

        series = read_stored_series(Path(self.series))
        detection = detect_series(series, load(self.model), self.model_name)
        write_detection(detection, Path(self.target))
        return {"n_rows": len(detection.series)}


Task = ReadTask | CheckTask | TrainTask | RetrainTask | ScoreTask
KINDS: Mapping[str, type[Task]] = {
    kind.__name__: kind for kind in (ReadTask, CheckTask, TrainTask, RetrainTask, ScoreTask)
}


def about_series(series: Series) -> dict[str, Any]:
    """What a list of series shows of one."""
    ends = (0, len(series) - 1)
    if series.has_clock:
        ends = (int(series.time.min()), int(series.time.max()))
    return {
        "n_rows": len(series),
        "channels": list(series.channels),
        "start": ends[0],
        "end": ends[1],
        "has_clock": series.has_clock,
        "has_label": series.label is not None,
        "zone": series.zone,
    }


def about_model(fitted: Detector) -> dict[str, Any]:
    """What a list of models shows of a fitted detector."""
    return {
        "detector": type(fitted).__name__,
        "channels": list(fitted.channels_),
        "n_learned": fitted.n_learned_,
        "step": step_text(fitted.step_) if fitted.has_clock_ else f"{fitted.step_} row",
        "trained_on": str(fitted.record_.settings["trained_on"]),
        "threshold": fitted.threshold_.to_dict(),
        "title": fitted.threshold_.title,
    }


def task_to_dict(task: Task) -> dict[str, Any]:
    """JSON-able; `task_from_dict` reads it."""
    return {"task": type(task).__name__, **asdict(task)}


def task_from_dict(plain: Mapping[str, Any]) -> Task:
    """What `task_to_dict` gave, after its way through JSON, which knows no tuples."""
    kind = KINDS[plain["task"]]
    known = {field.name for field in fields(kind)}
    given = {key: value for key, value in plain.items() if key in known}
    task = kind(**given)
    if not isinstance(task, TrainTask):
        return task
    return replace(
        task,
        settings=tuple(task.settings),
        normal=tuple((start, end) for start, end in task.normal),
        exclude=tuple((start, end) for start, end in task.exclude),
        covariates=None if task.covariates is None else tuple(task.covariates),
        channels=None if task.channels is None else tuple(task.channels),
    )
