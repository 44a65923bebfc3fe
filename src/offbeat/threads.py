"""How many threads a small network gets: one, unless a step is worth sharing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

__all__ = ["WORTH_SHARING", "one_thread_each", "threads_worth"]

WORTH_SHARING = 4_000_000
"""Floating-point operations of one LSTM step below which threads wait longer than they compute.

Sharing a step of 32 x 64 (a million operations, 20 microseconds) gains little on an idle machine
and costs 20 times and more where something else wants a core: each of hundreds of steps then waits
for the thread that was put aside. And one thread gives the same digits on every machine.
"""


@contextmanager
def threads_worth(batch: int, hidden_size: int) -> Iterator[None]:
    """One thread inside, where a step of the LSTM is small; afterwards as before."""
    before = torch.get_num_threads()
    if before == 1 or 8 * batch * hidden_size**2 >= WORTH_SHARING:
        yield
        return
    with one_thread_each():
        yield


@contextmanager
def one_thread_each() -> Iterator[None]:
    """One thread a call of torch inside, where several threads of Python call it at once."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
