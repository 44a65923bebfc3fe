"""What every metric shares: labels checked once, and rates where 0/0 counts as 1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from offbeat.errors import ConfigError, DataError
from offbeat.series import BoolArray, FloatArray, IntArray

__all__ = [
    "PrecisionRecall",
    "as_flags",
    "as_score",
    "check_rows",
    "precision_recall",
    "same_flags",
]


@dataclass(frozen=True)
class PrecisionRecall:
    """Share of the flagged rows that are anomalous, and of the anomalous that are flagged."""

    precision: float
    recall: float
    f1: float


def precision_recall(hits: int, false: int, missed: int) -> PrecisionRecall:
    """The three rates, where 0/0 counts as 1."""
    precision = hits / (hits + false) if hits + false else 1.0
    recall = hits / (hits + missed) if hits + missed else 1.0
    all_three = 2 * hits + false + missed
    return PrecisionRecall(precision, recall, 2 * hits / all_three if all_three else 1.0)


def same_flags(
    y_true: IntArray | BoolArray, label: IntArray | BoolArray
) -> tuple[BoolArray, BoolArray]:
    true, flagged = as_flags("y_true", y_true), as_flags("label", label)
    if true.shape != flagged.shape:
        raise DataError(
            f"y_true has {len(true)} rows, label has {len(flagged)}: give the same rows"
        )
    return true, flagged


def as_flags(what: str, values: IntArray | BoolArray) -> BoolArray:
    given = np.asarray(values)
    if given.ndim != 1:
        raise DataError(f"{what} of shape (T,) was expected, shape {given.shape} came")
    odd = (given != 0) & (given != 1)
    if odd.any():
        row = int(np.argmax(odd))
        raise DataError(f"{what} must be 0 or 1; row {row} has {given[row]}")
    return np.asarray(given != 0)


def as_score(score: FloatArray, n_rows: int) -> FloatArray:
    """A score of shape (n_rows,), or a `DataError`; NaN may be among it, infinity not."""
    try:
        values = np.asarray(score, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError("score must be numbers or NaN, something else came") from None
    if values.shape != (n_rows,):
        raise DataError(f"score of shape ({n_rows},) was expected, shape {values.shape} came")
    infinite = np.isinf(values)
    if infinite.any():
        row = int(np.argmax(infinite))
        raise DataError(f"score must be finite, or NaN where there is none; row {row} is infinite")
    return values


def check_rows(what: str, value: object, low: int = 0) -> None:
    """Refuse what is no whole number of rows >= `low`."""
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or int(value) < low:  # type: ignore[call-overload]
        raise ConfigError(f"{what} must be a whole number of rows, {low} or more; {value!r} came")
