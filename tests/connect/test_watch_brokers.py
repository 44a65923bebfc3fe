"""Through real brokers: order, positions, kills, and a broker that goes away."""

from __future__ import annotations

import asyncio
import json
import secrets
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit

import pytest
from cutting_proxy import CuttingProxy
from watchers import (
    Watchers,
    assert_same_readings,
    is_running,
    lines,
    ndjson,
    needed,
    random_seconds,
    records,
    until,
)

from offbeat.connect import Outcome, Refused, WatchOptions, sink_of, source_of, watch

nats = pytest.importorskip("nats")
redis = pytest.importorskip("redis")
aio_pika = pytest.importorskip("aio_pika")
pytest.importorskip("zmqtt")


def reach(address: str) -> None:
    parts = urlsplit(address)
    socket.create_connection((parts.hostname, parts.port), timeout=2).close()  # type: ignore[arg-type]


class Nats:
    """A stream that is gone afterwards."""

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
            sub = await js.pull_subscribe(self.topic, durable="reader")
            return [each.data for each in await sub.fetch(5000, timeout=0.3)]

        return self._do(fetch)

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


class Redis:
    """A stream that is gone afterwards."""

    def __init__(self) -> None:
        self.address = needed("OFFBEAT_TEST_REDIS", "redis://127.0.0.1:6379", reach)
        self.topic = f"offbeat-{secrets.token_hex(4)}"
        self._redis = redis.Redis.from_url(self.address)

    def send(self, messages: list[bytes]) -> None:
        pipeline = self._redis.pipeline()
        for message in messages:
            pipeline.xadd(self.topic, {"data": message})
        pipeline.execute()

    def received(self) -> list[bytes]:
        return [fields[b"data"] for _, fields in self._redis.xrange(self.topic)]

    def close(self) -> None:
        self._redis.delete(self.topic)
        self._redis.close()


class Queue:
    """A queue or topic that is filled and read through sinks and sources."""

    variable = default = options = ""

    def __init__(self) -> None:
        self.address = needed(self.variable, self.default, reach)
        self.topic = f"offbeat-{secrets.token_hex(4)}"
        self._url = f"{self.address}/{self.topic}"
        self._sink = sink_of(self._url)
        for who in ("watch", "reader"):  # from here on messages are kept for both
            source = source_of(self._url + self.options.format(who))
            source.open(None)
            source.close()
        self._sink.open(None)

    def send(self, messages: list[bytes]) -> None:
        self._sink._waiting += [each.decode() for each in messages]  # type: ignore[attr-defined]
        self._sink.flush()

    def received(self) -> list[bytes]:
        source = source_of(self._url + self.options.format("reader"))
        source.open(None)
        found = list[bytes]()
        while batch := source.take(0.3):
            found += [json.dumps(each).encode() for each in batch.records]
            source.acknowledge()
        source.close()
        return found

    def close(self) -> None:
        self.received()
        self._sink.close()


class Mqtt(Queue):
    variable, default = "OFFBEAT_TEST_MQTT", "mqtt://127.0.0.1:1883"
    options = "?client={}"

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


def url_of(broker: Any, address: str = "") -> str:
    """What is watched."""
    options = getattr(broker, "options", "").format("watch")
    return f"{address or broker.address}/{broker.topic}{options}"


@pytest.fixture(params=[Nats, Redis, Mqtt, Amqp])
def broker(request: pytest.FixtureRequest) -> Iterator[Any]:
    made = request.param()
    yield made
    made.close()


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory, normal: Path) -> list[dict[str, Any]]:
    """Readings of the undisturbed run."""
    folder = tmp_path_factory.mktemp("calm")
    (folder / "in.ndjson").write_text(ndjson(records()))
    watch(f"{folder}/in.ndjson?follow=no", [f"{folder}/out"], [str(normal)], stop=Event())
    return lines(folder / "out", "reading")


class Running:
    """A watch in a thread."""

    def __init__(self, *given: Any, **named: Any) -> None:
        self.said, self._stop = list[str](), Event()
        named = {"say": self.said.append, "stop": self._stop, **named}
        self._thread = Thread(target=watch, args=given, kwargs=named)
        self._thread.start()

    def end(self) -> None:
        self._stop.set()
        self._thread.join()


def messages() -> list[bytes]:
    return [json.dumps(row).encode() for row in records()]


def test_in_its_order_one_row_or_many_a_message(broker, calm, tmp_path, normal) -> None:
    out, letters, rows = tmp_path / "out", tmp_path / "dead", records()
    broker.send([*messages()[:50], b"poison", json.dumps(rows[50:]).encode()])
    source = url_of(broker)
    running = Running(source, [str(out)], [str(normal)], dead_letters=str(letters))
    until(lambda: len(lines(out, "reading")) == len(rows), "rows are missing")
    running.end()
    assert_same_readings(lines(out, "reading"), calm)
    assert len(lines(letters, "refused")) == 1


def test_what_was_acknowledged_does_not_come_again(broker: Any) -> None:
    url = url_of(broker)
    broker.send([b'{"a": %d}' % number for number in range(5)])
    source = source_of(url)
    source.open(None)
    assert taken(source, 5) == [0, 1, 2, 3, 4]
    source.acknowledge()
    position = source.position()
    broker.send([b'{"a": 5}', b'{"a": 6}'])
    assert taken(source, 2) == [5, 6]
    source.close()  # killed before it was safe
    for where in (None, position):  # without a checkpoint and with one
        again = source_of(url)
        again.open(where)
        assert taken(again, 2) == [5, 6]
        again.close()


def taken(source: Any, n_wanted: int) -> list[int]:
    found = list[int]()
    for _ in range(50):
        found += [record["a"] for record in source.take(0.1).records]
        if len(found) >= n_wanted:
            break
    return found


def test_a_broker_that_goes_away_is_waited_for_and_said_once(
    broker, calm, tmp_path: Path, normal: Path
) -> None:
    proxy, out, sent = CuttingProxy(broker.address), tmp_path / "out", messages()
    options = WatchOptions(first_delay=0.05, last_delay=0.2)
    source = url_of(broker, proxy.address)
    running = Running(source, [str(out)], [str(normal)], options=options)
    broker.send(sent[:100])
    until(lambda: len(lines(out, "reading")) == 100, "rows are missing")
    proxy.cut()
    broker.send(sent[100:])
    until(lambda: len(running.said) == 1, "it was not said")
    proxy.mend()
    until(lambda: len(lines(out, "reading")) == len(sent), "rows are missing")
    running.end()
    assert_same_readings(lines(out, "reading"), calm)
    assert ["is away" in each for each in running.said] == [True, False], running.said
    assert running.said[1].endswith("is back")


def test_a_sink_has_each_event_once(broker: Any, tmp_path: Path, normal: Path) -> None:
    (tmp_path / "in.ndjson").write_text(ndjson(records()))
    source, to = f"{tmp_path}/in.ndjson?follow=no", f"{broker.address}/{broker.topic}"
    for _ in range(2 if isinstance(broker, Nats) else 1):  # the same rows again, as after a kill
        watch(source, [to, f"{tmp_path}/out"], [str(normal)], stop=Event())
        if not (tmp_path / "once").exists():
            (tmp_path / "out").rename(tmp_path / "once")
    found = [json.loads(each) for each in broker.received()]
    kept = [json.loads(each) for each in (tmp_path / "once").read_text().splitlines()]
    for of_kind in ({"time"}, {"phase"}):
        mine, theirs = ([each for each in all_ if of_kind & each.keys()] for all_ in (found, kept))
        assert {identity(each) for each in mine} == {identity(each) for each in theirs}
        if isinstance(broker, Nats):
            assert len({identity(each) for each in mine}) == len(mine)


def identity(line: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(line.get(name) for name in ("id", "phase", "end_time", "series", "time"))


def test_dead_letters_can_go_to_a_broker(broker: Any) -> None:
    sink = sink_of(f"{broker.address}/{broker.topic}")
    sink.open(None)
    sink.put(Outcome(refused=[Refused.of(b"\xff", "no text", "here")]))
    sink.flush()
    sink.close()
    assert [json.loads(each)["reason"] for each in broker.received()] == ["no text"]


def test_killed_again_and_again_nothing_is_lost(
    broker, tmp_path: Path, normal: Path, watchers: Watchers
) -> None:
    rows, out, log = records(300), tmp_path / "out", tmp_path / "log"
    assert len(rows) < 1000, "Mosquitto keeps no more for a session, however slow the watch is"
    (tmp_path / "in.ndjson").write_text(ndjson(rows))
    watch(f"{tmp_path}/in.ndjson?follow=no", [f"{tmp_path}/calm"], [str(normal)], stop=Event())
    arguments = [url_of(broker), "--model", normal, "--to", out]
    arguments += ["--checkpoint", tmp_path / "kept", "--every", "0.01"]
    sent = [json.dumps(row).encode() for row in rows]
    parts = 4
    for part, seconds in enumerate(random_seconds(5, parts, 0.4)):
        pid = watchers.start(log, *arguments)
        broker.send(sent[part * len(sent) // parts : (part + 1) * len(sent) // parts])
        Event().wait(seconds)
        assert is_running(pid), log.read_text()
        watchers.end(pid, signal.SIGKILL)
    pid = watchers.start(log, *arguments)
    until(lambda: len(lines(out, "reading")) >= len(rows), log.read_text())
    watchers.end(pid)
    assert_same_readings(lines(out, "reading"), lines(tmp_path / "calm", "reading"))
