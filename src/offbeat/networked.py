"""Detectors that train a network: how it is made, trained, kept in a file and read back."""

from __future__ import annotations

from abc import abstractmethod
from typing import Self

import torch

from offbeat.detector import Detector
from offbeat.keeping import Arrays, State
from offbeat.losses import Loss
from offbeat.networks import RowNetwork, tensors_of, weights_of, with_weights
from offbeat.storable import part, under
from offbeat.training import Material, ProgressHook, Training, TrainingLog, train

__all__ = ["NetworkDetector", "device_here"]


class NetworkDetector(Detector):
    """Base of the detectors that train one network; a method fills in how it is built.

    Attributes
    ----------
    network_
        The trained network, in evaluation mode.
    training_log_
        Its diary.
    """

    training: Training
    device: str = "cpu"

    network_: RowNetwork
    training_log_: TrainingLog

    @abstractmethod
    def _build_network(self) -> RowNetwork:
        """A network for what was chosen, with weights drawn from the global state of torch, which
        is set and put back around the call."""

    def _train(self, material: Material, loss: Loss, progress: ProgressHook | None) -> None:
        """Make a network and train it."""
        self.network_ = self._begun()
        self.training_log_ = train(
            self.network_,
            material,
            loss,
            self.training,
            seed=self.random_state,
            device=torch.device(self.device),
            progress=progress,
        )

    def _begun(self) -> RowNetwork:
        """A network from the seed, not trained yet."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.random_state)
            network = self._build_network()
        return network.to(self.device)

    def _learns_anew(self) -> bool:
        """No: a few odd rows teach a network little, and it foresaw later rows no better without
        them (docs/decisions/0011-contamination.md)."""
        return False

    def _chosen_in_training(self) -> dict[str, object]:
        log = self.training_log_
        return {
            "epochs": len(log.epochs),
            "best_epoch": log.best_epoch,
            "training_ended": log.ended,
        }

    def state(self) -> tuple[State, Arrays]:
        """As `Detector.state`, with the network's weights."""
        state, arrays = super().state()
        log = self.training_log_
        state["training"] = {"best_epoch": log.best_epoch, "ended": log.ended}
        return state, arrays | under("network", weights_of(self.network_))

    @classmethod
    def from_state(cls, state: State, arrays: Arrays) -> Self:
        """A fitted detector from what `state` gave, on a device that is here."""
        options = dict(state["options"])
        if "device" in options:  # not every method has a choice
            options["device"] = device_here(options["device"])
        return super().from_state({**state, "options": options}, arrays)

    def _restore(self, state: State, arrays: Arrays) -> None:
        super()._restore(state, arrays)
        diary, kept = state["training"], part("network", arrays)
        self.training_log_ = TrainingLog(self.record_.log, diary["best_epoch"], diary["ended"])
        network = with_weights(self._build_network, tensors_of(kept))
        self.network_ = network.to(self.device).eval()


def device_here(learned_on: str) -> str:
    """The device that a model was learned on, or the processor where there is no GPU."""
    gone = learned_on.startswith("cuda") and not torch.cuda.is_available()
    return "cpu" if gone else learned_on
