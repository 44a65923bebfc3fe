"""Watches that are killed 50 times each, from every source to every sink (`make bench-kills`).

Every case is one source and all sinks at once, over the code of the tests (`tests/connect`). Writes
`benchmarks/results/kills.md`. What was measured before is kept in `out/kills/`; delete a file there
to do it again.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import quote

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "connect")]

from brokers import BROKERS, Broker  # noqa: E402
from killing import Kills, compared, events_in, kill_again, readings_in  # noqa: E402
from test_watch_tables import fill  # noqa: E402
from watchers import Watchers, lines, model_file, ndjson, records  # noqa: E402

from kills_prometheus import Plant  # noqa: E402
from offbeat.connect import watch  # noqa: E402
from server.serving import postgres_database  # noqa: E402

KEPT, RESULTS = ROOT / "out" / "kills", ROOT / "benchmarks" / "results"
N_KILLS, LONGEST, DRAINED = 50, 0.4, 10
N_ROWS = 300
"""Rows of each of three pumps. Mosquitto keeps 1000 messages a session, so no more."""
SOURCES = ("file", "PostgreSQL", *(each.__name__ for each in BROKERS), "Prometheus")

Lines = list[dict[str, Any]]


@dataclass
class Case:
    """One source, and what its sinks have."""

    source: str
    folder: Path
    database: str
    brokers: dict[str, Broker]
    came: dict[str, Lines] = field(default_factory=dict)
    n_kills: int = 0

    @property
    def out(self) -> Path:
        """The file sink."""
        return self.folder / "out"

    @property
    def kept(self) -> Path:
        """The checkpoint."""
        return self.folder / "kept"

    def sinks(self) -> list[str]:
        """All of them."""
        return [str(self.out), self.database, *(each.url for each in self.brokers.values())]

    def after_kill(self) -> None:
        """Read now and then: Mosquitto keeps no more than 1000 messages for the reader."""
        self.n_kills += 1
        if self.n_kills % DRAINED == 0:
            self.drain()

    def drain(self) -> None:
        """Read what the brokers have."""
        for name, broker in self.brokers.items():
            self.came.setdefault(name, []).extend(map(json.loads, broker.received()))


def main() -> None:
    """Kill where it was not done yet, then make the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sources", nargs="*", default=SOURCES, choices=SOURCES)
    parser.add_argument("--kills", type=int, default=N_KILLS)
    options = parser.parse_args()
    KEPT.mkdir(parents=True, exist_ok=True)
    watchers = Watchers()
    try:
        for source in options.sources:
            kept = KEPT / f"{source}.json"
            if not kept.exists():
                print("killing", source, flush=True)
                kept.write_text(json.dumps(killed(source, options.kills, watchers)))
    finally:
        watchers.close()
    text = "\n".join(page()) + "\n"
    (RESULTS / "kills.md").write_text(text)
    print(text)


def killed(source: str, n_kills: int, watchers: Watchers) -> dict[str, Any]:
    """One case."""
    folder = KEPT / source
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with ExitStack() as stack:
        brokers = {each.__name__: each() for each in BROKERS}
        for broker in brokers.values():
            stack.callback(broker.close)
        database = stack.enter_context(postgres_database())
        case = Case(source, folder, database, brokers)
        if source == "Prometheus":
            plant = stack.enter_context(Plant(folder))
            return plant_killed(case, plant, n_kills, watchers)
        return rows_killed(case, n_kills, watchers, stack)


def rows_killed(case: Case, n_kills: int, watchers: Watchers, stack: ExitStack) -> dict[str, Any]:
    """Rows that are fed in parts, one a watch."""
    rows, model, path = records(N_ROWS), model_file(case.folder), case.folder / "in.ndjson"
    path.write_text(ndjson(rows))
    undisturbed(f"{path}?follow=no", case, model)
    moments = [list(some) for _, some in groupby(rows, key=itemgetter("time"))]
    path.write_text("")
    url, send = feeder(case, path, moments[0], stack)

    def feed(number: int) -> None:
        part = moments[number * len(moments) // n_kills : (number + 1) * len(moments) // n_kills]
        send([row for some in part for row in some])

    kills = Kills(n_kills, 7, feed, case.after_kill, LONGEST, case.kept)
    return held_against(case, url, model, kills, watchers)


def feeder(
    case: Case, path: Path, before: Lines, stack: ExitStack
) -> tuple[str, Callable[[Lines], None]]:
    """A source, and what gives it rows; a table has the first of them `before`."""
    if case.source == "file":

        def append(rows: Lines) -> None:
            with path.open("a") as file:
                file.write(ndjson(rows))

        return str(path), append
    if case.source == "PostgreSQL":
        database = stack.enter_context(postgres_database())
        fill(database, before)  # the table is there before it is asked
        url = f"{database}?query={quote('SELECT * FROM pumps')}&every=50ms"

        def insert(rows: Lines) -> None:
            fill(database, [row for row in rows if row not in before])

        return url, insert
    kind = {each.__name__: each for each in BROKERS}[case.source]
    broker = kind()
    stack.callback(broker.close)
    return broker.source(), lambda rows: broker.send([json.dumps(row).encode() for row in rows])


def undisturbed(source: str, case: Case, model: Path) -> None:
    """What a watch that lives has made of the same rows."""
    calm = [str(case.folder / "calm"), f"sqlite:///{case.folder}/calm.db"]
    watch(source, calm, [str(model)], stop=Event())


def plant_killed(case: Case, plant: Plant, n_kills: int, watchers: Watchers) -> dict[str, Any]:
    """A Prometheus that scrapes an exporter; the same span is asked for again afterwards."""
    kills = Kills(n_kills, 7, between=case.after_kill, longest=LONGEST, checkpoint=case.kept)
    found = killed_only(case, plant.source(2), plant.model, kills, watchers, plant.is_over)
    first = min(each["time"] for each in lines(case.out, "reading"))
    plant.ask_again(first, [str(case.folder / "calm")])
    return found | tallies(case, keys_only=True)


def held_against(
    case: Case, source: str, model: Path, kills: Kills, watchers: Watchers
) -> dict[str, Any]:
    """Killed, and compared with the undisturbed one."""
    n_wanted = len(lines(case.folder / "calm", "reading"))

    def done() -> bool:
        return len(lines(case.out, "reading")) >= n_wanted

    return killed_only(case, source, model, kills, watchers, done) | tallies(case)


def killed_only(
    case: Case,
    source: str,
    model: Path,
    kills: Kills,
    watchers: Watchers,
    done: Callable[[], bool],
) -> dict[str, Any]:
    """How many were alive when they were killed, and how long all took."""
    arguments: list[Any] = [source, "--model", model, "--checkpoint", case.kept]
    for sink in case.sinks():
        arguments += ["--to", sink]
    start = time.monotonic()
    n_alive = kill_again(watchers, case.folder / "log", arguments, kills, done)
    took = time.monotonic() - start
    case.drain()
    return {"kills": n_alive, "rows": len(lines(case.out, "reading")), "seconds": took}


def tallies(case: Case, keys_only: bool = False) -> dict[str, Any]:
    """Of each sink: missing, not wanted, more than once."""
    calm = both(case.folder / "calm")
    if keys_only:  # what is open at the first row depends on what was before
        ends = [each["time"] for each in lines(case.out, "reading")]
        calm = [e for e in calm if e["type"] == "reading" and min(ends) <= e["time"] <= max(ends)]
    found = {"file": compared(of_kind(both(case.out), keys_only), calm)}
    for name, came in case.came.items():
        found[name] = compared(of_kind(came, keys_only), calm)
    return {"sinks": found | {"PostgreSQL": in_sql(case, calm, keys_only)}}


def in_sql(case: Case, calm: Lines, keys_only: bool) -> tuple[int, int, int]:
    """Rows of both tables that are missing, not wanted, there twice."""
    mine = {row[:2] for row in readings_in(case.database)}
    theirs = {(e["series"], e["time"]) for e in calm if e["type"] == "reading"}
    came, wanted = events_in(case.database), set[Any]()
    if not keys_only:
        wanted = events_in(f"sqlite:///{case.folder}/calm.db")
    missing, more = len(theirs - mine) + len(wanted - came), len(mine - theirs)
    twice = len(readings_in(case.database)) - len(mine)
    return missing, more + (0 if keys_only else len(came - wanted)), twice


def both(path: Path) -> Lines:
    """Readings and events of a file."""
    return [*lines(path, "reading"), *lines(path, "event")]


def of_kind(came: Sequence[dict[str, Any]], keys_only: bool) -> Lines:
    """All, or readings alone."""
    return [each for each in came if not keys_only or each["type"] == "reading"]


def page() -> list[str]:
    """The table."""
    sinks = ("PostgreSQL", "file", *(each.__name__ for each in BROKERS))
    made = [
        "# Watches that are killed",
        "",
        f"{platform.machine()}, {os.cpu_count()} cores, shared with other work (load "
        f"{os.getloadavg()[0]:.1f} at the end). Made by `make bench-kills`. A watch is ended by",
        f"SIGKILL again and again, each time at a random moment of the first {LONGEST:g} seconds",
        "after new rows came; each goes on from the checkpoint, the last may live. All sinks are",
        "fed at once. In a cell: lines of the undisturbed run that are missing / lines that it has",
        "not / lines that came again. SQL, files and JetStream alone promise that none came again.",
        "Kafka is librdkafka's mock cluster. Of Prometheus, a real one that scrapes an",
        "exporter every second, the readings alone are compared.",
        "",
        f"| source | kills | rows | seconds | {' | '.join(sinks)} |",
        "|" + "---|" * (4 + len(sinks)),
    ]
    for source in SOURCES:
        path = KEPT / f"{source}.json"
        if path.exists():
            found = json.loads(path.read_text())
            cells = [source, found["kills"], f"{found['rows']:,}", f"{found['seconds']:.0f}"]
            cells += [" / ".join(map(str, found["sinks"][name])) for name in sinks]
            made.append(f"| {' | '.join(map(str, cells))} |")
    return made


if __name__ == "__main__":
    main()
