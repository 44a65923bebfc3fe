"""Training many networks in step: the straight loop of `training`, for a bundle of series at once.

Every series has its own weights, order of chunks, best epoch and end; a step is one batched product
over the bundle. The numbers are those of `train`, to float32's rounding: the same chunks, the same
dropout, the same trimming, clipping and schedule. A series that has ended leaves the bundle.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
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
from offbeat.fleet.stacked import StackedForecaster
from offbeat.losses import Loss, trimmed_mean
from offbeat.networks import LSTMForecaster
from offbeat.optimizer import AdamW, OneCycle
from offbeat.training import EpochLog, Training, TrainingLog

__all__ = ["Pupil", "bundles", "train_bundle"]

GATES, MOST = 50_000, 256
"""Numbers that the gates of a bundle hold at a step, so that they fit into a processor's cache and
are worth a call; and series in it at the most."""
LARGE = 1_200
"""A series whose gates hold more by itself is a bundle by itself: torch's own layer is as fast, and
threads beside each other wait less for Python."""
SMALL = 4
"""A bundle with a quarter of its room filled costs hardly more than an empty one."""
LIKE = 1.25
"""How many times as many rows a step of a series may have as another's in its bundle: what is
shorter is padded."""


@dataclass(eq=False)
class Pupil:
    """A network that is to be trained, and the diary of it.

    Parameters
    ----------
    network
        Changed in place; it ends with the weights of its best epoch, in evaluation mode.
    material, loss, options, seed
        As `train` takes them.
    """

    network: LSTMForecaster
    material: Material
    loss: Loss
    options: Training
    seed: int
    log: TrainingLog = field(init=False)
    learned: Material = field(init=False)
    judged: Material | None = field(init=False)
    batch_size: int = field(init=False)
    n_steps: int = field(init=False)

    def __post_init__(self) -> None:
        self.options.check()
        self.learned, self.judged = hold_back(self.material, self.options.validation)
        self.batch_size, self.n_steps = batches(self.learned, self.options.batch_size)
        self.draw = np.random.default_rng(self.seed)
        self.best_loss, self.best_epoch, self.best = math.inf, 0, dict[str, Tensor]()
        self.diary = list[EpochLog]()

    @property
    def speaks(self) -> tuple[int, int, int]:
        """As `read_chunks` takes it."""
        step = issue_step(self.network, self.material.targets.shape[1])
        return self.network.horizon, self.network.first_ahead, step

    @property
    def length(self) -> int:
        """Rows of a step's chunks, at the most."""
        longest = max(end - start for start, end in self.learned.segments)
        return min(self.material.chunk, longest)

    @property
    def kind(self) -> tuple[object, ...]:
        """What pupils of one bundle share."""
        shapes = tuple(tuple(w.shape) for w in self.network.state_dict().values())
        return shapes, self.speaks, self.options, self.n_steps, self.seed, self.loss

    def draw_step(self) -> tuple[Tensor, Tensor, Tensor]:
        """The chunks of the next step, as `read_chunks` gives them."""
        starts, ends = draw_chunks(self.learned, self.batch_size, self.draw)
        return read_chunks(self.material, starts, ends, self.speaks)

    def offer(self, loss: float, epoch: int, weights: dict[str, Tensor]) -> None:
        """Keep the weights if they are the best so far."""
        if loss < self.best_loss:
            self.best_loss, self.best_epoch, self.best = loss, epoch, weights

    def end(self, reason: str) -> None:
        """Take the best weights back."""
        if self.best:
            self.network.load_state_dict(self.best)
        self.network.eval()
        self.log = TrainingLog(tuple(self.diary), self.best_epoch, reason)


def bundles(pupils: Sequence[Pupil]) -> Iterator[list[Pupil]]:
    """Pupils that can be trained in step."""
    kinds: dict[tuple[object, ...], list[Pupil]] = {}
    for pupil in pupils:
        kinds.setdefault(pupil.kind, []).append(pupil)
    for alike in kinds.values():
        bundle = list[Pupil]()
        for pupil in sorted(alike, key=lambda one: (one.length, one.batch_size)):
            if bundle and (len(bundle) == _room(pupil) or not _fit(bundle, pupil)):
                yield bundle
                bundle = []
            bundle.append(pupil)
        if bundle:
            yield bundle


def _room(pupil: Pupil) -> int:
    """How many series like this one go into a bundle."""
    gates = 4 * pupil.network.hidden_size * pupil.batch_size
    return 1 if gates > LARGE else min(GATES // gates, MOST)


def _fit(bundle: Sequence[Pupil], pupil: Pupil) -> bool:
    """Whether little would be padded if the pupil were trained with these, or a step is so small
    that it costs what calling it does."""
    everyone = [*bundle, pupil]
    if len(everyone) * SMALL <= _room(pupil):
        return True
    padded = max(p.length for p in everyone) * max(p.batch_size for p in everyone)
    return padded <= LIKE * min(p.length * p.batch_size for p in everyone)


def train_bundle(bundle: Sequence[Pupil]) -> None:
    """Train the pupils in step, each until its own end; none is drawn from torch's global state."""
    first = bundle[0]
    options, step = first.options, first.speaks[2]
    going = list(bundle)
    stack = StackedForecaster([pupil.network.state_dict() for pupil in going], first.network)
    schedule = OneCycle(options.learning_rate, first.n_steps * options.max_epochs + 1)
    optimizer = AdamW(stack.parameters.values(), schedule)
    dropout = _Dropout(first, step)
    start = time.monotonic()
    for epoch in range(1, options.max_epochs + 1):
        totals = torch.zeros(len(going))
        for _ in range(first.n_steps):
            chunks = [pupil.draw_step() for pupil in going]
            masks = dropout.draw(chunks)
            losses = _losses(stack, going, chunks, step, masks)
            optimizer.zero_grad()
            losses.sum().backward()  # type: ignore[no-untyped-call]
            _clip(stack, options.gradient_clip)
            optimizer.step()
            totals += losses.detach()
        judged = _judged(stack, going, step)
        seconds, stay = time.monotonic() - start, list[int]()
        for i, pupil in enumerate(going):
            train_loss = float(totals[i]) / first.n_steps
            value = train_loss if judged[i] is None else float(judged[i] or 0.0)
            pupil.offer(value, epoch, stack.state_of(i) if value < pupil.best_loss else {})
            log = EpochLog(epoch, options.max_epochs, train_loss, value, seconds)
            pupil.diary.append(log)
            ended = _ended(pupil, epoch, seconds)
            if ended:
                pupil.end(ended)
            else:
                stay.append(i)
        if not stay:
            return
        if len(stay) < len(going):
            kept = torch.tensor(stay)
            stack.keep(kept)
            optimizer.narrow(stack.parameters.values(), kept)
            going = [going[i] for i in stay]


def _ended(pupil: Pupil, epoch: int, seconds: float) -> str:
    """Why the training of a pupil ends after this epoch; empty if it does not."""
    options = pupil.options
    if options.max_seconds is not None and seconds > options.max_seconds:
        return f"stopped after max_seconds={options.max_seconds:g}"
    if epoch - pupil.best_epoch >= options.patience:
        return f"no better validation loss for {options.patience} epochs"
    return f"all {options.max_epochs} epochs done" if epoch == options.max_epochs else ""


def _losses(
    stack: StackedForecaster,
    pupils: Sequence[Pupil],
    chunks: Sequence[tuple[Tensor, Tensor, Tensor]],
    step: int,
    masks: Sequence[Tensor] | None,
) -> Tensor:
    """The loss of each pupil, (S,)."""
    rows = _padded([inputs for inputs, _, _ in chunks])
    target = _padded([target for _, target, _ in chunks])
    known = _padded([known for _, _, known in chunks])  # what is padded is not known
    forecast = stack.forward(rows, step, masks)
    losses = pupils[0].loss(forecast, torch.where(known, target, 0.0))
    losses = torch.where(known, losses, 0.0)
    trim = pupils[0].options.trim
    each = zip(losses.unbind(1), known.unbind(1), strict=True)
    return torch.stack([trimmed_mean(loss, one, trim) for loss, one in each])


def _padded(parts: Sequence[Tensor]) -> Tensor:
    """Arrays (B, W, ...) of different sizes as one of (W, S, B, ...), zeros where there is none."""
    n_chunks, n_rows = (max(part.shape[axis] for part in parts) for axis in (0, 1))
    rest = parts[0].shape[2:]
    made = parts[0].new_zeros(n_rows, len(parts), n_chunks, *rest)
    for i, part in enumerate(parts):
        made[: part.shape[1], i, : part.shape[0]] = part.transpose(0, 1)
    return made


def _clip(stack: StackedForecaster, largest: float) -> None:
    """`torch.nn.utils.clip_grad_norm_` of each series by itself."""
    gradients = [each.grad for each in stack.parameters.values() if each.grad is not None]
    # one bias is two parameters, and the norm counts both
    squares = [g.flatten(1).square().sum(dim=1) for g in gradients]
    norms = torch.stack(squares).sum(dim=0).sqrt()
    factor = (largest / (norms + 1e-6)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(factor[:, None, None])


@torch.no_grad()
def _judged(stack: StackedForecaster, pupils: Sequence[Pupil], step: int) -> list[float | None]:
    """The loss of each pupil on the rows held back; None where there are none."""
    having = [i for i, pupil in enumerate(pupils) if pupil.judged is not None]
    found: list[float | None] = [None] * len(pupils)
    if not having:
        return found
    chunks = list[tuple[Tensor, Tensor, Tensor]]()
    for pupil in pupils:
        part = pupil.learned if pupil.judged is None else pupil.judged
        starts, ends = judged_chunks(part, pupil.options.batch_size)
        chunks.append(read_chunks(part, starts, ends, pupil.speaks))
    losses = _losses(stack, pupils, chunks, step, None)
    for i in having:
        found[i] = float(losses[i])
    return found


class _Dropout:
    """What dropout multiplies the layers' outputs by, drawn as torch draws it for one series.

    Series of one seed whose steps have one shape draw the same numbers: they are drawn once.
    """

    def __init__(self, pupil: Pupil, step: int) -> None:
        network = pupil.network
        self._share, self._step = network.dropout.p, step
        self._size, self._n_layers = network.hidden_size, network.lstm.num_layers
        self._seed = pupil.seed
        self._draws: dict[tuple[int, int], torch.Generator] = {}

    def draw(self, chunks: Sequence[tuple[Tensor, Tensor, Tensor]]) -> list[Tensor] | None:
        """One mask a layer, (W, S, B, D); None without dropout."""
        if self._share == 0:
            return None
        shapes = [torch.Size(inputs.shape[:2]) for inputs, _, _ in chunks]  # (B, W)
        known = {shape: self._of(shape) for shape in dict.fromkeys(shapes)}
        return [
            _padded([known[shape][layer] for shape in shapes]) for layer in range(self._n_layers)
        ]

    def _of(self, shape: torch.Size) -> list[Tensor]:
        """The masks of one series, (B, W, D) each, the last for the rows issued."""
        n_chunks, n_rows = shape
        key = (n_chunks, n_rows)
        if key not in self._draws:
            self._draws[key] = torch.Generator().manual_seed(self._seed)
        draw, made = self._draws[key], list[Tensor]()
        for layer in range(self._n_layers):
            # torch's LSTM holds (W, B, D) inside, and draws in the order of its memory
            like = torch.empty(n_rows, n_chunks, self._size)
            if layer + 1 == self._n_layers:
                like = like.transpose(0, 1)[:, :: self._step]
            mask = torch.empty_like(like).bernoulli_(1 - self._share, generator=draw)
            mask.div_(1 - self._share)
            made.append(mask if layer + 1 == self._n_layers else mask.transpose(0, 1))
        return made
