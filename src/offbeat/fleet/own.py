"""One model a series: many trained at once, in one process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from offbeat.errors import OffbeatError
from offbeat.fleet.failure import Failure, Fleet
from offbeat.fleet.learning import Apprentice, Learned, learn_all
from offbeat.lstm import LOSSES, LSTMDetector

__all__ = ["learn_own"]


def learn_own(fleet: Fleet, template: LSTMDetector) -> Learned:
    """A fitted `LSTMDetector` for each series, as `template.fresh().fit(series)` gives it.

    Parameters
    ----------
    fleet
        Series by key; channels, steps and lengths may differ.
    template
        The options of all; not fitted.

    Returns
    -------
    By key, in the fleet's order: the detector, or a `Failure` for what is too short, never moves
    or cannot be put on a regular step.
    """
    return learn_all(fleet, template.fresh, _taught)


def _taught(apprentices: Sequence[Apprentice]) -> Mapping[str, Failure]:
    failed = dict[str, Failure]()
    for one in apprentices:
        try:
            one.detector._train(
                one.detector._material(one.prepared), LOSSES[one.detector.loss], None
            )
        except OffbeatError as problem:
            failed[one.key] = Failure.of(one.key, problem)
    return failed
