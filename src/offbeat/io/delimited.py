"""Delimited text: what parts the cells, whether there is a header, and the cells as columns."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace

import numpy as np
import polars as pl
from polars.exceptions import PolarsError

from offbeat.errors import DataError
from offbeat.io.tables import MISSING_WORDS, Table, as_typed, line_numbers

__all__ = ["read_delimited", "sniff_delimiter"]

_DELIMITERS = ("\t", ";", "|", ",", " ")
"""In order of trust: a comma may part decimals, a space may part a date from its time."""
_HEAD_LINES = 50
_HEAD_CHARS = 100_000
_SAME_WIDTH = 0.9
"""Share of the first lines that must have the same number of cells."""
_NO_NAME = ("", "Unnamed: 0")
_DATE = re.compile(r"\d{1,4}[-/.:]\d{1,2}([-/.:]\d{1,4})?([T ].*)?")


def read_delimited(text: str, origin: str, delimiter: str | None = None) -> Table:
    """Table of delimited text; every column that is all numbers becomes numbers.

    Parameters
    ----------
    text
        The whole text, with line ends `\\n`. Blank lines are skipped, and so are lines with `#`
        before the header. A first line of nothing but numbers and dates is a row, not a header.
    origin
        What to call the text in messages.
    delimiter
        What parts the cells; found from the first lines if None.

    Raises
    ------
    DataError
        If there is no row, a line has too many cells, or a name stands twice in the header.
    """
    body, line = _skip_preamble(text)
    if not body.strip():
        raise DataError(f"{origin} is empty: a table with a header and rows was expected")
    delimiter = delimiter or sniff_delimiter(body)
    if delimiter == " ":
        body = re.sub(r"[ \t]+", " ", re.sub(r"(?m)^[ \t]+|[ \t]+$", "", body))
    header = [cell.strip() for cell in _cells(body.partition("\n")[0], delimiter)]
    if _is_header(header):
        body, line = body.partition("\n")[2], line + 1
        names = _names(header, origin)
        nameless = {n for n, cell in zip(names, header, strict=True) if cell in _NO_NAME}
    else:
        names = [f"column_{number}" for number in range(1, len(header) + 1)]
        nameless = set(names)
    if not body.strip():
        raise DataError(f"{origin} holds a header and no row: at least one row was expected")
    frame = _frame(body, names, delimiter, origin, line)
    table = _without_blank_lines(Table(frame, origin, line_numbers(line, len(frame)), sheds=True))
    typed = [as_typed(each, decimal_comma=delimiter != ",") for each in table.frame]
    return _without_row_numbers(replace(table, frame=pl.DataFrame(typed)), nameless)


def sniff_delimiter(text: str) -> str:
    """What parts the cells of the first lines; a comma if nothing does (one column)."""
    lines = [line for line in text[:_HEAD_CHARS].split("\n")[:_HEAD_LINES] if line.strip()]
    if len(text) > _HEAD_CHARS and len(lines) > 1:
        lines = lines[:-1]
    best, best_trust = ",", 0.0
    for delimiter in _DELIMITERS:
        widths = [len(_cells(line.strip(" "), delimiter)) for line in lines]
        usual = max(set(widths), key=lambda width: (widths.count(width), width))
        same = widths.count(usual) / len(widths)
        if usual > 1 and widths[0] > 1 and same >= _SAME_WIDTH and same > best_trust:
            best, best_trust = delimiter, same
    return best


def _skip_preamble(text: str) -> tuple[str, int]:
    """Text from the header on, and the line number of its first line."""
    start, line = 0, 1
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        first = text[start:end].strip()
        if first and not first.startswith("#"):
            break
        start, line = end + 1, line + 1
    return text[start:], line


def _cells(line: str, delimiter: str) -> list[str]:
    if delimiter == " ":
        line = " ".join(line.split())
    return next(csv.reader([line], delimiter=delimiter), [""])


def _is_header(cells: list[str]) -> bool:
    """Whether any cell is a word: neither a number, nor a date, nor empty."""
    return not any(cells) or not all(_is_value(cell) for cell in cells)


def _is_value(cell: str) -> bool:
    if cell.lower() in MISSING_WORDS or _DATE.fullmatch(cell):
        return True
    try:
        float(cell.replace(",", "."))
    except ValueError:
        return False
    return True


def _names(header: list[str], origin: str) -> list[str]:
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise DataError(
            f"{origin}: column names must differ; repeated: {', '.join(twice)}; rename them"
        )
    return [name or f"column_{number}" for number, name in enumerate(header, start=1)]


def _frame(body: str, names: list[str], delimiter: str, origin: str, line: int) -> pl.DataFrame:
    try:
        return pl.read_csv(
            io.BytesIO(body.encode()),
            has_header=False,
            separator=delimiter,
            schema=dict.fromkeys(names, pl.String),
            missing_columns="insert",
        )
    except PolarsError as problem:
        fault = _too_wide(body, len(names), delimiter, line)
        if fault is None:
            fault = f"cannot be read ({str(problem).strip().splitlines()[0][:120]})"
        raise DataError(
            f"{origin}{fault}; check the delimiter ({delimiter!r} was taken) and the quotes"
        ) from None


def _too_wide(body: str, width: int, delimiter: str, line: int) -> str | None:
    """Where the first line with more cells than the header stands."""
    for number, text in enumerate(body.split("\n"), start=line):
        cells = len(_cells(text, delimiter))
        if cells > width:
            return f", line {number}: {width} cells were expected, {cells} came"
    return None


def _without_blank_lines(table: Table) -> Table:
    """A line without any cell is no row, save between the rows of a single column."""
    frame = table.frame
    blank = frame.select(pl.all_horizontal(pl.all().is_null())).to_series().to_numpy()
    if frame.width == 1:
        blank = blank & (np.cumsum(~blank[::-1])[::-1] == 0)
    if not blank.any():
        return table
    if blank.all():
        raise DataError(f"{table.origin} holds no row: at least one row was expected")
    return table.keep(~blank)


def _without_row_numbers(table: Table, nameless: set[str]) -> Table:
    """Without nameless columns that are empty, or count the rows as pandas writes them."""
    frame, notes = table.frame, table.notes
    for number, column in enumerate(table.frame, start=1):
        if column.name not in nameless or frame.width == 1:
            continue
        if column.null_count() == len(column):
            reason = "empty"
        elif number == 1 and _counts_rows(column):
            reason = "the numbers of the rows"
        else:
            continue
        frame = frame.drop(column.name)
        notes = (*notes, f"left out column {number}, which has no name: {reason}")
    return replace(table, frame=frame, notes=notes)


def _counts_rows(column: pl.Series) -> bool:
    if column.dtype != pl.Int64 or column.null_count() or column[0] not in (0, 1):
        return False
    return bool((column.to_numpy() - column[0] == np.arange(len(column))).all())
