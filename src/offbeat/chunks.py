"""Chunks: what a network learns from, cut into batches of rows that follow each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from offbeat.errors import DataError
from offbeat.networks import RowNetwork

__all__ = [
    "Material",
    "batches",
    "draw_chunks",
    "hold_back",
    "issue_step",
    "judged_chunks",
    "read_chunks",
]

MIN_EPOCH_STEPS, MAX_EPOCH_STEPS = 4, 25
"""An epoch is one pass over the training rows, but never fewer or more batches than these."""
MIN_BATCH = 8
"""Chunks a step at the least, also where they overlap."""
MIN_VALIDATION_ROWS = 16
FORETOLD = 2
"""How often a row is foretold at least in a training step, where so many channels are forecast that
not every row of a chunk can issue forecasts. Neighbours say nearly the same, and chunks start
anywhere, so in time every row issues some."""


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


def batches(material: Material, most: int) -> tuple[int, int]:
    """How many chunks a batch has, at most so many, and how many batches an epoch."""
    n_chunks = max(1, material.n_rows // material.chunk)
    batch_size = min(most, max(MIN_BATCH, n_chunks))
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


def judged_chunks(material: Material, batch_size: int) -> tuple[np.ndarray, np.ndarray]:
    """Where the chunks that judge start, and where their segments end."""
    starts, ends = list[int](), list[int]()
    for start, end in material.segments:
        step = max(1, material.chunk - material.warm_up)
        for at in range(start, max(start + 1, end - material.warm_up - 1), step):
            starts.append(at)
            ends.append(end)
    if len(starts) > 8 * batch_size:  # a long part is judged by an even sample
        chosen = np.linspace(0, len(starts) - 1, 8 * batch_size).astype(int)
        starts, ends = [starts[i] for i in chosen], [ends[i] for i in chosen]
    return np.array(starts), np.array(ends)
