"""SharedLSTM: one network for a fleet; each series is scaled, measured and cut on its own."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Self

import numpy as np
import torch

from offbeat.errors import DataError, NotFittedError, OffbeatError, whole_number
from offbeat.fleet.embedding import EmbeddedForecaster, with_biases
from offbeat.fleet.failure import Failure, Fleet
from offbeat.fleet.gathering import Common, fleet_material, opened, sampled
from offbeat.fleet.learning import Apprentice, Learned, learn_all
from offbeat.lstm import DEFAULT_HORIZON, LOSSES, LSTMDetector
from offbeat.networks import LSTMForecaster, RowNetwork
from offbeat.series import Series
from offbeat.training import ProgressHook, Training, TrainingLog, train

__all__ = ["SharedLSTM"]

MOST_SERIES, MOST_ROWS = 2_000, 2_000_000
"""Series and rows that one network learns from: a larger fleet teaches by a sample."""
BATCH = 64
"""Chunks a step: of a fleet there is always enough."""


class SharedLSTM:
    """One LSTM for many series of the same channels and step.

    The cost of training does not grow with the fleet: a bounded number of chunks is drawn over its
    series. Each series keeps its own scaler, error calibration, threshold and warm-up, and a new
    one is admitted without training. What comes out for each is an ordinary fitted `LSTMDetector`
    whose network is the fleet's.

    Parameters
    ----------
    template
        The options of all; not fitted. Its window is the series' warm-up, and each series' own
        where it is None. The time of day is not read: not every series shows it.
    embedding
        Numbers that are learned of each series and read beside its rows; 0 has none. A series that
        was not in training has the mean of them.
    training
        How the network is trained; None takes the template's with `BATCH` chunks a step.

    Attributes
    ----------
    network_
        The trained `LSTMForecaster`.
    common_
        Channels and step of the fleet.
    training_log_
        The diary of the training.
    failures_
        What `fit` left out, by key.
    """

    network_: LSTMForecaster
    common_: Common
    training_log_: TrainingLog
    failures_: dict[str, Failure]

    def __init__(
        self,
        template: LSTMDetector | None = None,
        *,
        embedding: int = 0,
        training: Training | None = None,
    ) -> None:
        self.template = template
        self.embedding = embedding
        self.training = training

    # ------------------------------------------------------------ learning

    def fit(self, fleet: Fleet, *, progress: ProgressHook | None = None) -> Self:
        """Train the network on a fleet.

        Parameters
        ----------
        fleet
            Training parts by key. Those with other channels or another step than most, too short
            ones and those that never move are left out, see `failures_`.
        progress
            Called after every epoch.

        Raises
        ------
        DataError
            If no series is left to learn from.
        ConfigError
            If an option has a value that it cannot have.
        """
        whole_number("embedding", self.embedding, least=0)
        template = self._template()
        template._check_every_option()
        some = sampled(fleet, MOST_SERIES, template.random_state)
        apprentices, self.failures_ = opened(some, self._make_first)
        apprentices = self._alike(apprentices)
        if not apprentices:
            raise DataError(f"no series of {len(fleet)} can be learned from: {self._reasons()}")
        self._train(apprentices, progress)
        return self

    def learn(self, fleet: Fleet, *, progress: ProgressHook | None = None) -> Learned:
        """`fit`, and `admit_all` of the same fleet."""
        return self.fit(fleet, progress=progress).admit_all(fleet)

    def admit_all(self, fleet: Fleet) -> Learned:
        """A fitted detector for each training part, without training; or why there is none."""
        self._fitted()
        return learn_all(fleet, self.make_like(self._template()), self._lend)

    def admit(self, key: str, series: Series) -> LSTMDetector | Failure:
        """As `admit_all`, of one series."""
        return self.admit_all({key: series})[key]

    def make_like(self, template: LSTMDetector) -> Callable[[], LSTMDetector]:
        """Makes detectors with a template's options and what the fleet has in common."""
        network, covariates = self._fitted().network_, self.common_.covariates
        given = {"calendar": False, "horizon": network.horizon, "covariates": covariates}
        return lambda: template.fresh().set_params(**given)

    def lend(self, apprentice: Apprentice) -> LSTMForecaster:
        """A copy of the fleet's network, to go on from.

        Raises
        ------
        DataError
            If the series is not like the fleet's.
        """
        self._fitted().common_.check(apprentice)
        return copy.deepcopy(self._network_for(apprentice.key))

    def _template(self) -> LSTMDetector:
        return LSTMDetector() if self.template is None else self.template

    def _fitted(self) -> Self:
        if not hasattr(self, "network_"):
            raise NotFittedError("this SharedLSTM knows nothing yet: call fit first")
        return self

    def _make_first(self) -> LSTMDetector:
        """A detector of the fleet, before it is known what the series have in common."""
        made: LSTMDetector = self._template().fresh()
        return made.set_params(calendar=False, horizon=made.horizon or DEFAULT_HORIZON)

    def _alike(self, apprentices: Sequence[Apprentice]) -> list[Apprentice]:
        """Those with the fleet's channels and step, opened with its covariates."""
        if not apprentices:
            return []
        self.common_, alike = Common.of(apprentices), list[Apprentice]()
        for one in apprentices:
            try:
                self.common_.check(one)
                if one.detector.covariates is None:
                    spared = tuple(self.common_.covariates)
                    one.detector.set_params(covariates=spared)
                    if one.detector.targets_ != self._targets():
                        one.open()
            except OffbeatError as problem:
                self.failures_[one.key] = Failure.of(one.key, problem)
            else:
                alike.append(one)
        return alike

    def _targets(self) -> list[int]:
        common = self.common_
        return [i for i, name in enumerate(common.channels) if name not in common.covariates]

    def _reasons(self, most: int = 3) -> str:
        found = [f"{one.key}: {one.reason}" for one in self.failures_.values()]
        return "; ".join(found[:most]) or "the fleet is empty"

    def _train(self, apprentices: Sequence[Apprentice], progress: ProgressHook | None) -> None:
        """Train one network on all of them."""
        template, leader = self._template(), apprentices[0].detector
        options = self.training or replace(template.training, batch_size=BATCH)
        window = int(np.median([one.detector.window_ for one in apprentices]))
        material = fleet_material(
            apprentices,
            chunk=2 * window,
            warm_up=max(1, window // 4),
            validation=options.validation,
            most_rows=MOST_ROWS,
            seed=template.random_state,
            numbered=self.embedding > 0,
        )
        network = self._new_network(leader, len(apprentices)).to(template.device)
        self.training_log_ = train(
            network,
            material,
            LOSSES[template.loss],
            options,
            seed=template.random_state,
            device=torch.device(template.device),
            progress=progress,
        )
        self._keep(network, leader, [one.key for one in apprentices])

    def _new_network(self, leader: LSTMDetector, n_series: int) -> RowNetwork:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(leader.random_state)
            if not self.embedding:
                return leader._build_network()
            return EmbeddedForecaster(self._wider(leader), n_series, self.embedding)

    def _wider(self, leader: LSTMDetector) -> LSTMForecaster:
        """A network of the fleet that reads the embedding too."""
        return LSTMForecaster(
            len(leader.channels_) + self.embedding,
            len(leader.targets_),
            horizon=leader.horizon_,
            hidden_size=leader.hidden_size,
            n_layers=leader.n_layers,
            dropout=leader.dropout,
            gaussian=leader.loss == "gaussian",
        )

    def _keep(self, network: RowNetwork, leader: LSTMDetector, keys: Sequence[str]) -> None:
        """Take the trained network apart: one for all, and two biases a series."""
        self._biases: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}
        if isinstance(network, EmbeddedForecaster):
            weights, gates, numbers = network.for_series()
            with torch.device("meta"):
                network = leader._build_network()
            network.load_state_dict(weights, assign=True)
            pairs = zip(gates, numbers, strict=True)
            self._biases = dict(zip(keys, pairs, strict=True))
        assert isinstance(network, LSTMForecaster)
        self.network_ = network.eval()

    def _lend(self, apprentices: Sequence[Apprentice]) -> Mapping[str, Failure]:
        """Give each the fleet's network, and its diary."""
        failed = dict[str, Failure]()
        for one in apprentices:
            try:
                self.common_.check(one)
            except DataError as problem:
                failed[one.key] = Failure.of(one.key, problem)
                continue
            one.detector.network_ = self._network_for(one.key)
            one.detector.training_log_ = self.training_log_
        return failed

    def _network_for(self, key: str) -> LSTMForecaster:
        own = self._biases.get(key)
        return self.network_ if own is None else with_biases(self.network_, *own)
