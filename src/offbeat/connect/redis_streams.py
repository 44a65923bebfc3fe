"""Redis streams: a consumer group, what was not safe first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from offbeat.connect.addresses import Address
from offbeat.connect.contract import Batch, Outcome, Position, Sink, Source
from offbeat.connect.decoding import cell, decode_message
from offbeat.connect.outcome import lines_of
from offbeat.parts import optional_part

__all__ = ["RedisSink", "RedisSource"]

T = TypeVar("T")
BATCH = 1_000
BODIES = (b"data", b"message", b"payload", b"body")
"""Names of the one field of an entry that is a whole message of JSON."""


class _Client:
    """One connection, made anew when it is gone."""

    def __init__(self, address: Address) -> None:
        self._redis = optional_part("redis", extra="live", needed_by="redis://")
        self._connection = self._redis.Redis.from_url(address.url, socket_connect_timeout=2)

    def do(self, action: Callable[[Any], T]) -> T:
        """The result of a command.

        Raises
        ------
        ConnectionError
            If Redis is away, or full, or starting.
        """
        errors = self._redis.exceptions
        try:
            return action(self._connection)
        except errors.RedisError as problem:
            raise ConnectionError(str(problem)) from None

    def close(self) -> None:
        self._connection.close()


class RedisSource(Source):
    """Entries of a stream in its order; the position is the last id.

    Parameters
    ----------
    address
        `redis://host:6379/stream`. Options: `group=` and `consumer=`, `offbeat` if not given. An
        entry is one field `data` of JSON, or its fields are those of a record.
    """

    def __init__(self, address: Address) -> None:
        address.knows("group", "consumer").needs_topic("stream")
        self.name, self._stream = address.name, address.topic
        self._group = address.option("group", "offbeat")
        self._consumer = address.option("consumer", "offbeat")
        self._client = _Client(address)
        self._last, self._pending_from = (0, 0), "0"
        self._taken = list[bytes]()

    def open(self, position: Position | None) -> None:
        """As `Source.open`."""
        if position:
            self._last = _parts(position["id"])
        self._pending_from = "0"
        self._client.do(self._make_group)

    def take(self, patience: float) -> Batch | None:
        """As `Source.take`: what was delivered and is not safe, then what is new."""
        start = self._pending_from or ">"
        try:
            entries = self._client.do(lambda redis: self._read(redis, start, patience))
        except OSError:
            self._pending_from = "0"  # what was lost on the way is pending
            raise
        if self._pending_from:
            self._pending_from = entries[-1][0].decode() if entries else ""
        new = list[Mapping[bytes, bytes]]()
        for name, fields in entries:
            self._taken.append(name)
            if fields and _parts(name) > self._last:
                self._last = _parts(name)
                new.append(fields)
        return Batch.joined(map(self._decode, new))

    def position(self) -> Position:
        """As `Source.position`."""
        return {"id": "{}-{}".format(*self._last)}

    def acknowledge(self) -> None:
        """As `Source.acknowledge`."""
        if self._taken:
            taken = self._taken
            self._client.do(lambda redis: redis.xack(self._stream, self._group, *taken))
            self._taken = []

    def close(self) -> None:
        """As `Source.close`."""
        self._client.close()

    def _make_group(self, redis: Any) -> None:
        from redis.exceptions import ResponseError

        try:
            redis.xgroup_create(self._stream, self._group, id="0", mkstream=True)
        except ResponseError as problem:
            if "BUSYGROUP" not in str(problem):
                raise

    def _read(self, redis: Any, start: str, patience: float) -> list[Any]:
        answer = redis.xreadgroup(
            self._group,
            self._consumer,
            {self._stream: start},
            count=BATCH,
            block=max(1, round(patience * 1000)),
        )
        pairs = answer.items() if isinstance(answer, Mapping) else answer
        return [entry for _, entries in pairs or () for entry in _flat(entries)]

    def _decode(self, fields: Mapping[bytes, bytes]) -> Batch:
        if len(fields) == 1 and next(iter(fields)) in BODIES:
            return decode_message(next(iter(fields.values())), self.name, self._stream)
        texts = {k.decode(errors="replace"): v.decode(errors="replace") for k, v in fields.items()}
        return Batch([{"topic": self._stream, **{k: cell(v) for k, v in texts.items()}}])


class RedisSink(Sink):
    """An entry a reading and an event, with one field `data` of JSON.

    Parameters
    ----------
    address
        `redis://host:6379/stream`. Option: `most=`, entries that are kept, about a million if not
        given.
    """

    def __init__(self, address: Address) -> None:
        address.knows("most").needs_topic("stream")
        self.name, self._stream = address.name, address.topic
        self._most = round(address.number("most", 1e6))
        self._client = _Client(address)
        self._waiting = list[str]()

    def put(self, outcome: Outcome) -> None:
        """As `Sink.put`."""
        self._waiting += lines_of(outcome)

    def flush(self) -> None:
        """As `Sink.flush`."""
        if self._waiting:
            self._client.do(self._send)
            self._waiting.clear()

    def close(self) -> None:
        """As `Sink.close`."""
        self._client.close()

    def _send(self, redis: Any) -> None:
        """All or nothing."""
        pipeline = redis.pipeline(transaction=True)
        for line in self._waiting:
            pipeline.xadd(self._stream, {"data": line.strip()}, maxlen=self._most, approximate=True)
        pipeline.execute()


def _flat(entries: Any) -> list[Any]:
    """Entries of one stream; the client wraps them once more in its newer protocol."""
    is_wrapped = len(entries) == 1 and isinstance(entries[0], list) and entries[0]
    return list(entries[0]) if is_wrapped and isinstance(entries[0][0], tuple | list) else entries


def _parts(name: str | bytes) -> tuple[int, int]:
    text = name.decode() if isinstance(name, bytes) else name
    time, _, number = text.partition("-")
    return int(time), int(number or 0)
