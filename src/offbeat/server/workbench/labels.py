"""Labels: what people say of spans, as rows, as CSV or JSON, and as 0 and 1 on a series."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Literal, cast

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from offbeat.detection import Detection
from offbeat.errors import DataError, one_of
from offbeat.grid import label_on_grid
from offbeat.series import IntArray, Series
from offbeat.server.records import VERDICTS, LabelRecord, Moment, Verdict
from offbeat.server.store import LabelRow, SeriesRow, Store, now_text, row_of
from offbeat.server.workbench.moments import moment_text, read_moment, rows_in
from offbeat.server.workbench.series import SeriesShelf

__all__ = ["LabelBook", "label_record"]

COLUMNS = ("start", "end", "verdict", "note")
LONGEST_NOTE = 2_000
MOST_IMPORTED = 100_000


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
            return [label_record(row, series) for row in sorted(rows, key=_place)]

    def add(
        self,
        series_id: str,
        start: Moment,
        end: Moment,
        verdict: Verdict,
        *,
        by: str,
        note: str = "",
        source: str = "person",
        model_id: str | None = None,
    ) -> LabelRecord:
        """Say something of a span [start, end).

        Raises
        ------
        DataError
            If the span is empty or lies outside the series.
        ConfigError
            If the verdict or a moment cannot be read.
        """
        with self._store.writing() as session:
            series = row_of(session, SeriesRow, series_id)
            row = _made(series, {"start": start, "end": end, "verdict": verdict, "note": note}, by)
            row.source, row.model_id = source, model_id
            session.add(row)
            session.flush()
            return label_record(row, series)

    def change(self, label_id: str, *, by: str, **fields: Any) -> LabelRecord:
        """Change start, end, verdict or note of a label."""
        with self._store.writing() as session:
            row = row_of(session, LabelRow, label_id)
            series = row_of(session, SeriesRow, row.series_id)
            known = label_record(row, series)
            given = {name: value for name, value in fields.items() if value is not None}
            plain = {name: getattr(known, name) for name in COLUMNS}
            new = _made(series, {**plain, **given}, by)
            for name in (*COLUMNS, "created_by"):
                setattr(row, name, getattr(new, name))
            row.created_at = now_text()
            return label_record(row, series)

    def remove(self, label_id: str) -> LabelRecord:
        """Take a label back."""
        with self._store.writing() as session:
            row = row_of(session, LabelRow, label_id)
            session.delete(row)
            return label_record(row, row_of(session, SeriesRow, row.series_id))

    def remove_overlapping(self, series_id: str, start: Moment, end: Moment) -> list[LabelRecord]:
        """Take back all that touches a span."""
        with self._store.writing() as session:
            series = row_of(session, SeriesRow, series_id)
            first, last = _span(series, start, end)
            gone = [
                row for row in _rows(session, series_id) if row.start < last and first < row.end
            ]
            for row in gone:
                session.delete(row)
            return [label_record(row, series) for row in gone]

    def export(self, series_id: str, format_: Literal["csv", "json"] = "csv") -> bytes:
        """All labels of a series as a file: start, end, verdict, note."""
        one_of("format", format_, ("csv", "json"))
        rows = [{name: getattr(each, name) for name in COLUMNS} for each in self.find(series_id)]
        if format_ == "json":
            return (json.dumps(rows, indent=2, ensure_ascii=False) + "\n").encode()
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue().encode()

    def take_in(
        self,
        series_id: str,
        data: bytes,
        format_: Literal["csv", "json"] = "csv",
        *,
        by: str,
        replace_all: bool = False,
    ) -> list[LabelRecord]:
        """Read what `export` wrote, or what a person wrote in the same columns; all or none of it.

        Parameters
        ----------
        series_id
            Whose labels.
        data, format_
            The file.
        by
            Who.
        replace_all
            Whether these take the place of all labels there are.

        Raises
        ------
        DataError, ConfigError
            If a line cannot be used; it is named.
        """
        one_of("format", format_, ("csv", "json"))
        plain = _plain_rows(data, format_)
        with self._store.writing() as session:
            series = row_of(session, SeriesRow, series_id)
            if replace_all:
                for old in _rows(session, series_id):
                    session.delete(old)
            made = [_numbered(series, fields, by, i + 1) for i, fields in enumerate(plain)]
            session.add_all(made)
            session.flush()
            return [label_record(row, series) for row in made]

    def truth(self, series_id: str) -> IntArray | None:
        """1 = anomaly, shape (rows as they came,): the label column, and what people said since.

        None where nobody said anything. Of spans that overlap the latest counts; "normal" and
        "expected" are 0.
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
            label[span] = 1 if row.verdict == "anomaly" else 0
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


def label_record(row: LabelRow, series: SeriesRow) -> LabelRecord:
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
        note=row.note,
        source=row.source,
        model_id=row.model_id,
        created_at=row.created_at,
        created_by=row.created_by,
    )


def _rows(session: Session, series_id: str) -> list[LabelRow]:
    """The oldest first."""
    wanted = select(LabelRow).where(LabelRow.series_id == series_id)
    return list(session.scalars(wanted.order_by(LabelRow.created_at, LabelRow.id)).all())


def _place(row: LabelRow) -> tuple[int, int, str]:
    return row.start, row.end, row.created_at


def _made(series: SeriesRow, fields: Mapping[str, Any], by: str) -> LabelRow:
    """A checked row, not in the store yet."""
    start, end = _span(series, fields["start"], fields["end"])
    note = str(fields.get("note") or "")
    if len(note) > LONGEST_NOTE or "\0" in note:
        raise DataError(f"a note has at most {LONGEST_NOTE} characters, {len(note)} came")
    verdict = one_of("verdict", str(fields["verdict"]), VERDICTS)
    return LabelRow(
        series_id=series.id,
        start=start,
        end=end,
        verdict=verdict,
        note=note,
        source="import",
        created_by=by,
    )


def _span(series: SeriesRow, start: Any, end: Any) -> tuple[int, int]:
    first = read_moment(start, has_clock=series.has_clock, zone=series.zone)
    last = read_moment(end, has_clock=series.has_clock, zone=series.zone)
    if first >= last:
        raise DataError(f"a label is a span [start, end): {end} does not lie after {start}")
    if series.start is None or series.end is None or first > series.end or last <= series.start:
        ends = (moment_text(at, has_clock=series.has_clock) for at in (series.start, series.end))
        raise DataError(
            f"the span {start} to {end} lies outside the series, {' to '.join(map(str, ends))}"
        )
    return first, last


def _numbered(series: SeriesRow, fields: Any, by: str, number: int) -> LabelRow:
    try:
        if not isinstance(fields, Mapping):
            raise DataError("start, end and verdict were expected")
        missing = [name for name in COLUMNS[:3] if fields.get(name) in (None, "")]
        if missing:
            raise DataError(f"{' and '.join(missing)} missing")
        return _made(series, fields, by)
    except ValueError as problem:
        raise DataError(f"label {number}: {problem}") from None


def _plain_rows(data: bytes, format_: str) -> list[Any]:
    try:
        text = data.decode("utf-8-sig")
        found: Iterable[Any] = (
            json.loads(text) if format_ == "json" else csv.DictReader(io.StringIO(text))
        )
        rows = list(found) if not isinstance(found, Mapping) else []
    except (UnicodeDecodeError, ValueError, TypeError, RecursionError, csv.Error) as problem:
        raise DataError(f"these are no labels as {format_.upper()}: {problem}") from None
    if not rows:
        raise DataError(f"no label came: a {format_.upper()} file with {', '.join(COLUMNS)}")
    if len(rows) > MOST_IMPORTED:
        raise DataError(f"{len(rows)} labels came, at most {MOST_IMPORTED} at once")
    return rows
