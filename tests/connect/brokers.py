"""Real brokers, each with a topic of its own that is gone afterwards."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit
from zlib import crc32

import pytest
from cutting_proxy import CuttingProxy
from mock_kafka import MockKafka
from watchers import needed

from offbeat.connect import sink_of, source_of

nats = pytest.importorskip("nats")
redis = pytest.importorskip("redis")
aio_pika = pytest.importorskip("aio_pika")
aiokafka = pytest.importorskip("aiokafka")
pytest.importorskip("zmqtt")

__all__ = ["BROKERS", "Amqp", "Broker", "Kafka", "Mqtt", "Nats", "Redis"]


def reach(address: str) -> None:
    parts = urlsplit(address)
    socket.create_connection((parts.hostname, parts.port), timeout=2).close()  # type: ignore[arg-type]


class Broker(ABC):
    """A place for messages, and the ways to it."""

    address: str
    topic: str
    options = ""
    """Of its URL as a source: of a session named `{}`."""
    knows_again = False
    """Whether it keeps one message where the same one is sent twice."""
    takes_large = True
    """Whether it takes a message of 9 MiB."""
    lives_on = True
    """Whether it takes messages while the way is cut."""

    @property
    def url(self) -> str:
        """As a sink."""
        return f"{self.address}/{self.topic}"

    def source(self, way: Any = None) -> str:
        """As a source, by this way."""
        return f"{(way or self).address}/{self.topic}{self.options.format('watch')}"

    def way(self) -> Any:
        """A way with an address, which can be cut and mended."""
        return CuttingProxy(self.address)

    @abstractmethod
    def send(self, messages: list[bytes]) -> None:
        """They are there afterwards, in this order."""

    @abstractmethod
    def received(self) -> list[bytes]:
        """What came since it was last asked."""

    @abstractmethod
    def close(self) -> None:
        """Leave nothing behind."""


class Nats(Broker):
    knows_again, takes_large = True, False

    def __init__(self) -> None:
        self.address = needed("OFFBEAT_TEST_NATS", "nats://127.0.0.1:4222", reach)
        self.topic = f"offbeat-{secrets.token_hex(4)}"
        self._do(lambda js: js.add_stream(name=self.topic, subjects=[self.topic]))

    def send(self, messages: list[bytes]) -> None:
        async def all_of_them(js: Any) -> None:
            await asyncio.gather(*(js.publish(self.topic, message) for message in messages))

        self._do(all_of_them)

    def received(self) -> list[bytes]:
        async def fetch(js: Any) -> list[bytes]:
            sub, found = await js.pull_subscribe(self.topic, durable="reader"), list[bytes]()
            while True:
                try:
                    some = await sub.fetch(1000, timeout=0.5)
                except TimeoutError:
                    return found
                for each in some:
                    found.append(each.data)
                    await each.ack()

        return self._do(fetch)  # type: ignore[no-any-return]

    def close(self) -> None:
        self._do(lambda js: js.delete_stream(self.topic))

    def _do(self, work: Callable[[Any], Any]) -> Any:
        async def connected() -> Any:
            connection = await nats.connect(self.address)
            try:
                return await work(connection.jetstream())
            finally:
                await connection.close()

        return asyncio.run(connected())


class Redis(Broker):
    def __init__(self) -> None:
        self.address = needed("OFFBEAT_TEST_REDIS", "redis://127.0.0.1:6379", reach)
        self.topic = f"offbeat-{secrets.token_hex(4)}"
        self._redis, self._last = redis.Redis.from_url(self.address), "0"

    def send(self, messages: list[bytes]) -> None:
        pipeline = self._redis.pipeline()
        for message in messages:
            pipeline.xadd(self.topic, {"data": message})
        pipeline.execute()

    def received(self) -> list[bytes]:
        entries = self._redis.xrange(self.topic, min=f"({self._last}")
        if entries:
            self._last = entries[-1][0].decode()
        return [fields[b"data"] for _, fields in entries]

    def close(self) -> None:
        self._redis.delete(self.topic)
        self._redis.close()


class Queue(Broker):
    """A queue or topic that is filled and read through sinks and sources."""

    variable = default = ""

    def __init__(self) -> None:
        self.address = needed(self.variable, self.default, reach)
        self.topic = f"offbeat-{secrets.token_hex(4)}"
        self._sink = sink_of(self.url)
        for who in ("watch", "reader"):  # from here on messages are kept for both
            source = source_of(self.url + self.options.format(who))
            source.open(None)
            source.close()
        self._sink.open(None)

    def send(self, messages: list[bytes]) -> None:
        self._sink._waiting += [each.decode() for each in messages]  # type: ignore[attr-defined]
        self._sink.flush()

    def received(self) -> list[bytes]:
        source = source_of(self.url + self.options.format("reader"))
        source.open(None)
        found = list[bytes]()
        while batch := source.take(0.5):
            found += [json.dumps(each).encode() for each in batch.records]
            source.acknowledge()
        source.close()
        return found

    def close(self) -> None:
        self.received()
        self._sink.close()


class Mqtt(Queue):
    variable, default = "OFFBEAT_TEST_MQTT", "mqtt://127.0.0.1:1883"

    def __init__(self) -> None:
        self.options = f"?client={secrets.token_hex(4)}-{{}}"
        super().__init__()


class Amqp(Queue):
    variable, default = "OFFBEAT_TEST_AMQP", "amqp://guest:guest@127.0.0.1:5672"

    def close(self) -> None:
        self._sink.close()
        asyncio.run(self._delete())

    async def _delete(self) -> None:
        async with await aio_pika.connect(self.address) as connection:
            await (await connection.channel()).queue_delete(self.topic)


class Kafka(Queue):
    """A mock cluster of its own, or the broker at `OFFBEAT_TEST_KAFKA`."""

    options = "?group={}"
    lives_on = takes_large = False  # the mock keeps 5 MiB

    def __init__(self, n_partitions: int = 1) -> None:
        self.topic = f"offbeat-{secrets.token_hex(4)}"
        self._mock = None if "OFFBEAT_TEST_KAFKA" in os.environ else MockKafka()
        self.address = os.environ.get("OFFBEAT_TEST_KAFKA") or self.way().address
        self._n_partitions = n_partitions
        if self._mock is not None:
            self._mock.create(self.topic, n_partitions)
        else:
            asyncio.run(self._create())

    def way(self) -> Any:
        if self._mock is None:
            pytest.skip("clients of Kafka go where the broker says: no proxy can be between")
        return self._mock

    def send(self, messages: list[bytes]) -> None:
        asyncio.run(self._send(messages))

    def close(self) -> None:
        if self._mock is not None:
            self._mock.close()

    async def _send(self, messages: list[bytes]) -> None:
        """Rows of a series stay in one partition, and so in their order."""
        servers = self.address.removeprefix("kafka://")
        producer = aiokafka.AIOKafkaProducer(
            bootstrap_servers=servers, enable_idempotence=True, max_request_size=2**28
        )
        async with producer:
            for message in messages:
                found = message.startswith(b"{") and json.loads(message)
                series = found.get("series", "") if found else ""
                partition = crc32(series.encode()) % self._n_partitions
                await producer.send(self.topic, message, partition=partition)

    async def _create(self) -> None:
        from aiokafka.admin import AIOKafkaAdminClient, NewTopic

        admin = AIOKafkaAdminClient(bootstrap_servers=self.address.removeprefix("kafka://"))
        await admin.start()
        await admin.create_topics([NewTopic(self.topic, self._n_partitions, 1)])
        await admin.close()


BROKERS: tuple[type[Broker], ...] = (Nats, Redis, Mqtt, Amqp, Kafka)
