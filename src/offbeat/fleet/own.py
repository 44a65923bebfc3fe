"""One model a series: many trained at once, in one process."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import torch

from offbeat.errors import OffbeatError
from offbeat.fleet.failure import Failure, Fleet
from offbeat.fleet.learning import Apprentice, Learned, learn_all
from offbeat.fleet.lockstep import Pupil, bundles, train_bundle
from offbeat.fleet.shared import SharedLSTM
from offbeat.lstm import LOSSES, LSTMDetector
from offbeat.networks import LSTMForecaster
from offbeat.threads import one_thread_each
from offbeat.training import train

__all__ = ["learn_own"]

START_SHARE = 0.2
"""Share of the epochs that a network takes which starts as the fleet's."""


def learn_own(
    fleet: Fleet,
    template: LSTMDetector,
    *,
    start: SharedLSTM | None = None,
    workers: int | None = None,
) -> Learned:
    """A fitted `LSTMDetector` for each series, with a network of its own.

    Without `start` each is what `template.fresh().fit(series)` gives, to float32's rounding, which
    grows with the steps of training. With it every network begins as the fleet's and takes a fifth
    of the epochs. A limit of `max_seconds` is that of the series trained in step, and holds at the
    end of an epoch. On another device than the processor networks are trained one by one.

    Parameters
    ----------
    fleet
        Series by key; channels, steps and lengths may differ (with `start` they may not).
    template
        The options of all; not fitted.
    start
        A fitted `SharedLSTM` to go on from.
    workers
        Threads, each with a bundle of series; None takes as many as torch may use.

    Returns
    -------
    By key, in the fleet's order: the detector, or a `Failure` for what is too short, never moves
    or cannot be put on a regular step.
    """
    school = _School(start, workers or torch.get_num_threads())
    make = template.fresh if start is None else start.make_like(template)
    return learn_all(fleet, make, school.teach)


class _School:
    """Trains the networks of many apprentices."""

    def __init__(self, start: SharedLSTM | None, workers: int) -> None:
        self._start, self._workers = start, workers

    def teach(self, apprentices: Sequence[Apprentice]) -> Mapping[str, Failure]:
        """Give each a network of its own; what failed, by key."""
        pupils, failed = dict[str, Pupil](), dict[str, Failure]()
        for one in apprentices:
            try:
                pupil = self._pupil(one)
                if one.detector.device == "cpu":
                    pupils[one.key] = pupil
                else:
                    _alone(one, pupil)
            except OffbeatError as problem:
                failed[one.key] = Failure.of(one.key, problem)
        with one_thread_each(), ThreadPoolExecutor(self._workers) as pool:
            list(pool.map(train_bundle, bundles(list(pupils.values()))))
        for one in apprentices:
            if one.key in pupils:
                one.detector.network_ = pupils[one.key].network
                one.detector.training_log_ = pupils[one.key].log
        return failed

    def _pupil(self, one: Apprentice) -> Pupil:
        detector, start = one.detector, self._start
        network, options = detector._begun(), detector.training
        if start is not None:
            network = start.lend(one)
            options = replace(options, max_epochs=math.ceil(START_SHARE * options.max_epochs))
        assert isinstance(network, LSTMForecaster)
        material = detector._material(one.prepared)
        return Pupil(network, material, LOSSES[detector.loss], options, detector.random_state)


def _alone(one: Apprentice, pupil: Pupil) -> None:
    """Train one network as a single fit does."""
    detector = one.detector
    detector.network_ = pupil.network
    detector.training_log_ = train(
        pupil.network,
        pupil.material,
        pupil.loss,
        pupil.options,
        seed=pupil.seed,
        device=torch.device(detector.device),
    )
