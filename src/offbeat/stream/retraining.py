"""Training anew beside the stream, and whether what came of it is better."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass
from threading import Thread

import numpy as np

from offbeat.detector import Detector
from offbeat.series import FloatArray, Series

__all__ = ["Retraining", "train_aside"]

WORSE = 1.05
"""A new model is worse if its error on the rows held back is so many times the old one's."""


@dataclass(frozen=True, eq=False)
class Retraining:
    """A model that was trained on kept history, held against the one in use.

    Parameters
    ----------
    detector
        The new one.
    error_before, error_after
        Of the old and the new model on the held-back rows: mean distance from what was expected,
        in deviations of the history; the share of rows that alarm, for methods that expect nothing.
    n_learned, n_held_back
        Rows of the history that were learned, and those held back.
    """

    detector: Detector
    error_before: float
    error_after: float
    n_learned: int
    n_held_back: int

    @property
    def is_better(self) -> bool:
        """Whether it may be taken into use: not worse than the old one."""
        return self.error_after <= WORSE * self.error_before

    @property
    def message(self) -> str:
        """One sentence."""
        verdict = "taken" if self.is_better else "worse than the model in use, left out"
        return (
            f"trained on {self.n_learned} rows, {verdict}: error {self.error_after:.3g} on "
            f"{self.n_held_back} rows that were held back, {self.error_before:.3g} before"
        )


def train_aside(detector: Detector, history: Series, held_back: int) -> Future[Retraining]:
    """Train a detector with the same options on a history, in a thread of its own.

    Parameters
    ----------
    detector
        The one in use; it is not touched.
    history
        Rows in the order of time.
    held_back
        Last rows that are not learned.

    Returns
    -------
    What will hold the result, or the error that ended it.
    """
    future: Future[Retraining] = Future()

    def work() -> None:
        try:
            future.set_result(_trained(detector, history, held_back))
        except BaseException as reason:
            future.set_exception(reason)

    Thread(target=work, name="offbeat-retrain", daemon=True).start()
    return future


def _trained(detector: Detector, history: Series, held_back: int) -> Retraining:
    n_learned = len(history) - held_back
    new = detector.fresh()
    new.fit(history.rows(0, n_learned))
    if not detector.threshold_.needs_labels:
        new.set_threshold(detector.threshold_)
    before, after = (_error(each, history, held_back) for each in (detector, new))
    return Retraining(new, before, after, n_learned, held_back)


def _error(detector: Detector, history: Series, held_back: int) -> float:
    """See `Retraining`."""
    detection = detector.detect(history)
    rows = detection.slot[-held_back:]
    away = np.abs(detection.series.values - detection.expected)[rows]
    unit = np.nanstd(history.values, axis=0)
    scaled: FloatArray = away / np.where(unit > 0, unit, 1.0)
    if np.isfinite(scaled).any():
        return float(np.nanmean(scaled))
    return float(detection.label[rows].mean())
