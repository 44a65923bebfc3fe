"""Through real brokers: order, positions, kills, and a broker that goes away."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from brokers import BROKERS, Amqp, Broker, Kafka, Mqtt, Nats
from killing import Kills, identity, kill_again
from watchers import Running, Watchers, assert_same_readings, lines, ndjson, records, until

from offbeat.connect import (
    Outcome,
    Refused,
    WatchOptions,
    kafka,
    mqtt,
    queues,
    sink_of,
    source_of,
    watch,
)
from offbeat.errors import DataError


@pytest.fixture(params=BROKERS, ids=lambda each: each.__name__)
def broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
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


def messages() -> list[bytes]:
    return [json.dumps(row).encode() for row in records()]


def test_in_its_order_one_row_or_many_a_message(broker, calm, tmp_path, normal) -> None:
    out, letters, rows = tmp_path / "out", tmp_path / "dead", records()
    broker.send([*messages()[:50], b"poison", json.dumps(rows[50:]).encode()])
    source = broker.source()
    with Running(source, [str(out)], [str(normal)], dead_letters=str(letters)):
        until(lambda: len(lines(out, "reading")) == len(rows), "rows are missing")
    assert_same_readings(lines(out, "reading"), calm)
    assert len(lines(letters, "refused")) == 1


def test_what_was_acknowledged_does_not_come_again(broker: Broker) -> None:
    url = broker.source()
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


def test_when_a_message_is_lost_on_the_way_all_that_came_with_it_come_again(monkeypatch) -> None:
    broker = Nats()
    source: Any = source_of(broker.source())
    source.open(None)
    fetch = source._fetch

    async def with_a_hole(patience: float) -> list[Any]:
        monkeypatch.setattr(source, "_fetch", fetch)
        came = await fetch(patience)
        return [each for i, each in enumerate(came) if i != 2]

    monkeypatch.setattr(source, "_fetch", with_a_hole)
    broker.send([b'{"a": %d}' % number for number in range(5)])
    with pytest.raises(ConnectionError, match="asked for again"):
        source.take(1.0)
    assert taken(source, 5) == list(range(5))
    source.close()
    broker.close()


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
    way, out, sent = broker.way(), tmp_path / "out", messages()
    options = WatchOptions(first_delay=0.05, last_delay=0.2)
    source = broker.source(way)
    with Running(source, [str(out)], [str(normal)], options=options) as running:
        broker.send(sent[:100])
        until(lambda: len(lines(out, "reading")) == 100, "rows are missing")
        way.cut()
        if broker.lives_on:
            broker.send(sent[100:])
        until(lambda: len(running.said) == 1, "it was not said")
        way.mend()
        if not broker.lives_on:
            broker.send(sent[100:])
        until(lambda: len(lines(out, "reading")) == len(sent), "rows are missing")
    assert_same_readings(lines(out, "reading"), calm)
    assert ["is away" in each for each in running.said] == [True, False], running.said
    assert running.said[1].endswith("is back")


def test_a_sink_has_each_event_once(broker: Broker, tmp_path: Path, normal: Path) -> None:
    (tmp_path / "in.ndjson").write_text(ndjson(records()))
    source, to = f"{tmp_path}/in.ndjson?follow=no", broker.url
    for _ in range(2 if broker.knows_again else 1):  # the same rows again, as after a kill
        watch(source, [to, f"{tmp_path}/out"], [str(normal)], stop=Event())
        if not (tmp_path / "once").exists():
            (tmp_path / "out").rename(tmp_path / "once")
    found = [json.loads(each) for each in broker.received()]
    kept = [json.loads(each) for each in (tmp_path / "once").read_text().splitlines()]
    for of_kind in ({"time"}, {"phase"}):
        mine, theirs = ([each for each in all_ if of_kind & each.keys()] for all_ in (found, kept))
        assert {identity(each) for each in mine} == {identity(each) for each in theirs}
        if broker.knows_again:
            assert len({identity(each) for each in mine}) == len(mine)


def test_a_sink_that_goes_away_is_waited_for_and_said_once(
    broker: Broker, tmp_path: Path, normal: Path
) -> None:
    way, rows, path = broker.way(), records(), tmp_path / "in.ndjson"
    path.write_text(ndjson(rows[:100]))
    options = WatchOptions(first_delay=0.05, last_delay=0.2)
    to = f"{way.address}/{broker.topic}?only=events"
    with Running(str(path), [to, f"{tmp_path}/out"], [str(normal)], options=options) as running:
        until(lambda: len(lines(tmp_path / "out", "reading")) == 100, "rows are missing")
        way.cut()
        with path.open("a") as file:
            file.write(ndjson(rows[100:]))
        until(lambda: len(running.said) == 1, "it was not said")
        kept = lines(tmp_path / "out", "reading")
        assert len(kept) < len(rows), "it did not hold the source back"
        way.mend()
        until(lambda: len(lines(tmp_path / "out", "reading")) == len(rows), "rows are missing")
    came = {identity(json.loads(each)) for each in broker.received()}
    assert came == {identity(each) for each in lines(tmp_path / "out", "event")}
    assert ["is away" in each for each in running.said] == [True, False], running.said


def test_partitions_keep_the_order_of_each_series(tmp_path: Path, normal: Path, calm) -> None:
    kafka, out = Kafka(n_partitions=3), tmp_path / "out"
    kafka.send(messages())
    with Running(kafka.source(), [str(out), kafka.url], [str(normal)]):
        until(lambda: len(lines(out, "reading")) == len(calm), "rows are missing")
    assert_same_readings(lines(out, "reading"), calm)
    kafka.close()


@pytest.mark.parametrize("seconds", [0.12, 0.3])
def test_no_connection_is_left_behind_by_a_slow_broker(
    seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (kafka, queues):
        monkeypatch.setattr(module, "SECONDS", 0.2)
    broker = Kafka()
    broker.way().answer_after(seconds)
    source, sink = source_of(broker.source()), sink_of(broker.url)
    sink.put(Outcome(refused=[Refused.of(b"", "no text", "here")]))
    for end in (source, sink):
        with suppress(ConnectionError):
            source.open(None) if end is source else sink.flush()
        end.close()
    broker.close()
    gc.collect()  # what is left behind warns here


def test_what_is_too_large_goes_to_the_dead_letters(broker: Broker) -> None:
    if not broker.takes_large:
        pytest.skip("it takes no message as large")
    broker.send([b'{"a": 1}', b'{"a": "' + b"x" * 9 * 2**20 + b'"}', b'{"a": 2}'])
    source = source_of(broker.source())
    source.open(None)
    found, refused = list[int](), list[Refused]()
    until(lambda: _take(source, found, refused) == 2, "rows are missing")
    source.close()
    assert found == [1, 2]
    assert ["at most 8388608 bytes" in each.reason for each in refused] == [True]
    assert len(refused[0].content) <= 1000


def _take(source: Any, found: list[int], refused: list[Refused]) -> int:
    batch = source.take(0.1)
    found += [record["a"] for record in batch.records]
    refused += batch.refused
    source.acknowledge()
    return len(found)


@pytest.mark.parametrize(("kind", "mebibytes"), [(Nats, 2), (Kafka, 2), (Amqp, 129), (Mqtt, 2)])
def test_what_the_broker_does_not_take_is_one_clear_line(
    kind: type[Broker], mebibytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt, "LARGEST", 2**20)  # 256 MiB take too long
    broker = kind()
    sink = sink_of(broker.url)
    sink.open(None)
    series = "x" * mebibytes * 2**20
    sink.put(Outcome(readings=[{"series": series, "time": "2026-03-01T00:00:00Z"}]))
    with pytest.raises(DataError, match=r"a message of \d+,\d{3},\d{3} bytes is more than"):
        sink.flush()
    sink.close()
    broker.close()


def test_dead_letters_can_go_to_a_broker(broker: Broker) -> None:
    sink = sink_of(broker.url)
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
    arguments = [broker.source(), "--model", normal, "--to", out, "--checkpoint", tmp_path / "kept"]
    sent, parts = [json.dumps(row).encode() for row in rows], 4

    def feed(part: int) -> None:
        broker.send(sent[part * len(sent) // parts : (part + 1) * len(sent) // parts])

    kills = Kills(parts, seed=5, feed=feed)
    kill_again(watchers, log, arguments, kills, lambda: len(lines(out, "reading")) >= len(rows))
    assert_same_readings(lines(out, "reading"), lines(tmp_path / "calm", "reading"))
