"""Routing: which model watches which series, and what happens to a series that has none."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np

from offbeat.connect.contract import Outcome, Refused
from offbeat.connect.decoding import VALUE
from offbeat.connect.fields import Row
from offbeat.connect.learning import Learner
from offbeat.connect.outcome import moment_text, nullable, plain_readings
from offbeat.connect.retraining import Retrainer
from offbeat.detector import Detector
from offbeat.errors import ConfigError, DataError, nearest_names
from offbeat.persist import load
from offbeat.storable import part, under
from offbeat.stream import (
    AHEAD,
    Checkpoint,
    LiveEvent,
    Readings,
    StreamDetector,
    StreamOptions,
    fingerprint,
)
from offbeat.stream.teaching import exchange

__all__ = ["ModelRule", "Router", "models_beside"]


@dataclass(frozen=True)
class ModelRule:
    """A model, and the series that it watches.

    Parameters
    ----------
    pattern
        With `*` and `?`; the first rule that fits counts.
    detector
        Fitted.
    """

    pattern: str
    detector: Detector

    @classmethod
    def parse(cls, text: str) -> ModelRule:
        """`FILE`, or `PATTERN=FILE`."""
        pattern, found, path = text.rpartition("=")
        return cls(pattern if found else "*", load(path))


class Router:
    """A stream for each model, one of its own for each series that was learned on arrival.

    Parameters
    ----------
    rules
        Which model for which series.
    options
        How they are watched.
    learner
        What learns the series that no rule fits; None refuses them.
    retrainer
        What trains every model again from time to time; None leaves them as they are.

    Attributes
    ----------
    says_readings
        Whether anybody wants them; events are always said.
    """

    def __init__(
        self,
        rules: Sequence[ModelRule],
        options: StreamOptions = StreamOptions(),
        learner: Learner | None = None,
        retrainer: Retrainer | None = None,
    ) -> None:
        if not rules and learner is None:
            raise ConfigError("give a model, or say after how many rows one is learned")
        self._rules, self._options, self._learner = rules, options, learner
        self._retrainer = retrainer
        self._streams, self._given = dict[str, StreamDetector](), dict[str, str]()
        for rule in rules:
            self._add(rule.pattern, rule.detector)
        self._newer = dict[str, str]()
        self._n_counted = dict[str, int]()
        self.says_readings = True

    @property
    def n_series(self) -> int:
        """How many series were heard of."""
        return sum(len(stream.series) for stream in self._streams.values())

    @property
    def counts(self) -> Mapping[str, int]:
        """What became of the measurements, as `StreamDetector.counts`."""
        total = dict[str, int]()
        for stream in self._streams.values():
            for name, count in stream.counts.items():
                total[name] = total.get(name, 0) + count
        return total

    def update(self, rows: Sequence[Row], source: str) -> Outcome:
        """What is said of rows, in the order of each series."""
        parts: dict[str, list[Row]] = {}
        readings, events, refused = list[Mapping[str, Any]](), list[LiveEvent](), list[Refused]()
        for row in rows:
            parts.setdefault(self._key(row.series), []).append(row)
        unknown = parts.pop("", [])
        for key, some in parts.items():
            fit, unfit = self._fitting(self._streams[key], some, source)
            refused += unfit
            for said in self._said(self._streams[key], fit, refused, source):
                readings += self._plain(said)
                events += said.events
                refused += _ahead(said, source)
        if self._learner is None:
            refused += [
                Refused.of(row.record, f"no model for the series {row.series!r}", source)
                for row in unknown
            ]
            return Outcome(readings, events, refused)
        learned = self._learner.take(unknown, source)
        readings += learned.readings
        refused += learned.refused
        for name, detector, kept in self._learner.learned():
            stream = self._add(_learned(name), detector)
            moments, table = kept
            n_known = self._learner.n_rows
            stream.update_many(moments[:n_known], table[:n_known], [name] * n_known)
            rest = len(moments) - n_known
            if rest:
                said = stream.update_many(moments[n_known:], table[n_known:], [name] * rest)
                readings += self._plain(said)
                events += said.events
        return Outcome(readings, events, refused)

    def exchange(self, key: str, detector: Detector, *, same_model: bool) -> None:
        """As `offbeat.stream.teaching.exchange`; a rule counts as made with this detector now."""
        exchange(self._streams[key], detector, same_model=same_model)
        self._given[key] = fingerprint(detector)
        self._newer.pop(key, None)

    def retrained(self) -> list[str]:
        """Begin and end what is to be trained again; what people should know of it."""
        found = None if self._retrainer is None else self._retrainer.step(self._streams)
        if found is None:
            return []
        if found.file:
            self._newer[found.key] = found.file
        return [found.said]

    def now(self) -> np.datetime64 | None:
        """The newest time of all series, but of those whose clock is far ahead of most others."""
        watched = [each for each in self._streams.values() if each.detector.has_clock_]
        heard = [(each.newest(), each.reach_ahead) for each in watched if each.series]
        if not heard:
            return None
        times = np.concatenate([time for time, _ in heard]).astype(np.int64)
        usual = np.sort(times)[(len(times) - 1) // 2]
        near = times[times - usual <= max(reach for _, reach in heard)]
        return np.datetime64(int(near.max()), "ns")

    def stalled(self, now: np.datetime64) -> Outcome:
        """Series of which nothing came for too long at this time."""
        watched = [each for each in self._streams.values() if each.detector.has_clock_]
        return Outcome(events=[event for stream in watched for event in stream.stalled(now)])

    def finish(self) -> Outcome:
        """As `StreamDetector.finish`; a training that goes on is waited for."""
        last = Outcome()
        if self._learner is not None:
            self._learner.wait()
            last = self.update([], "")
        said = [stream.finish() for stream in self._streams.values()]
        readings = [row for each in said for row in self._plain(each)]
        events = [event for each in said for event in each.events]
        refused = [each for some in said for each in _ahead(some, "")]
        return Outcome([*last.readings, *readings], [*last.events, *events], refused)

    # ------------------------------------------------------------ being killed

    def open(self) -> None:
        """Make ready for rows, after `restore` if there is one."""
        if self._retrainer is not None:
            self._retrainer.open()

    def settled(self) -> None:
        """The last state is on the disk."""
        if self._retrainer is not None:
            self._retrainer.tidy(self._newer.values())

    def close(self) -> None:
        """Wait for no training any more."""
        if self._learner is not None:
            self._learner.close()
        if self._retrainer is not None:
            self._retrainer.close()

    def state(self, positions: Mapping[str, Any]) -> Checkpoint:
        """Where all streams stand, with the positions of sources and sinks."""
        plain, arrays = dict[str, Any](), dict[str, np.ndarray]()
        for number, (key, stream) in enumerate(self._streams.items()):
            state = stream.state(with_model=False)
            about_model = {"given": self._given[key], "newer": self._newer.get(key)}
            plain[key] = {**state.plain, **about_model}
            arrays |= under(str(number), state.arrays)
        learner = None if self._learner is None else self._learner.state()
        about = {"streams": plain, "learner": learner, "n_counted": self._n_counted}
        about["retraining"] = None if self._retrainer is None else self._retrainer.state()
        return Checkpoint(about, arrays, dict(positions))

    def restore(self, path: str | Path) -> dict[str, Any]:
        """Stand where the streams stood.

        Returns
        -------
        The positions.

        Raises
        ------
        DataError
            If it was made with other models.
        ModelFileError
            If the file cannot be read.
        """
        kept = Checkpoint.read(path)
        if self._learner is not None and kept.plain["learner"] is not None:
            for name, detector in self._learner.restore(kept.plain["learner"]):
                self._add(_learned(name), detector)
        if self._retrainer is not None:
            self._retrainer.restore(kept.plain["retraining"])
        for number, (key, plain) in enumerate(kept.plain["streams"].items()):
            if key not in self._streams:
                raise DataError(f"{path} was made with a model for {key}: give it too")
            if plain["given"] != self._given[key]:
                raise DataError(f"{path} was made with another model for {key}: give that one")
            if plain["newer"] is not None:
                self._newer[key] = plain["newer"]
                self._add(key, load(models_beside(Path(path)) / plain["newer"]), is_given=False)
            self._streams[key].restore(Checkpoint(plain, part(str(number), kept.arrays)))
        self._n_counted = kept.plain["n_counted"]
        return kept.positions

    # ------------------------------------------------------------ one stream

    def _add(self, key: str, detector: Detector, *, is_given: bool = True) -> StreamDetector:
        stream = self._streams[key] = StreamDetector(detector, self._options)
        if is_given:
            self._given[key] = fingerprint(detector)
        if self._retrainer is not None:
            self._retrainer.follow(key, stream)
        return stream

    def _plain(self, said: Readings) -> list[dict[str, Any]]:
        return plain_readings(said) if self.says_readings else []

    def _key(self, series: str) -> str:
        """Of the stream that watches a series; "" if none does."""
        for rule in self._rules:
            if fnmatchcase(series, rule.pattern):
                return rule.pattern
        return _learned(series) if _learned(series) in self._streams else ""

    def _fitting(
        self, stream: StreamDetector, rows: Sequence[Row], source: str
    ) -> tuple[list[Row], list[Refused]]:
        """Rows whose channels the model knows and whose time is of its kind."""
        channels, fit, refused = stream.detector.channels_, list[Row](), list[Refused]()
        for row in rows:
            values = row.values
            if len(channels) == 1 and values.keys() == {VALUE}:
                values = {channels[0]: values[VALUE]}
            reason = next((_unknown(each, channels) for each in values if each not in channels), "")
            time = row.time
            if stream.detector.has_clock_ and not isinstance(time, np.datetime64):
                reason = reason or f"a time stamp was expected, {time!r} came: name it with --time"
            elif not stream.detector.has_clock_:
                if isinstance(time, np.datetime64):
                    reason = reason or "a row number was expected: the model has no clock"
                elif not reason:
                    time = self._n_counted.get(row.series, 0) if time is None else time
                    self._n_counted[row.series] = time + 1
            if reason:
                refused.append(Refused.of(row.record, reason, source))
            else:
                fit.append(Row(time, row.series, values, row.record))
        return fit, refused

    def _said(
        self, stream: StreamDetector, rows: Sequence[Row], refused: list[Refused], source: str
    ) -> list[Readings]:
        """Readings; where the stream refuses rows, those of the others."""
        if not rows:
            return []
        channels = stream.detector.channels_
        table = np.array([[row.values.get(name) for name in channels] for row in rows], float)
        times = np.array([row.time for row in rows])
        try:
            return [stream.update_many(times, table, [row.series for row in rows])]
        except DataError as problem:
            if len(rows) == 1:
                refused.append(Refused.of(rows[0].record, str(problem), source))
                return []
        middle = len(rows) // 2
        first = self._said(stream, rows[:middle], refused, source)
        return first + self._said(stream, rows[middle:], refused, source)


def _ahead(said: Readings, source: str) -> list[Refused]:
    """Rows whose clock was far ahead, as what was refused."""
    refused = list[Refused]()
    for i in np.flatnonzero(np.asarray(said.status) == AHEAD).tolist():
        at = moment_text(said.time[i])
        values = dict(zip(said.channels, nullable(said.values[i]), strict=True))
        content = json.dumps({"series": said.series[i], "time": at, **values})
        reason = f"the time {at} is far ahead of its series, and the rows after it were not"
        refused.append(Refused.of(content, reason, source))
    return refused


def models_beside(checkpoint: Path) -> Path:
    """Folder of what was learned while a watch with this checkpoint went on."""
    return checkpoint.with_name(f"{checkpoint.name}.models")


def _learned(series: str) -> str:
    return f"learned:{series}"


def _unknown(channel: str, channels: Sequence[str]) -> str:
    near = nearest_names(channel, channels)
    return f"the model has no channel {channel!r}: {near}; name those to read with --values"
