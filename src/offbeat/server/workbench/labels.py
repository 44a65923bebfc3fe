"""Labels: what people say of spans, kept as rows, and as 0 and 1 on a series.

What a label is, and how a file of labels is read and written, is the library's: `offbeat.labels`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, cast

import numpy as np
from sqlalchemy import bindparam, delete, func, select
from sqlalchemy.orm import Session

from offbeat.detection import Detection
from offbeat.errors import DataError
from offbeat.grid import label_on_grid
from offbeat.labels import ANOMALOUS, Label, Labels, Verdict
from offbeat.labels import read_moment as read_any_moment
from offbeat.series import IntArray, Series
from offbeat.server.records import LabelRecord, Moment
from offbeat.server.store import LabelRow, SeriesRow, Store, new_id, now_text, row_of
from offbeat.server.workbench.moments import moment_number, moment_text, read_moment, rows_in
from offbeat.server.workbench.series import SeriesShelf
from offbeat.stamps import read_stamp

__all__ = ["LabelBook"]

LONGEST_NOTE = 2_000
LONGEST_NAME = 120
MOST_IMPORTED = 100_000
EDGES = ("start", "end")


class LabelBook:
    """The labels of all series.

    The label column that a series came with is not copied here: it stays the truth wherever nobody
    said otherwise.

    Parameters
    ----------
    store
        Where the rows are.
    series
        What is labelled.
    """

    def __init__(self, store: Store, series: SeriesShelf) -> None:
        self._store, self._series = store, series

    def find(self, series_id: str) -> list[LabelRecord]:
        """All labels of a series, in the order of time."""
        with self._store.reading() as session:
            series = row_of(session, SeriesRow, series_id)
            rows = _rows(session, series_id)
            return [_record(row, series) for row in sorted(rows, key=_in_time)]

    def said(self, series_id: str) -> Labels:
        """The same as the library takes them: what a later label contradicts is left out."""
        with self._store.reading() as session:
            series = row_of(session, SeriesRow, series_id)
            rows = [row for row in _rows(session, series_id) if _lies_in(row, series)]
            return Labels.latest(_label(row, series) for row in rows)

    def add(
        self,
        series_id: str,
        start: Moment,
        end: Moment,
        verdict: Verdict,
        *,
        by: str,
        channels: Sequence[str] = (),
        note: str = "",
        source: str = "person",
        model_id: str | None = None,
    ) -> LabelRecord:
        """Say something of a span [start, end), in place of what was said of the very same one.

        Raises
        ------
        DataError
            If the span lies outside the series.
        ConfigError
            If it is empty, or the verdict or a moment cannot be read.
        """
        with self._store.writing() as session:
            series = row_of(session, SeriesRow, series_id)
            first, last = (read_any_moment(at, series.zone) for at in (start, end))
            label = Label(first, last, verdict, tuple(channels), who=by, note=note)
            row = _row(series, label, by=by, source=source)
            row.model_id = model_id
            _make_room(session, series, [row])
            session.add(row)
            session.flush()
            return _record(row, series)

    def change(self, label_id: str, *, by: str, **fields: Any) -> LabelRecord:
        """Change start, end, verdict, channels or note of a label; what is None stays."""
        with self._store.writing() as session:
            row = row_of(session, LabelRow, label_id)
            series = row_of(session, SeriesRow, row.series_id)
            given = {name: value for name, value in fields.items() if value is not None}
            for edge in {"start", "end"} & given.keys():
                given[edge] = read_any_moment(given[edge], series.zone)
            said = replace(_label(row, series), who=by, when=None, **given)
            new = _row(series, said, by=by, source=row.source)
            for name in (*EDGES, "verdict", "channels", "note", "said_by", "said_at", "created_by"):
                setattr(row, name, getattr(new, name))
            row.created_at = now_text()
            _make_room(session, series, [row])
            session.flush()
            return _record(row, series)

    def remove(self, label_id: str) -> LabelRecord:
        """Take a label back."""
        with self._store.writing() as session:
            row = row_of(session, LabelRow, label_id)
            session.delete(row)
            return _record(row, row_of(session, SeriesRow, row.series_id))

    def remove_overlapping(self, series_id: str, start: Moment, end: Moment) -> list[LabelRecord]:
        """Take back all that touches a span."""
        with self._store.writing() as session:
            series = row_of(session, SeriesRow, series_id)
            first, last = (
                read_moment(at, has_clock=series.has_clock, zone=series.zone) for at in (start, end)
            )
            gone = [
                row for row in _rows(session, series_id) if row.start < last and first < row.end
            ]
            for row in gone:
                session.delete(row)
            return [_record(row, series) for row in gone]

    def export(self, series_id: str, format_: Literal["csv", "json"] = "csv") -> bytes:
        """What was `said` of a series as a file, as `Labels.write` writes it."""
        return self.said(series_id).to_text(format_).encode()

    def take_in(
        self,
        series_id: str,
        data: bytes,
        format_: Literal["csv", "json"] = "csv",
        *,
        by: str,
        replace_all: bool = False,
    ) -> list[LabelRecord]:
        """Keep what a file says, as `Labels.read` reads it; all or none of it.

        Parameters
        ----------
        series_id
            Whose labels.
        data, format_
            The file.
        by
            Who brings it; labels that name nobody are theirs.
        replace_all
            Whether these take the place of all labels there are, not only of the very same spans.

        Raises
        ------
        DataError
            If a line cannot be used; it is named.
        """
        with self._store.reading() as session:
            series = row_of(session, SeriesRow, series_id)
        labels = Labels.from_text(data, format_, zone=series.zone, name=f"labels.{format_}")
        if not 0 < len(labels) <= MOST_IMPORTED:
            raise DataError(f"1 to {MOST_IMPORTED} labels were expected, {len(labels)} came")
        # all but the writing is done while others may write
        made = [_row(series, label, by=by, source="import") for label in labels]
        records = [_record(row, series) for row in made]
        with self._store.writing() as session:
            row_of(session, SeriesRow, series_id)  # it may be gone by now
            _make_room(session, series, made, alone=replace_all)
            session.bulk_save_objects(made)
        return records

    def truth(self, series_id: str) -> IntArray | None:
        """1 = anomaly, shape (rows as they came,): the label column, and what people said since.

        None where nobody said anything. Of spans that overlap the latest counts: 1 if it was off,
        else 0, but a word about some channels leaves it open whether others were off.
        """
        series = self._series.load(series_id)
        with self._store.reading() as session:
            rows = _rows(session, series_id)
        if not rows:
            return series.label
        label = (
            np.zeros(len(series), dtype=np.int8) if series.label is None else series.label.copy()
        )
        spans = [(row.start, row.end) for row in rows]
        for row, span in zip(rows, rows_in(series, spans), strict=True):
            if row.verdict in ANOMALOUS:
                label[span] = 1
            elif not row.channels:
                label[span] = 0
        return label

    def revision(self, series_id: str) -> str:
        """A text that changes whenever the labels of a series do."""
        wanted = select(func.count(), func.max(LabelRow.created_at))
        with self._store.reading() as session:
            number, latest = session.execute(wanted.where(LabelRow.series_id == series_id)).one()
        return f"{number} {latest}"

    def on(self, detection: Detection, series_id: str) -> dict[str, Series]:
        """What of a detection changes with the labels of now: `source` and `series`."""
        truth = self.truth(series_id)
        if truth is None or truth is self._series.load(series_id).label:
            return {}
        return {
            "source": replace(detection.source, label=truth),
            "series": replace(
                detection.series, label=label_on_grid(truth, detection.slot, len(detection.series))
            ),
        }


def _record(row: LabelRow, series: SeriesRow) -> LabelRecord:
    """A row as it is handed out."""
    start = moment_text(row.start, has_clock=series.has_clock)
    end = moment_text(row.end, has_clock=series.has_clock)
    assert start is not None
    assert end is not None  # neither is None in the table
    return LabelRecord(
        id=row.id,
        series_id=row.series_id,
        start=start,
        end=end,
        verdict=cast(Verdict, row.verdict),
        channels=tuple(row.channels),
        who=row.said_by,
        when=row.said_at,
        note=row.note,
        source=row.source,
        model_id=row.model_id,
        created_at=row.created_at,
        created_by=row.created_by,
    )


def _label(row: LabelRow, series: SeriesRow) -> Label:
    """A row as the library takes it."""
    start, end = (
        np.datetime64(at, "ns") if series.has_clock else at for at in (row.start, row.end)
    )
    return Label(
        start, end, cast(Verdict, row.verdict), tuple(row.channels), row.said_by,
        read_stamp(row.said_at, None), row.note,
    )  # fmt: skip


def _row(series: SeriesRow, label: Label, *, by: str, source: str) -> LabelRow:
    """A label that fits the series as a row, not in the store yet."""
    label.check_fits(series.name, series.channels, has_clock=series.has_clock)
    start, end = moment_number(label.start), moment_number(label.end)
    if series.start is None or series.end is None or start > series.end or end <= series.start:
        ends = (moment_text(at, has_clock=series.has_clock) for at in (series.start, series.end))
        raise DataError(
            f"the label {label.text} lies outside the series, {' to '.join(map(str, ends))}"
        )
    for what, text, longest in (
        ("note", label.note, LONGEST_NOTE),
        ("name", label.who, LONGEST_NAME),
    ):
        if len(text) > longest or "\0" in text:
            raise DataError(
                f"the label {label.text}: a {what} has at most {longest} characters, none is NUL"
            )
    when = None if label.when is None else f"{label.when.astype('datetime64[us]')}+00:00"
    return LabelRow(
        id=new_id(),
        created_at=now_text(),
        series_id=series.id,
        start=start,
        end=end,
        verdict=label.verdict,
        channels=list(label.channels),
        said_by=label.who or by,
        said_at=when or now_text(),
        note=label.note,
        source=source,
        created_by=by,
    )


def _lies_in(row: LabelRow, series: SeriesRow) -> bool:
    """Not of a live series whose first rows are no longer kept."""
    return (
        series.start is None
        or series.end is None
        or (row.end > series.start and row.start <= series.end)
    )


def _make_room(
    session: Session, series: SeriesRow, made: Sequence[LabelRow], *, alone: bool = False
) -> None:
    """Take away what was said of the very same span and channels, or all."""
    of_series = LabelRow.series_id == series.id
    if alone:
        session.execute(delete(LabelRow).where(of_series))
        return
    old = select(LabelRow.id, LabelRow.start, LabelRow.end, LabelRow.channels).where(of_series)
    if len(made) == 1:
        old = old.where(LabelRow.start == made[0].start, LabelRow.end == made[0].end)
    new, said = {row.id for row in made}, {_place(row) for row in made}
    gone = [
        {"gone": id_}
        for id_, start, end, channels in session.execute(old).all()
        if id_ not in new and (start, end, tuple(channels)) in said
    ]
    if gone:
        one = delete(LabelRow).where(LabelRow.id == bindparam("gone"))
        session.connection().execute(one, gone)


def _rows(session: Session, series_id: str) -> list[LabelRow]:
    """The oldest first."""
    wanted = select(LabelRow).where(LabelRow.series_id == series_id)
    return list(session.scalars(wanted.order_by(LabelRow.created_at, LabelRow.id)).all())


def _in_time(row: LabelRow) -> tuple[int, int, str]:
    return row.start, row.end, row.created_at


def _place(row: LabelRow) -> tuple[int, int, tuple[str, ...]]:
    return row.start, row.end, tuple(row.channels)
