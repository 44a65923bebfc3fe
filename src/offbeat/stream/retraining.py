"""Training anew beside the stream, and whether what came of it is better."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from threading import Thread

import numpy as np

from offbeat.detector import Detector
from offbeat.series import FloatArray, IntArray, Series
from offbeat.stream.arrival import as_time, step_units

__all__ = ["HELD_BACK", "Retraining", "train_aside", "trained_again"]

HELD_BACK = 0.2
"""Share of the history on which a new model is held against the old one."""
WORSE = 1.05
"""A new model is worse if its error on the rows held back is so many times the old one's."""
DAY = 86_400 * 10**9
CYCLES = ((7 * DAY, 14 * DAY), (DAY, 2 * DAY))
"""Series in a row keep their day of the week where the whole is longer than two weeks, and their
time of day where it is longer than two days."""


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
        if np.isnan(self.error_before):
            return not np.isnan(self.error_after)
        return self.error_after <= WORSE * self.error_before

    @property
    def message(self) -> str:
        """One sentence."""
        verdict = "taken" if self.is_better else "worse than the model in use, left out"
        return (
            f"trained on {self.n_learned} rows, {verdict}: error {self.error_after:.3g} on "
            f"{self.n_held_back} rows that were held back, {self.error_before:.3g} before"
        )


def train_aside(
    detector: Detector, history: Series, held_back: float = HELD_BACK
) -> Future[Retraining]:
    """Train a detector with the same options on a history, in a thread of its own.

    Parameters
    ----------
    detector
        The one in use; it is not touched.
    history
        Rows in the order of time.
    held_back
        Share of its rows, the last ones, that are not learned.

    Returns
    -------
    What will hold the result, or the error that ended it.
    """
    future: Future[Retraining] = Future()

    def work() -> None:
        try:
            future.set_result(trained_again(detector, [history], held_back))
        except BaseException as reason:
            future.set_exception(reason)

    Thread(target=work, name="offbeat-retrain", daemon=True).start()
    return future


def trained_again(
    detector: Detector, histories: Sequence[Series], held_back: float = HELD_BACK
) -> Retraining:
    """Train a detector with the same options on the histories of one or several series.

    Several are learned one after the other as one series with long gaps, and each keeps its time of
    day and of the week as far as these can be learned.

    Parameters
    ----------
    detector
        The one in use; it is not touched.
    histories
        Rows in the order of time, each of the detector's channels.
    held_back
        Share of the rows of each, the last ones, that are not learned.

    Raises
    ------
    DataError
        If they cannot be learned from.
    """
    parts = list[Series]()
    left = list[int]()
    for history in histories:
        left.append(max(1, round(held_back * len(history))))
        parts.append(history.rows(0, len(history) - left[-1]))
    new = _told(detector.fresh(), detector)
    new.fit(_in_a_row(parts, detector))
    if not detector.threshold_.needs_labels:
        new.set_threshold(detector.threshold_)
    old = _told(copy.copy(detector), detector)
    errors = [
        [_error(each, h, n) for h, n in zip(histories, left, strict=True)] for each in (old, new)
    ]
    before, after = (float(np.average(each, weights=left)) for each in errors)
    return Retraining(new, before, after, sum(map(len, parts)), sum(left))


def _told(detector: Detector, old: Detector) -> Detector:
    """A detector that takes rows for regular at the step of the old one, if their stamps stray."""
    if old.has_clock_:
        step = f"{step_units(old)}ns"
        detector.preparation = replace(detector.preparation, step=step)
    return detector


def _in_a_row(parts: Sequence[Series], detector: Detector) -> Series:
    """Series one after the other, each after a gap that nothing is carried over."""
    if len(parts) == 1:
        return parts[0]
    step = step_units(detector)
    gap = (detector.preparation.max_gap + 2) * step
    whole = sum(map(len, parts)) * step
    unit = step
    if detector.has_clock_:
        unit = next((each for each, least in CYCLES if whole > least), step)
    moments = list[IntArray]()
    end = None
    for part in parts:
        time = part.time.astype("datetime64[ns]") if detector.has_clock_ else part.time
        own = time.astype(np.int64)
        if end is not None:
            own = own + -(-(end + gap - int(own[0])) // unit) * unit
        moments.append(own)
        end = int(own[-1])
    values = np.concatenate([part.values for part in parts])
    if not detector.has_clock_:  # rows are counted: the gap must be there
        return _with_rows_of_gaps(moments, values, detector)
    return Series(values, as_time(np.concatenate(moments), True), detector.channels_)


def _with_rows_of_gaps(
    moments: Sequence[IntArray], values: FloatArray, detector: Detector
) -> Series:
    places = np.concatenate(moments)
    places -= places[0]
    table = np.full((int(places[-1]) + 1, values.shape[1]), np.nan)
    table[places] = values
    return Series(table, np.arange(len(table)), detector.channels_)


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
