"""AMQP: durable queues of RabbitMQ."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from offbeat.connect.addresses import Address
from offbeat.connect.contract import Batch, Position, Source
from offbeat.connect.decoding import decode_message
from offbeat.connect.loop import Loop
from offbeat.connect.queues import A_MOMENT, BATCH, LOGGERS, SECONDS, QueueSink
from offbeat.errors import DataError
from offbeat.parts import optional_part

__all__ = ["AMQPSink", "AMQPSource"]

MOST_UNSAFE = 10_000
"""Messages that the broker gives out before the first is acknowledged."""
MOST_WAITING = 2_000
"""Messages that wait in memory; who brings another one waits too."""


class _Connection:
    """One connection and channel, made anew by whoever uses it when it is gone."""

    def __init__(self, address: Address) -> None:
        address.knows("vhost").needs_topic("queue")
        self.pika = optional_part("aio_pika", extra="live", needed_by="amqp://")
        self._url, self._queue = f"{address.url}/{address.option('vhost')}", address.topic
        self._connection: Any = None
        self.channel: Any = None

    async def queue(self) -> Any:
        """The queue, on a new connection."""
        self._connection = await self.pika.connect(self._url, timeout=SECONDS)
        self.channel = await self._connection.channel()
        await self.channel.set_qos(prefetch_count=MOST_UNSAFE)
        return await self.channel.declare_queue(self._queue, durable=True)

    @property
    def is_open(self) -> bool:
        return self.channel is not None and not self.channel.is_closed

    async def close(self) -> None:
        gone, self._connection, self.channel = self._connection, None, None
        if gone is not None:
            await gone.close()


class AMQPSource(Source):
    """Messages of a durable queue; what was not acknowledged is delivered again.

    They go into a queue here as they are pushed, from which batches are taken.

    Parameters
    ----------
    address
        `amqp://user:password@host:5672/queue`. Option: `vhost=`.
    """

    def __init__(self, address: Address) -> None:
        self._connection = _Connection(address)
        self.name, self._topic = address.name, address.topic
        self._loop, self._is_open = Loop(Exception, quiet=LOGGERS), False
        self._queue: asyncio.Queue[Any] = asyncio.Queue(MOST_WAITING)
        self._unsafe = list[Any]()

    def open(self, position: Position | None) -> None:
        """As `Source.open`."""
        del position
        self._let_go()
        self._queue, self._unsafe = asyncio.Queue(MOST_WAITING), []
        try:
            self._loop.do(asyncio.wait_for(self._connect(), SECONDS))
        except OSError:
            self._let_go()
            raise
        self._is_open = True

    def take(self, patience: float) -> Batch | None:
        """As `Source.take`."""
        if not self._is_open:
            self.open(None)
        messages = self._loop.do(self._collect(patience))
        if not messages and not self._connection.is_open:
            self._let_go()
            raise ConnectionError("the broker does not answer")
        self._unsafe += messages
        return Batch.joined(map(self._decode, messages))

    def position(self) -> Position:
        """As `Source.position`."""
        return {}

    def acknowledge(self) -> None:
        """As `Source.acknowledge`; what cannot be acknowledged any more comes again."""
        unsafe, self._unsafe = self._unsafe, []
        if unsafe and self._is_open:
            try:
                self._loop.do(unsafe[-1].ack(multiple=True))
            except OSError:
                self._let_go()

    def close(self) -> None:
        """As `Source.close`."""
        self._let_go()
        self._loop.close()

    async def _connect(self) -> None:
        """Have every message put into the queue, in its order."""
        queue = await self._connection.queue()
        await queue.consume(self._queue.put)

    async def _collect(self, patience: float) -> list[Any]:
        try:
            messages = [await asyncio.wait_for(self._queue.get(), patience)]
        except TimeoutError:
            return []
        await asyncio.sleep(A_MOMENT)
        while len(messages) < BATCH and not self._queue.empty():
            messages.append(self._queue.get_nowait())
        return messages

    def _decode(self, message: Any) -> Batch:
        body, message.body = message.body, b""  # what waits to be acknowledged takes no room
        return decode_message(body, self.name, self._topic)

    def _let_go(self) -> None:
        self._is_open = False
        with suppress(OSError):  # of a broker that is away no leave can be taken
            self._loop.do(asyncio.wait_for(self._connection.close(), SECONDS))


class AMQPSink(QueueSink):
    """A persistent message a reading and an event, to a durable queue.

    Parameters
    ----------
    address
        `amqp://user:password@host:5672/queue`. Option: `vhost=`.
    """

    def __init__(self, address: Address) -> None:
        self._connection = _Connection(address)
        super().__init__(address)

    async def _connect(self) -> None:
        await self._connection.queue()

    async def _disconnect(self) -> None:
        await self._connection.close()

    async def _send(self, body: bytes) -> None:
        pika = self._connection.pika
        message = pika.Message(body, delivery_mode=pika.DeliveryMode.PERSISTENT)
        exchange = self._connection.channel.default_exchange
        try:
            await exchange.publish(message, self._address.topic, mandatory=True)
        except pika.exceptions.ChannelPreconditionFailed as problem:
            if "message size" not in str(problem):
                raise
            raise DataError(
                f"{self.name}: a message of {len(body):,} bytes is more than the broker takes: "
                f"raise its max_message_size"
            ) from None
