"""Comparison: several detectors on the same series, side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from offbeat.detector import Detector
from offbeat.errors import OffbeatError
from offbeat.evaluation import COLUMNS, Evaluation, check_task, evaluate, labelled
from offbeat.lesson import Lesson
from offbeat.roster import DETECTORS, REFERENCES, references_beside
from offbeat.series import IntArray, Series
from offbeat.thresholds import Threshold
from offbeat.training import EpochLog

__all__ = ["Comparison", "Failure", "Stage", "StageHook", "compare"]

SHOWN_REASON = 300


@dataclass(frozen=True)
class Failure:
    """A detector that could not be evaluated, and why."""

    detector: str
    reason: str


@dataclass(frozen=True)
class Stage:
    """How far a comparison is: a detector begins, or has trained another epoch.

    Parameters
    ----------
    detector
        Its name.
    number, total
        Which it is, from 1, of how many.
    epoch
        The epoch that ended, while it trains.
    """

    detector: str
    number: int
    total: int
    epoch: EpochLog | None = None


StageHook = Callable[[Stage], None]


@dataclass(frozen=True)
class Comparison:
    """Evaluations side by side, the best first.

    Parameters
    ----------
    evaluations
        By falling VUS-PR where there are labels, else in the order of the detectors.
    failures
        Those that could not be evaluated.
    """

    evaluations: tuple[Evaluation, ...]
    failures: tuple[Failure, ...] = ()

    @property
    def succeeded(self) -> bool:
        """Whether a detector came through, the random score and the smoothed |z| aside.

        Also true if no other was asked for.
        """
        real = [each.detector for each in self.evaluations if each.detector not in REFERENCES]
        return bool(real) or all(each.detector in REFERENCES for each in self.failures)

    @property
    def complaint(self) -> str:
        """One line: that nothing came through, and why."""
        reasons: dict[str, list[str]] = {}
        for each in self.failures:
            reasons.setdefault(each.reason, []).append(each.detector)
        why = "; ".join(f"{', '.join(names)}: {reason}" for reason, names in reasons.items())
        return f"no detector could be evaluated ({why})"

    def to_dict(self) -> dict[str, Any]:
        """JSON-able: a list of `evaluations` and a list of `failures`."""
        return {
            "evaluations": [each.to_dict() for each in self.evaluations],
            "failures": [
                {"detector": each.detector, "reason": each.reason} for each in self.failures
            ],
        }

    def to_frame(self) -> pl.DataFrame:
        """One row a detector, the columns of `Evaluation.to_dict` and `failed`: the reason."""
        rows = [each.to_dict() for each in self.evaluations]
        rows += [{"detector": each.detector, "failed": each.reason} for each in self.failures]
        return pl.DataFrame(rows, schema={**COLUMNS, "failed": pl.String})


def compare(
    X: object,
    detectors: Mapping[str, Detector] | None = None,
    y_true: IntArray | None = None,
    *,
    lesson: Lesson = Lesson(),
    threshold: Threshold | None = None,
    buffer: int | None = None,
    progress: StageHook | None = None,
) -> Comparison:
    """Train each detector on the first part of the data and judge it on the rest.

    One that fails does not stop the others: it is named with the reason.

    Parameters
    ----------
    X
        Data frame, array of shape (T,) or (T, C), or `Series`.
    detectors
        By the name that they have in the table; copies are fitted. None takes all of
        `offbeat.roster.DETECTORS`. A random score and a smoothed |z| are always there: they look
        at the data as the first detector does.
    y_true
        Shape (T,), 0/1; None takes the label column of `X`.
    lesson, threshold, buffer
        As in `evaluate`, the same for all.
    progress
        Called when a detector begins, and after every epoch.

    Raises
    ------
    DataError
        If the data cannot be parted, or a label is neither 0 nor 1.
    ConfigError
        If threshold or buffer suit no detector.
    """
    series = labelled(X, y_true)
    check_task(series, lesson, threshold, buffer)
    if detectors is None:
        detectors = {name: kind() for name, kind in DETECTORS.items()}
    wanted = {**detectors}
    for name, reference in references_beside(next(iter(wanted.values()), None)).items():
        wanted.setdefault(name, reference)
    task = _Task(series, lesson, threshold, buffer)
    evaluations, failures = list[Evaluation](), list[Failure]()
    for number, (name, detector) in enumerate(wanted.items(), 1):
        outcome = task.attempt(detector, Stage(name, number, len(wanted)), progress)
        if isinstance(outcome, Failure):
            failures.append(outcome)
            continue
        evaluations.append(outcome)
        if task.buffer is None and outcome.accuracy is not None:
            task = replace(task, buffer=outcome.accuracy.buffer)
    return Comparison(best_first(evaluations), tuple(failures))


def best_first(evaluations: list[Evaluation]) -> tuple[Evaluation, ...]:
    """By falling VUS-PR; those without one keep their order, behind."""

    def place(each: Evaluation) -> float:
        figure = None if each.accuracy is None else each.accuracy.vus_pr
        return 1.0 if figure is None else -figure

    return tuple(sorted(evaluations, key=place))


@dataclass(frozen=True, eq=False)
class _Task:
    """What is the same for all detectors."""

    series: Series
    lesson: Lesson
    threshold: Threshold | None
    buffer: int | None

    def attempt(
        self, detector: Detector, stage: Stage, progress: StageHook | None
    ) -> Evaluation | Failure:
        """What a detector did, or why it did not."""

        def hook(epoch: EpochLog) -> None:
            if progress is not None:
                progress(replace(stage, epoch=epoch))

        if progress is not None:
            progress(stage)
        try:
            found = evaluate(
                detector.fresh(),
                self.series,
                lesson=self.lesson,
                threshold=self.threshold,
                buffer=self.buffer,
                progress=hook,
            )
        except Exception as problem:  # whatever goes wrong in one must not stop the others
            return Failure(stage.detector, _reason(problem))
        return replace(found, detector=stage.detector)


def _reason(problem: Exception) -> str:
    """One line; an error that nobody foresaw gives its kind too."""
    text = " ".join(str(problem).split())
    if not isinstance(problem, OffbeatError):
        text = f"{type(problem).__name__}: {text}"
    return text if len(text) <= SHOWN_REASON else text[: SHOWN_REASON - 1] + "…"
