"""Bytes from a path or from standard input, unpacked and decoded."""

from __future__ import annotations

import codecs
import difflib
import gzip
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path

from offbeat.errors import DataError

__all__ = ["Source", "decode", "open_source", "unpacked"]

_PACKED = {
    b"PK\x03\x04": "a zip or Excel file: save the sheet as CSV, or unpack it",
    b"BZh": "packed with bzip2: unpack it, or pack it with gzip",
    b"\xfd7zXZ": "packed with xz: unpack it, or pack it with gzip",
    b"\x28\xb5\x2f\xfd": "packed with zstd: unpack it, or pack it with gzip",
    b"\xd0\xcf\x11\xe0": "an old Excel file: save the sheet as CSV",
    b"SQLite format 3": "an SQLite database: export the table as CSV",
    b"FEA1": "Feather version 1: write it as Feather version 2 or Parquet",
    b"\x93NUMPY": "a NumPy file: load it with numpy.load and give the array",
    b"\x89HDF": "an HDF5 file: export the table as CSV or Parquet",
}
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class Source:
    """The bytes of a source (unpacked), what to call it in messages, and a name for the series."""

    data: bytes
    origin: str
    name: str


def open_source(source: str | Path) -> Source:
    """Read a file, or standard input for `"-"`; gzip is unpacked whatever the file is called.

    Raises
    ------
    DataError
        If there is no such file (the message names the nearest), it is a folder, empty, cut off,
        or packed in a way that is not read.
    """
    return unpacked(_read_stdin() if str(source) == "-" else _read_path(Path(source)))


def unpacked(found: Source) -> Source:
    """The same without gzip around it.

    Raises
    ------
    DataError
        If it is empty, cut off, or packed in a way that is not read.
    """
    if not found.data:
        raise DataError(f"{found.origin} is empty: a table with a header and rows was expected")
    if found.data[:2] == b"\x1f\x8b":
        found = Source(_unpack(found), found.origin, found.name)
    for magic, remedy in _PACKED.items():
        if found.data.startswith(magic):
            raise DataError(f"{found.origin} is {remedy}")
    return found


def decode(source: Source, encoding: str) -> str:
    """Text of the source, with line ends as `\\n`; a byte order mark wins over `encoding`.

    Raises
    ------
    DataError
        If the bytes are not text in that encoding; the message names the place and the remedy.
    """
    marked = next((codec for bom, codec in _BOMS if source.data.startswith(bom)), None)
    wide = "16" in encoding or "32" in encoding
    if marked is None and not wide and b"\0" in source.data[:4096]:
        raise DataError(
            f"{source.origin} holds binary data: CSV, JSON lines, Parquet or Arrow was expected "
            "(if it is text in UTF-16, give encoding='utf-16')"
        )
    try:
        text = source.data.decode(marked or encoding)
    except UnicodeDecodeError as problem:
        line = source.data.count(b"\n", 0, problem.start) + 1
        raise DataError(
            f"{source.origin}, line {line}: byte 0x{source.data[problem.start]:02X} is not "
            f"{marked or encoding} text; give the right encoding=, such as 'latin-1' or 'cp1252'"
        ) from None
    except UnicodeError as problem:
        raise DataError(f"{source.origin} is not {marked or encoding} text: {problem}") from None
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _read_stdin() -> Source:
    if sys.stdin is None or sys.stdin.isatty():
        raise DataError("'-' reads standard input, and nothing is piped in: name a file instead")
    return Source(sys.stdin.buffer.read(), "standard input", "stdin")


def _read_path(path: Path) -> Source:
    origin = path.name or str(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise DataError(_not_there(path)) from None
    except IsADirectoryError:
        raise DataError(f"{path} is a folder: name one file in it{_some_files(path)}") from None
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else problem
        raise DataError(f"{path} cannot be read: {reason}") from None
    name = origin[: -len(".gz")] if origin.endswith(".gz") else origin
    return Source(data, origin, Path(name).stem)


def _not_there(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"there is no file {path}: the folder {folder} does not exist"
    names = [each.name for each in folder.iterdir() if each.is_file()]
    near = difflib.get_close_matches(path.name, names, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else "check the name and the folder"
    return f"there is no file {path}: {hint}"


def _some_files(folder: Path) -> str:
    names = sorted(each.name for each in folder.iterdir() if each.is_file())[:3]
    return f", such as {', '.join(names)}" if names else " (it holds no file)"


def _unpack(source: Source) -> bytes:
    try:
        data = gzip.decompress(source.data)
    except EOFError:
        raise DataError(
            f"{source.origin} ends in the middle of its gzip data: copy or download it again"
        ) from None
    except (OSError, zlib.error) as problem:
        raise DataError(
            f"{source.origin} is damaged gzip data ({problem}): copy or download it again"
        ) from None
    if not data:
        raise DataError(f"{source.origin} is empty once unpacked: a table was expected")
    return data
