"""Table: columns as they came, with the words to say where in the source a row stands."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from offbeat.errors import DataError, nearest_names
from offbeat.series import BoolArray, IntArray

__all__ = ["Table", "as_typed", "plain_name"]

MISSING_WORDS = frozenset(
    ["", "na", "n/a", "#n/a", "nan", "nat", "null", "none", "nil", "-", "--", "?", "missing"]
)
"""Texts, in lower case, that mean "no value" in exports of spreadsheets, pandas, R and SQL."""
SAMPLE_ROWS = 1_000
"""Rows looked at before a whole column is converted."""


@dataclass(frozen=True, eq=False)
class Table:
    """A frame and where it came from.

    Parameters
    ----------
    frame
        The columns; text that is all numbers has become numbers.
    origin
        What to call the source in messages.
    lines
        Shape (T,): the line of the file in which each row stands; None if it has no lines.
    index
        Column that was the index of a pandas frame: it is the time if it can be.
    sheds
        Whether rows without a time stamp may be left out (a file), or not, because a result must
        have the rows of the input (a frame).
    named
        Whether the columns have names; those of an array have not, and none of them is the time.
    notes
        What was done to the data so far.
    """

    frame: pl.DataFrame
    origin: str
    lines: IntArray | None = None
    index: str | None = None
    sheds: bool = False
    named: bool = True
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return self.frame.height

    def where(self, row: int) -> str:
        """`line 4` in a file of lines, else `row 2` (counted from 0)."""
        return f"row {row}" if self.lines is None else f"line {self.lines[row]}"

    def column(self, name: str, what: str) -> pl.Series:
        """The column of this name, or a `DataError` with the nearest names."""
        if name not in self.frame.columns:
            near = nearest_names(name, self.frame.columns)
            raise DataError(f"{self.origin} has no column {name!r} ({what}): {near}")
        return self.frame[name]

    def keep(self, rows: BoolArray) -> Table:
        """Only these rows."""
        lines = None if self.lines is None else self.lines[rows]
        return replace(self, frame=self.frame.filter(pl.Series(rows)), lines=lines)


def plain_name(name: str) -> str:
    """A name in lower case and without other signs: `Response-Time_ms` -> `responsetimems`."""
    return "".join(sign for sign in name.lower() if sign.isalnum())


def as_typed(column: pl.Series, *, decimal_comma: bool = False) -> pl.Series:
    """Text that is all whole numbers, numbers or true/false as such; anything else as it came.

    Parameters
    ----------
    column
        Any column; only one of text changes.
    decimal_comma
        Whether "1,5" may be one and a half.
    """
    if column.dtype in (pl.Categorical, pl.Enum):
        column = column.cast(pl.String)
    if column.dtype != pl.String:
        return column
    if column.null_count() == len(column):
        return column.cast(pl.Float64)
    text = column.str.strip_chars()
    for dtype in (pl.Int64, pl.Float64):
        numbers = _as_numbers(text, dtype)
        if numbers is not None:
            return numbers
    if decimal_comma and text.drop_nulls().head(SAMPLE_ROWS).str.contains(",", literal=True).any():
        numbers = _as_numbers(_without_decimal_comma(text), pl.Float64)
        if numbers is not None:
            return numbers
    if _is_true_or_false(text):
        return text.str.to_lowercase().is_in(["true"])
    return column


def _is_true_or_false(text: pl.Series) -> bool:
    """Whether a column of text holds nothing but true and false, in any case."""
    present = text.drop_nulls()
    if not len(present) or present.head(1).str.len_chars().item() > len("false"):
        return False
    return text.null_count() == 0 and bool(
        present.str.to_lowercase().is_in(["true", "false"]).all()
    )


def _as_numbers(text: pl.Series, dtype: type[pl.DataType]) -> pl.Series | None:
    """The text as numbers; None if any of it is neither a number nor a word for "missing"."""
    for part in (text.head(SAMPLE_ROWS), text):
        numbers = part.cast(dtype, strict=False)
        refused = part.filter(numbers.is_null() & part.is_not_null())
        words = {word.lower() for word in refused.unique().to_list()} if len(refused) else set()
        if not words <= MISSING_WORDS:
            return None
    if dtype == pl.Int64 and numbers.null_count() == len(numbers):
        return numbers.cast(pl.Float64)
    return numbers


def _without_decimal_comma(text: pl.Series) -> pl.Series:
    """`1,5` -> `1.5`, and `1.234,5` -> `1234.5`; other text as it is."""
    grouped = text.str.contains(r"^[+-]?\d{1,3}(\.\d{3})+,\d+$").fill_null(False)
    plain = text.str.replace_all(".", "", literal=True)
    text = plain.zip_with(grouped, text)
    return text.str.replace(r"^([+-]?\d*),(\d+(?:[eE][+-]?\d+)?)$", "$1.$2")


def line_numbers(first: int, rows: int) -> IntArray:
    """Lines `first`, `first` + 1, ... of so many rows."""
    return np.arange(first, first + rows, dtype=np.int64)
