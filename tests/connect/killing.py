"""A watch that is killed again and again, held against one that is not."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

from watchers import Watchers, is_running, random_seconds, until

from offbeat.connect.addresses import Address
from offbeat.connect.database import engine_of

__all__ = ["Kills", "compared", "events_in", "identity", "kill_again", "readings_in"]


@dataclass(frozen=True)
class Kills:
    """How a watch is killed.

    Parameters
    ----------
    n_kills
        How often.
    seed
        Of the moments.
    feed
        Is called with the number of each watch that was started: what comes to its source.
    between
        Is called after each kill.
    longest
        Seconds that a watch lives, at most.
    checkpoint
        If given, a watch is fed, and its time begins, once it has written this.
    """

    n_kills: int
    seed: int
    feed: Callable[[int], None] = lambda _: None
    between: Callable[[], None] = lambda: None
    longest: float = 0.4
    checkpoint: Path | None = None

    def await_checkpoint(self, since: float) -> None:
        """Return once a watch that began then has all that it needs to go on."""
        kept = self.checkpoint
        if kept is not None:
            until(lambda: kept.exists() and kept.stat().st_mtime > since, "no checkpoint")


def kill_again(
    watchers: Watchers, log: Path, arguments: Sequence[object], kills: Kills, done: Any
) -> int:
    """Start a watch and kill it; one more lives until it is done.

    Parameters
    ----------
    done
        Says whether all came; None: the watch ends by itself.

    Returns
    -------
    How many were alive when they were killed.
    """
    arguments, n_alive = [*arguments, "--every", "0.01"], 0
    for number, seconds in enumerate(random_seconds(kills.seed, kills.n_kills, kills.longest)):
        since = time.time()
        pid = watchers.start(log, *arguments)
        kills.await_checkpoint(since)
        kills.feed(number)
        Event().wait(seconds)
        if is_running(pid):
            watchers.end(pid, signal.SIGKILL)
            n_alive += 1
        else:
            assert done is None, log.read_text()
        kills.between()
    pid = watchers.start(log, *arguments)
    try:
        until(done or (lambda: not is_running(pid)), log.read_text())
    finally:
        if is_running(pid):
            watchers.end(pid)
    return n_alive


def identity(line: dict[str, Any]) -> tuple[Any, ...]:
    """What tells a line from others: the same one may come twice."""
    return tuple(line.get(name) for name in ("id", "phase", "end_time", "series", "time"))


def compared(
    mine: Iterable[dict[str, Any]], theirs: Iterable[dict[str, Any]]
) -> tuple[int, int, int]:
    """How many lines are missing, how many should not be there, how many came again."""
    came, wanted = Counter(map(identity, mine)), Counter(map(identity, theirs))
    again = sum(max(0, came[each] - wanted[each]) for each in wanted)
    return len(wanted.keys() - came.keys()), len(came.keys() - wanted.keys()), again


def events_in(database: str) -> set[tuple[str, ...]]:
    """Of an SQL sink; no id is there twice."""
    rows = _select(database, "id, series, kind, phase, start_time, end_time FROM offbeat_events")
    assert len({row[0] for row in rows}) == len(rows)
    return set(rows)


def readings_in(database: str) -> list[tuple[str, str, float]]:
    """Of an SQL sink."""
    return _select(database, "series, time, score FROM offbeat_readings ORDER BY series, time")


def _select(database: str, what: str) -> list[Any]:
    import sqlalchemy as sql

    engine = engine_of(Address.parse(database))
    with engine.connect() as connection:
        rows = [tuple(row) for row in connection.execute(sql.text(f"SELECT {what}"))]
    engine.dispose()
    return rows
