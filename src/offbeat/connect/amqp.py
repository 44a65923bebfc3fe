"""AMQP: durable queues of RabbitMQ."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from offbeat.connect.addresses import Address
from offbeat.connect.queues import SECONDS, Put, QueueSink, QueueSource
from offbeat.errors import DataError
from offbeat.parts import optional_part

__all__ = ["AMQPSink", "AMQPSource"]

MOST_UNSAFE = 10_000
"""Messages that the broker gives out before the first is acknowledged."""


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


class AMQPSource(QueueSource):
    """Messages of a durable queue.

    Parameters
    ----------
    address
        `amqp://user:password@host:5672/queue`. Option: `vhost=`.
    """

    def __init__(self, address: Address) -> None:
        self._connection = _Connection(address)
        super().__init__(address)

    async def _connect(self, put: Put) -> None:
        queue = await self._connection.queue()
        await queue.consume(put)

    async def _disconnect(self) -> None:
        await self._connection.close()

    async def _answers(self) -> bool:
        return self._connection.is_open

    def _parts(self, message: Any) -> Iterator[tuple[str, bytes]]:
        body, message.body = message.body, b""  # what waits to be acknowledged takes no room
        yield self._address.topic, body

    async def _confirm(self, messages: list[Any]) -> None:
        await messages[-1].ack(multiple=True)


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
