"""NATS JetStream: a durable pull consumer, and messages that the broker has confirmed."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from offbeat.connect.addresses import Address
from offbeat.connect.contract import Batch, Outcome, Position, Sink, Source
from offbeat.connect.decoding import decode_message
from offbeat.connect.loop import Loop
from offbeat.connect.outcome import identified_lines
from offbeat.errors import DataError
from offbeat.parts import optional_part

__all__ = ["JetStreamSink", "JetStreamSource"]

BATCH = 1_000
MOST_PENDING = 100_000
"""Messages that may be on the way or not yet safe."""
ACK_WAIT = 600.0
AT_ONCE = 500
"""Messages that are sent before the broker has confirmed the first."""


class _Client:
    """One connection, made anew by whoever uses it when it is gone."""

    def __init__(self, address: Address, needed_by: str) -> None:
        self._nats = optional_part("nats", extra="live", needed_by=needed_by)
        errors = optional_part("nats.errors", extra="live", needed_by=needed_by)
        self.too_large: type[Exception] = errors.MaxPayloadError
        self.loop = Loop(errors.Error)
        self._url = address.url
        self._connection: Any = None

    async def jetstream(self) -> Any:
        """Its streams; connects first if there is no connection."""
        if not self.is_connected:
            await self._let_go()
            self._connection = await self._nats.connect(
                self._url,
                allow_reconnect=False,  # the watch asks again, and says so
                max_reconnect_attempts=1,
                reconnect_time_wait=0,
                connect_timeout=2,
                error_cb=_said_elsewhere,
            )
        return self._connection.jetstream()

    @property
    def is_connected(self) -> bool:
        return self._connection is not None and self._connection.is_connected

    async def settle(self) -> None:
        """Return once the broker has all that was sent."""
        if self._connection is not None:
            await self._connection.flush()

    def close(self) -> None:
        self.loop.do(self._let_go())
        self.loop.close()

    async def _let_go(self) -> None:
        gone, self._connection = self._connection, None
        if gone is not None:
            with suppress(Exception):  # of a broker that is away no leave can be taken
                await gone.close()


class JetStreamSource(Source):
    """Messages of a stream in its order.

    The position is the number of the last message. When it opens, the durable consumer is made anew
    behind it: what a killed watch had fetched would else come after what is newer.

    Parameters
    ----------
    address
        `nats://host:4222/subject`. Options: `stream=`, found by the subject if not given;
        `durable=`, `offbeat` if not given: two watches need two.
    """

    def __init__(self, address: Address) -> None:
        address.knows("stream", "durable").needs_topic("subject")
        self.name, self._subject = address.name, address.topic
        self._stream, self._durable = address.option("stream"), address.option("durable", "offbeat")
        self._client = _Client(address, "nats://")
        self._subscription: Any = None
        self._last: Any = None
        self._sequence = self._delivered = 0
        self._known = False

    def open(self, position: Position | None) -> None:
        """As `Source.open`."""
        if position:
            self._sequence, self._known = position["sequence"], True
        self._subscription = None
        self._client.loop.do(self._subscribe())

    def take(self, patience: float) -> Batch | None:
        """As `Source.take`."""
        if self._subscription is None or not self._client.is_connected:
            self.open(None)
        messages = self._client.loop.do(self._fetch(patience))
        numbers, new = [each.metadata.sequence for each in messages], list[Any]()
        self._delivered += len(messages)
        first = self._delivered - len(messages) + 1
        if [each.consumer for each in numbers] != list(range(first, self._delivered + 1)):
            self._subscription = None  # none of them is taken: they come again
            raise ConnectionError("messages were lost on the way and are asked for again")
        for message, number in zip(messages, numbers, strict=True):
            if number.stream > self._sequence:
                self._sequence, self._known, self._last = number.stream, True, message
                new.append(message)
        return Batch.joined(decode_message(each.data, self.name, each.subject) for each in new)

    def position(self) -> Position:
        """As `Source.position`."""
        return {"sequence": self._sequence}

    def acknowledge(self) -> None:
        """As `Source.acknowledge`: the last message stands for all before it."""
        if self._last is not None and self._client.is_connected:
            last, self._last = self._last, None
            self._client.loop.do(self._confirm(last))

    def close(self) -> None:
        """As `Source.close`."""
        self._client.close()

    async def _subscribe(self) -> None:
        api, errors = (optional_part(f"nats.js.{each}", extra="live", needed_by="nats://")
                       for each in ("api", "errors"))  # fmt: skip
        streams = await self._client.jetstream()
        stream = self._stream or await streams.find_stream_name_by_subject(self._subject)
        try:
            before = await streams.consumer_info(stream, self._durable)
            if not self._known:
                self._sequence = before.ack_floor.stream_seq
            await streams.delete_consumer(stream, self._durable)
        except errors.NotFoundError:
            pass
        about = await streams.stream_info(stream)
        if about.state.last_seq < self._sequence:  # the stream was made anew
            self._sequence = 0
        config = api.ConsumerConfig(
            durable_name=self._durable,
            filter_subject=self._subject,
            ack_policy=api.AckPolicy.ALL,
            deliver_policy=api.DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=self._sequence + 1,
            max_ack_pending=MOST_PENDING,
            ack_wait=ACK_WAIT,
        )
        await streams.add_consumer(stream, config)
        self._delivered = 0
        self._subscription = await streams.pull_subscribe_bind(self._durable, stream)

    async def _fetch(self, patience: float) -> list[Any]:
        try:
            return list(await self._subscription.fetch(BATCH, timeout=patience))
        except TimeoutError:  # its own, and that of asyncio where the machine is slow
            return []

    async def _confirm(self, message: Any) -> None:
        await message.ack()
        await self._client.settle()


class JetStreamSink(Sink):
    """A message a reading and an event, each with an id by which JetStream knows it again.

    Parameters
    ----------
    address
        `nats://host:4222/subject`; a stream has to hold the subject.
    """

    def __init__(self, address: Address) -> None:
        self.name = address.knows().needs_topic("subject").name
        self._subject, self._client = address.topic, _Client(address, "nats://")
        self._waiting: dict[str, str] = {}

    def put(self, outcome: Outcome) -> None:
        """As `Sink.put`."""
        self._waiting |= identified_lines(outcome)

    def flush(self) -> None:
        """As `Sink.flush`."""
        while self._waiting:
            some = list(self._waiting.items())[:AT_ONCE]
            self._client.loop.do(self._send(some))
            for name, _ in some:
                del self._waiting[name]

    def close(self) -> None:
        """As `Sink.close`."""
        self._client.close()

    async def _send(self, messages: list[tuple[str, str]]) -> None:
        streams = await self._client.jetstream()
        try:
            await asyncio.gather(
                *(
                    streams.publish(self._subject, line.encode(), headers={"Nats-Msg-Id": name})
                    for name, line in messages
                )
            )
        except self._client.too_large:
            longest = max(len(line.encode()) for _, line in messages)
            raise DataError(
                f"{self.name}: a message of {longest:,} bytes is more than the server takes: raise "
                f"its max_payload"
            ) from None


async def _said_elsewhere(_: Exception) -> None:
    """The watch says what is away."""
