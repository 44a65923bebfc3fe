"""One watcher: what its process does, from the row in the store to the last checkpoint.

It talks to the server over a pipe: it says "running", lines for people, and how it ended; anything
that comes, and a pipe that ends, means to stop in order.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Event, Thread
from typing import Any, Literal

import torch

from offbeat.connect import Fields, Watch, WatchOptions, sink_of, source_of
from offbeat.errors import OffbeatError
from offbeat.server.faults import ConflictError, NotThereError
from offbeat.server.files import DataFolder
from offbeat.server.jobs.queue import JobQueue
from offbeat.server.store import Store, WatcherRow, row_of
from offbeat.server.workbench.models import ModelShelf
from offbeat.server.workbench.watching.guarding import (
    checked_sink,
    checked_source,
    hidden,
    secrets_of,
)
from offbeat.server.workbench.watching.taught import ModelBook, TaughtRouter, in_use_at
from offbeat.server.workbench.watching.telling import NAME, RefusedSink, StoreSink
from offbeat.stream import StreamOptions

__all__ = ["Ending", "WatcherTask", "run_watcher", "watcher_folder"]

Ending = Literal["stopped", "ended", "failed", "crashed"]
HISTORY = 600
"""Rows of each series that are kept for another version to begin on."""
TURN = 30.0
"""Seconds that the process of a killed server has to let go of the same watcher."""


@dataclass(frozen=True)
class WatcherTask:
    """What the process of a watcher is told.

    Parameters
    ----------
    watcher_id, store, data
        Which one, the URL of the store and the data folder.
    readable, writable
        Folders whose files it may read, and write.
    keep, max_series
        Readings of a series that are kept, and how many series there may be.
    """

    watcher_id: str
    store: str
    data: str
    readable: tuple[str, ...]
    writable: tuple[str, ...]
    keep: int
    max_series: int


def watcher_folder(data: Path, watcher_id: str) -> Path:
    """Where a watcher keeps its checkpoint."""
    return data / "watchers" / watcher_id


def run_watcher(pipe: Connection, task: WatcherTask) -> None:
    """Watch until it is told to stop, and say how it ended."""
    stop = Event()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is for the server, which stops this one
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    Thread(target=_listen, args=(pipe, stop), daemon=True).start()
    logging.getLogger().setLevel(logging.ERROR)
    torch.set_num_threads(1)  # one row at a time is not worth sharing
    ending: Ending = "crashed"
    problem: str | None = None
    hide: Callable[[str], str] = str
    store = Store(task.store)
    try:
        with store.reading() as session:
            row = row_of(session, WatcherRow, task.watcher_id)
        hide = say_nothing_of(row)
        ending = _watch(pipe, task, row, store, stop, hide)
    except OffbeatError as refused:
        ending, problem = "failed", " ".join(hide(str(refused)).split())
    except Exception as mistake:
        text = " ".join(hide(str(mistake)).split())
        problem = f"{type(mistake).__name__}: {text}"
    finally:
        store.close()
    _tell(pipe, {"kind": ending, "text": problem})


def _watch(
    pipe: Connection,
    task: WatcherTask,
    row: WatcherRow,
    store: Store,
    stop: Event,
    hide: Callable[[str], str],
) -> Ending:
    place = watcher_folder(Path(task.data), task.watcher_id)
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(place / "lock", stop):
        watch = _made(task, row, store, stop, lambda text: _say(pipe, hide(text)), hide)
        _tell(pipe, {"kind": "running", "text": None})
        watch.run()
    return "stopped" if stop.is_set() else "ended"


def _made(
    task: WatcherTask,
    row: WatcherRow,
    store: Store,
    stop: Event,
    say: Callable[[str], None],
    hide: Callable[[str], str],
) -> Watch:
    """The watch that a row means; addresses are looked at once more, links may have changed."""
    checked_source(row.source, [Path(each) for each in task.readable])
    for url in row.sinks:
        checked_sink(url, [Path(each) for each in task.writable])
    models = ModelShelf(store, DataFolder(Path(task.data)), JobQueue(store))
    patterns = {each["pattern"]: each["model_id"] for each in row.models}
    book = ModelBook(store, models, patterns)
    checkpoint = watcher_folder(Path(task.data), row.id) / "checkpoint"
    in_use = {**book.wanted(), **in_use_at(checkpoint, NAME)}
    chosen = {"history": HISTORY, "max_series": task.max_series, **row.options}
    try:
        router = TaughtRouter(book, in_use, StreamOptions(**chosen), say)
    except NotThereError:
        raise ConflictError(
            "the version that the checkpoint was written with was deleted: start the watcher anew"
        ) from None

    def told() -> dict[str, Any]:
        return {pattern: each.to_dict() for pattern, each in router.in_use.items()}

    return Watch(
        source_of(row.source),
        [StoreSink(store, row.id, task.keep, router.model_of, told), *map(sink_of, row.sinks)],
        router,
        Fields(**row.fields),
        WatchOptions(checkpoint=checkpoint),
        dead_letters=RefusedSink(store, row.id, hide),
        stop=stop,
        say=say,
    )


def say_nothing_of(row: WatcherRow) -> Callable[[str], str]:
    """Takes the secrets of its addresses out of a text."""
    secrets = secrets_of([row.source, *row.sinks])
    return lambda text: hidden(text, secrets)


@contextmanager
def _alone(path: Path, stop: Event) -> Iterator[None]:
    """One process a watcher: that of a server that was killed may still write its checkpoint."""
    with path.open("ab") as lock:
        until = time.monotonic() + TURN
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if stop.wait(0.05) or time.monotonic() > until:
                    raise ConflictError("another process is this watcher already") from None
        yield


def _listen(pipe: Connection, stop: Event) -> None:
    with contextlib.suppress(EOFError, OSError):
        pipe.recv_bytes()
    stop.set()


def _say(pipe: Connection, text: str) -> None:
    _tell(pipe, {"kind": "said", "text": " ".join(text.split())})


def _tell(pipe: Connection, message: dict[str, Any]) -> None:
    with contextlib.suppress(OSError):  # the server is gone: nobody listens
        pipe.send_bytes(json.dumps(message).encode())
