"""The keeper: one process a watcher, begun anew after a crash, stopped in order at the end."""

from __future__ import annotations

import json
import logging
import multiprocessing
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from sqlalchemy import select, update

from offbeat.server.faults import StoreError
from offbeat.server.store import Store, WatcherRow
from offbeat.server.workbench.watching.process import Ending, WatcherTask, run_watcher

__all__ = ["MOST_RESTARTS", "Keeper"]

LOOK_EVERY = 0.1
MOST_RESTARTS = 5
"""Times that a crashed watcher is begun anew before it counts as failed."""
FIRST_DELAY, LAST_DELAY = 1.0, 30.0
SETTLED = 60.0
"""Seconds of running after which earlier crashes are forgotten."""
LONGEST_STOP = 15.0
"""Seconds that a watcher may take to write its last checkpoint."""
HARMLESS = "goes on from "
"""How a line begins that tells of nothing wrong."""

log = logging.getLogger("offbeat.watchers")


@dataclass(eq=False)
class _Kept:
    """One process, and how it has gone so far."""

    process: BaseProcess | None = None
    pipe: Connection | None = None
    since: float = 0.0
    crashes: int = 0
    again_at: float | None = None
    stopping: bool = False
    ending: tuple[Ending, str | None] | None = None
    note: str | None = None
    gone: threading.Event = field(default_factory=threading.Event)


class Keeper:
    """Starts and ends the processes of watchers, and writes down how they are.

    Parameters
    ----------
    store
        Where they are written down.
    task
        What the process of one is told, by its id.
    """

    def __init__(self, store: Store, task: Callable[[str], WatcherTask]) -> None:
        self._store, self._task = store, task
        self._kept: dict[str, _Kept] = {}
        self._lock = threading.RLock()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        # a server has threads, so it cannot fork; this way a watcher does not load all of it again
        self._context = multiprocessing.get_context("forkserver")

    def open(self) -> None:
        """Have every watcher begun that is wanted, beside the server's own start."""
        with self._store.writing() as session:
            wanted = list(
                session.scalars(select(WatcherRow.id).where(WatcherRow.wanted == "running"))
            )
            session.execute(
                update(WatcherRow)
                .where(WatcherRow.wanted == "running")
                .values(state="starting", note=None)
            )
        self._context.set_forkserver_preload([run_watcher.__module__])
        self._kept = {each: _Kept(again_at=time.monotonic()) for each in wanted}
        self._thread = threading.Thread(target=self._look, name="offbeat-keeper", daemon=True)
        self._thread.start()

    def start(self, watcher_id: str) -> None:
        """Have one begun; one that runs already goes on."""
        with self._lock:
            known = self._kept.get(watcher_id)
            if known is None or known.process is None:
                self._kept[watcher_id] = _Kept(again_at=time.monotonic())

    def stop(self, watcher_id: str) -> None:
        """End one after its checkpoint; it is gone afterwards."""
        with self._lock:
            kept = self._kept.get(watcher_id)
            if kept is None:
                return
            if kept.process is None:  # it waits to be begun
                del self._kept[watcher_id]
                return
            self._ask_to_stop(kept)
        if not kept.gone.wait(LONGEST_STOP):
            self._kill(kept)
            kept.gone.wait(LONGEST_STOP)

    def pid(self, watcher_id: str) -> int | None:
        """Its process, if one runs."""
        kept = self._kept.get(watcher_id)
        return None if kept is None or kept.process is None else kept.process.pid

    def close(self) -> None:
        """End all, each after its checkpoint; they are begun again at the next start."""
        self._closing.set()
        with self._lock:
            for kept in self._kept.values():
                if kept.process is not None:
                    self._ask_to_stop(kept)
        if self._thread is None:
            return
        self._thread.join(LONGEST_STOP)
        for kept in list(self._kept.values()):
            self._kill(kept)
        self._thread.join()

    # ------------------------------------------------------------ one process

    def _begin(self, watcher_id: str, kept: _Kept) -> None:
        kept.pipe, theirs = self._context.Pipe()
        kept.process = self._context.Process(
            target=run_watcher,
            args=(theirs, self._task(watcher_id)),
            name=f"offbeat-watcher-{watcher_id}",
            daemon=True,
        )
        kept.since, kept.again_at, kept.ending = time.monotonic(), None, None
        kept.gone.clear()
        kept.process.start()
        theirs.close()
        self._kept[watcher_id] = kept

    def _kill(self, kept: _Kept) -> None:
        with self._lock:
            if kept.process is not None:
                kept.process.kill()

    def _ask_to_stop(self, kept: _Kept) -> None:
        kept.stopping = True
        assert kept.pipe is not None
        with suppress(OSError):
            kept.pipe.send_bytes(b"stop")

    def _look(self) -> None:
        while True:
            with self._lock:
                for watcher_id, kept in list(self._kept.items()):
                    try:
                        self._look_after(watcher_id, kept)
                    except StoreError as problem:  # it comes back
                        log.warning("watcher waits for the store", extra={"problem": str(problem)})
                    except Exception:  # a mistake, or no room for a process: the others go on
                        log.exception("watcher cannot be kept", extra={"watcher": watcher_id})
                        if kept.process is None:
                            kept.again_at = time.monotonic() + LAST_DELAY
                if self._closing.is_set() and all(k.process is None for k in self._kept.values()):
                    return
            time.sleep(LOOK_EVERY)

    def _look_after(self, watcher_id: str, kept: _Kept) -> None:
        if kept.process is None:
            due = kept.again_at is not None and time.monotonic() >= kept.again_at
            if due and not self._closing.is_set():
                self._begin(watcher_id, kept)
            return
        alive = kept.process.is_alive()
        self._hear(watcher_id, kept)
        if not alive:
            self._ended(watcher_id, kept)

    def _hear(self, watcher_id: str, kept: _Kept) -> None:
        """Take in what the process has said since."""
        assert kept.pipe is not None
        with suppress(EOFError, OSError):
            while kept.pipe.poll():
                message = json.loads(kept.pipe.recv_bytes())
                kind, text = message["kind"], message["text"]
                if kind == "running":
                    self._write(watcher_id, state="running", note=None)
                elif kind == "said":
                    log.info("watcher", extra={"watcher": watcher_id, "said": text})
                    calm = text.startswith(HARMLESS) or text.endswith(" is back")
                    self._write(watcher_id, note=None if calm else text)
                else:
                    kept.ending = kind, text

    def _ended(self, watcher_id: str, kept: _Kept) -> None:
        """Write down how it ended, or when it is begun anew."""
        assert kept.process is not None
        code = kept.process.exitcode
        lost = f"the process ended with {f'signal {-code}' if code and code < 0 else code}"
        ending, problem = kept.ending or ("crashed", lost)
        if ending == "crashed" and (kept.stopping or self._closing.is_set()):
            ending = "stopped"
        if ending == "crashed":
            long_ago = time.monotonic() - kept.since > SETTLED
            crashes = 1 if long_ago else kept.crashes + 1
            again = crashes <= MOST_RESTARTS
            state = {"state": "restarting" if again else "failed", "problem": problem}
            state |= {} if again else {"wanted": "stopped"}
            self._write(watcher_id, **state, restarts=WatcherRow.restarts + int(again))
            kept.crashes = crashes
            delay = min(LAST_DELAY, FIRST_DELAY * 2.0 ** (crashes - 1))
            kept.again_at = time.monotonic() + delay if again else None
        elif ending == "stopped":
            self._write(watcher_id, state="stopped", note=None, problem=None)
        else:
            self._write(watcher_id, state=ending, problem=problem, note=None, wanted="stopped")
        log.info("watcher ended", extra={"watcher": watcher_id, "how": ending, "problem": problem})
        self._let_go(kept)
        if kept.again_at is None:
            self._kept.pop(watcher_id, None)

    @staticmethod
    def _let_go(kept: _Kept) -> None:
        assert kept.process is not None
        assert kept.pipe is not None
        kept.process.join()
        kept.pipe.close()
        kept.process = None
        kept.gone.set()

    def _write(self, watcher_id: str, **values: Any) -> None:
        with self._store.writing() as session:
            session.execute(update(WatcherRow).where(WatcherRow.id == watcher_id).values(**values))
