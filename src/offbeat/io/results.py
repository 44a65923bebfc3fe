"""Results -> files, atomically: a file is either the old one or the whole new one."""

from __future__ import annotations

import errno
import io
import os
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal, get_args

import polars as pl

from offbeat.errors import DataError, one_of

__all__ = ["OutputFormat", "atomic_path", "frame_bytes", "table_text", "write_frame"]

OutputFormat = Literal["table", "csv", "tsv", "json", "jsonl", "parquet", "arrow"]

_SUFFIXES: dict[str, OutputFormat] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".txt": "table",
}


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """A new file beside `path` to write to; it takes the place of `path` if all goes well.

    If anything goes wrong, the new file is removed and an old `path` stays as it was. A pipe or a
    device such as `/dev/null` is written directly.

    Raises
    ------
    DataError
        If the folder is missing, nothing may be written there, or the disk is full.
    """
    target = Path(os.path.realpath(path))
    try:
        kind = target.stat().st_mode
    except OSError:
        kind = stat.S_IFREG  # not there yet; what else is wrong shows when it is made
    if not stat.S_ISREG(kind) and not stat.S_ISDIR(kind):
        with _refusals(path):
            yield target
        return
    if stat.S_ISDIR(kind):
        raise DataError(f"{path} is a folder: give the name of a file")
    if not target.parent.is_dir():
        raise DataError(f"{path} cannot be written: there is no folder {target.parent}")
    temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(4)}.part")
    try:
        with _refusals(path):
            _create(temporary, target)
            yield temporary
            _settle(temporary)
            os.replace(temporary, target)
    finally:
        with suppress(OSError):
            temporary.unlink()


def write_frame(
    frame: pl.DataFrame,
    path: str | Path | None = None,
    format: OutputFormat | None = None,  # noqa: A002 (the word of every such function)
) -> None:
    """Write a frame to a file, or to standard output.

    Parameters
    ----------
    frame
        What to write. NaN is written as an empty cell (CSV, table) or null (JSON).
    path
        Where to; None and `"-"` mean standard output.
    format
        "table" (aligned text), "csv", "tsv", "json" (an array of objects), "jsonl", "parquet" or
        "arrow". By the ending of the path if None, and "table" on standard output.

    Raises
    ------
    ConfigError
        If the format is unknown.
    DataError
        If the file cannot be written; an old one stays as it was.
    """
    to_screen = path is None or str(path) == "-"
    data = frame_bytes(frame, _format_of("" if to_screen else str(path), format))
    if to_screen:
        _print(data)
        return
    with atomic_path(str(path)) as temporary:
        temporary.write_bytes(data)


def table_text(frame: pl.DataFrame) -> str:
    """Aligned columns of plain text; numbers to the right, empty cells where there is no value."""
    shown = _readable(frame)
    columns: list[list[str]] = []
    for column in shown:
        cells = [column.name, *(_cell(value) for value in column)]
        width = max(len(cell) for cell in cells)
        right = column.dtype.is_numeric()
        columns.append([cell.rjust(width) if right else cell.ljust(width) for cell in cells])
    rows = ("  ".join(row).rstrip() for row in zip(*columns, strict=True))
    return "\n".join(rows) + "\n"


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _format_of(path: str, asked: OutputFormat | None) -> str:
    if asked is not None:
        return one_of("format", asked, get_args(OutputFormat))
    return _SUFFIXES.get(Path(path).suffix.lower(), "csv" if path else "table")


def frame_bytes(frame: pl.DataFrame, format: str) -> bytes:  # noqa: A002 (see `write_frame`)
    """What `write_frame` writes, for a format that it knows."""
    buffer, output = io.BytesIO(), format
    if output == "table":
        return table_text(frame).encode()
    if output in ("csv", "tsv"):
        _readable(frame).write_csv(buffer, separator="\t" if output == "tsv" else ",")
    elif output == "json":
        _readable(frame).write_json(buffer)
        buffer.write(b"\n")
    elif output == "jsonl":
        _readable(frame).write_ndjson(buffer)
    elif output == "parquet":
        frame.write_parquet(buffer)
    else:
        frame.write_ipc(buffer)
    return buffer.getvalue()


def _readable(frame: pl.DataFrame) -> pl.DataFrame:
    """Time stamps as ISO text, NaN as null."""
    columns: list[pl.Series] = []
    for column in frame:
        if isinstance(column.dtype, pl.Datetime):
            zoned = column.dtype.time_zone is not None
            text = column.dt.strftime("%Y-%m-%dT%H:%M:%S%.f" + ("%:z" if zoned else ""))
            columns.append(text.str.replace(r"(\.\d*?)0+$", "$1").str.replace(r"\.$", ""))
        elif column.dtype.is_float():
            columns.append(column.fill_nan(None))
        else:
            columns.append(column)
    return pl.DataFrame(columns)


def _print(data: bytes) -> None:
    binary = getattr(sys.stdout, "buffer", None)
    if binary is None:
        sys.stdout.write(data.decode())
        return
    sys.stdout.flush()
    binary.write(data)
    binary.flush()


def _create(temporary: Path, target: Path) -> None:
    """An empty file with the rights of the old one, or else those that a new file gets."""
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    with suppress(FileNotFoundError):
        os.chmod(temporary, stat.S_IMODE(target.stat().st_mode))


def _settle(temporary: Path) -> None:
    """Wait until the disk has the data; a full disk may only tell now."""
    with open(temporary, "rb+") as file:
        os.fsync(file.fileno())


@contextmanager
def _refusals(path: str | Path) -> Iterator[None]:
    """What the system refuses, as a `DataError`; a reader that has seen enough is no fault."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as problem:
        raise DataError(_not_written(Path(path), problem)) from problem


def _not_written(path: Path, problem: OSError) -> str:
    kept = "; the old file is unchanged" if os.path.isfile(path) else ""
    if problem.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return f"{path} cannot be written: no space is left on the disk{kept}; make room"
    return f"{path} cannot be written: {problem.strerror or problem}{kept}"
