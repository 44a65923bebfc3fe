"""Bytes -> Table: the kind of file is found from its content, not from its name."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Literal

import polars as pl
from polars.exceptions import PolarsError

from offbeat.errors import DataError
from offbeat.io.delimited import read_delimited
from offbeat.io.options import ReadOptions
from offbeat.io.sources import Source, decode
from offbeat.io.tables import Table, as_typed

__all__ = ["Kind", "flat", "kind_of", "read_binary", "read_json", "read_text"]

Kind = Literal["parquet", "arrow", "arrow stream", "json", "text"]

_PARQUET = b"PAR1"
_ARROW = b"ARROW1"
_ARROW_STREAM = b"\xff\xff\xff\xff"
_AGAIN, _EXPECTED = "write or copy it again", "was expected"


def kind_of(data: bytes) -> Kind:
    """What kind of file these bytes are."""
    if data.startswith(_PARQUET):
        return "parquet"
    if data.startswith(_ARROW):
        return "arrow"
    if data.startswith(_ARROW_STREAM):
        return "arrow stream"
    head = data[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    return "json" if head.startswith((b'{"', b"{ ", b"{}", b"[{", b"[\n", b"[ ")) else "text"


def read_binary(source: Source, kind: Kind) -> Table:
    """Table of a Parquet or Arrow file.

    Raises
    ------
    DataError
        If the file is only half there or damaged, or holds no row.
    """
    if kind == "parquet" and (
        len(source.data) <= 2 * len(_PARQUET) or not source.data.endswith(_PARQUET)
    ):
        raise DataError(
            f"{source.origin} is half a Parquet file (its end is missing): write or copy it again"
        )
    readers: dict[str, Callable[[io.BytesIO], pl.DataFrame]] = {
        "parquet": pl.read_parquet,
        "arrow": pl.read_ipc,
        "arrow stream": pl.read_ipc_stream,
    }
    try:
        frame = readers[kind](io.BytesIO(source.data))
    except Exception as problem:  # a damaged file raises many kinds, even of Rust's panics
        raise DataError(
            f"{source.origin} is a damaged {kind} file ({_first_line(problem)}): "
            "write or copy it again"
        ) from None
    return _table(frame, source)


def read_json(source: Source, options: ReadOptions) -> Table:
    """Table of JSON lines, or of one JSON array of objects; nested objects become `a.b`.

    Raises
    ------
    DataError
        If a line is no JSON object; the message names the first.
    """
    text = decode(source, options.encoding).strip()
    data = io.BytesIO(text.encode())
    try:
        if text.startswith("["):
            frame = pl.read_json(data, infer_schema_length=None)
        else:
            frame = pl.read_ndjson(data, infer_schema_length=None)
    except (PolarsError, ValueError) as problem:
        fault = _json_fault(text) or _first_line(problem)
        raise DataError(f"{source.origin}, {fault}") from None
    return _table(flat(frame), source)


def read_text(text: str, source: Source, options: ReadOptions) -> Table:
    """Table of delimited text (CSV, TSV, ...)."""
    return read_delimited(text, source.origin, options.separator)


def _table(frame: pl.DataFrame, source: Source) -> Table:
    if not frame.width or not frame.height:
        raise DataError(f"{source.origin} holds no row: at least one was expected")
    return Table(frame.with_columns(as_typed(each) for each in frame), source.origin, sheds=True)


def flat(frame: pl.DataFrame) -> pl.DataFrame:
    """Structs unpacked into columns `outer.inner`."""
    while any(dtype == pl.Struct for dtype in frame.dtypes):
        columns: list[pl.Series] = []
        for column in frame:
            if column.dtype == pl.Struct:
                inner = column.struct.unnest()
                columns += [each.alias(f"{column.name}.{each.name}") for each in inner]
            else:
                columns.append(column)
        frame = pl.DataFrame(columns)
    return frame


def _json_fault(text: str) -> str | None:
    """What is wrong with the first bad line, and what to do."""
    if text.startswith("["):
        try:
            json.loads(text)
        except json.JSONDecodeError as problem:
            if not text.endswith("]"):
                return (
                    f"line {problem.lineno}: the JSON array is cut off, its ] is missing; {_AGAIN}"
                )
            return (
                f"line {problem.lineno}: {_json_problem(problem)}; an array of objects {_EXPECTED}"
            )
        return None
    lines = text.split("\n")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            if not isinstance(json.loads(line), dict):
                return f"line {number}: {line[:40]!r} is no JSON object; one a line {_EXPECTED}"
        except json.JSONDecodeError as problem:
            if number == len(lines) and not line.rstrip().endswith("}"):
                return f"line {number}: the last line is cut off, its }} is missing; {_AGAIN}"
            return f"line {number}: {_json_problem(problem)}; one JSON object a line {_EXPECTED}"
    return None


def _json_problem(problem: json.JSONDecodeError) -> str:
    """`expecting value at column 12`."""
    words = problem.msg[:1].lower() + problem.msg[1:].removesuffix(" at")
    return f"{words} at column {problem.colno}"


def _first_line(problem: Exception) -> str:
    return (str(problem).strip().splitlines() or [type(problem).__name__])[0][:120]
