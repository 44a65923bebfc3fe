"""Blocks of long tables: any file as frames of bounded size, whatever its own size."""

from __future__ import annotations

import gzip
import io
from collections.abc import Generator, Iterator
from contextlib import closing
from typing import IO, Any

import polars as pl
from polars.exceptions import PolarsError

from offbeat.errors import DataError, nearest_names
from offbeat.fleet.finding import DataFile, hive_value
from offbeat.fleet.places import Place
from offbeat.io import ReadOptions
from offbeat.io.delimited import sniff_delimiter
from offbeat.io.formats import flat, kind_of
from offbeat.io.tables import as_typed
from offbeat.parts import optional_part

__all__ = ["blocks"]

HEAD = 4096
BYTES_PER_VALUE = 12
"""Of a block in memory, about; tells how many rows of a Parquet file make one."""


def blocks(file: DataFile, key: str, options: ReadOptions, size: int) -> Iterator[pl.DataFrame]:
    """Parts of a file in the order of its rows, each of about `size` bytes, the key as text.

    Raises
    ------
    DataError
        If the file cannot be read, or has no such column.
    """
    where = hive_value(file.name, key)
    with Place(file.url).open() as opened:
        head = opened.read(HEAD)
        opened.seek(0)
        if head[:2] == b"\x1f\x8b":
            stream: IO[bytes] = gzip.GzipFile(fileobj=opened)  # type: ignore[assignment]
            head = stream.read(HEAD)
            stream.seek(0)
        else:
            stream = opened
        try:
            with closing(_frames(stream, head, file.name, options, size, key)) as frames:
                for frame in frames:
                    yield _with_key(frame, file.name, key, where)
        except DataError:
            raise
        except Exception as problem:  # a damaged file raises many kinds, even of Rust's panics
            text = " ".join(str(problem).split())[:120]
            raise DataError(f"{file.name} cannot be read: {text}") from None


def _frames(
    stream: IO[bytes], head: bytes, name: str, options: ReadOptions, size: int, key: str
) -> Generator[pl.DataFrame, None, None]:
    kind = kind_of(head)
    if not head:
        raise DataError(f"{name} is empty: a table with a header and rows was expected")
    if kind == "parquet":
        yield from _of_parquet(stream, size)
    elif kind in ("arrow", "arrow stream"):
        read = pl.read_ipc if kind == "arrow" else pl.read_ipc_stream
        yield read(io.BytesIO(stream.read()))
    elif kind == "json" and head.lstrip().startswith(b"["):
        yield flat(pl.read_json(io.BytesIO(stream.read()), infer_schema_length=None))
    elif kind == "json":
        for text in _whole_lines(stream, options.encoding, size):
            yield flat(pl.read_ndjson(io.BytesIO(text.encode()), infer_schema_length=None))
    else:
        yield from _of_text(stream, name, options, size, key)


def _of_parquet(stream: IO[bytes], size: int) -> Iterator[pl.DataFrame]:
    parquet = optional_part("pyarrow.parquet", extra="fleet", needed_by="a fleet")
    opened: Any = parquet.ParquetFile(stream)
    width = max(1, len(opened.schema_arrow.names))
    rows = max(1_000, size // (BYTES_PER_VALUE * width))
    for group in range(opened.num_row_groups):  # asked for all at once, it keeps what it has read
        for batch in opened.iter_batches(batch_size=rows, row_groups=[group]):
            frame = pl.from_arrow(batch)
            assert isinstance(frame, pl.DataFrame)
            yield frame


def _of_text(
    stream: IO[bytes], name: str, options: ReadOptions, size: int, key: str
) -> Iterator[pl.DataFrame]:
    header = delimiter = ""
    for text in _whole_lines(stream, options.encoding, size):
        body = text
        if not header:
            header, body = _header(text)
            delimiter = options.separator or sniff_delimiter(f"{header}\n{body}")
        if not body.strip():
            continue
        frame = _cells(f"{header}\n{body}", name, delimiter)
        yield _typed(frame, key, decimal_comma=delimiter != ",")
    if not header:
        raise DataError(f"{name} is empty: a table with a header and rows was expected")


def _header(text: str) -> tuple[str, str]:
    """The first line that is neither blank nor a remark, and what follows it."""
    while text:
        line, _, text = text.partition("\n")
        if line.strip() and not line.startswith("#"):
            return line, text
    return "", ""


def _cells(text: str, name: str, delimiter: str) -> pl.DataFrame:
    try:
        frame = pl.read_csv(io.BytesIO(text.encode()), separator=delimiter, infer_schema=False)
    except PolarsError as problem:
        reason = str(problem).strip().splitlines()[0][:120]
        raise DataError(f"{name} cannot be read as a table: {reason}") from None
    return frame


def _whole_lines(stream: IO[bytes], encoding: str, size: int) -> Iterator[str]:
    """Text in pieces that end where a line does, outside of quotes."""
    plain = "utf-8-sig" if encoding.lower().replace("-", "") == "utf8" else encoding
    text = io.TextIOWrapper(stream, encoding=plain)
    rest = ""
    try:
        while piece := text.read(size):
            rest += piece
            end = rest.rfind("\n") + 1
            while end and rest.count('"', 0, end) % 2:
                end = rest.rfind("\n", 0, end - 1) + 1
            if end:
                yield rest[:end]
                rest = rest[end:]
        if rest:
            yield rest
    finally:
        text.detach()  # the file is closed by who opened it


def _with_key(frame: pl.DataFrame, name: str, key: str, where: str | None) -> pl.DataFrame:
    """The key as text, other text that is all numbers as numbers."""
    if key not in frame.columns and where is None:
        near = nearest_names(key, frame.columns)
        raise DataError(f"{name} has no column {key!r}: {near}")
    if key not in frame.columns:
        frame = frame.with_columns(pl.lit(where).alias(key))
    return _typed(frame.with_columns(pl.col(key).cast(pl.String)), key)


def _typed(frame: pl.DataFrame, key: str, *, decimal_comma: bool = False) -> pl.DataFrame:
    return pl.DataFrame(
        each if each.name == key else as_typed(each, decimal_comma=decimal_comma) for each in frame
    )
