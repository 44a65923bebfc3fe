"""Memory: what was read from the disk lately, so that it is not read again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["Memory"]

V = TypeVar("V")


class Memory(Generic[V]):
    """The latest values, as many as fit.

    Parameters
    ----------
    bytes
        How much is kept; at least the last value.
    """

    def __init__(self, bytes: int) -> None:  # noqa: A002 (the word of every such class)
        self._room, self._used = bytes, 0
        self._kept: OrderedDict[str, tuple[V, int]] = OrderedDict()
        self._lock = threading.Lock()
        self._reading: dict[str, threading.Lock] = {}

    def get(self, key: str, read: Callable[[], tuple[V, int]]) -> V:
        """The value, read if need be: `read` gives it and its size in bytes."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key][0]
            turn = self._reading.setdefault(key, threading.Lock())
        with turn:  # those who ask at the same time wait for one reader
            with self._lock:
                if key in self._kept:
                    return self._kept[key][0]
            value, size = read()
            with self._lock:
                self._keep(key, value, size)
                self._reading.pop(key, None)
        return value

    def forget(self, key: str) -> None:
        """Let a value go."""
        with self._lock:
            if key in self._kept:
                self._used -= self._kept.pop(key)[1]

    def _keep(self, key: str, value: V, size: int) -> None:
        self._kept[key] = (value, size)
        self._used += size
        while self._used > self._room and len(self._kept) > 1:
            self._used -= self._kept.popitem(last=False)[1][1]
