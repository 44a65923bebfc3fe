"""Brokers that push: messages wait in a queue, and are acknowledged when they are safe."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any

from offbeat.connect.addresses import Address
from offbeat.connect.contract import Batch, Outcome, Position, Record, Refused, Sink, Source
from offbeat.connect.decoding import decode_message
from offbeat.connect.loop import Loop
from offbeat.connect.outcome import lines_of

__all__ = ["A_MOMENT", "BATCH", "SECONDS", "ConfirmedSink", "Put", "QueueSink", "QueueSource"]

BATCH = 1_000
MOST_WAITING = 2_000
"""Messages that wait in memory; who brings another one waits too."""
AT_ONCE = 100
"""Messages that are sent before the first is confirmed."""
A_MOMENT = 0.005
"""Seconds in which messages gather, so that they are scored in one step."""
SECONDS = 5.0
LOGGERS = ("aio_pika", "aiormq", "aiokafka")
Put = Callable[[Any], Awaitable[None]]


class QueueSource(Source):
    """Messages go into a queue as they are pushed, from which batches are taken.

    These brokers keep what was not acknowledged and deliver it again.
    """

    def __init__(self, address: Address) -> None:
        self.name, self._address = address.name, address
        self._loop, self._is_open = Loop(Exception, quiet=LOGGERS), False
        self._queue: asyncio.Queue[Any] = asyncio.Queue(MOST_WAITING)
        self._unsafe = list[Any]()

    @abstractmethod
    async def _connect(self, put: Put) -> None:
        """Have every message put into the queue, in its order."""

    @abstractmethod
    async def _disconnect(self) -> None:
        """Let go of the broker."""

    @abstractmethod
    async def _answers(self) -> bool:
        """Whether the broker is there."""

    @abstractmethod
    def _parts(self, message: Any) -> Iterator[tuple[str, bytes]]:
        """Topic and body of each part of a message that is new."""

    @abstractmethod
    async def _confirm(self, messages: list[Any]) -> None:
        """Acknowledge them."""

    def open(self, position: Position | None) -> None:
        """As `Source.open`."""
        del position
        self._let_go()
        self._queue, self._unsafe = asyncio.Queue(MOST_WAITING), []
        try:
            self._loop.do(asyncio.wait_for(self._connect(self._queue.put), SECONDS))
        except OSError:
            self._let_go()
            raise
        self._is_open = True

    def take(self, patience: float) -> Batch | None:
        """As `Source.take`."""
        if not self._is_open:
            self.open(None)
        messages = self._loop.do(self._collect(patience))
        records, refused = list[Record](), list[Refused]()
        for message in messages:
            self._unsafe.append(message)
            for topic, body in self._parts(message):
                batch = decode_message(body, self.name, topic)
                records += batch.records
                refused += batch.refused
        if not messages and not self._loop.do(self._answers()):
            self._let_go()
            raise ConnectionError("the broker does not answer")
        return Batch(records, refused)

    def position(self) -> Position:
        """As `Source.position`."""
        return {}

    def acknowledge(self) -> None:
        """As `Source.acknowledge`; what cannot be acknowledged any more comes again."""
        unsafe, self._unsafe = self._unsafe, []
        if unsafe and self._is_open:
            try:
                self._loop.do(self._confirm(unsafe))
            except OSError:
                self._let_go()

    def close(self) -> None:
        """As `Source.close`."""
        self._let_go()
        self._loop.close()

    async def _collect(self, patience: float) -> list[Any]:
        try:
            messages = [await asyncio.wait_for(self._queue.get(), patience)]
        except TimeoutError:
            return []
        await asyncio.sleep(A_MOMENT)
        while len(messages) < BATCH and not self._queue.empty():
            messages.append(self._queue.get_nowait())
        return messages

    def _let_go(self) -> None:
        self._is_open = False
        with suppress(OSError):  # of a broker that is away no leave can be taken
            self._loop.do(asyncio.wait_for(self._disconnect(), SECONDS))


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
