"""Journal: the measured rows of all streams in files, from which models are trained again.

A folder holds `series.ndjson`, a line a series, and pieces of records that are only added to. A
record is one value of one row. The oldest piece is dropped when the rest fills its share of disk.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from offbeat.series import FloatArray, IntArray

__all__ = ["Journal", "KeptRows", "Recorder", "read_rows"]

RECORD = np.dtype([("series", "<u4"), ("channel", "<u2"), ("time", "<i8"), ("value", "<f8")])
MOST_BYTES, N_PIECES = 2**30, 16
BUFFERED = 4 * 2**20
NAMES = "series.ndjson"


@dataclass(frozen=True, eq=False)
class KeptRows:
    """Rows of some series as they were kept, each series in the order of its time.

    Parameters
    ----------
    number
        Whose: numbers in the journal, or places in a stream, (N,).
    time
        Nanoseconds, or row numbers, (N,).
    values
        Shape (N, C), NaN where missing.
    """

    number: IntArray
    time: IntArray
    values: FloatArray

    def __len__(self) -> int:
        return len(self.time)

    def where(self, some: np.ndarray) -> KeptRows:
        """Some of the rows."""
        return KeptRows(self.number[some], self.time[some], self.values[some])

    def of(self, number: int) -> KeptRows:
        """The rows of one series since its clock was last set back."""
        rows = self.where(np.flatnonzero(self.number == number))
        back = np.flatnonzero(np.diff(rows.time) <= 0)
        return rows.where(np.arange(back[-1] + 1 if len(back) else 0, len(rows)))

    def in_places(self, numbers: IntArray) -> KeptRows:
        """`number` replaced by its place in `numbers`."""
        places = np.zeros(int(numbers.max(initial=0)) + 1, np.int64)
        places[numbers] = np.arange(len(numbers))
        return KeptRows(places[self.number], self.time, self.values)


class Journal:
    """Writes rows down; what was written before a position is never changed.

    Parameters
    ----------
    folder
        Where; it is made if need be.
    most_bytes
        What all pieces may take together, about.
    """

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        self.folder, self._most, self._piece_bytes = folder, most_bytes, most_bytes // N_PIECES
        self._numbers = dict[tuple[str, str], int]()
        self._waiting, self._n_waiting = list[np.ndarray](), 0
        self._new_names, self._names_size = list[str](), 0
        self._piece, self._size, self._descriptor = 0, 0, -1

    def open(self, position: Mapping[str, int] | None) -> None:
        """Go on after this position; what was written after it comes again, and is cut off.

        Raises
        ------
        OSError
            If the folder cannot be written.
        """
        self.close()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._read_names()
        found = pieces(self.folder)
        if position is not None:
            for number in [each for each in found if each > position["piece"]]:
                _path(self.folder, number).unlink()
            self._begin(position["piece"], position["size"])
        else:
            self._begin(found[-1] + 1 if found else 0, 0)

    def recorder(self, key: str) -> Recorder:
        """What writes down the rows of one stream."""
        return Recorder(self, key)

    def number(self, key: str, series: str) -> int:
        """Of a series of a stream; new ones are written down."""
        if (key, series) not in self._numbers:
            self._numbers[key, series] = len(self._numbers)
            self._new_names.append(json.dumps([key, series]) + "\n")
        return self._numbers[key, series]

    def append(self, records: np.ndarray) -> None:
        """Take records; they are in a file after `flush`.

        A disk that is full ends no row: the records wait for `position`, which says so.
        """
        self._waiting.append(records)
        self._n_waiting += records.nbytes
        if self._n_waiting > BUFFERED:
            with contextlib.suppress(OSError):
                self.flush()

    def flush(self) -> dict[str, int]:
        """Write what waits, so that other processes can read it; the position after it.

        Raises
        ------
        OSError
            If it cannot be written; it still waits, and can be tried again.
        """
        if self._new_names:
            with (self.folder / NAMES).open("ab") as file:
                file.truncate(self._names_size)  # without what a full disk cut short
                file.write("".join(self._new_names).encode())
                file.flush()
                os.fsync(file.fileno())
                self._names_size = file.tell()
            self._new_names.clear()
        data = b"".join(each.tobytes() for each in self._waiting)
        written = 0
        while written < len(data):
            written += os.pwrite(self._descriptor, data[written:], self._size + written)
        self._size += len(data)
        self._waiting.clear()
        self._n_waiting = 0
        if self._size >= self._piece_bytes:
            os.fsync(self._descriptor)
            self._begin(self._piece + 1, 0)
            self._drop()
        return {"piece": self._piece, "size": self._size}

    def position(self) -> dict[str, int]:
        """As `flush`; it is on the disk then."""
        position = self.flush()
        os.fsync(self._descriptor)
        return position

    def close(self) -> None:
        """Let go of the files."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _begin(self, piece: int, size: int) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = os.open(_path(self.folder, piece), os.O_RDWR | os.O_CREAT, 0o644)
        there = os.fstat(self._descriptor).st_size
        self._piece, self._size = piece, min(size, there // RECORD.itemsize * RECORD.itemsize)
        os.ftruncate(self._descriptor, self._size)

    def _drop(self) -> None:
        """The oldest pieces, until the rest is small enough."""
        found = pieces(self.folder)
        while len(found) > 1 and len(found) * self._piece_bytes > self._most:
            _path(self.folder, found.pop(0)).unlink()

    def _read_names(self) -> None:
        path = self.folder / NAMES
        text = path.read_text() if path.exists() else ""
        whole = text[: text.rfind("\n") + 1]
        if whole != text:  # killed while it was written
            os.truncate(path, len(whole.encode()))
        self._names_size = len(whole.encode())
        names = [json.loads(line) for line in whole.splitlines()]
        self._numbers = {(key, series): i for i, (key, series) in enumerate(names)}


class Recorder:
    """Writes down the rows of one stream.

    Parameters
    ----------
    journal
        Where.
    key
        Of the stream.

    Attributes
    ----------
    first
        Time of the first row; None before it.
    """

    first: int | None = None

    def __init__(self, journal: Journal, key: str) -> None:
        self._journal, self._key = journal, key
        self._numbers = np.empty(0, np.int64)

    def numbers(self, names: Sequence[str]) -> IntArray:
        """Of the series of the stream, in its order."""
        new = [self._journal.number(self._key, each) for each in names[len(self._numbers) :]]
        if new:
            self._numbers = np.concatenate([self._numbers, new])
        return self._numbers[: len(names)]

    def __call__(
        self, rows: IntArray, moments: IntArray, values: FloatArray, names: Sequence[str]
    ) -> None:
        """Rows (B,) of the series `names`, their times (B,) and values (B, C)."""
        if self.first is None:
            self.first = int(moments.min())
        known = ~np.isnan(values)
        known[~known.any(axis=1), 0] = True  # a row without a value is a row
        at, channel = np.nonzero(known)
        records = np.empty(len(at), RECORD)
        records["series"] = self.numbers(names)[rows[at]]
        records["channel"], records["time"] = channel, moments[at]
        records["value"] = values[at, channel]
        self._journal.append(records)


def read_rows(
    folder: Path,
    numbers: IntArray,
    n_channels: int,
    start: Mapping[str, int] | None = None,
    not_before: int | None = None,
) -> tuple[KeptRows, dict[str, int]]:
    """Rows of some series.

    Parameters
    ----------
    folder
        Of a journal, which may be written to meanwhile.
    numbers
        Of the series.
    n_channels
        C.
    start
        A position to begin at; None begins with the oldest.
    not_before
        Time of the first row.

    Returns
    -------
    The rows, and the position after the last of all records.
    """
    wanted = np.zeros(int(numbers.max(initial=0)) + 1, dtype=bool)
    wanted[numbers] = True
    found, position = list[np.ndarray](), dict(start or {"piece": 0, "size": 0})
    for piece in pieces(folder):
        if piece < position["piece"]:
            continue
        begin = position["size"] if piece == position["piece"] else 0
        records, end = _records(_path(folder, piece), begin)
        some = records["series"] < len(wanted)
        some &= wanted[np.where(some, records["series"], 0)]
        if not_before is not None:
            some &= records["time"] >= not_before
        found.append(records[some])
        position = {"piece": piece, "size": end}
    every = np.concatenate(found) if found else np.empty(0, RECORD)
    return _as_rows(every, n_channels), position


def pieces(folder: Path) -> list[int]:
    """Numbers of the pieces that are there, the oldest first."""
    return sorted(int(path.stem) for path in folder.glob("*.rows") if path.stem.isdigit())


def _records(path: Path, begin: int) -> tuple[np.ndarray, int]:
    """Records from a byte on, and the byte after the last whole one."""
    try:
        size = path.stat().st_size
    except FileNotFoundError:  # dropped meanwhile
        return np.empty(0, RECORD), begin
    n_records = max(0, size - begin) // RECORD.itemsize
    if not n_records:
        return np.empty(0, RECORD), begin
    records = np.memmap(path, RECORD, mode="r", offset=begin, shape=(n_records,))
    return records, begin + n_records * RECORD.itemsize


def _as_rows(records: np.ndarray, n_channels: int) -> KeptRows:
    """Records, those of one row side by side, as rows."""
    number, time = records["series"].astype(np.int64), records["time"].astype(np.int64)
    is_new = np.ones(len(records), dtype=bool)
    is_new[1:] = (np.diff(number) != 0) | (np.diff(time) != 0)
    values = np.full((int(is_new.sum()), n_channels), np.nan)
    values[np.cumsum(is_new) - 1, records["channel"]] = records["value"]
    return KeptRows(number[is_new], time[is_new], values)


def _path(folder: Path, piece: int) -> Path:
    return folder / f"{piece:08d}.rows"
