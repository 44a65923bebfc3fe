"""From files to files and SQL: what comes in comes out once, whatever happens in between."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tracemalloc
from pathlib import Path
from threading import Event

import pytest
from killing import Kills, events_in, kill_again, readings_in
from watchers import (
    Running,
    Watchers,
    assert_same_readings,
    hour,
    is_running,
    lines,
    ndjson,
    records,
    until,
)

from offbeat.connect import Fields, Outcome, Refused, Sink, WatchOptions, watch
from offbeat.connect.addresses import Address
from offbeat.connect.decoding import LARGEST_MESSAGE
from offbeat.connect.growing import FileSource
from offbeat.connect.watching import Watch
from offbeat.errors import ConfigError, DataError
from offbeat.stream import Checkpoint


def watched(source: str, out: Path, model: Path, **options: object) -> list[dict]:
    watch(source, [str(out)], [str(model)], stop=Event(), say=lambda _: None, **options)  # type: ignore[arg-type]
    return lines(out, "reading")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "in.ndjson"
    path.write_text(ndjson(records()))
    return path


def test_every_row_is_said_once_and_events_open_and_close(table: Path, normal: Path) -> None:
    out = table.with_name("out.ndjson")
    said = watched(f"{table}?follow=no", out, normal)
    assert len(said) == len(records())
    found = lines(out, "event")
    for series in ("pump a", "pump b", "pump c"):
        phases = [e["phase"] for e in found if e["series"] == series and e["kind"] == "anomaly"]
        assert phases.count("opened") == phases.count("closed") >= 1
    assert all(e["start_time"].endswith("Z") for e in found)


def test_a_sink_may_want_events_only(table: Path, normal: Path) -> None:
    both, quiet = (table.with_name(name) for name in ("both", "quiet"))
    watch(f"{table}?follow=no", [f"{quiet}?only=events", str(both)], [str(normal)], stop=Event())
    alone = table.with_name("alone")
    watch(f"{table}?follow=no", [f"{alone}?only=events"], [str(normal)], stop=Event())
    assert lines(quiet, "reading") == []
    assert lines(quiet, "event") == lines(both, "event") == lines(alone, "event")
    with pytest.raises(ConfigError, match="only=readings must be events"):
        watch("x", ["y?only=readings"], [str(normal)], stop=Event())


def test_csv_and_json_lines_say_the_same(table: Path, normal: Path) -> None:
    rows = records()
    names = list(rows[0])
    cells = [["" if r[n] is None else str(r[n]) for n in names] for r in rows]
    path = table.with_name("in.csv")
    path.write_text("\n".join(";".join(each) for each in [names, *cells]) + "\n")
    said = watched(f"{path}?follow=no", path.with_name("a.ndjson"), normal)
    assert_same_readings(said, watched(f"{table}?follow=no", path.with_name("b"), normal))


def test_a_label_that_came_with_the_rows_is_no_channel(table: Path, normal: Path) -> None:
    labelled = table.with_name("labelled.ndjson")
    labelled.write_text(ndjson([{**row, "is_anomaly": 0} for row in records()]))
    said = watched(f"{labelled}?follow=no", table.with_name("a.ndjson"), normal)
    assert_same_readings(said, watched(f"{table}?follow=no", table.with_name("b"), normal))


def test_a_file_that_grows_turns_over_and_is_cut_short_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "log.ndjson"
    path.write_text('{"a": 1}\n{"a": 2}\n{"a": ')
    source = FileSource(Address.parse(str(path)))
    source.open(None)

    def came() -> list[int]:
        found = list[int]()
        while batch := source.take(0.0):
            found += [record["a"] for record in batch.records]
        return found

    assert came() == [1, 2]
    with path.open("a") as file:
        file.write('3}\n{"a": 4}\n')
    path.rename(tmp_path / "log.1")
    assert came() == [3, 4]
    position = source.position()
    with (tmp_path / "log.1").open("a") as file:
        file.write('{"a": 5}\n')
    path.write_text('{"a": 6}\n')
    source.open(position)  # as after a kill
    assert came() == [5, 6]
    path.write_text("")
    assert came() == []
    path.write_text('{"a": 7}\n')
    assert came() == [7]
    position = source.position()
    path.unlink()
    path.write_text('{"b": 1}\n{"a": 8}\n')  # another file, perhaps with the same inode
    source.open(position)
    assert [dict(each) for each in source.take(0.0).records] == [{"b": 1}, {"a": 8}]  # type: ignore[union-attr]
    source.close()


POISON = {
    b"no json\n": "JSON was expected",
    b'{"time": "2026-03-01T00:00:00Z", "flow": NaN}\n': "NaN is no number in JSON",
    b'{"time": "2026-03-01T00:00:00Z", "flow": "high"}\n': "a number was expected, 'high' came",
    b'{"time": "2026-03-01T00:00:00Z", "flow": 1e200}\n': "a number was expected",
    b'{"time": "2026-03-01T00:00:00Z", "flwo": 1}\n': "no channel 'flwo': did you mean 'flow'",
    b'{"time": "yesterday", "flow": 1}\n': "a time stamp",
    b'{"flow": 1}\n': "a time stamp was expected, None came",
    b"[[[1]]]\n": "an object of fields was expected, list came",
    b"[" * 100_000 + b"\n": "JSON was expected",
    b'{"flow": "' + b"x" * 9_000_000 + b'"}\n': "at most",
}


def test_poison_goes_to_the_dead_letters_and_the_stream_goes_on(table: Path, normal: Path) -> None:
    rows, mixed = records(), table.with_name("mixed.ndjson")
    calm = watched(f"{table}?follow=no", table.with_name("calm"), normal)
    poison = list(POISON)
    with mixed.open("wb") as file:
        for number, row in enumerate(rows):
            file.write(poison[number] if number < len(poison) else b"")
            file.write(json.dumps(row).encode() + b"\n")
    letters = table.with_name("dead.ndjson")
    said = watched(f"{mixed}?follow=no", table.with_name("out"), normal, dead_letters=str(letters))
    assert_same_readings(said, calm)
    refused = lines(letters, "refused")
    for reason in POISON.values():
        assert any(reason in each["reason"] for each in refused), reason
    assert len(refused) == len(POISON)
    assert all(len(each["content"]) <= 1000 for each in refused)


def test_a_row_from_2099_is_a_dead_letter_and_disturbs_nobody(table: Path, normal: Path) -> None:
    rows = records()
    far = [{**rows[number], "time": "2099-01-01T00:00:00Z"} for number in (100, 205)]
    path = table.with_name("far.ndjson")
    path.write_text(ndjson([*rows[:100], far[0], *rows[100:200], far[1], *rows[200:]]))
    found = list[tuple[list[str], list[str]]]()
    for name, source in (("calm", table), ("odd", path)):
        out, dead = table.with_name(name), table.with_name(f"{name} dead")
        with Running(str(source), [str(out)], [str(normal)], dead_letters=str(dead)):
            until(lambda: len(lines(out, "reading")) == len(rows), "rows are missing")  # noqa: B023
        letters = [each["reason"] for each in lines(dead, "refused")]
        found.append(([each["id"] for each in lines(out, "event")], letters))
    (calm, none), (odd, letters) = found
    assert odd == calm
    assert none == []
    reason = "the time 2099-01-01T00:00:00Z is far ahead of its series, and the rows after it were"
    assert [reason in each for each in letters] == [True, True]
    assert_same_readings(
        lines(table.with_name("odd"), "reading"), lines(table.with_name("calm"), "reading")
    )


N_LONG = 100 * 2**20


def test_a_line_of_100_mb_in_a_file_is_never_kept_whole(tmp_path: Path) -> None:
    path = tmp_path / "in.ndjson"
    with path.open("wb") as file:
        file.write(b'{"a": 1}\n{"a": "')
        file.truncate(N_LONG)  # nothing but zeros, which take no room on the disk
        file.seek(0, os.SEEK_END)
        file.write(b'\n{"a": 2}\n')
    source = FileSource(Address.parse(f"{path}?follow=no"))
    source.open(None)
    found, refused = list[object](), list[Refused]()
    tracemalloc.start()
    while (batch := source.take(0.0)) is not None:
        found += [record["a"] for record in batch.records]
        refused += batch.refused
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == [1, 2]
    assert peak < 3 * LARGEST_MESSAGE
    (letter,) = refused
    assert "at most 8388608 bytes a line were expected, 104857591 came" in letter.reason
    assert len(letter.content) <= 1000
    position = source.position()
    assert position["offset"] == path.stat().st_size
    source.close()


POISONED = """
import resource, sys
from offbeat import cli, connect, stream
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
code = cli.run(cli.app, ["watch", "-", *sys.argv[1:]])
print("grown by", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, "KiB")
sys.exit(code)
"""


@pytest.mark.slow
def test_a_line_of_100_mb_through_standard_input_takes_no_memory(table: Path, normal: Path) -> None:
    rows = ndjson(records()[:60]).encode()
    out, dead = table.with_name("out"), table.with_name("dead")
    command = [sys.executable, "-c", POISONED, "--model", normal, "--to", out]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*map(str, command), "--dead-letters", str(dead)],
        input=rows + b'{"flow": "' + b"x" * N_LONG + b'"}\n' + ndjson(records()[60:]).encode(),
        env=environment,
        capture_output=True,
        check=True,
    )
    grown = int(done.stdout.split()[-2])
    assert grown < 60_000, done.stdout  # KiB; a model is loaded, too
    assert len(lines(out, "reading")) == len(records())
    (letter,) = lines(dead, "refused")
    assert "104857612 came" in letter["reason"]
    assert dead.stat().st_size < 2_000


def test_pointers_patterns_and_series_without_a_model(tmp_path: Path, normal: Path) -> None:
    path, out, letters = (tmp_path / name for name in ("in.ndjson", "out", "dead"))
    path.write_text(
        ndjson(
            [
                {"at": {"t": hour(i)}, "who": name, "data": [{"flow": 1.0}, i], "unit": "bar"}
                for i in range(30)
                for name in ("north 1", "south 1")
            ]
        )
    )
    fields = Fields.parse("/at/t", "who", "flow=/data/0/flow")
    models = [f"north *={normal}"]
    tally = watch(f"{path}?follow=no", [str(out)], models, fields=fields, dead_letters=str(letters))
    assert (tally["rows"], tally["refused"]) == (30, 30)
    assert {each["series"] for each in lines(out, "reading")} == {"north 1"}
    assert "no model for the series 'south 1'" in lines(letters, "refused")[0]["reason"]


def test_a_series_without_a_model_is_learned_when_enough_has_come(tmp_path: Path) -> None:
    path, out, kept = tmp_path / "in.ndjson", tmp_path / "out", tmp_path / "kept"
    rows = [each for each in records(200, ("pump a",)) if each["flow"] is not None]
    path.write_text(ndjson(rows[:100]))
    options = WatchOptions(checkpoint=kept)
    with Running(str(path), [str(out)], learn=80, options=options):
        until(lambda: any((tmp_path / "kept.models").glob("*")), "nothing was learned")
        with path.open("a") as file:
            file.write(ndjson(rows[100:]))
        until(lambda: len(lines(out, "reading")) >= len(rows), "rows are missing")
    said = lines(out, "reading")
    assert [each["missing"] for each in said[:80]] == list(range(79, -1, -1))
    assert any(each["score"] is not None for each in said[100:])
    again = watch(f"{path}?follow=no", [str(out)], learn=80, options=options, stop=Event())
    assert again["rows"] == 0


class Torn(Sink):
    """A sink that refuses at first."""

    name = "torn"

    def __init__(self) -> None:
        self.n_left, self.came = 3, 0

    def put(self, outcome: Outcome) -> None:
        self.came += len(outcome.readings)

    def flush(self) -> None:
        self.n_left -= 1
        if self.n_left >= 0:
            raise OSError("the disk is full")


def test_a_sink_that_refuses_is_asked_again_and_said_once(table, normal, monkeypatch) -> None:
    torn, said = Torn(), list[str]()
    monkeypatch.setattr("offbeat.connect.workflow.sink_of", lambda _: torn)
    options = WatchOptions(first_delay=0.01)
    source = f"{table}?follow=no"
    tally = watch(source, ["x"], [str(normal)], options=options, stop=Event(), say=said.append)
    assert torn.came == tally["rows"] == len(records())
    assert said == ["torn is away: the disk is full; tried again until it is back", "torn is back"]


def test_a_disk_that_is_full_is_waited_for(table, normal, monkeypatch) -> None:
    write, n_left, said = Checkpoint.write, [2], list[str]()

    def full(self: Checkpoint, path: Path) -> Path:
        n_left[0] -= 1
        if n_left[0] >= 0:
            raise DataError("kept cannot be written: No space left on device")
        return write(self, path)

    monkeypatch.setattr(Checkpoint, "write", full)
    options = WatchOptions(checkpoint=table.with_name("kept"), first_delay=0.01)
    to = [str(table.with_name("out"))]
    source = f"{table}?follow=no"
    watch(source, to, [str(normal)], options=options, stop=Event(), say=said.append)
    assert len(said) == 2
    assert "No space left" in said[0]
    missing = WatchOptions(checkpoint=table.with_name("no") / "kept")
    with pytest.raises(ConfigError, match="needs a folder"):
        watch(source, to, [str(normal)], options=missing, stop=Event())


@pytest.mark.parametrize(
    ("source", "to", "told"),
    [
        ("natz://h/x", "-", "natz:// is no source: did you mean 'nats'"),
        ("x.ndjson?folow=no", "-", "no option 'folow': did you mean 'follow'"),
        ("x.ndjson?format=xml", "-", "format=xml must be csv or ndjson"),
        ("nothing.ndjson?follow=no", "-", "is no file"),
        ("nothing.ndjson?follow=no", "no/folder/out", "cannot be written: No such file"),
        ("x", "mysql://h/x", "mysql:// is no sink"),
    ],
)
def test_mistakes_are_told(source: str, to: str, told: str, normal: Path) -> None:
    if "natz" in source:
        told = told.partition(": did")[0]
    with pytest.raises((ConfigError, DataError), match=told.replace("?", ".")):
        watch(source, [to], [str(normal)], stop=Event(), say=lambda _: None)


# ------------------------------------------------------------ being killed


def test_killed_again_and_again_nothing_is_lost_and_nothing_is_twice(
    tmp_path: Path, normal: Path, watchers: Watchers
) -> None:
    path = tmp_path / "in.ndjson"
    path.write_text(ndjson(records(1000)))
    undisturbed, out = tmp_path / "undisturbed", tmp_path / "out.ndjson"
    calm = watched(f"{path}?follow=no", undisturbed, normal)
    watch(f"{path}?follow=no", [f"sqlite:///{undisturbed}.db"], [str(normal)], stop=Event())
    database, log = tmp_path / "killed.db", tmp_path / "log"
    arguments = [f"{path}?follow=no", "--model", normal, "--to", f"sqlite:///{database}"]
    arguments += ["--to", out, "--checkpoint", tmp_path / "kept"]
    assert kill_again(watchers, log, arguments, Kills(5, seed=3), None) >= 2, log.read_text()
    assert_same_readings(lines(out, "reading"), calm)
    mine, theirs = f"sqlite:///{database}", f"sqlite:///{undisturbed}.db"
    assert events_in(mine) == events_in(theirs)
    came, wanted = readings_in(mine), readings_in(theirs)
    assert [each[:2] for each in came] == [each[:2] for each in wanted]
    assert [s or 0 for *_, s in came] == pytest.approx([s or 0 for *_, s in wanted], rel=1e-4)


class KilledError(Exception):
    """What a test ends a watch with."""


def test_killed_before_its_first_row_is_safe_nothing_is_twice(table, normal, monkeypatch) -> None:
    calm, out = watched(f"{table}?follow=no", table.with_name("calm"), normal), table.with_name("o")

    def killed(_: Watch) -> None:
        raise KilledError

    options = WatchOptions(checkpoint=table.with_name("kept"), every=0)
    with monkeypatch.context() as patch:
        patch.setattr(Watch, "_settle", killed)
        with pytest.raises(KilledError):
            watched(f"{table}?follow=no", out, normal, options=options)
    assert lines(out, "reading")
    assert_same_readings(watched(f"{table}?follow=no", out, normal, options=options), calm)


def test_asked_to_stop_it_ends_in_order_and_goes_on(
    tmp_path: Path, normal: Path, watchers: Watchers
) -> None:
    path, out, log = (tmp_path / name for name in ("in.ndjson", "out", "log"))
    rows = records()
    path.write_text(ndjson(rows[:200]))
    arguments = [path, "--model", normal, "--to", out, "--checkpoint", tmp_path / "kept"]
    pid = watchers.start(log, *arguments)
    until(lambda: len(lines(out, "reading")) == 200, log.read_text() if log.exists() else "")
    watchers.end(pid)
    assert "200 rows" in log.read_text()
    with path.open("a") as file:
        file.write(ndjson(rows[200:]))
    pid = watchers.start(log, *arguments)
    until(lambda: len(lines(out, "reading")) == len(rows), log.read_text())
    os.kill(pid, signal.SIGINT)
    until(lambda: not is_running(pid), "the watch does not end")
    assert "goes on from" in log.read_text()
