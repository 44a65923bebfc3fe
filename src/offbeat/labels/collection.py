"""All labels of one series: added to, held against its rows, written and read."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from offbeat.errors import DataError, one_of
from offbeat.grid import row_at
from offbeat.io import atomic_path
from offbeat.labels.label import ANOMALOUS, Label, Moment, Verdict, as_moment
from offbeat.labels.text import COLUMNS, joined_channels, kind_of_file, read_labels
from offbeat.runs import runs_label
from offbeat.series import BoolArray, IntArray, Series
from offbeat.stamps import time_text

if TYPE_CHECKING:
    from offbeat.detection import Detection
    from offbeat.events import Event

__all__ = ["Labels", "event_span", "label_event"]


@dataclass(frozen=True)
class Labels:
    """Labels of one series, in the order of time.

    Parameters
    ----------
    labels
        In any order.

    Raises
    ------
    DataError
        If two of them contradict each other, or some are rows and others time stamps.
    """

    labels: tuple[Label, ...] = ()

    def __post_init__(self) -> None:
        labels = tuple(self.labels)
        _check_one_kind(labels)
        ordered = tuple(sorted(labels, key=_place))
        for one, other in _contradictions(ordered):
            raise DataError(
                f"two labels contradict each other: {ordered[one].text} and "
                f"{ordered[other].text}; take one of them out"
            )
        object.__setattr__(self, "labels", ordered)

    @classmethod
    def latest(cls, labels: Iterable[Label]) -> Labels:
        """Of labels in the order in which they were said: what a later one contradicts is left out.

        Raises
        ------
        DataError
            If some are rows and others time stamps.
        """
        said = tuple(labels)
        _check_one_kind(said)
        order = sorted(range(len(said)), key=lambda number: _place(said[number]))
        later: dict[int, list[int]] = defaultdict(list)
        for one, other in _contradictions([said[number] for number in order]):
            earlier, rival = sorted((order[one], order[other]))
            later[earlier].append(rival)
        kept: set[int] = set()
        for number in reversed(range(len(said))):
            if kept.isdisjoint(later[number]):
                kept.add(number)
        return cls(tuple(said[number] for number in kept))

    def __len__(self) -> int:
        return len(self.labels)

    def __iter__(self) -> Iterator[Label]:
        return iter(self.labels)

    def add(self, *labels: Label) -> Labels:
        """With these as well; one of the very same span and channels takes the old one's place."""
        said = {_place(label) for label in labels}
        kept = (label for label in self.labels if _place(label) not in said)
        return Labels((*kept, *labels))

    def without(self, *labels: Label) -> Labels:
        """Without these."""
        return Labels(tuple(label for label in self.labels if label not in labels))

    def of(self, *verdicts: Verdict) -> tuple[Label, ...]:
        """Those with one of these verdicts."""
        return tuple(label for label in self.labels if label.verdict in verdicts)

    def within(self, series: Series) -> Labels:
        """Those that speak of rows of this series."""
        return Labels(tuple(each for each in self.labels if _holds_rows(each, series)))

    def rows(self, series: Series) -> list[tuple[int, int]]:
        """First row of each label, and the row after its last one.

        Raises
        ------
        DataError
            If a label lies outside the series, holds no row, names a channel that the series does
            not have, or is by rows and the series by time.
        """
        return [_rows(label, series) for label in self.labels]

    def known(self, series: Series) -> BoolArray:
        """Shape (T,): rows that a label speaks of."""
        return np.asarray(_flags(self.rows(series), len(series)) == 1)

    def y_true(self, series: Series) -> IntArray:
        """Shape (T,): 1 where an anomaly was found or missed, else 0."""
        wrong = Labels(self.of(*ANOMALOUS))
        return _flags(wrong.rows(series), len(series))

    def of_events(self, detection: Detection) -> tuple[Label | None, ...]:
        """What was said of each event: the label that shares most rows with it, or None."""
        rows = self.rows(detection.series)
        return tuple(_most_shared(event, self.labels, rows) for event in detection.events)

    # ------------------------------------------------------------ in and out

    def to_frame(self) -> pl.DataFrame:
        """One row a label, all columns text; channels joined by semicolons."""
        rows = [
            {**label.to_dict(), "channels": joined_channels(label.channels)}
            for label in self.labels
        ]
        for row in rows:
            row.update({name: "" if row[name] is None else str(row[name]) for name in row})
        return pl.DataFrame(rows, schema=dict.fromkeys(COLUMNS, pl.String))

    def to_text(self, kind: Literal["csv", "json"] = "csv") -> str:
        """As `read` and `from_text` take them."""
        one_of("kind of labels", kind, ("csv", "json"))
        if kind == "json":
            return json.dumps([label.to_dict() for label in self.labels], indent=2) + "\n"
        return self.to_frame().write_csv()

    def write(self, path: str | Path) -> Path:
        """Write a file, .csv or .json, whole or not at all."""
        text = self.to_text(kind_of_file(path))
        with atomic_path(path) as unfinished:
            unfinished.write_text(text, encoding="utf-8")
        return Path(path)

    @classmethod
    def read(cls, path: str | Path, *, zone: str | None = None) -> Labels:
        """Read what `write` or a person wrote; `zone` is that of time stamps without one.

        Raises
        ------
        DataError
            If the file cannot be used; one line says where and what to do.
        """
        kind = kind_of_file(path)
        try:
            data = Path(path).read_bytes()
        except OSError as problem:
            raise DataError(f"{path} cannot be read: {problem.strerror}") from None
        return cls.from_text(data, kind, zone=zone, name=Path(path).name)

    @classmethod
    def from_text(
        cls,
        text: str | bytes,
        kind: Literal["csv", "json"] = "csv",
        *,
        zone: str | None = None,
        name: str = "labels",
    ) -> Labels:
        """The same as `read`, from text or its bytes; `name` is what messages call it."""
        one_of("kind of labels", kind, ("csv", "json"))
        try:
            plain = text.decode("utf-8-sig") if isinstance(text, bytes) else text
        except UnicodeDecodeError:
            raise DataError(f"{name} is no text in UTF-8: save it so") from None
        try:
            return cls(read_labels(plain, kind, zone=zone, name=name))
        except DataError as problem:
            raise problem if name in str(problem) else DataError(f"{name}: {problem}") from None


def label_event(
    detection: Detection,
    event: Event,
    verdict: Verdict,
    *,
    who: str = "",
    when: np.datetime64 | None = None,
    note: str = "",
) -> Label:
    """The label of an event's rows."""
    start, end = event_span(detection, event)
    return Label(start, end, verdict, who=who, when=when, note=note)


def event_span(detection: Detection, event: Event) -> tuple[Moment, Moment]:
    """First moment of an event, and the first one after it."""
    time = detection.time
    if event.end < len(time):
        end = time[event.end]
    elif len(time) > 1:
        end = time[-1] + (time[-1] - time[-2])
    else:
        end = time[-1] + (np.timedelta64(1, "s") if detection.series.has_clock else 1)
    return as_moment(time[event.start]), as_moment(end)


# ---------------------------------------------------------------- rows


def _rows(label: Label, series: Series) -> tuple[int, int]:
    label.check_fits(series.name, series.channels, has_clock=series.has_clock)
    start, end = _edges(label, series)
    if start >= end:
        raise DataError(
            f"the label {label.text} holds no row of {series.name}, which reaches from "
            f"{time_text(series.time[0])} to {time_text(series.time[-1])}"
        )
    return start, end


def _edges(label: Label, series: Series) -> tuple[int, int]:
    if isinstance(label.start, np.datetime64):
        return row_at(series.time, label.start), row_at(series.time, label.end)
    start, end = np.searchsorted(series.time, np.array([label.start, label.end], dtype=np.int64))
    return int(start), int(end)


def _holds_rows(label: Label, series: Series) -> bool:
    start, end = _edges(label, series)
    return start < end


def _flags(rows: list[tuple[int, int]], n_rows: int) -> IntArray:
    return runs_label(np.array(rows, dtype=np.int64).reshape(-1, 2), n_rows)


def _most_shared(
    event: Event, labels: tuple[Label, ...], rows: list[tuple[int, int]]
) -> Label | None:
    shared = [min(event.end, end) - max(event.start, start) for start, end in rows]
    if not shared or max(shared) <= 0:
        return None
    return labels[shared.index(max(shared))]


def _check_one_kind(labels: tuple[Label, ...]) -> None:
    if len({isinstance(label.start, np.datetime64) for label in labels}) > 1:
        raise DataError("some labels are row numbers and others time stamps: use one of them")


def _contradictions(ordered: Sequence[Label]) -> Iterator[tuple[int, int]]:
    """Places of two that cannot both hold; they come in the order of time."""
    running: dict[str, list[int]] = {}
    for place, label in enumerate(ordered):
        kind = "off" if label.is_anomalous else label.verdict
        for other in running.keys() - {kind}:  # labels of one kind never contradict each other
            running[other] = [at for at in running[other] if label.start < ordered[at].end]
            yield from ((at, place) for at in running[other] if label.contradicts(ordered[at]))
        running.setdefault(kind, []).append(place)


def _place(label: Label) -> tuple[Moment, Moment, tuple[str, ...]]:
    return label.start, label.end, label.channels
