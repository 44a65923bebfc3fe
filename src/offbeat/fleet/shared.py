"""SharedLSTM: one network for a fleet; each series is scaled, measured and cut on its own."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Self

import numpy as np
import torch

from offbeat.errors import DataError, ModelFileError, NotFittedError, OffbeatError, whole_number
from offbeat.fleet.admission import give_heads
from offbeat.fleet.embedding import EmbeddedForecaster, with_biases
from offbeat.fleet.failure import Failure, Fleet
from offbeat.fleet.gathering import Common, fleet_material, opened, sampled
from offbeat.fleet.learning import Apprentice, Learned, learn_all
from offbeat.keeping import Arrays, State, options_from_plain
from offbeat.lstm import DEFAULT_HORIZON, LOSSES, LSTMDetector
from offbeat.networked import device_here
from offbeat.networks import (
    LSTMForecaster,
    RowNetwork,
    sharing,
    tensors_of,
    weights_of,
    with_weights,
)
from offbeat.series import Series
from offbeat.storable import beyond, part, plain, under
from offbeat.tensorfile import checked_text, read_tensors, write_tensors
from offbeat.training import EpochLog, ProgressHook, Training, TrainingLog, train

__all__ = ["SharedLSTM"]

MOST_SERIES, MOST_ROWS = 2_000, 2_000_000
"""Series and rows that one network learns from: a larger fleet teaches by a sample."""
KEY, FORMAT = "offbeat-shared", "1"
BATCH = 64
"""Chunks a step: of a fleet there is always enough."""


class SharedLSTM:
    """One LSTM for many series of the same channels and step.

    The cost of training does not grow with the fleet: a bounded number of chunks is drawn over its
    series. Each series keeps its own scaler, last layer, error calibration, threshold and warm-up,
    and a new one is admitted without training: the last layer is solved for, and kept where it
    forecasts rows held back better than the fleet's. What comes out for each is an ordinary fitted
    `LSTMDetector` whose LSTM is the fleet's.

    Parameters
    ----------
    template
        The options of all; not fitted. Its window is the series' warm-up, and each series' own
        where it is None. The time of day is not read: not every series shows it.
    embedding
        Numbers that are learned of each series and read beside its rows; 0 has none. A series that
        was not in training has the mean of them.
    training
        How the network is trained; None takes the template's with 64 chunks a step.

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
        embedding: int = 4,
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
        with torch.device("meta"):
            shape = leader._build_network().shape
        return LSTMForecaster(**shape | {"n_inputs": shape["n_inputs"] + self.embedding})

    def _keep(self, network: RowNetwork, leader: LSTMDetector, keys: Sequence[str]) -> None:
        """Take the trained network apart: one for all, and two biases a series."""
        self._biases: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}
        if isinstance(network, EmbeddedForecaster):
            weights, gates, numbers = network.for_series()
            network = with_weights(leader._build_network, weights)
            pairs = zip(gates, numbers, strict=True)
            self._biases = dict(zip(keys, pairs, strict=True))
        assert isinstance(network, LSTMForecaster)
        self.network_ = network.eval()

    def _lend(self, apprentices: Sequence[Apprentice]) -> Mapping[str, Failure]:
        """Give each the fleet's network with a head of its own, and its diary."""
        failed = dict[str, Failure]()
        for one in apprentices:
            try:
                self.common_.check(one)
            except DataError as problem:
                failed[one.key] = Failure.of(one.key, problem)
                continue
            one.detector.network_ = self._network_for(one.key)
            one.detector.training_log_ = self.training_log_
        give_heads([one for one in apprentices if one.key not in failed])
        return failed

    def _network_for(self, key: str) -> LSTMForecaster:
        own = self._biases.get(key)
        return self.network_ if own is None else with_biases(self.network_, *own)

    # ------------------------------------------------------------ keeping

    def state(self) -> tuple[State, Arrays]:
        """Everything that was learned: JSON-able values, and arrays by name."""
        log = self._fitted().training_log_
        state: State = {
            "template": {k: plain(v) for k, v in self._template().get_params(deep=False).items()},
            "embedding": self.embedding,
            "training": None if self.training is None else plain(self.training),
            "common": asdict(self.common_),
            "network": self.network_.shape,
            "log": [asdict(epoch) for epoch in log.epochs],
            "best_epoch": log.best_epoch,
            "ended": log.ended,
            "failures": {each.key: each.reason for each in self.failures_.values()},
            "keys": list(self._biases),
        }
        arrays = self.weights()
        if self._biases:
            gates, numbers = zip(*self._biases.values(), strict=True)
            arrays["gates"] = torch.stack(gates).cpu().numpy()
            arrays["numbers"] = torch.stack(numbers).cpu().numpy()
        return state, arrays

    @classmethod
    def from_state(cls, state: State, arrays: Arrays) -> Self:
        """What `state` gave."""
        template = LSTMDetector(**options_from_plain(state["template"]))
        template.device = device_here(template.device)
        training = None if state["training"] is None else Training(**state["training"])
        made = cls(template, embedding=state["embedding"], training=training)
        common = state["common"]
        names = {key: tuple(common[key]) for key in ("channels", "covariates")}
        made.common_ = Common(**{**common, **names})
        weights = tensors_of(part("network", arrays))
        network = with_weights(lambda: LSTMForecaster(**state["network"]), weights)
        made.network_ = network.to(template.device).eval()
        diary = tuple(EpochLog(**epoch) for epoch in state["log"])
        made.training_log_ = TrainingLog(diary, state["best_epoch"], state["ended"])
        made.failures_ = {key: Failure(key, why) for key, why in state["failures"].items()}
        made._biases = {}
        if state["keys"]:
            both = [torch.from_numpy(arrays[name].copy()) for name in ("gates", "numbers")]
            pairs = zip(*(each.to(template.device) for each in both), strict=True)
            made._biases = dict(zip(state["keys"], pairs, strict=True))
        return made

    def save(self, path: str | Path) -> Path:
        """Write the network and what the fleet has in common to one file; `load` reads it back."""
        state, arrays = self.state()
        return write_tensors(path, KEY, state, arrays, {"format": FORMAT})

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a shared network back.

        Raises
        ------
        ModelFileError
            If the file is missing, altered, foreign or of another version. Nothing in it is run.
        """
        header, arrays = read_tensors(path, KEY, ("shared model", "a shared network of offbeat"))
        if header.get("format") != FORMAT:
            raise ModelFileError(f"{path} has a format that this version does not read")
        text = checked_text(path, KEY, header, arrays)
        try:
            return cls.from_state(json.loads(text), arrays)
        except (OffbeatError, KeyError, TypeError, ValueError, RuntimeError) as problem:
            reason = Failure.of("", problem).reason
            raise ModelFileError(f"{path} does not hold a whole shared model: {reason}") from None

    def weights(self) -> Arrays:
        """The weights that all share, as the state of a detector calls them."""
        return under("network", weights_of(self._fitted().network_))

    def slim(self, detector: LSTMDetector) -> tuple[State, Arrays]:
        """The state of a detector of this fleet without the weights that all share, for stores of
        many; `attach` reads it back."""
        state, arrays = detector.state()
        return state, beyond(self.weights(), arrays)

    def attach(self, state: State, arrays: Arrays) -> LSTMDetector:
        """A detector from what `slim` gave, on this fleet's network."""
        network, own = self._fitted().network_, part("network", arrays)
        made = LSTMDetector.from_state(state, self.weights() | arrays)
        made.network_ = network
        if own:
            weights = {name: each.to(made.device) for name, each in tensors_of(own).items()}
            made.network_ = sharing(network, weights)
        return made
