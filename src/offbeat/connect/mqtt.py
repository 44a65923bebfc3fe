"""MQTT: a session that outlives the watch, quality of service 1."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from offbeat.connect.addresses import Address
from offbeat.connect.contract import Batch, Position, Source
from offbeat.connect.decoding import decode_message
from offbeat.connect.loop import Loop
from offbeat.connect.queues import A_MOMENT, BATCH, SECONDS, ConfirmedSink
from offbeat.errors import DataError
from offbeat.parts import optional_part

__all__ = ["MQTTSink", "MQTTSource"]

A_DAY = 86_400
PORT = 1883
LARGEST = 2**28 - 2**17
"""Bytes of a message; a whole packet, with a topic of up to 2 ** 16, has 2 ** 28 at most."""


class _Client:
    """One connection, made anew by whoever uses it when it is gone."""

    def __init__(self, address: Address, session: str = "") -> None:
        self.zmqtt = optional_part("zmqtt", extra="live", needed_by="mqtt://")
        self.loop = Loop(self.zmqtt.MQTTError, quiet=("zmqtt",))
        self._url, self._session = urlsplit(address.url), session
        self.connection: Any = None

    async def connect(self) -> None:
        """Connect; messages of a session that was kept come at once."""
        made = self.zmqtt.create_client(
            self._url.hostname or "127.0.0.1",
            self._url.port or PORT,
            username=self._url.username,
            password=self._url.password,
            client_id=self._session,
            clean_session=not self._session,
            session_expiry_interval=A_DAY if self._session else 0,
            reconnect=self.zmqtt.ReconnectConfig(enabled=False),
            version="5.0",
        )
        self.connection = made
        await asyncio.wait_for(made.connect(), SECONDS)

    def let_go(self) -> None:
        """Disconnect; the broker keeps the session."""
        gone, self.connection = self.connection, None
        if gone is not None:
            with suppress(OSError):  # of a broker that is away no leave can be taken
                self.loop.do(asyncio.wait_for(gone.disconnect(), SECONDS))


class MQTTSource(Source):
    """Messages of a topic; MQTT has no positions, what was not acknowledged comes again.

    Parameters
    ----------
    address
        `mqtt://host:1883/plant/+/pump`. Option: `client=`, the name of the session, `offbeat` if
        not given: two watches need two. While nobody watches the broker keeps as many messages as
        it is told to (Mosquitto: `max_queued_messages`, 1000) and drops the rest.
    """

    holds_back = True  # brokers send some twenty messages before the first is acknowledged

    def __init__(self, address: Address) -> None:
        address.knows("client").needs_topic("topic")
        self.name, self._topic = address.name, address.topic
        self._client = _Client(address, address.option("client", "offbeat"))
        self._subscription: Any = None
        self._coming: asyncio.Future[Any] | None = None
        self._unsafe = list[Any]()

    def open(self, position: Position | None) -> None:
        """As `Source.open`."""
        del position
        self._client.let_go()
        self._unsafe = []
        try:
            self._client.loop.do(self._subscribe())
        except OSError:
            self._client.let_go()
            raise

    def take(self, patience: float) -> Batch | None:
        """As `Source.take`."""
        try:
            if self._client.connection is None:
                self.open(None)
            messages = self._client.loop.do(self._collect(patience))
        except OSError:
            self._client.let_go()
            raise
        self._unsafe += messages
        return Batch.joined(
            decode_message(each.payload, self.name, each.topic) for each in messages
        )

    def position(self) -> Position:
        """As `Source.position`."""
        return {}

    def acknowledge(self) -> None:
        """As `Source.acknowledge`; what cannot be acknowledged any more comes again."""
        unsafe, self._unsafe = self._unsafe, []
        try:
            self._client.loop.do(self._confirm(unsafe))
        except OSError:
            self._client.let_go()

    def close(self) -> None:
        """As `Source.close`; the session goes on, so nothing is unsubscribed."""
        self._client.let_go()
        self._client.loop.close()

    async def _subscribe(self) -> None:
        if self._coming is not None:  # of the connection before
            self._coming.cancel()
            await asyncio.gather(self._coming, return_exceptions=True)
            self._coming = None
        await self._client.connect()
        self._subscription = self._client.connection.subscribe(
            self._topic, qos=self._client.zmqtt.QoS.AT_LEAST_ONCE, auto_ack=False
        )
        await asyncio.wait_for(self._subscription.start(), SECONDS)

    async def _collect(self, patience: float) -> list[Any]:
        messages = await self._next(patience)
        while messages and len(messages) < BATCH:
            more = await self._next(A_MOMENT)
            if not more:
                break
            messages += more
        if not messages:
            await self._client.connection.ping(timeout=SECONDS)
        return messages

    async def _next(self, patience: float) -> list[Any]:
        """The next message; one that is being waited for is waited for the next time too."""
        if self._coming is None:
            self._coming = asyncio.ensure_future(self._subscription.get_message())
        done, _ = await asyncio.wait((self._coming,), timeout=patience)
        if not done:
            return []
        self._coming = None
        return [each.result() for each in done]

    async def _confirm(self, messages: list[Any]) -> None:
        for message in messages:
            await message.ack()


class MQTTSink(ConfirmedSink):
    """A message a reading and an event, to a topic.

    Parameters
    ----------
    address
        `mqtt://host:1883/topic`.
    """

    def __init__(self, address: Address) -> None:
        super().__init__()
        self.name = address.knows().needs_topic("topic").name
        self._topic, self._client = address.topic, _Client(address)

    def close(self) -> None:
        """As `Sink.close`."""
        self._let_go()
        self._client.loop.close()

    def _deliver(self, lines: list[str]) -> None:
        self._client.loop.do(self._send(lines))

    def _let_go(self) -> None:
        self._client.let_go()

    async def _send(self, lines: list[str]) -> None:
        if self._client.connection is None:
            await self._client.connect()
        publish, qos = self._client.connection.publish, self._client.zmqtt.QoS.AT_LEAST_ONCE
        bodies = [line.encode() for line in lines]
        size = max(map(len, bodies))
        if size > LARGEST:
            raise DataError(f"{self.name}: a message of {size:,} bytes is more than MQTT takes")
        sent = (publish(self._topic, body, qos=qos) for body in bodies)
        await asyncio.wait_for(asyncio.gather(*sent), SECONDS)
