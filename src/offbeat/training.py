"""The training loop: one, straight, for every network that speaks of rows from every row."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from offbeat.errors import ConfigError, DataError
from offbeat.losses import Loss, trimmed_mean
from offbeat.networks import RowNetwork
from offbeat.optimizer import AdamW, OneCycle
from offbeat.threads import threads_worth

__all__ = [
    "EpochLog",
    "Material",
    "ProgressHook",
    "Training",
    "TrainingLog",
    "batches",
    "draw_chunks",
    "hold_back",
    "issue_step",
    "judged_chunks",
    "read_chunks",
    "train",
]

MIN_EPOCH_STEPS, MAX_EPOCH_STEPS = 4, 25
"""An epoch is one pass over the training rows, but never fewer or more batches than these."""
MIN_BATCH = 8
"""Chunks a step at the least, also where they overlap."""
MIN_VALIDATION_ROWS = 16
LEAST_SECONDS = 1e-3
"""What a second pass has at the least, where the first took all the time."""
FORETOLD = 2
"""How often a row is foretold at least in a training step, where so many channels are forecast that
not every row of a chunk can issue forecasts. Neighbours say nearly the same, and chunks start
anywhere, so in time every row issues some."""


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

    def shortened(self, share: float, seconds: float) -> Training:
        """The same for a share of the epochs, in what `max_seconds` leaves after so many."""
        left = None if self.max_seconds is None else max(self.max_seconds - seconds, LEAST_SECONDS)
        epochs = math.ceil(self.max_epochs * share)
        return replace(self, max_epochs=epochs, max_seconds=left)

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


@dataclass(frozen=True, eq=False)
class Material:
    """What a network learns from.

    Parameters
    ----------
    inputs
        Shape (T, n_inputs), float32, scaled, no NaN.
    targets
        Shape (T, C), float32, scaled; NaN where there is nothing to learn.
    segments
        Stretches [start, end) of rows that follow each other without a gap.
    chunk
        Rows of a training sequence.
    warm_up
        First rows of a chunk that are read but not judged.
    whole
        Whether a segment is one window, which either teaches or judges and is never cut.
    """

    inputs: Tensor
    targets: Tensor
    segments: Sequence[tuple[int, int]]
    chunk: int
    warm_up: int
    whole: bool = False

    @property
    def n_rows(self) -> int:
        """Rows inside the segments."""
        return sum(end - start for start, end in self.segments)


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
    batch_size, n_steps = batches(learned, options)
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


def hold_back(material: Material, share: float) -> tuple[Material, Material | None]:
    """Split the segments in time: the first rows teach, the last `share` of them judges."""
    if not material.n_rows:
        raise DataError("nothing to learn from: every row of the training part is empty")
    n_judged = int(material.n_rows * share)
    if n_judged < MIN_VALIDATION_ROWS:
        return material, None
    n_learned = material.n_rows - n_judged
    learned, judged, passed = list[tuple[int, int]](), list[tuple[int, int]](), 0
    for start, end in material.segments:
        cut = min(end, start + max(0, n_learned - passed))
        if material.whole and cut < end:
            cut = start
        if cut > start:
            learned.append((start, cut))
        if end > cut:
            # the rows before the cut are read again, to warm up; they are not judged
            judged.append((max(start, cut - material.warm_up), end))
        passed += end - start
    if not learned:
        return material, None
    return replace(material, segments=learned), replace(material, segments=judged)


def batches(material: Material, options: Training) -> tuple[int, int]:
    """How many chunks a batch has, and how many batches an epoch."""
    n_chunks = max(1, material.n_rows // material.chunk)
    batch_size = min(options.batch_size, max(MIN_BATCH, n_chunks))
    one_pass = math.ceil(n_chunks / batch_size)
    return batch_size, min(max(one_pass, MIN_EPOCH_STEPS), MAX_EPOCH_STEPS)


def draw_chunks(
    material: Material, batch_size: int, draw: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Where `batch_size` chunks start, every row as likely as any other, and where they end."""
    starts = np.array([start for start, _ in material.segments])
    ends = np.array([end for _, end in material.segments])
    room = np.maximum(ends - starts - material.chunk, 1)
    chosen = draw.choice(len(starts), size=batch_size, p=room / room.sum())
    offsets = (draw.random(batch_size) * room[chosen]).astype(np.int64)
    return starts[chosen] + offsets, ends[chosen]


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


def read_chunks(
    material: Material, starts: np.ndarray, ends: np.ndarray, speaks: tuple[int, int, int]
) -> tuple[Tensor, Tensor, Tensor]:
    """Chunks as a network reads them, and what it is to say of them.

    Parameters
    ----------
    material
        What they are chunks of.
    starts, ends
        Where each starts, and where the segment that it lies in ends, (B,).
    speaks
        The network's horizon, how far ahead the first row of it is, and every how many rows it is
        issued.

    Returns
    -------
    Inputs (B, W, n_inputs), targets (B, W issued, H, C), and which of them are known and judged.
    """
    horizon, first, step = speaks
    length = min(material.chunk, int((ends - starts).max()))
    rows = torch.from_numpy(starts)[:, None] + torch.arange(length + horizon)  # (B, W + H)
    inside = rows < torch.from_numpy(ends)[:, None]
    rows = rows.clamp(max=len(material.inputs) - 1)
    inputs = material.inputs[rows[:, :length]]  # (B, W, n_inputs)
    ahead = material.targets[rows]  # (B, W + H, C)
    ahead = torch.where(inside[..., None], ahead, torch.nan)
    ahead = ahead[:, first : first + length + horizon - 1]
    # (B, W + H - 1, C) -> (B, W, C, H) -> (B, W, H, C): what each row speaks of
    target = ahead.unfold(1, horizon, 1).transpose(2, 3)[:, ::step]
    known = ~torch.isnan(target)
    warm = torch.arange(length)[::step] >= material.warm_up
    if (known & warm[:, None, None]).any():
        known &= warm[:, None, None]
    return inputs, target, known


def issue_step(network: RowNetwork, n_targets: int) -> int:
    """Every how many rows of a chunk a forecast is issued, so that what is said of many channels
    costs no more than the LSTM that says it."""
    numbers = network.horizon * n_targets
    return max(1, min(network.horizon // FORETOLD, numbers // network.hidden_size))


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
    starts, ends = judged_chunks(material, options)
    value = _chunk_loss(network, material, loss, starts, ends, options, device)
    return float(value)


def judged_chunks(material: Material, options: Training) -> tuple[np.ndarray, np.ndarray]:
    """Where the chunks that judge start, and where their segments end."""
    starts, ends = list[int](), list[int]()
    for start, end in material.segments:
        step = max(1, material.chunk - material.warm_up)
        for at in range(start, max(start + 1, end - material.warm_up - 1), step):
            starts.append(at)
            ends.append(end)
    if len(starts) > 8 * options.batch_size:  # a long part is judged by an even sample
        chosen = np.linspace(0, len(starts) - 1, 8 * options.batch_size).astype(int)
        starts, ends = [starts[i] for i in chosen], [ends[i] for i in chosen]
    return np.array(starts), np.array(ends)
