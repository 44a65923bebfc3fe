"""An event loop beside the watch, for clients that have no other face."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from threading import Thread
from typing import TypeVar

from offbeat.errors import OffbeatError

__all__ = ["LONGEST", "Loop"]

T = TypeVar("T")
LONGEST = 60.0
"""Seconds after which a broker that says nothing counts as away."""


class Loop:
    """Runs coroutines in a thread of its own.

    Parameters
    ----------
    away
        Errors of a client that mean that its broker cannot now.
    quiet
        Loggers of the client, which would tell the same with a traceback each time.
    """

    def __init__(self, *away: type[BaseException], quiet: tuple[str, ...] = ()) -> None:
        self._away = away
        for name in quiet:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="offbeat-loop", daemon=True)
        self._thread.start()

    def do(self, work: Awaitable[T]) -> T:
        """The result of a coroutine.

        Raises
        ------
        OSError
            If the broker is away.
        """
        future = asyncio.run_coroutine_threadsafe(_within(work), self._loop)
        try:
            return future.result()
        except OffbeatError:
            raise
        except OSError as problem:
            if not str(problem):  # a time-out says nothing
                raise ConnectionError("it does not answer in time") from None
            raise
        except self._away as problem:
            said = " ".join(str(problem).split()) or type(problem).__name__
            raise ConnectionError(said.removeprefix("nats: ")) from None

    def end_tasks(self) -> None:
        """End what a client does beside."""
        asyncio.run_coroutine_threadsafe(_end_others(), self._loop).result()

    def close(self) -> None:
        """No more."""
        if not self._loop.is_closed():
            self.end_tasks()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()


async def _within(work: Awaitable[T]) -> T:
    return await asyncio.wait_for(work, LONGEST)


async def _end_others() -> None:
    """Let every other task end, so that none is left behind."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for each in others:
        each.cancel()
    await asyncio.gather(*others, return_exceptions=True)
