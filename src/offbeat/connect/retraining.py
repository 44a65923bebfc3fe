"""Training again: which model is due, one at a time beside the stream, and what came of it."""

from __future__ import annotations

import secrets
import shutil
import tempfile
import time
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from offbeat.connect.contract import short_digest
from offbeat.durations import parse_duration
from offbeat.errors import OffbeatError, whole_number
from offbeat.persist import load
from offbeat.stream import (
    Aside,
    Checkpoint,
    Journal,
    Recorder,
    RetrainOrder,
    StreamDetector,
    read_rows,
)

__all__ = ["RetrainOptions", "Retrained", "Retrainer"]

LEAST_ROWS = 60
LOOK_EVERY, LOOK_SHARE = 1.0, 10
"""Seconds from one look at what is due to the next, and at least so many times what it takes."""


@dataclass(frozen=True)
class RetrainOptions:
    """When models are trained again, and on what.

    Parameters
    ----------
    every
        A duration such as "7d" or a `timedelta`, or a number of rows: by the clock of the data,
        from one training of a model to the next.
    history
        How far back rows are learned, in the same words; None takes `every`. At most 100,000 rows
        are learned at a time, and the newest gigabyte is kept.
    """

    every: str | timedelta | int
    history: str | timedelta | int | None = None

    @classmethod
    def parse(cls, every: str, history: str | None) -> RetrainOptions:
        """As they are written on the command line: `7d`, or `5000` rows."""
        return cls(_rows_or_text(every), None if history is None else _rows_or_text(history))

    def check(self) -> None:
        """Raise a `ConfigError` for what cannot be."""
        for name in ("every", "history"):
            given = getattr(self, name)
            if isinstance(given, int):
                whole_number(name, given, least=LEAST_ROWS)
            elif given is not None:
                parse_duration(given)


@dataclass(frozen=True)
class Retrained:
    """What came of a training.

    Parameters
    ----------
    key
        The stream.
    said
        What people should know.
    file
        Name of the new model's file; "" if the one in use goes on.
    """

    key: str
    said: str
    file: str = ""


class Retrainer:
    """Keeps the rows of all streams, and has one model at a time trained again beside them.

    A stream is retrained as a whole: a model that watches many series learns from them together,
    and one that was learned on arrival from its own. A new model is taken if it is not worse on the
    rows that were held back, and no row is without a score.

    Parameters
    ----------
    options
        When, and on what.
    folder
        Of rows and new models, beside the checkpoint; None keeps them no longer than this lasts.
    """

    def __init__(self, options: RetrainOptions, folder: Path | None = None) -> None:
        options.check()
        self._options = options
        self._is_kept = folder is not None
        passing = Path(tempfile.gettempdir()) / f"offbeat-{secrets.token_hex(8)}"
        self._folder = folder or passing
        self._journal = Journal(self._folder / "rows")
        self._recorders = dict[str, Recorder]()
        self._units = dict[str, tuple[int, int]]()
        self._begun, self._due, self._n_made = dict[str, int](), deque[str](), 0
        self._position: Mapping[str, int] | None = None
        self._aside: tuple[str, Aside, int] | None = None
        self._next_look = 0.0

    def follow(self, key: str, stream: StreamDetector) -> None:
        """Keep the rows of a stream from now on.

        Raises
        ------
        ConfigError
            If times are given and its model has no clock.
        """
        every, history = self._options.every, self._options.history
        self._units[key] = stream.units(every), stream.units(history or every)
        self._recorders[key] = stream.record = self._journal.recorder(key)

    def restore(self, state: Mapping[str, Any] | None) -> None:
        """Take back what `state` gave, before `open`; None if nothing was retrained."""
        if state is not None:
            self._begun, self._n_made = dict(state["begun"]), state["made"]
            self._position = state["rows"]

    def open(self) -> None:
        """Begin to keep rows, after those that the checkpoint knows."""
        self._folder.mkdir(mode=0o777 if self._is_kept else 0o700, parents=True, exist_ok=True)
        self._journal.open(self._position)
        for pattern in ("*.old", "*.state", ".*.part"):  # of a training that was killed
            for path in self._folder.glob(pattern):
                path.unlink(missing_ok=True)

    def state(self) -> dict[str, Any]:
        """JSON-able; the rows that were kept are on the disk then."""
        return {"begun": self._begun, "made": self._n_made, "rows": self._journal.position()}

    def step(self, streams: Mapping[str, StreamDetector]) -> Retrained | None:
        """Look which model is due, begin to train one, or take one that is ready."""
        if self._aside is not None:
            answer = self._aside[1].answer()
            return None if answer is None else self._end(streams, answer)
        start = time.monotonic()
        if start < self._next_look:
            return None
        for key, stream in streams.items():
            if stream.series and key not in self._due and self._is_due(key, stream):
                self._due.append(key)
        if self._due:
            key = self._due.popleft()
            return self._begin(key, streams[key])
        now = time.monotonic()
        self._next_look = now + max(LOOK_EVERY, LOOK_SHARE * (now - start))
        return None

    def tidy(self, in_use: Collection[str]) -> None:
        """Remove new models but these: a checkpoint that names these is on the disk."""
        for path in self._folder.glob("*.*.offbeat"):
            if path.name not in in_use and self._aside is None:
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """End a training that goes on; the next start begins it anew."""
        if self._aside is not None:
            order = self._aside[1].order
            self._aside[1].close()
            for path in (order.model, order.new_model, order.new_state):
                path.unlink(missing_ok=True)
            self._aside = None
        self._journal.close()
        if not self._is_kept:
            shutil.rmtree(self._folder, ignore_errors=True)

    # ------------------------------------------------------------ one training

    def _is_due(self, key: str, stream: StreamDetector) -> bool:
        newest, first = _clock(stream), self._recorders[key].first
        begun = self._begun.setdefault(key, newest if first is None else first)
        if newest < begun:  # its clock was set back
            self._begun[key] = newest
        return newest - begun >= self._units[key][0]

    def _begin(self, key: str, stream: StreamDetector) -> Retrained | None:
        self._n_made += 1
        new = self._folder / f"{short_digest(key)}.{self._n_made}.offbeat"
        old, state = new.with_suffix(".old"), new.with_suffix(".state")
        names, newest = tuple(stream.series), _clock(stream)
        numbers = tuple(self._recorders[key].numbers(names).tolist())
        order = RetrainOrder(
            old,
            stream.options,
            self._journal.folder,
            names,
            numbers,
            self._units[key][1],
            new,
            state,
        )
        try:
            stream.detector.save(old)
            self._journal.flush()
            self._aside = key, Aside(order), newest
        except (OSError, OffbeatError) as problem:  # a full disk, or too many processes
            self._begun[key] = newest
            return Retrained(key, f"{_about(key)} could not begin: {problem}")
        return Retrained(key, f"{_about(key)} begins beside the stream")

    def _end(self, streams: Mapping[str, StreamDetector], answer: Mapping[str, Any]) -> Retrained:
        assert self._aside is not None
        key, aside, newest = self._aside
        self._aside, self._begun[key] = None, newest
        order = aside.order
        order.model.unlink(missing_ok=True)
        if "problem" in answer:
            return Retrained(key, f"{_about(key)}: {answer['problem']}; the model in use goes on")
        if not answer["is_better"]:
            return Retrained(key, f"{_about(key)}: {answer['message']}")
        try:
            self._take(key, streams[key], order, answer["position"])
        except (OSError, OffbeatError) as problem:
            return Retrained(key, f"{_about(key)}: {problem}; the model in use goes on")
        return Retrained(key, f"{_about(key)}: {answer['message']}", order.new_model.name)

    def _take(
        self, key: str, stream: StreamDetector, order: RetrainOrder, position: Mapping[str, int]
    ) -> None:
        """Let the rows that came meanwhile pass, and go on with the new model."""
        detector = load(order.new_model)
        self._journal.flush()
        numbers = self._recorders[key].numbers(stream.series)
        n_channels = len(detector.channels_)
        since, _ = read_rows(self._journal.folder, numbers, n_channels, position)
        there = Checkpoint.read(order.new_state)
        stream.take_over(detector, there, since.in_places(numbers))
        order.new_state.unlink(missing_ok=True)


def _clock(stream: StreamDetector) -> int:
    """Where the clocks of most series of a stream stand."""
    return int(np.median(stream.newest()))


def _about(key: str) -> str:
    return f"retraining of {key.removeprefix('learned:')}"


def _rows_or_text(text: str) -> str | int:
    return int(text) if text.isdigit() else text
