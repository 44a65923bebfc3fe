"""Accuracy: every metric of one scored and labelled stretch, and why some of them have no value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from offbeat.metrics import (
    EventScores,
    NABScore,
    PrecisionRecall,
    affiliation_scores,
    auc_pr,
    auc_roc,
    detection_delays,
    event_scores,
    nab_score,
    point_scores,
    range_scores,
    volumes,
)
from offbeat.series import BoolArray, FloatArray, IntArray

__all__ = ["Accuracy", "measure_accuracy"]

NO_ANOMALY = "no judged row is labelled as an anomaly: only false alarms can be counted"
ALL_ANOMALOUS = "all judged rows are labelled as anomalies: AUC and VUS have nothing to tell apart"
NO_SCORE = "no judged row has a score: AUC and VUS have nothing to rank"
ONE_SCORE = "all judged rows have the same score: AUC and VUS have nothing to rank"
NOTHING_FOUND = "no anomaly was found: there is no delay"
NO_ALARM = "no alarm was raised: precision is 1 by definition, and there is no delay"
FEWEST_SCORES = 2


@dataclass(frozen=True)
class Accuracy:
    """How well flags and scores meet the labels; None where a figure has no meaning.

    Parameters
    ----------
    n_anomalous
        Rows labelled as anomalies.
    n_true, n_found, n_false
        Labelled events, those touched by an alarm, and alarms that touch none.
    points, events, ranges, affiliation
        Precision, recall and F1 counted in rows, in events, by how much of each range is covered,
        and by distance in time.
    auc_pr, auc_roc, vus_pr, vus_roc
        Of the scores, whatever the cut. A row without a score ranks below all others.
    buffer
        Rows of the soft edge of the volumes.
    nab
        Score of the Numenta benchmark, with that of as many flags at random.
    mean_delay, median_delay
        Rows from the start of an event to its first flag, over the events found.
    notes
        Why figures are missing, and what to know about others.
    """

    n_anomalous: int
    n_true: int
    n_found: int
    n_false: int
    buffer: int
    points: PrecisionRecall | None = None
    events: PrecisionRecall | None = None
    ranges: PrecisionRecall | None = None
    affiliation: PrecisionRecall | None = None
    auc_pr: float | None = None
    auc_roc: float | None = None
    vus_pr: float | None = None
    vus_roc: float | None = None
    nab: NABScore | None = None
    mean_delay: float | None = None
    median_delay: float | None = None
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-able and flat: `point_precision`, ..., `vus_pr`, ...; without the notes."""
        flat: dict[str, Any] = {
            "anomalous_rows": self.n_anomalous,
            "true_events": self.n_true,
            "found_events": self.n_found,
            "false_alarms": self.n_false,
        }
        for name, rates in (
            ("point", self.points),
            ("event", self.events),
            ("range", self.ranges),
            ("affiliation", self.affiliation),
        ):
            for rate in ("precision", "recall", "f1"):
                flat[f"{name}_{rate}"] = None if rates is None else getattr(rates, rate)
        for name in ("auc_pr", "auc_roc", "vus_pr", "vus_roc", "buffer"):
            flat[name] = getattr(self, name)
        return flat | {
            "nab": None if self.nab is None else self.nab.score,
            "nab_random": None if self.nab is None else self.nab.random,
            "mean_delay_rows": self.mean_delay,
            "median_delay_rows": self.median_delay,
        }


def measure_accuracy(
    y_true: IntArray | BoolArray, label: IntArray | BoolArray, score: FloatArray, *, buffer: int
) -> Accuracy:
    """All metrics of one stretch of rows. What is not defined is None, with a note.

    Parameters
    ----------
    y_true, label
        Shape (T,), 0/1: what is anomalous and what was flagged.
    score
        Shape (T,); NaN where there is none.
    buffer
        Rows of the soft edge of the volumes.

    Raises
    ------
    DataError
        If shapes differ, a label is neither 0 nor 1 or a score is infinite.
    """
    counted = event_scores(y_true, label)
    found = Accuracy(int(np.sum(y_true)), counted.n_true, counted.n_found, counted.n_false, buffer)
    if not counted.n_true:
        return replace(found, notes=(NO_ANOMALY,))
    return _ranked(_flagged(found, counted, y_true, label), y_true, score)


def _flagged(
    found: Accuracy, counted: EventScores, y_true: IntArray | BoolArray, label: IntArray | BoolArray
) -> Accuracy:
    """With what the flags tell."""
    delays = detection_delays(y_true, label)
    known = delays[~np.isnan(delays)]
    silent = (NOTHING_FOUND if np.any(label) else NO_ALARM,)
    return replace(
        found,
        points=point_scores(y_true, label),
        events=PrecisionRecall(counted.precision, counted.recall, counted.f1),
        ranges=range_scores(y_true, label),
        affiliation=affiliation_scores(y_true, label),
        nab=nab_score(y_true, label, probation=0.0),  # the training part was the probation
        mean_delay=float(known.mean()) if len(known) else None,
        median_delay=float(np.median(known)) if len(known) else None,
        notes=() if len(known) else silent,
    )


def _ranked(found: Accuracy, y_true: IntArray | BoolArray, score: FloatArray) -> Accuracy:
    """With what the order of the scores tells."""
    reason = _no_order(y_true, score)
    if reason is not None:
        return replace(found, notes=(*found.notes, reason))
    volume = volumes(y_true, score, found.buffer)
    return replace(
        found,
        auc_pr=auc_pr(y_true, score),
        auc_roc=auc_roc(y_true, score),
        vus_pr=volume.pr,
        vus_roc=volume.roc,
    )


def _no_order(y_true: IntArray | BoolArray, score: FloatArray) -> str | None:
    """Why the order of the scores tells nothing, if so."""
    if np.all(y_true):
        return ALL_ANOMALOUS
    known = score[~np.isnan(score)]
    if not len(known):
        return NO_SCORE
    return ONE_SCORE if len(np.unique(known)) < FEWEST_SCORES else None
