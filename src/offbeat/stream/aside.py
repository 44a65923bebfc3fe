"""Aside: a process that trains a model again from a journal and lets the last rows pass with it.

It stands back behind the stream, ends with the process that started it, whatever ended that, and
leaves no file but the two that it was asked for, each whole.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
import threading
import traceback
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from offbeat.detector import Detector
from offbeat.errors import DataError, OffbeatError
from offbeat.persist import load
from offbeat.series import IntArray, Series
from offbeat.stream.arrival import as_time, step_units
from offbeat.stream.detector import StreamDetector
from offbeat.stream.journal import KeptRows, read_rows
from offbeat.stream.options import StreamOptions
from offbeat.stream.retraining import HELD_BACK, trained_again

__all__ = ["Aside", "RetrainOrder", "carry_out"]

NICENESS = 10
MOST_ROWS, ROWS_EACH = 100_000, 5_000
"""Rows that are learned at most; of several series so many each, or what their share is."""
LET_PASS = 1_000
"""Last rows of each series that go through the new model, at least twice what it remembers."""


@dataclass(frozen=True)
class RetrainOrder:
    """What is to be done.

    Parameters
    ----------
    model
        File of the model in use.
    options
        How its stream is watched.
    journal
        Folder of the rows.
    series, numbers
        Names of the series in the order of the stream, and their numbers in the journal.
    span
        How far back rows are learned: nanoseconds, or rows without a clock.
    new_model, new_state
        Files to be written if the new model is not worse.
    """

    model: Path
    options: StreamOptions
    journal: Path
    series: tuple[str, ...]
    numbers: tuple[int, ...]
    span: int
    new_model: Path
    new_state: Path


def carry_out(order: RetrainOrder) -> dict[str, Any]:
    """Train, hold against the model in use, and if it is not worse bring the new one up to date.

    Returns
    -------
    `message`, `is_better`, and the `position` in the journal up to which rows went through.

    Raises
    ------
    OffbeatError
        If there is too little to learn from.
    """
    detector = load(order.model)
    numbers, n_channels = np.array(order.numbers, np.int64), len(detector.channels_)
    some = _spread(numbers)
    kept, _ = read_rows(order.journal, some, n_channels)
    parts = [part for number in some.tolist() if len(part := kept.of(number))]
    if not parts:
        raise DataError("there is no row to learn from")
    newest = int(np.median([part.time[-1] for part in parts]))
    most = MOST_ROWS // len(some)
    last = [_last(part, newest - order.span, most) for part in parts]
    histories = [_series(part, detector) for part in last if len(part)]
    retraining = trained_again(detector, histories, HELD_BACK)
    answer: dict[str, Any] = {"message": retraining.message, "is_better": retraining.is_better}
    if not retraining.is_better:
        return answer
    new = retraining.detector
    new.save(order.new_model)
    stream = StreamDetector(new, order.options)
    n_rows = max(LET_PASS, 2 * stream.reach)
    kept, answer["position"] = read_rows(
        order.journal, numbers, n_channels, not_before=newest - n_rows * step_units(new)
    )
    stream.replay(order.series, kept.in_places(numbers))
    stream.state(with_model=False).write(order.new_state)
    return answer


def _spread(numbers: IntArray) -> IntArray:
    """Series that are learned, evenly among all."""
    n_series = min(len(numbers), MOST_ROWS // ROWS_EACH)
    places = np.linspace(0, len(numbers) - 1, n_series).astype(np.int64)
    return np.asarray(numbers[places], np.int64)


def _last(rows: KeptRows, begin: int, most: int) -> KeptRows:
    """At most so many rows, from this time on."""
    first = max(int(np.searchsorted(rows.time, begin)), len(rows) - most)
    return rows.where(np.arange(first, len(rows)))


def _series(rows: KeptRows, detector: Detector) -> Series:
    time = as_time(rows.time, detector.has_clock_)
    return Series(rows.values, time, detector.channels_)


class Aside:
    """One training in a process of its own.

    Parameters
    ----------
    order
        What is to be done.
    """

    def __init__(self, order: RetrainOrder) -> None:
        self.order = order
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=_work, args=(theirs, order), name="offbeat-retrain", daemon=True
        )
        self._process.start()
        theirs.close()
        with suppress(OSError):  # while it loads, too
            os.setpriority(os.PRIO_PROCESS, self._process.pid or 0, NICENESS)

    def answer(self) -> dict[str, Any] | None:
        """What `carry_out` gave, or `problem`; None while it works."""
        if not self._pipe.poll():
            return None
        try:
            found: dict[str, Any] = json.loads(self._pipe.recv_bytes())
        except (EOFError, OSError):
            found = {"problem": "the process that trained ended before it was done"}
        self.close()
        return found

    def close(self) -> None:
        """End it, whatever it does."""
        if self._process.is_alive():
            self._process.kill()
        self._process.join()
        self._pipe.close()


def _work(pipe: Connection, order: RetrainOrder) -> None:
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)  # they are for the watch, which ends this
    threading.Thread(target=_end_with, args=(pipe,), daemon=True).start()
    from threadpoolctl import threadpool_limits
    from torch import set_num_threads

    set_num_threads(1)
    try:
        with threadpool_limits(1):
            answer = carry_out(order)
    except OffbeatError as problem:
        answer = {"problem": str(problem)}
    except Exception as problem:  # a mistake in the code: the stream goes on
        traceback.print_exc(file=sys.stderr)
        answer = {"problem": f"{type(problem).__name__}: {' '.join(str(problem).split())}"}
    pipe.send_bytes(json.dumps(answer).encode())


def _end_with(pipe: Connection) -> None:
    """When the other side is gone, so is this process."""
    with suppress(EOFError, OSError):
        pipe.recv_bytes()
    os._exit(0)
