"""Which way a fleet should be learned: both are tried on a sample, and the reason is told."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from offbeat.errors import DataError, OffbeatError, whole_number
from offbeat.fleet.failure import Failure, Fleet
from offbeat.fleet.gathering import sampled
from offbeat.fleet.learning import Learned
from offbeat.fleet.own import learn_own
from offbeat.fleet.shared import SharedLSTM
from offbeat.lstm import LSTMDetector
from offbeat.series import Series

__all__ = ["Mode", "ModeChoice", "choose_mode"]

Mode = Literal["shared", "own"]

HELD_BACK = 0.25
"""Last share of each training part that judges both ways; neither learns from it."""
MARGIN = 0.05
"""By this share one model each must forecast the usual series better: it costs far more."""


@dataclass(frozen=True)
class ModeChoice:
    """How a fleet should be learned.

    Parameters
    ----------
    mode
        "shared" or "own".
    reason
        One line with the figures.
    shared_error, own_error
        Forecast error on the rows held back, median over the sample: mean size of the residual, in
        deviations of each series' own training part; NaN where a way was not possible.
    shared_seconds, own_seconds
        What learning the sample took.
    n_series
        Series that both ways were judged on.
    """

    mode: Mode
    reason: str
    shared_error: float
    own_error: float
    shared_seconds: float
    own_seconds: float
    n_series: int


def choose_mode(
    fleet: Fleet, template: LSTMDetector, *, n_sample: int = 24, seed: int = 0
) -> ModeChoice:
    """Try one network for all and one each on a sample of the training parts, without labels.

    Parameters
    ----------
    fleet
        Training parts by key.
    template
        The options of all; not fitted.
    n_sample
        Series that are tried.
    seed
        Which.

    Raises
    ------
    DataError
        If neither way can learn any of them.
    """
    whole_number("n_sample", n_sample, least=1)
    sample = sampled(fleet, n_sample, seed)
    heads = {key: _head(series) for key, series in sample.items()}
    shared, shared_seconds = _timed(lambda: _shared(heads, template))
    own, own_seconds = _timed(lambda: learn_own(heads, template))
    errors = {
        key: (_error(shared.get(key), sample[key]), _error(own.get(key), sample[key]))
        for key in sample
    }
    both = [pair for pair in errors.values() if not np.isnan(pair).any()]
    n_own = sum(not np.isnan(pair[1]) for pair in errors.values())
    if not n_own and not any(not np.isnan(pair[0]) for pair in errors.values()):
        raise DataError(f"none of {len(sample)} series can be learned: {_first_reason(own)}")
    figures = np.median(both, axis=0) if both else np.full(2, np.nan)
    made = (float(figures[0]), float(figures[1]), shared_seconds, own_seconds, len(both))
    mode, reason = _decided(both, made, len(sample), n_own)
    return ModeChoice(mode, reason, *made)


def _decided(
    both: Sequence[tuple[float, float]],
    made: tuple[float, float, float, float, int],
    n_sample: int,
    n_own: int,
) -> tuple[Mode, str]:
    """The mode, and why."""
    shared_error, own_error, shared_seconds, own_seconds, n_both = made
    if n_both * 2 < n_own:
        return "own", (
            f"one network fits {n_both} of {n_sample} series tried: the others have other channels "
            f"or another step"
        )
    gain = float(np.median([1 - own / max(shared, 1e-12) for shared, own in both]))
    figures = (
        f"on the last {HELD_BACK:.0%} of {n_both} series' training parts one network errs by "
        f"{shared_error:.3f} deviations, one each by {own_error:.3f}; learning them took "
        f"{shared_seconds:.1f} s and {own_seconds:.1f} s"
    )
    if gain > MARGIN:
        return "own", f"{figures}: one each is better by {gain:.0%} for the usual series"
    better = f"one each is better by {gain:.0%} only" if gain > 0 else "one network is no worse"
    return "shared", f"{figures}: {better}"


def _head(series: Series) -> Series:
    return series.rows(0, len(series) - int(len(series) * HELD_BACK))


def _timed(work: Callable[[], Learned]) -> tuple[Learned, float]:
    started = time.perf_counter()
    made = work()
    return made, time.perf_counter() - started


def _shared(heads: Fleet, template: LSTMDetector) -> Learned:
    try:
        return SharedLSTM(template).learn(heads)
    except DataError as problem:
        return {key: Failure.of(key, problem) for key in heads}


def _error(detector: LSTMDetector | Failure | None, series: Series) -> float:
    """Mean size of the residual of the rows held back, in scaled units; NaN where there is none."""
    if detector is None or isinstance(detector, Failure):
        return float("nan")
    try:
        _, grid = detector._scored_grid(series)
        prepared = detector.prepared_by_.prepare(grid, causal=True)
        seen = detector._foresee(prepared)
    except OffbeatError:
        return float("nan")
    residual = np.abs(prepared.observed[:, detector.targets_] - seen.expected)
    held_back = residual[len(residual) - int(len(residual) * HELD_BACK) :]
    known = held_back[~np.isnan(held_back)]
    return float(known.mean()) if len(known) else float("nan")


def _first_reason(made: Learned) -> str:
    reasons = (f"{key}: {each.reason}" for key, each in made.items() if isinstance(each, Failure))
    return next(reasons, "") or "nothing of them is known after the rows held back"
