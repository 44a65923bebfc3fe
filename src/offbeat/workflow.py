"""From files to results: each function is one command of the command line, for any caller."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from offbeat.checks import CheckReport, check
from offbeat.comparison import Comparison, StageHook, compare
from offbeat.detection import Detection
from offbeat.detector import Detector
from offbeat.errors import ConfigError, DataError, nearest_names
from offbeat.evaluation import Evaluation, evaluate
from offbeat.io import ReadOptions, read_series
from offbeat.labels import Labels
from offbeat.lesson import Lesson
from offbeat.lstm import LSTMDetector
from offbeat.mutes import Mute
from offbeat.persist import load
from offbeat.recalibration import Recalibration, recalibrate, retrain
from offbeat.roster import name_of, references_beside
from offbeat.series import Series
from offbeat.thresholds import FBetaThreshold, LabelledThreshold, Threshold
from offbeat.training import ProgressHook

__all__ = [
    "Lesson",
    "check_file",
    "compare_file",
    "detect_file",
    "detect_series",
    "evaluate_file",
    "recalibrate_file",
    "refuse_same_file",
    "set_model_threshold",
    "train_file",
    "train_series",
]


def check_file(
    source: str, options: ReadOptions = ReadOptions(), *, step: str | None = None
) -> CheckReport:
    """What is in a file, before anything is trained."""
    with _about(source):
        return check(read_series(source, options), step=step)


def train_file(
    source: str,
    model: str | Path,
    options: ReadOptions = ReadOptions(),
    *,
    detector: Detector | None = None,
    lesson: Lesson = Lesson(whole=True),
    threshold: Threshold | None = None,
    progress: ProgressHook | None = None,
) -> Detector:
    """Train on a file and write the model; an older model is replaced only when all is done."""
    refuse_same_file(source, model)
    with _about(source):
        return train_series(
            read_series(source, options),
            model,
            detector=detector,
            lesson=lesson,
            threshold=threshold,
            progress=progress,
        )


def train_series(
    series: Series,
    model: str | Path,
    *,
    detector: Detector | None = None,
    lesson: Lesson = Lesson(whole=True),
    threshold: Threshold | None = None,
    progress: ProgressHook | None = None,
) -> Detector:
    """`train_file` of a series that is read already."""
    made = LSTMDetector() if detector is None else detector
    _teach(made, series, lesson, progress)
    if threshold is not None:
        made.set_threshold(threshold)
    made.save(model)
    return made


def detect_file(
    source: str,
    options: ReadOptions = ReadOptions(),
    *,
    model: str | Path | None = None,
    detector: Detector | None = None,
    step: str | None = None,
    lesson: Lesson = Lesson(),
    threshold: Threshold | None = None,
    mutes: Sequence[Mute] = (),
    progress: ProgressHook | None = None,
) -> Detection:
    """Scores and events of a file.

    Parameters
    ----------
    source
        Path, or "-" for standard input.
    options
        How it is read.
    model
        A model file; without one a detector is trained on the first part of the file.
    detector
        What is trained where there is no model, None takes `LSTMDetector()`; with a model, only
        its `smoothing` is taken over.
    step
        With a model: the regular step that the data are brought to first, such as the model's own.
    lesson
        What it is trained on.
    threshold
        Where to cut; None takes the model's own.
    mutes
        With a model: times in which events are kept quiet, beside the model's own.
    progress
        Called after every epoch.
    """
    with _about(source):
        made, series, to_learn = _begun(
            read_series(source, options), model, detector, step, lesson, mutes
        )
        if to_learn is not None:
            _teach(made, series, to_learn, progress)
        detection = made.detect(series)
        return detection if threshold is None else detection.with_threshold(threshold)


def detect_series(series: Series, fitted: Detector, model: str) -> Detection:
    """Scores and events of a series that may hold more channels than the model knows.

    Parameters
    ----------
    series
        To score.
    fitted, model
        A fitted detector, and what it is called in messages.
    """
    return fitted.detect(_known_to(fitted, series, model))


def evaluate_file(
    source: str,
    options: ReadOptions = ReadOptions(),
    *,
    model: str | Path | None = None,
    detector: Detector | None = None,
    step: str | None = None,
    lesson: Lesson = Lesson(),
    threshold: Threshold | None = None,
    mutes: Sequence[Mute] = (),
    buffer: int | None = None,
    progress: ProgressHook | None = None,
) -> Comparison:
    """One detector judged on the rows of a file after its training part.

    Parameters
    ----------
    source, options, model, detector, step, lesson, threshold, mutes, progress
        As in `detect_file`.
    buffer
        Soft edge of VUS in rows, see `offbeat.evaluate`.

    Returns
    -------
    The detector first, then a smoothed |z| and a random score that learned the same rows. These
    two are missing where a model was trained on other data: then there is nothing to learn from.
    """
    with _about(source):
        made, series, to_learn = _begun(
            read_series(source, options), model, detector, step, lesson, mutes
        )
        found = evaluate(
            made, series, lesson=to_learn, threshold=threshold, buffer=buffer, progress=progress
        )
        beside = _references(found, made, series, to_learn, threshold)
        found = replace(found, detector=name_of(made))
        return Comparison((found, *beside.evaluations), beside.failures)


def compare_file(
    source: str,
    options: ReadOptions = ReadOptions(),
    *,
    detectors: Mapping[str, Detector] | None = None,
    lesson: Lesson = Lesson(),
    threshold: Threshold | None = None,
    buffer: int | None = None,
    progress: StageHook | None = None,
) -> Comparison:
    """Several detectors, each trained on the first part of a file and judged on the rest.

    Parameters
    ----------
    source, options, lesson
        As in `detect_file`.
    detectors, threshold, buffer, progress
        As in `offbeat.compare`.

    Raises
    ------
    DataError
        If the file cannot be used, or no detector came through.
    """
    with _about(source):
        comparison = compare(
            read_series(source, options),
            detectors,
            lesson=lesson,
            threshold=threshold,
            buffer=buffer,
            progress=progress,
        )
        if not comparison.evaluations:
            raise DataError(comparison.complaint)
        return comparison


def set_model_threshold(
    model: str | Path,
    threshold: Threshold,
    source: str | None = None,
    options: ReadOptions = ReadOptions(),
) -> Detector:
    """Cut a model elsewhere from now on, in place; nothing is trained.

    A method that learns from labels takes them from `source`; the others from the training scores.
    """
    fitted = load(model)
    if threshold.needs_labels and source is not None:
        with _about(source):
            series = _known_to(fitted, read_series(source, options), Path(model).name)
            fitted.set_threshold(threshold, series)
    else:
        fitted.set_threshold(threshold)
    fitted.save(model)
    return fitted


def recalibrate_file(
    source: str,
    model: str | Path,
    labels: str | Path | None,
    options: ReadOptions = ReadOptions(),
    *,
    goal: LabelledThreshold = FBetaThreshold(),
    mutes: Sequence[Mute] = (),
    alike: bool = True,
    anew: bool = False,
    step: str | None = None,
    progress: ProgressHook | None = None,
) -> Recalibration:
    """What labels would change of a model; nothing is written.

    Parameters
    ----------
    source, options, step
        As in `detect_file`.
    model
        The model file.
    labels
        A file of labels, see `offbeat.labels.Labels.read`; None where there are only mutes.
    goal, mutes, alike
        As in `offbeat.recalibrate`.
    anew
        Whether it is trained anew first, see `offbeat.retrain`; "before" is the old model.
    progress
        Called after every epoch.
    """
    with _about(source):
        fitted, series = _loaded(model, read_series(source, options), step=step)
        said = Labels() if labels is None else Labels.read(labels, zone=series.zone)
        before = fitted.detect(series)
        if anew:
            fitted = retrain(fitted, series, said, progress=progress)
        found = recalibrate(
            fitted, series if anew else before, said, goal=goal, mutes=mutes, alike=alike
        )
        return replace(found, before=before)


def refuse_same_file(source: str | Path, target: str | Path) -> None:
    """Raise a `ConfigError` if what is written would take the place of what is read."""
    known = str(source) != "-" and Path(source).exists() and Path(target).exists()
    if known and Path(target).samefile(source):
        raise ConfigError(f"{target} is read and cannot be written too: name another file")


@contextmanager
def _about(source: str) -> Iterator[None]:
    """Errors in the data name the file, if they do not yet."""
    try:
        yield
    except DataError as problem:
        name = "standard input" if source == "-" else Path(source).name
        if name in str(problem):
            raise
        raise DataError(f"{name}: {problem}") from problem


def _known_to(fitted: Detector, series: Series, model: str) -> Series:
    """The channels of the model; a file may hold more than it knows."""
    missing = [name for name in fitted.channels_ if name not in series.channels]
    if missing:
        raise DataError(
            f"{model} was trained on a channel {missing[0]!r}, which is not there "
            f"({nearest_names(missing[0], series.channels)}): rename the columns, or train another "
            "model on these"
        )
    return series.select(fitted.channels_)


def _begun(
    series: Series,
    model: str | Path | None,
    detector: Detector | None,
    step: str | None,
    lesson: Lesson,
    mutes: Sequence[Mute],
) -> tuple[Detector, Series, Lesson | None]:
    """The detector, the data as it knows them, and what it has yet to learn; a model, nothing."""
    if model is None:
        return LSTMDetector() if detector is None else detector, series, lesson
    return *_loaded(model, series, detector, step, mutes), None


def _loaded(
    model: str | Path,
    series: Series,
    detector: Detector | None = None,
    step: str | None = None,
    mutes: Sequence[Mute] = (),
) -> tuple[Detector, Series]:
    """A model and the channels it knows; of `detector` it takes the smoothing only."""
    fitted = load(model)
    series = _known_to(fitted, series, Path(model).name)
    fitted.set_params(rules=fitted.rules.with_mutes(mutes))
    if step is not None:
        fitted.set_params(preparation=replace(fitted.preparation, step=step))
    if detector is not None:
        fitted.set_params(smoothing=detector.smoothing)
    return fitted, series


def _references(
    found: Evaluation,
    detector: Detector,
    series: Series,
    lesson: Lesson | None,
    threshold: Threshold | None,
) -> Comparison:
    """The reference lines on the same rows; without a lesson, on those before the judged ones."""
    if lesson is None:
        first = found.first_judged
        if not np.any(series.time < np.asarray(first)):
            return Comparison(())
        lesson = Lesson(train=f"{first}Z" if isinstance(first, np.datetime64) else first)
    buffer = None if found.accuracy is None else found.accuracy.buffer
    beside = references_beside(detector)
    judged = compare(series, beside, lesson=lesson, threshold=threshold, buffer=buffer)
    order = list(beside)
    ordered = sorted(judged.evaluations, key=lambda each: order.index(each.detector))
    return Comparison(tuple(ordered), judged.failures)


def _teach(
    detector: Detector, series: Series, lesson: Lesson, progress: ProgressHook | None
) -> None:
    detector.fit(
        lesson.part(series), normal=lesson.normal, exclude=lesson.exclude, progress=progress
    )
