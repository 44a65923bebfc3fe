"""Kafka: all partitions of a topic, the offsets kept in the group and in the checkpoint."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any

from offbeat.connect.addresses import Address
from offbeat.connect.contract import Batch, Position, Source
from offbeat.connect.decoding import LARGEST_MESSAGE, decode_message
from offbeat.connect.loop import LONGEST, Loop
from offbeat.connect.queues import BATCH, LOGGERS, SECONDS, QueueSink
from offbeat.errors import DataError
from offbeat.parts import optional_part

__all__ = ["KafkaSink", "KafkaSource"]

LONGEST_POLL = 100
"""Milliseconds that the broker waits for messages; every other question waits behind."""


class KafkaSource(Source):
    """Messages of a topic, each partition in its order; the position is the offset of each.

    All partitions are taken without joining the group: a killed member would keep them for
    seconds, and what is remembered of a series is in one place anyway.

    Parameters
    ----------
    address
        `kafka://host:9092/topic`. Option: `group=`, `offbeat` if not given: two watches need two.
    """

    def __init__(self, address: Address) -> None:
        address.knows("group").needs_topic("topic")
        self.name, self._topic = address.name, address.topic
        self._servers = address.url.partition("://")[2]
        self._group = address.option("group", "offbeat")
        self._kafka = optional_part("aiokafka", extra="live", needed_by="kafka://")
        client = optional_part("aiokafka.client", extra="live", needed_by="kafka://")
        self._client_of, self._loop = client.AIOKafkaClient, Loop(Exception, quiet=LOGGERS)
        self._consumer: Any = None
        self._offsets, self._unsafe = dict[str, int](), dict[Any, int]()

    def open(self, position: Position | None) -> None:
        """As `Source.open`."""
        self._offsets |= position or {}
        self._let_go()
        try:
            self._loop.do(self._connect())
        except OSError:
            self._let_go()
            raise

    def take(self, patience: float) -> Batch | None:
        """As `Source.take`."""
        if self._consumer is None:
            self.open(None)
        try:
            messages = self._loop.do(self._collect(patience))
        except OSError:
            self._let_go()
            raise
        for each in messages:
            self._offsets[str(each.partition)] = each.offset
            self._unsafe[each.topic, each.partition] = each.offset + 1
        return Batch.joined(
            decode_message(each.value or b"", self.name, each.topic) for each in messages
        )

    def position(self) -> Position:
        """As `Source.position`."""
        return dict(self._offsets)

    def acknowledge(self) -> None:
        """As `Source.acknowledge`; what cannot be acknowledged any more comes again."""
        unsafe, self._unsafe = self._unsafe, {}
        if unsafe and self._consumer is not None:
            place = self._kafka.TopicPartition
            next_ones = {place(*where): offset for where, offset in unsafe.items()}
            try:
                self._loop.do(asyncio.wait_for(self._consumer.commit(next_ones), SECONDS))
            except OSError:
                self._let_go()

    def close(self) -> None:
        """As `Source.close`."""
        self._let_go()
        self._loop.close()

    async def _connect(self) -> None:
        self._consumer = self._kafka.AIOKafkaConsumer(
            bootstrap_servers=self._servers,
            group_id=self._group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            request_timeout_ms=_own_patience(),
            fetch_max_wait_ms=LONGEST_POLL,
            max_partition_fetch_bytes=2 * LARGEST_MESSAGE,
        )
        await self._consumer.start()
        places = await self._partitions()
        self._consumer.assign(places)
        ends = await self._consumer.end_offsets(places)
        for place in places:
            after = self._offsets.get(str(place.partition), -1) + 1
            if after > ends[place]:  # the topic was made anew
                del self._offsets[str(place.partition)]
                self._consumer.seek(place, 0)
            elif after:
                self._consumer.seek(place, after)

    async def _partitions(self) -> list[Any]:
        client = self._client_of(
            bootstrap_servers=self._servers, request_timeout_ms=_own_patience()
        )
        try:
            await client.bootstrap()
            numbers = (await client.fetch_all_metadata()).partitions_for_topic(self._topic)
        finally:
            await client.close()
        if not numbers:
            raise ConnectionError(f"there is no topic {self._topic!r} yet")
        return [self._kafka.TopicPartition(self._topic, number) for number in sorted(numbers)]

    async def _collect(self, patience: float) -> list[Any]:
        """What has come; where nothing has, the broker is asked whether it is there."""
        wait = max(1, round(patience * 1000))
        came = await self._consumer.getmany(timeout_ms=wait, max_records=BATCH)
        if not came:
            await asyncio.wait_for(self._consumer.topics(), SECONDS)
            known = self._consumer.partitions_for_topic(self._topic)
            if known and len(known) != len(self._consumer.assignment()):
                raise ConnectionError(f"the partitions of {self._topic!r} are others now")
        return [message for messages in came.values() for message in messages]

    def _let_go(self) -> None:
        gone, self._consumer, self._unsafe = self._consumer, None, {}
        if gone is not None:
            with suppress(OSError):  # of a broker that is away no leave can be taken
                self._loop.do(gone.stop())


class KafkaSink(QueueSink):
    """A message a reading and an event, by its series, so that each series keeps its order.

    Parameters
    ----------
    address
        `kafka://host:9092/topic`.
    """

    longest_connect = LONGEST

    def __init__(self, address: Address) -> None:
        address.knows().needs_topic("topic")
        self._kafka = optional_part("aiokafka", extra="live", needed_by="kafka://")
        errors = optional_part("aiokafka.errors", extra="live", needed_by="kafka://")
        self._too_large: type[Exception] = errors.MessageSizeTooLargeError
        self._producer: Any = None
        super().__init__(address)

    async def _connect(self) -> None:
        self._producer = self._kafka.AIOKafkaProducer(
            bootstrap_servers=self._address.url.partition("://")[2],
            request_timeout_ms=_own_patience(),
            enable_idempotence=True,
        )
        await self._producer.start()

    async def _disconnect(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()

    def _let_go(self) -> None:
        self._loop.end_tasks()  # a producer that cannot send would try for ever and never stop
        super()._let_go()

    async def _send(self, body: bytes) -> None:
        series = json.loads(body).get("series")
        key = None if series is None else str(series).encode()
        try:
            await self._producer.send_and_wait(self._address.topic, body, key=key)
        except self._too_large:
            raise DataError(
                f"{self.name}: a message of {len(body):,} bytes is more than Kafka takes"
            ) from None


def _own_patience() -> int:
    """Milliseconds after which the client itself gives a question up.

    A connect that is cancelled from outside would leave its connection behind, open.
    """
    return round(SECONDS * 1000)
