"""Growing files: lines as they are written, over rotation and truncation."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import BinaryIO

from offbeat.connect.addresses import Address
from offbeat.connect.contract import Batch, Position, Refused, Source, short_digest
from offbeat.connect.decoding import CSVLines, LineBuffer, Lines
from offbeat.errors import ConfigError, DataError

__all__ = ["FileSource"]

CHUNK = 64 * 1024
"""Bytes a batch, so that memory does not depend on the file."""
POLL = 0.1
HEAD = 256
"""First bytes that tell a file from another one that got its inode."""
TABLES = (".csv", ".tsv", ".tab")


class FileSource(Source):
    """Lines of a file, from its beginning and then as they are written.

    The position is inode and byte. A file that was renamed is read to its end wherever it lies in
    the folder, then the new one; a file that became shorter is read from its beginning.

    Parameters
    ----------
    address
        Options: `format=csv` or `ndjson` (by the file's ending if not given); `follow=no` ends the
        watch at the end of the file.
    """

    def __init__(self, address: Address) -> None:
        address.knows("format", "follow")
        self.name, self._path = address.name, Path(address.topic)
        is_table = self._path.suffix.lower() in TABLES
        self._format = address.option("format", "csv" if is_table else "ndjson")
        if self._format not in ("csv", "ndjson"):
            raise ConfigError(f"{self.name}: format={self._format} must be csv or ndjson")
        self.is_live = address.yes("follow", default=True)
        self._file: BinaryIO | None = None
        self._lines: Lines | None = None
        self._inode = self._start = 0
        self._buffer = LineBuffer(self.name)

    def open(self, position: Position | None) -> None:
        """As `Source.open`."""
        self.close()
        if position:
            for path in (self._path, *sorted(self._path.parent.iterdir())):
                if self._is_at(path, position):
                    self._begin(path, position["offset"])
                    return
        if not self.is_live and not self._path.is_file():
            raise DataError(f"{self._path} is no file: follow=no reads one that is there")
        self._begin(self._path, 0)

    def take(self, patience: float) -> Batch | None:
        """As `Source.take`."""
        until = time.monotonic() + patience
        while True:
            batch = self._read()
            if batch:
                return batch
            if self._at_end() and not self._turn_over():
                if not self.is_live:
                    return self._last_line()
                if time.monotonic() >= until:
                    return Batch()
                time.sleep(min(POLL, patience))

    def position(self) -> Position:
        """As `Source.position`."""
        offset = self._start + self._buffer.n_done
        return {"inode": self._inode, "offset": offset, "head": self._head(offset)}

    def close(self) -> None:
        """As `Source.close`."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _begin(self, path: Path, offset: int) -> None:
        if self._file is not None:
            self._file.close()
        self._file = path.open("rb")
        self._inode, self._start = os.fstat(self._file.fileno()).st_ino, offset
        self._buffer = LineBuffer(self.name)
        self._lines = Lines(self.name) if self._format == "ndjson" else None
        if offset and self._format == "csv":
            self._lines = CSVLines(self.name, self._file.readline())
        self._file.seek(offset)

    def _read(self) -> Batch:
        """Whole lines of the next chunk."""
        assert self._file is not None
        lines, refused = self._buffer.feed(self._file.read(CHUNK))
        batch = self._decode(lines)
        return Batch(batch.records, [*batch.refused, *refused])

    def _decode(self, lines: list[bytes]) -> Batch:
        if self._lines is None and lines:
            header, *lines = lines
            try:
                self._lines = CSVLines(self.name, header)
            except DataError as problem:
                return Batch(refused=[Refused.of(header, str(problem), self.name)])
        return self._lines.decode(lines) if self._lines is not None else Batch()

    def _last_line(self) -> Batch | None:
        """The line without an end at the end of a file that grows no more."""
        lines, refused = self._buffer.end()
        batch = self._decode([line for line in lines if line.strip()])
        return Batch(batch.records, [*batch.refused, *refused]) or None

    def _at_end(self) -> bool:
        assert self._file is not None
        return self._file.tell() >= os.fstat(self._file.fileno()).st_size

    def _turn_over(self) -> bool:
        """Whether another file lies there now, or this one was cut short; it is begun then."""
        assert self._file is not None
        try:
            there = self._path.stat()
        except FileNotFoundError:  # between renaming and making anew
            return False
        is_shorter = there.st_size < self._file.tell()
        if there.st_ino == self._inode and not is_shorter:
            return False
        self._begin(self._path, 0)
        return True

    def _is_at(self, path: Path, position: Position) -> bool:
        try:
            about = path.stat()
            if about.st_ino != position["inode"] or about.st_size < position["offset"]:
                return False
            with path.open("rb") as file:
                head = file.read(min(HEAD, position["offset"]))
        except OSError:
            return False
        return bool(short_digest(head) == position["head"])

    def _head(self, offset: int) -> str:
        if self._file is None:
            return ""
        return short_digest(os.pread(self._file.fileno(), min(HEAD, offset), 0))
