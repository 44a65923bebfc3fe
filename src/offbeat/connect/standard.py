"""The standard streams: rows from standard input, lines of JSON to standard output or a file."""

from __future__ import annotations

import os
import select
import sys
from pathlib import Path

from offbeat.connect.addresses import Address
from offbeat.connect.contract import Batch, Outcome, Position, Sink, Source
from offbeat.connect.decoding import CSVLines, LineBuffer, Lines
from offbeat.connect.outcome import lines_of
from offbeat.errors import ConfigError, DataError

__all__ = ["FileSink", "StandardInput", "StandardOutput"]

CHUNK = 64 * 1024


class StandardInput(Source):
    """Lines of standard input until it ends. What came through a pipe cannot be asked for again.

    Parameters
    ----------
    address
        Option: `format=csv` or `ndjson`; seen from the first line if not given.
    """

    name = "standard input"

    def __init__(self, address: Address) -> None:
        self._format = address.knows("format").option("format")
        self._buffer, self._ended = LineBuffer(self.name), False
        self._lines: Lines | None = None

    def open(self, position: Position | None) -> None:
        """As `Source.open`."""
        del position
        self._descriptor = sys.stdin.fileno()

    def take(self, patience: float) -> Batch | None:
        """As `Source.take`."""
        if self._ended:
            return None
        ready, _, _ = select.select([self._descriptor], [], [], patience)
        if not ready:
            return Batch()
        chunk = os.read(self._descriptor, CHUNK)
        self._ended = not chunk
        lines, refused = self._buffer.feed(chunk or b"\n")
        batch = self._decode(lines)
        return Batch(batch.records, [*batch.refused, *refused])

    def position(self) -> Position:
        """As `Source.position`."""
        return {}

    def _decode(self, lines: list[bytes]) -> Batch:
        if self._lines is None:
            lines = lines[next((i for i, line in enumerate(lines) if line.strip()), len(lines)) :]
            if not lines:
                return Batch()
            is_json = lines[0].lstrip()[:1] in (b"{", b"[")
            if self._format == "ndjson" or (is_json and not self._format):
                self._lines = Lines(self.name)
            elif self._format in ("", "csv"):
                self._lines = CSVLines(self.name, lines.pop(0))
            else:
                raise ConfigError(f"format={self._format} must be csv or ndjson")
        return self._lines.decode(lines)


class StandardOutput(Sink):
    """A line of JSON a reading and an event."""

    name = "standard output"

    def __init__(self, address: Address) -> None:
        address.knows()
        self._waiting = list[str]()

    def put(self, outcome: Outcome) -> None:
        """As `Sink.put`."""
        self._waiting += lines_of(outcome)

    def flush(self) -> None:
        """As `Sink.flush`."""
        if self._waiting:
            sys.stdout.write("".join(self._waiting))
            self._waiting.clear()
            sys.stdout.flush()


class FileSink(Sink):
    """A line of JSON a reading and an event, at the end of a file.

    Where it goes on from a checkpoint, what was written after it is cut off, as it comes again: no
    line is missing, none is there twice, and none is half a line.

    Parameters
    ----------
    address
        Its path.
    """

    def __init__(self, address: Address) -> None:
        self.name, self._path = address.knows().name, Path(address.topic)
        self._waiting = list[str]()
        self._descriptor, self._size = -1, 0

    def open(self, position: Position | None) -> None:
        """As `Sink.open`."""
        self.close()
        try:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError) as no:
            raise DataError(f"{self._path} cannot be written: {no.strerror}") from None
        self._size = os.fstat(self._descriptor).st_size
        if position and self._size > position["size"]:
            self._size = position["size"]
            os.ftruncate(self._descriptor, self._size)

    def put(self, outcome: Outcome) -> None:
        """As `Sink.put`."""
        self._waiting += lines_of(outcome)

    def flush(self) -> None:
        """As `Sink.flush`; half of it on a full disk is written over the next time."""
        data = "".join(self._waiting).encode()
        written = 0
        while written < len(data):
            written += os.pwrite(self._descriptor, data[written:], self._size + written)
        self._size += len(data)
        self._waiting.clear()

    def position(self) -> Position:
        """As `Sink.position`; it is on the disk then."""
        os.fsync(self._descriptor)
        return {"size": self._size}

    def close(self) -> None:
        """As `Sink.close`."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
