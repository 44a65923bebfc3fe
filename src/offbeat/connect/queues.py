"""Brokers: how much at a time, and sinks that wait until each message is confirmed."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from contextlib import suppress

from offbeat.connect.addresses import Address
from offbeat.connect.contract import Outcome, Sink
from offbeat.connect.loop import Loop
from offbeat.connect.outcome import lines_of

__all__ = ["A_MOMENT", "BATCH", "LOGGERS", "SECONDS", "ConfirmedSink", "QueueSink"]

BATCH = 1_000
"""Messages that are taken at once, at most."""
AT_ONCE = 100
"""Messages that are sent before the first is confirmed."""
A_MOMENT = 0.005
"""Seconds in which messages gather, so that they are scored in one step."""
SECONDS = 5.0
LOGGERS = ("aio_pika", "aiormq", "aiokafka")


class ConfirmedSink(Sink):
    """A message of JSON a reading and an event; the broker has confirmed each."""

    def __init__(self) -> None:
        self._waiting = list[str]()

    @abstractmethod
    def _deliver(self, lines: list[str]) -> None:
        """Return once the broker has these."""

    @abstractmethod
    def _let_go(self) -> None:
        """Leave a broker that does not take them; the next delivery connects again."""

    def put(self, outcome: Outcome) -> None:
        """As `Sink.put`."""
        self._waiting += (line.strip() for line in lines_of(outcome))

    def flush(self) -> None:
        """As `Sink.flush`."""
        while self._waiting:
            some = self._waiting[:AT_ONCE]
            try:
                self._deliver(some)
            except OSError:
                self._let_go()
                raise
            del self._waiting[: len(some)]


class QueueSink(ConfirmedSink):
    """Sends through a loop of its own.

    Attributes
    ----------
    longest_connect
        Seconds after which a connect is given up.
    """

    longest_connect = SECONDS

    def __init__(self, address: Address) -> None:
        super().__init__()
        self.name, self._address = address.name, address
        self._loop, self._is_open = Loop(Exception, quiet=LOGGERS), False

    @abstractmethod
    async def _connect(self) -> None:
        """Make ready to send."""

    @abstractmethod
    async def _disconnect(self) -> None:
        """Let go of the broker."""

    @abstractmethod
    async def _send(self, body: bytes) -> None:
        """Return once the broker has it."""

    def close(self) -> None:
        """As `Sink.close`."""
        self._let_go()
        self._loop.close()

    def _deliver(self, lines: list[str]) -> None:
        self._loop.do(self._send_all(lines))

    async def _send_all(self, lines: list[str]) -> None:
        if not self._is_open:
            await asyncio.wait_for(self._connect(), self.longest_connect)
            self._is_open = True
        sent = asyncio.gather(*(self._send(line.encode()) for line in lines))
        await asyncio.wait_for(sent, SECONDS)

    def _let_go(self) -> None:
        self._is_open = False
        with suppress(OSError):
            self._loop.do(asyncio.wait_for(self._disconnect(), SECONDS))
