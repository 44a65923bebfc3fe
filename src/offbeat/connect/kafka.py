"""Kafka, through FastStream: a topic and a consumer group."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from offbeat.connect.addresses import Address
from offbeat.connect.contract import Position
from offbeat.connect.queues import BATCH, Put, QueueSink, QueueSource
from offbeat.parts import optional_part

__all__ = ["KafkaSink", "KafkaSource"]

PING = 2.0


class KafkaSource(QueueSource):
    """Messages of a topic, by a consumer group; the position is the offset of each partition.

    Parameters
    ----------
    address
        `kafka://host:9092/topic`. Option: `group=`, `offbeat` if not given.
    """

    def __init__(self, address: Address) -> None:
        address.knows("group").needs_topic("topic")
        self._stream = optional_part("faststream", extra="live", needed_by="kafka://")
        self._broker: Any = None
        self._offsets = dict[str, int]()
        super().__init__(address)

    def open(self, position: Position | None) -> None:
        """As `Source.open`."""
        self._offsets |= position or {}
        super().open(None)

    def position(self) -> Position:
        """As `Source.position`."""
        return dict(self._offsets)

    async def _connect(self, put: Put) -> None:
        self._broker = _broker(self._address)

        async def handle(message: Any = self._stream.Context()) -> None:
            await put(message)

        async def undecoded(message: Any) -> Any:
            return message.body

        self._broker.subscriber(
            self._address.topic,
            group_id=self._address.option("group", "offbeat"),
            auto_offset_reset="earliest",
            batch=True,
            max_records=BATCH,
            ack_policy=self._stream.AckPolicy.MANUAL,
            no_reply=True,
            decoder=undecoded,
        )(handle)
        await self._broker.start()

    async def _disconnect(self) -> None:
        broker, self._broker = self._broker, None
        if broker is not None:
            await broker.stop()

    async def _answers(self) -> bool:
        return bool(await self._broker.ping(PING))

    def _parts(self, message: Any) -> Iterator[tuple[str, bytes]]:
        for record in message.raw_message:
            partition = str(record.partition)
            if record.offset > self._offsets.get(partition, -1):
                self._offsets[partition] = record.offset
                yield record.topic, record.value or b""

    async def _confirm(self, messages: list[Any]) -> None:
        """Commit what was taken and no more: FastStream's own would commit what waits too."""
        aiokafka = optional_part("aiokafka", extra="live", needed_by="kafka://")
        next_ones = {
            aiokafka.TopicPartition(record.topic, record.partition): record.offset + 1
            for message in messages
            for record in message.raw_message
        }
        await messages[-1].consumer.commit(next_ones)


class KafkaSink(QueueSink):
    """A message a reading and an event.

    Parameters
    ----------
    address
        `kafka://host:9092/topic`.
    """

    def __init__(self, address: Address) -> None:
        address.knows().needs_topic("topic")
        self._broker: Any = None
        super().__init__(address)

    async def _connect(self) -> None:
        self._broker = _broker(self._address)
        await self._broker.start()

    async def _disconnect(self) -> None:
        broker, self._broker = self._broker, None
        if broker is not None:
            await broker.stop()

    async def _send(self, body: bytes) -> None:
        await self._broker.publish(body, self._address.topic)


def _broker(address: Address) -> Any:
    kafka = optional_part("faststream.kafka", extra="live", needed_by="kafka://")
    return kafka.KafkaBroker(address.url.partition("://")[2], logger=None)
