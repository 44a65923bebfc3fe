"""Recalibration: labels act. The cut moves, what is like a false alarm is muted, on demand."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from offbeat.detection import Detection
from offbeat.detector import Detector
from offbeat.errors import ConfigError, DataError
from offbeat.events import Event
from offbeat.grid import regularise
from offbeat.io import as_series
from offbeat.labels import Labels
from offbeat.metrics import EventScores
from offbeat.metrics.events import rows_before, true_alarms
from offbeat.metrics.flags import precision_recall
from offbeat.mutes import Mute
from offbeat.preparation import Span
from offbeat.rules import EventRules
from offbeat.series import BoolArray, FloatArray
from offbeat.similarity import ALIKE, Precedent, precedent_of, shape_distance
from offbeat.thresholds import (
    FBetaThreshold,
    FixedThreshold,
    LabelledThreshold,
    ScaledThreshold,
    Threshold,
)
from offbeat.thresholds.taught import UNJUDGED, Evidence, best_factor, events_at, swallowed_at
from offbeat.training import ProgressHook

__all__ = ["Recalibration", "labelled_scores", "recalibrate", "retrain"]

Runs = list[tuple[int, int]]


@dataclass(frozen=True, eq=False)
class Recalibration:
    """What labels would change. Nothing has changed yet: `apply` gives the detector that has.

    Parameters
    ----------
    detector
        The detector as it is.
    labels
        What was said.
    goal
        What the cut was chosen for.
    factor
        By what the cut of `base` was multiplied.
    before, after
        The same scores, cut and muted as now and as proposed.
    """

    detector: Detector
    labels: Labels
    goal: LabelledThreshold
    factor: float
    before: Detection
    after: Detection

    @property
    def threshold(self) -> Threshold:
        """The proposed method."""
        return self.after.threshold

    @property
    def rules(self) -> EventRules:
        """The proposed rules."""
        rules = self.after.rules
        return replace(self.detector.rules, mutes=rules.mutes, precedents=rules.precedents)

    @property
    def gained(self) -> tuple[Event, ...]:
        """Events that are heard only afterwards."""
        return _apart_from(self.after.events, self.before)

    @property
    def lost(self) -> tuple[Event, ...]:
        """Events that are heard only before."""
        return _apart_from(self.before.events, self.after)

    @property
    def kept(self) -> tuple[Event, ...]:
        """Events afterwards that were heard before as well, in part at least."""
        gained = set(self.gained)
        return tuple(event for event in self.after.events if event not in gained)

    @property
    def scores_before(self) -> EventScores:
        """Precision, recall and F1 on the labelled part, as now."""
        return labelled_scores(self.before, self.labels)

    @property
    def scores_after(self) -> EventScores:
        """Precision, recall and F1 on the labelled part, as proposed. It was chosen on it."""
        return labelled_scores(self.after, self.labels)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "factor": self.factor,
            "goal": self.goal.title,
            "n_labels": len(self.labels),
            "threshold": self.threshold.to_dict(),
            "mutes": [mute.to_dict() for mute in self.rules.mutes],
            "precedents": [precedent.to_dict() for precedent in self.rules.precedents],
            "gained": [event.to_dict() for event in self.gained],
            "lost": [event.to_dict() for event in self.lost],
            "kept": len(self.kept),
            "before": _row("before", self.before, self.labels),
            "after": _row("after", self.after, self.labels),
        }

    def to_frame(self) -> pl.DataFrame:
        """Two rows, before and after: threshold, cut, events, alarms a day, precision, recall."""
        pairs = (("before", self.before), ("after", self.after))
        return pl.DataFrame([_row(name, each, self.labels) for name, each in pairs])

    def apply(self) -> Detector:
        """A detector that cuts and mutes as proposed; the old one stays as it was."""
        taught = copy.copy(self.detector)
        taught.set_params(rules=self.rules)
        taught.set_threshold(self.threshold)
        settings = {
            **taught.record_.settings,
            "taught": {"labels": len(self.labels), "factor": self.factor, "goal": self.goal.title},
        }
        taught.record_ = replace(taught.record_, settings=settings)
        return taught


def recalibrate(
    detector: Detector,
    X: object,
    labels: Labels,
    *,
    goal: LabelledThreshold = FBetaThreshold(),
    mutes: Sequence[Mute] = (),
    alike: bool = True,
) -> Recalibration:
    """What a person's labels would change: cut, muted events and how right the alarms are.

    The cut in force before any recalibration is multiplied by the factor that serves the goal best
    on the labelled stretches, see `offbeat.thresholds.taught`; so the same labels always lead to
    the same cut. "expected" stretches do not move it: they are as far off as a fault. False alarms
    that still alarm become precedents: what is like them, and no nearer to a true alarm, is muted.

    Parameters
    ----------
    detector
        Fitted.
    X
        Data, or what the detector said of them (a `Detection`): then nothing is scored again.
    labels
        Of these data.
    goal
        `FBetaThreshold(beta)` or `CostThreshold(false_alarm, miss)`.
    mutes
        Times to mute as well.
    alike
        Whether false alarms become precedents.

    Raises
    ------
    DataError
        If there is nothing to learn from, or a label does not fit the data.
    """
    if not isinstance(goal, LabelledThreshold):
        raise ConfigError(f"the goal is an FBetaThreshold or a CostThreshold, {goal!r} came")
    before = X if isinstance(X, Detection) else detector.detect(X)
    if not len(labels) and not mutes:
        raise DataError("nothing to learn from: give at least one label, or a mute")
    rows = labels.rows(before.series)
    base = _base(before.threshold, before)
    quiet = before.rules.with_mutes(mutes)
    bare = before.with_threshold(base).with_rules(replace(quiet, precedents=()))
    factor = best_factor(_evidence(bare, labels, rows), goal)
    cut = base if factor == 1.0 else ScaledThreshold(factor, base)
    after = bare.with_threshold(cut)
    if alike:
        precedents = (*_elsewhere(quiet.precedents, before), *_precedents(after, labels, rows))
        after = after.with_rules(replace(after.rules, precedents=precedents))
    return Recalibration(detector, labels, goal, factor, before, after)


def retrain(
    detector: Detector, X: object, labels: Labels, *, progress: ProgressHook | None = None
) -> Detector:
    """A detector of the same options, trained anew with what was labelled.

    It learns the rows that the old one was trained on, as far as they are in the data (else all
    rows), and the "expected" stretches; anomalies, found or missed, are left out. Cut, mutes and
    precedents stay.

    Parameters
    ----------
    detector
        Fitted; it stays as it was.
    X
        Data that hold the labelled stretches, and the old training part if that is to be learned.
    labels
        Of these data.
    progress
        Called after every epoch.
    """
    series = as_series(X)
    if not isinstance(X, np.ndarray | list | tuple):
        series = series.select(detector._fitted().channels_)
    labels.rows(regularise(series, detector.preparation.step).series)  # refuses what lies outside
    fresh = detector.fresh()
    fresh.fit(
        series,
        normal=_old_part(detector, series.time),
        exclude=[(each.start, each.end) for each in labels if each.is_anomalous],  # type: ignore[misc]
        expected=[(each.start, each.end) for each in labels.of("expected")],  # type: ignore[misc]
        progress=progress,
    )
    return fresh.set_threshold(_lasting(detector))


def labelled_scores(detection: Detection, labels: Labels) -> EventScores:
    """Precision, recall and F1 counted in labels, on the labelled part only.

    A labelled anomaly is found if a true alarm touches it (`offbeat.metrics.events.true_alarms`); a
    stretch labelled a false alarm counts as false if another event touches it. "expected" stretches
    count for nothing. An event that touches anomalies, but lies over far more, is false too.
    """
    rows = labels.rows(detection.series)
    heard = np.array([(each.start, each.end) for each in detection.events], int).reshape(-1, 2)
    wrong = [place for place, label in zip(rows, labels, strict=True) if label.is_anomalous]
    calm = [p for p, label in zip(rows, labels, strict=True) if label.verdict == "false alarm"]
    n_before = rows_before(labels.y_true(detection.series))
    right = true_alarms(heard, n_before, detection.reach, weight=UNJUDGED)
    n_found = sum(_touches(place, heard[right].tolist()) for place in wrong)
    false = heard[~right].tolist()
    n_false = sum(_touches(place, false) for place in calm)
    n_false += sum(_touches(place, wrong) and not _touches(place, calm) for place in false)
    rates = precision_recall(n_found, n_false, len(wrong) - n_found)
    return EventScores(rates.precision, rates.recall, rates.f1, len(wrong), n_found, n_false)


# ---------------------------------------------------------------- the cut


def _base(threshold: Threshold, detection: Detection) -> Threshold:
    """The method before any recalibration; what it learned from labels stays as a number."""
    if isinstance(threshold, ScaledThreshold):
        return threshold.base
    return FixedThreshold(float(detection.cut[0])) if threshold.needs_labels else threshold


def _evidence(detection: Detection, labels: Labels, rows: Runs) -> Evidence:
    ratio = detection.score / detection.cut
    right, wrong = list[float](), list[float]()
    for (start, end), label in zip(rows, labels, strict=True):
        inside = ratio[start:end][np.isfinite(ratio[start:end])]
        if len(inside) and label.verdict != "expected":
            (right if label.is_anomalous else wrong).append(float(inside.max()))
    unjudged = _unjudged(detection, ratio, labels.known(detection.series))
    y_true, gap = labels.y_true(detection.series), detection.rules.merge_gap or 0
    swallowed = swallowed_at(ratio, y_true, gap, detection.reach)
    return Evidence(np.array(right), np.array(wrong), unjudged, swallowed)


def _unjudged(detection: Detection, ratio: FloatArray, known: BoolArray) -> FloatArray:
    """Alarms that nobody has judged: those of the training part, and those that a lower cut brings.

    Shape (K,). What the training part alarms at was taken for normal, so that a cut far too low is
    known for one.
    """
    gap = detection.rules.merge_gap or 0
    watched = ~detection.learned & np.isfinite(ratio)
    n_learned = max(1, int(np.isfinite(detection.calibration.score).sum()))
    usual = detection.calibration.score / float(np.median(detection.cut))
    in_training = events_at(usual, gap) * (int(watched.sum()) / n_learned)
    elsewhere = events_at(np.where(watched & ~known, ratio, np.nan), gap)
    new = np.maximum(elsewhere - elsewhere[len(elsewhere) // 2], 0.0)  # the cut in force: middle
    return np.asarray((new + in_training) * _share_judged(detection, known))


def _share_judged(detection: Detection, known: BoolArray) -> float:
    """How much of the shown events a person has judged; never nothing."""
    judged = [bool(known[event.start : event.end].any()) for event in detection.events]
    return max(1, sum(judged)) / max(1, len(judged))


# ---------------------------------------------------------------- look-alikes


def _precedents(after: Detection, labels: Labels, rows: Runs) -> tuple[Precedent, ...]:
    """Judged events that still alarm; none if none of them is a false alarm."""
    wrong = [place for place, label in zip(rows, labels, strict=True) if label.is_anomalous]
    calm = [p for p, label in zip(rows, labels, strict=True) if label.verdict == "false alarm"]
    found = (*after.events, *after.muted_events)
    right = [event for event in found if _touches((event.start, event.end), wrong)]
    false = [event for event in after.events if _touches((event.start, event.end), calm)]
    false = [event for event in false if event not in right]
    false = [event for event in false if _has_a_twin(event, false)]
    if not false:
        return ()
    return (
        *(precedent_of(event, "false alarm") for event in false),
        *(precedent_of(event, "true alarm") for event in right),
    )


def _has_a_twin(event: Event, others: Sequence[Event]) -> bool:
    """Whether another one is alike: once is an accident, twice is a habit."""
    return any(other is not event and shape_distance(event, other) <= ALIKE for other in others)


def _elsewhere(precedents: Sequence[Precedent], detection: Detection) -> tuple[Precedent, ...]:
    """Those that are older than these data: what lies inside is judged by the labels alone."""
    first = detection.time[0]
    if isinstance(first, np.datetime64):
        return tuple(
            each
            for each in precedents
            if isinstance(each.start_time, str) and np.datetime64(each.start_time) < first
        )
    return ()


# ---------------------------------------------------------------- training anew


def _old_part(detector: Detector, time: Any) -> list[Span]:
    """The rows that the detector was trained on, where these data hold them."""
    first, last = detector.span_
    if (time.dtype.kind == "M") != detector.has_clock_ or not (
        (time >= first) & (time <= last)
    ).any():
        return []
    step = np.timedelta64(1, "ns") if detector.has_clock_ else 1
    return [(first, last + step)]


def _lasting(detector: Detector) -> Threshold:
    """The cut in force; one that learned from labels of the old scores says nothing of new ones."""
    threshold: Threshold = detector.threshold_
    if threshold.needs_labels:
        raise ConfigError(
            f"{threshold.title} learned from labels of the old scores: set another threshold first"
        )
    return threshold


# ---------------------------------------------------------------- pieces


def _row(name: str, detection: Detection, labels: Labels) -> dict[str, Any]:
    scores = labelled_scores(detection, labels)
    return {
        "state": name,
        "threshold": detection.threshold.title,
        "cut": float(np.median(detection.cut)),
        "events": len(detection.events),
        "muted": len(detection.muted_events),
        "alarms_per_day": detection.alarms_per_day,
        "precision": scores.precision,
        "recall": scores.recall,
        "f1": scores.f1,
    }


def _touches(place: tuple[int, int], others: Sequence[tuple[int, int]]) -> bool:
    return any(start < place[1] and place[0] < end for start, end in others)


def _apart_from(events: Sequence[Event], detection: Detection) -> tuple[Event, ...]:
    heard = detection.label
    return tuple(event for event in events if not heard[event.start : event.end].any())
