"""The watch: one straight line from a source through the streams to the sinks."""

from __future__ import annotations

import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import TypeVar

import numpy as np

from offbeat.connect.contract import Batch, Outcome, Refused, Sink, Source
from offbeat.connect.fields import Fields, Row
from offbeat.connect.routing import Router
from offbeat.errors import ConfigError, DataError

__all__ = ["Watch", "WatchOptions", "stop_on_signals", "to_standard_error"]

T = TypeVar("T")
SAID_REASONS = 20
"""Different reasons for refused messages that are said; all are counted and dead letters."""


@dataclass(frozen=True)
class WatchOptions:
    """How a watch keeps what it knows.

    Parameters
    ----------
    checkpoint
        File of where everything stands; a watch that finds one goes on from it. None keeps none: a
        broker still delivers again what was not safe, but the streams begin anew.
    every
        Seconds from one checkpoint to the next, and so the most that comes twice after a kill.
        Longer if writing one takes more than a tenth of it.
    patience
        Seconds that a source is waited for before other work is done.
    first_delay, last_delay
        Seconds before the first and between the last attempts to reach what is away.
    """

    checkpoint: Path | None = None
    every: float = 1.0
    patience: float = 0.2
    first_delay: float = 0.25
    last_delay: float = 30.0


class _StoppedError(Exception):
    """Asked to stop while something was away."""


def to_standard_error(text: str) -> None:
    """Say one line."""
    print(f"offbeat: {text}", file=sys.stderr, flush=True)


@contextmanager
def stop_on_signals() -> Iterator[Event]:
    """An event that is set by Ctrl-C and by SIGTERM, for as long as this is open."""
    stop = Event()
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, lambda *_: stop.set())
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Watch:
    """Takes batches from a source until it ends or is stopped.

    A source position is acknowledged only after every sink has what came of it and the checkpoint
    is on the disk, so nothing is lost; ids of events follow from the rows, so nothing counts twice.

    Parameters
    ----------
    source, sinks
        Where rows come from, and where readings and events go.
    router
        Which model watches which series.
    fields
        What stands where in a record.
    options
        See `WatchOptions`.
    dead_letters
        Where what cannot be a row goes, with the reason; None says and counts it.
    stop
        Ends the watch when it is set.
    say
        What is told to people goes there.

    Attributes
    ----------
    tally
        Rows, refused messages and events so far.
    stop
        As it was given.
    """

    def __init__(
        self,
        source: Source,
        sinks: Sequence[Sink],
        router: Router,
        fields: Fields = Fields(),
        options: WatchOptions = WatchOptions(),
        *,
        dead_letters: Sink | None = None,
        stop: Event | None = None,
        say: Callable[[str], None] = to_standard_error,
    ) -> None:
        names = [each.name for each in (*sinks, *((dead_letters,) if dead_letters else ()))]
        if len(set(names)) < len(names):
            raise ConfigError(f"a sink is named twice: {', '.join(names)}")
        self.source, self.sinks, self.router = source, tuple(sinks), router
        self.fields, self.options, self.dead_letters = fields, options, dead_letters
        self.router.says_readings = not all(each.events_only for each in sinks)
        self.tally: Counter[str] = Counter()
        self.stop, self._say = stop or Event(), say
        self._said_reasons = set[str]()
        self._now: np.datetime64 | None = None
        self._came = self._settled = time.monotonic()
        self._cost = 0.0

    def run(self) -> Counter[str]:
        """Watch; the tally once it is over."""
        try:
            self._open()
            while not self.stop.is_set():
                batch = self._patiently(self.source.name, self._take)
                if batch is None:
                    self._settle()
                    self._deliver(self.router.finish())
                    break
                self._deliver(self._judge(batch))
                for said in self.router.retrained():
                    self._say(said)
                if self._is_due or (self.source.holds_back and len(batch)):
                    self._settle()
            else:
                self._settle()
        except _StoppedError:
            self._say("stopped while something was away: what was not safe there comes again")
        finally:
            self.router.close()
            self.source.close()
            for sink in self._all_sinks:
                sink.close()
        return self.tally

    # ------------------------------------------------------------ one step

    def _open(self) -> None:
        positions = {}
        path = self.options.checkpoint
        if path is not None and not path.parent.is_dir():
            raise ConfigError(f"the checkpoint {path} needs a folder that is there")
        if path is not None and path.exists():
            positions = self.router.restore(path)
            self._say(f"goes on from {path}, {self.router.n_series} series known")
        self._patiently("the folder of what is learned", self.router.open)
        for sink in self._all_sinks:
            position = positions.get(f"sink {sink.name}")
            self._patiently(sink.name, partial(sink.open, position))
        position = positions.get(f"source {self.source.name}")
        self._patiently(self.source.name, partial(self.source.open, position))
        if path is not None and not path.exists():  # a kill before the first row is safe too
            self._patiently(str(path), self._write)

    def _take(self) -> Batch | None:
        return self.source.take(self.options.patience)

    def _judge(self, batch: Batch) -> Outcome:
        name = self.source.name
        rows, refused = self.fields.rows(batch.records, name)
        outcome = self.router.update(rows, name)
        silent = self._silence(rows)
        self.tally["rows"] += len(rows) - len(outcome.refused)
        return replace(
            outcome,
            events=[*outcome.events, *silent.events],
            refused=[*batch.refused, *refused, *outcome.refused],
        )

    def _silence(self, rows: Sequence[Row]) -> Outcome:
        """Series without data, by the clock of the data and what has passed since they came."""
        if not self.source.is_live:
            return Outcome()
        if rows:
            self._now, self._came = self.router.now(), time.monotonic()
        if self._now is None:
            return Outcome()
        passed = np.timedelta64(round((time.monotonic() - self._came) * 1e9), "ns")
        return self.router.stalled(self._now + passed)

    def _deliver(self, outcome: Outcome) -> None:
        """Return once every sink has it."""
        self.tally["events"] += sum(each.phase == "opened" for each in outcome.events)
        self.tally["refused"] += len(outcome.refused)
        self._say_refused(outcome.refused)
        for sink in self.sinks:
            readings = () if sink.events_only else outcome.readings
            sink.put(Outcome(readings, outcome.events))
        if self.dead_letters is not None:
            self.dead_letters.put(Outcome(refused=outcome.refused))
        for sink in self._all_sinks:
            self._patiently(sink.name, sink.flush)

    @property
    def _is_due(self) -> bool:
        passed = time.monotonic() - self._settled
        return passed >= max(self.options.every, 10 * self._cost)

    def _settle(self) -> None:
        """Checkpoint, then acknowledge."""
        start = time.monotonic()
        if self.options.checkpoint is not None:
            self._patiently(str(self.options.checkpoint), self._write)
        self._patiently(self.source.name, self.source.acknowledge)
        self._settled = time.monotonic()
        self._cost = self._settled - start

    def _write(self) -> None:
        assert self.options.checkpoint is not None
        positions = {f"sink {each.name}": each.position() for each in self._all_sinks}
        positions[f"source {self.source.name}"] = self.source.position()
        try:
            self.router.state(positions).write(self.options.checkpoint)
            self.router.settled()
        except DataError as problem:  # a full disk has room again some time
            raise OSError(str(problem)) from None

    # ------------------------------------------------------------ what goes wrong

    @property
    def _all_sinks(self) -> tuple[Sink, ...]:
        return self.sinks if self.dead_letters is None else (*self.sinks, self.dead_letters)

    def _patiently(self, name: str, action: Callable[[], T]) -> T:
        """Do this, again and again while what it needs is away; said once, and once it is back."""
        delay, is_away = self.options.first_delay, False
        while True:
            try:
                done = action()
            except OSError as problem:
                if not is_away:
                    self._say(f"{name} is away: {problem}; tried again until it is back")
                is_away = True
                if self.stop.wait(delay):
                    raise _StoppedError from None
                delay = min(2 * delay, self.options.last_delay)
                continue
            if is_away:
                self._say(f"{name} is back")
            return done

    def _say_refused(self, refused: Sequence[Refused]) -> None:
        if self.dead_letters is not None:
            return
        for each in refused:
            if each.reason not in self._said_reasons and len(self._said_reasons) < SAID_REASONS:
                self._said_reasons.add(each.reason)
                self._say(f"left out: {each.reason} ({each.content[:60]})")
