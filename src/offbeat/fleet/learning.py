"""Learning many series: what `LSTMDetector.fit` does, step by step, for all of them at once.

    each:  series -> regular grid -> prepared
    all:   taught                                 one network each, or the fleet's
    all:   foreseen -> measured, odd rows found
    each:  what is usual, where the cut lies

The steps are the detector's own, in its own order; only teaching and foreseeing look at many.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from offbeat.contamination import Taught
from offbeat.errors import DataError, OffbeatError
from offbeat.fleet.failure import Failure, Fleet
from offbeat.fleet.foreseeing import Question, answers
from offbeat.grid import Grid, regularise
from offbeat.judging import Foreseen
from offbeat.lstm import LSTMDetector
from offbeat.preparation import Prepared, taught_rows
from offbeat.series import BoolArray, Series

__all__ = ["Apprentice", "Learned", "Teach", "learn_all"]

Learned = dict[str, LSTMDetector | Failure]

WAVE = 512
"""Series that are learned at a time: what lies between values and score is ten times as large."""


@dataclass(eq=False)
class Apprentice:
    """One series on its way to a fitted detector.

    Parameters
    ----------
    key
        Of the series.
    detector
        Not fitted yet.
    grid, learned
        Its rows, and which of them are learned, shape (T,).
    """

    key: str
    detector: LSTMDetector
    grid: Grid
    learned: BoolArray
    prepared: Prepared = field(init=False)
    live: Foreseen = field(init=False)

    @classmethod
    def of(cls, key: str, series: Series, detector: LSTMDetector) -> Apprentice:
        """The series on its regular grid, everything open.

        Raises
        ------
        DataError
            If it cannot be put on one, or no channel of it ever moves.
        """
        detector._check_every_option()
        grid = regularise(series, detector.preparation.step)
        learned = taught_rows(grid.series, (), ())
        detector.confirmed_ = np.zeros_like(learned)
        _refuse_still(grid.series)
        return cls(key, detector, grid, learned)

    def open(self) -> None:
        """Choose what is open from the rows that are learned."""
        self.prepared = self.detector._opened(self.grid, self.learned)

    def foreseen_now(self) -> Prepared:
        """The training part as it is seen when it comes in."""
        return self.detector.prepared_by_.prepare(self.grid, causal=True)

    def settle(self) -> LSTMDetector:
        """Measure what is usual; the detector is fitted."""
        detector = self.detector
        odd = detector._odd_rows(self.live, self.learned)
        taught = Taught(self.learned & ~odd, odd)
        detector._learn_rest(self.grid, taught, None)
        return detector._settle(self.grid, taught, self.live, detector.training_log_.epochs)


Teach = Callable[[Sequence[Apprentice]], Mapping[str, Failure]]
"""Gives each detector a trained network and its diary; what failed, by key."""


def learn_all(fleet: Fleet, make: Callable[[], LSTMDetector], teach: Teach) -> Learned:
    """A fitted detector for each series, or why there is none, in the fleet's order.

    Parameters
    ----------
    fleet
        Series by key.
    make
        A detector that has learned nothing, one a call.
    teach
        How networks are had.
    """
    made: Learned = {}
    ordered = sorted(fleet, key=lambda key: len(fleet[key]))
    for at in range(0, len(ordered), WAVE):
        wave = {key: fleet[key] for key in ordered[at : at + WAVE]}
        made |= _Wave(wave, make, teach).run()
    return {key: made[key] for key in fleet}


class _Wave:
    """Series that are learned together; what fails is left behind with its reason."""

    def __init__(self, fleet: Fleet, make: Callable[[], LSTMDetector], teach: Teach) -> None:
        self._teach = teach
        self.made: Learned = {}
        self.going = list[Apprentice]()
        for key, series in fleet.items():
            try:
                self.going.append(Apprentice.of(key, series, make()))
            except OffbeatError as problem:
                self.made[key] = Failure.of(key, problem)

    def run(self) -> Learned:
        """Every step, for all."""
        self._each(Apprentice.open)
        self._learn(self.going)
        self._each(self._settled)
        return self.made

    def _settled(self, one: Apprentice) -> None:
        self.made[one.key] = one.settle()

    def _learn(self, some: Sequence[Apprentice]) -> None:
        """Teach them, and foresee their training parts."""
        if not some:
            return
        for key, failure in self._teach(some).items():
            self._drop(key, failure)
        some = [one for one in some if one.key not in self.made]
        for one in some:
            one.detector._forget_measures()
        asked = [one for one in some if one.detector.loss != "gaussian"]
        questions = [Question(one.detector, one.prepared, None) for one in asked]
        for i, blocks in answers(questions):
            asked[i].detector._measure_point_scale(asked[i].prepared, blocks)
        asked = [one for one in some if one.detector.robust_state]
        questions = [Question(one.detector, one.prepared, None) for one in asked]
        for i, blocks in answers(questions):
            asked[i].detector._measure_limit(asked[i].prepared, blocks)
        seen = [one.foreseen_now() for one in some]
        questions = [
            Question(one.detector, prepared, one.detector.limit_)
            for one, prepared in zip(some, seen, strict=True)
        ]
        for i, blocks in answers(questions):
            some[i].live = Foreseen(seen[i], some[i].detector._foresight(seen[i], blocks))

    def _each(self, step: Callable[[Apprentice], None]) -> None:
        """Take a step with each; what cannot is dropped."""
        for one in list(self.going):
            try:
                step(one)
            except OffbeatError as problem:
                self._drop(one.key, Failure.of(one.key, problem))

    def _drop(self, key: str, failure: Failure) -> None:
        self.made[key] = failure
        self.going = [one for one in self.going if one.key != key]


def _refuse_still(series: Series) -> None:
    """Raise a `DataError` where no channel ever moves: there is nothing to learn."""
    values = series.values
    known = ~np.isnan(values)
    low = np.where(known, values, np.inf).min(axis=0)
    high = np.where(known, values, -np.inf).max(axis=0)
    if not (low < high).any():
        raise DataError(
            f"{series.name} never moves in its {len(series)} rows: nothing can be learned from it; "
            f"give a part in which it does"
        )
