"""The training loop: one, straight, for every network that speaks of rows from every row."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from offbeat.chunks import (
    Material,
    batches,
    draw_chunks,
    hold_back,
    issue_step,
    judged_chunks,
    read_chunks,
)
from offbeat.errors import ConfigError
from offbeat.losses import Loss, trimmed_mean
from offbeat.networks import RowNetwork
from offbeat.optimizer import AdamW, OneCycle
from offbeat.threads import threads_worth

__all__ = ["EpochLog", "Material", "ProgressHook", "Training", "TrainingLog", "train"]


@dataclass(frozen=True)
class Training:
    """How a network is trained.

    Parameters
    ----------
    learning_rate
        Peak of the one-cycle schedule (Smith 2018) of AdamW.
    batch_size
        Chunks a step; fewer where the training part is short.
    max_epochs, patience
        Most epochs, and how many without a better validation loss end the training early. The
        weights of the best epoch are kept.
    validation
        Last share of the training part, in time order, that only judges; 0 judges by the training
        loss.
    gradient_clip
        Largest norm of the gradient.
    trim
        Share of the largest losses of a batch that is left out, so that a few odd rows in the
        training part do not teach.
    max_seconds
        Stop after so long with the best weights so far; None has no limit.
    keep_on_interrupt
        Whether Ctrl-C ends the training with the best weights so far instead of giving up.

    Raises
    ------
    ConfigError
        At `fit`, if a value is out of its range.
    """

    learning_rate: float = 3e-3
    batch_size: int = 32
    max_epochs: int = 30
    patience: int = 8
    validation: float = 0.15
    gradient_clip: float = 1.0
    trim: float = 0.02
    max_seconds: float | None = None
    keep_on_interrupt: bool = False

    def check(self) -> None:
        """Raise a `ConfigError` for the first value that is out of its range."""
        _in_range("learning_rate", self.learning_rate, 0.0, 1.0, open_left=True)
        _in_range("batch_size", self.batch_size, 1, 1_000_000)
        _in_range("max_epochs", self.max_epochs, 1, 1_000_000)
        _in_range("patience", self.patience, 1, 1_000_000)
        _in_range("validation", self.validation, 0.0, 0.9)
        _in_range("gradient_clip", self.gradient_clip, 0.0, math.inf, open_left=True)
        _in_range("trim", self.trim, 0.0, 0.5)
        if self.max_seconds is not None:
            _in_range("max_seconds", self.max_seconds, 0.0, math.inf, open_left=True)


def _in_range(name: str, value: float, low: float, high: float, *, open_left: bool = False) -> None:
    if not (low < value <= high if open_left else low <= value <= high):
        left = "(" if open_left else "["
        raise ConfigError(f"{name} must lie in {left}{low:g}, {high:g}], {value!r} came")


@dataclass(frozen=True)
class EpochLog:
    """One line of the training's diary; losses in the unit of the loss, `seconds` since start."""

    epoch: int
    max_epochs: int
    train_loss: float
    validation_loss: float
    seconds: float

    @property
    def seconds_left(self) -> float:
        """How long it still takes at the most, at the pace so far."""
        return self.seconds / self.epoch * (self.max_epochs - self.epoch)


@dataclass(frozen=True)
class TrainingLog:
    """What happened: every epoch, which was the best, and why it ended."""

    epochs: tuple[EpochLog, ...]
    best_epoch: int
    ended: str


ProgressHook = Callable[[EpochLog], None]


@dataclass
class _Best:
    """The best weights so far."""

    loss: float = math.inf
    epoch: int = 0
    weights: dict[str, Tensor] = field(default_factory=dict)

    def offer(self, network: RowNetwork, loss: float, epoch: int) -> None:
        if loss < self.loss:
            self.loss, self.epoch = loss, epoch
            self.weights = copy.deepcopy(network.state_dict())


def train(
    network: RowNetwork,
    material: Material,
    loss: Loss,
    options: Training,
    *,
    seed: int,
    device: torch.device,
    progress: ProgressHook | None = None,
) -> TrainingLog:
    """Train `network` in place; it ends with the weights of its best epoch, in evaluation mode.

    Parameters
    ----------
    network
        On `device` already.
    material
        What it learns from.
    loss
        Loss per forecast number, before masking and trimming.
    options
        How.
    seed
        Order of the chunks and dropout. The global random state is left alone.
    progress
        Called after every epoch.

    Returns
    -------
    The diary.

    Raises
    ------
    DataError
        If no segment has a row to learn from.
    KeyboardInterrupt
        On Ctrl-C, unless `options.keep_on_interrupt`.
    """
    options.check()
    learned, judged = hold_back(material, options.validation)
    draw = np.random.default_rng(seed)
    batch_size, n_steps = batches(learned, options.batch_size)
    schedule = OneCycle(options.learning_rate, n_steps * options.max_epochs + 1)
    optimizer = AdamW(network.parameters(), schedule)
    best, diary, start = _Best(), list[EpochLog](), time.monotonic()

    def out_of_time() -> bool:
        return options.max_seconds is not None and time.monotonic() - start > options.max_seconds

    ended = f"all {options.max_epochs} epochs done"
    with (
        torch.random.fork_rng(devices=[device] if device.type == "cuda" else []),
        threads_worth(batch_size, network.hidden_size),
    ):
        torch.manual_seed(seed)
        try:
            for epoch in range(1, options.max_epochs + 1):
                network.train()
                train_loss, n_done = 0.0, 0
                for _ in range(n_steps):
                    starts, ends = draw_chunks(learned, batch_size, draw)
                    batch_loss = _chunk_loss(network, material, loss, starts, ends, options, device)
                    optimizer.zero_grad()
                    batch_loss.backward()  # type: ignore[no-untyped-call]
                    torch.nn.utils.clip_grad_norm_(network.parameters(), options.gradient_clip)
                    optimizer.step()
                    train_loss, n_done = train_loss + float(batch_loss.detach()), n_done + 1
                    if out_of_time():
                        break
                validation_loss = _validation_loss(network, judged, loss, options, device)
                if validation_loss is None:
                    validation_loss = train_loss / n_done
                best.offer(network, validation_loss, epoch)
                seconds = time.monotonic() - start
                log = EpochLog(
                    epoch, options.max_epochs, train_loss / n_done, validation_loss, seconds
                )
                diary.append(log)
                if progress is not None:
                    progress(log)
                if out_of_time():
                    ended = f"stopped after max_seconds={options.max_seconds:g}"
                    break
                if epoch - best.epoch >= options.patience:
                    ended = f"no better validation loss for {options.patience} epochs"
                    break
        except KeyboardInterrupt:
            if not (options.keep_on_interrupt and best.weights):
                raise
            ended = "interrupted"
    if best.weights:
        network.load_state_dict(best.weights)
    network.eval()
    return TrainingLog(tuple(diary), best.epoch, ended)


def _chunk_loss(
    network: RowNetwork,
    material: Material,
    loss: Loss,
    starts: np.ndarray,
    ends: np.ndarray,
    options: Training,
    device: torch.device,
) -> Tensor:
    """Mean loss over the chunks that start at `starts`, without padding, gaps and the worst."""
    step = issue_step(network, material.targets.shape[1])
    speaks = (network.horizon, network.first_ahead, step)
    inputs, target, known = read_chunks(material, starts, ends, speaks)
    forecast, _ = network(inputs.to(device), issued=slice(None, None, step))
    known = known.to(device)
    losses = loss(forecast, torch.where(known, target.to(device), 0.0))
    return trimmed_mean(torch.where(known, losses, 0.0), known, options.trim)


@torch.no_grad()
def _validation_loss(
    network: RowNetwork,
    material: Material | None,
    loss: Loss,
    options: Training,
    device: torch.device,
) -> float | None:
    """The same loss on the rows held back; None where there are none."""
    if material is None:
        return None
    network.eval()
    starts, ends = judged_chunks(material, options.batch_size)
    value = _chunk_loss(network, material, loss, starts, ends, options, device)
    return float(value)
