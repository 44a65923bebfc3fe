"""From bytes to records: JSON messages, and lines of NDJSON and CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from typing import Any, NoReturn

from offbeat.connect.contract import Batch, Record, Refused
from offbeat.errors import DataError
from offbeat.io.tables import MISSING_WORDS

__all__ = ["LARGEST_MESSAGE", "CSVLines", "LineBuffer", "Lines", "cell", "decode_message"]

LARGEST_MESSAGE = 8 * 2**20
"""Bytes; what is larger is refused before it is looked at."""
SHOWN_BYTES = 4_000
"""What is kept of a line that is too long."""
VALUE, TOPIC = "value", "topic"
"""Keys of a message that is a bare number, and of where a message came from."""


def decode_message(body: bytes, source: str, topic: str = "") -> Batch:
    """Records of one message: an object, an array of objects, or a bare number.

    Parameters
    ----------
    body
        JSON.
    source
        Where it came from.
    topic
        Subject or topic of the message: "topic" of its records, unless they have one.
    """
    if len(body) > LARGEST_MESSAGE:
        reason = f"at most {LARGEST_MESSAGE} bytes a message were expected, {len(body)} came"
        return Batch(refused=[Refused.of(body, reason, source)])
    try:
        content = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError) as problem:
        reason = f"JSON was expected: {problem or 'nested too deeply'}"
        return Batch(refused=[Refused.of(body, reason, source)])
    records, refused = list[Record](), list[Refused]()
    for each in content if isinstance(content, list) else [content]:
        if isinstance(each, dict):
            records.append(each if not topic else {TOPIC: topic, **each})
        elif isinstance(each, int | float) and not isinstance(each, bool):
            records.append({VALUE: each} if not topic else {TOPIC: topic, VALUE: each})
        else:
            reason = f"an object of fields was expected, {type(each).__name__} came"
            refused.append(Refused.of(json.dumps(each), reason, source))
    return Batch(records, refused)


class LineBuffer:
    """Cuts bytes into lines; one that is too long is refused at its end, and never kept whole.

    Attributes
    ----------
    n_done
        Bytes of the lines that were given out or refused.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self.n_done, self._n_waiting = 0, 0
        self._parts = list[bytes]()

    def feed(self, chunk: bytes) -> tuple[list[bytes], list[Refused]]:
        """Lines that are whole now, and what is refused."""
        head, newline, tail = chunk.partition(b"\n")
        self._wait(head)
        if not newline:
            return [], []
        lines, refused = self.end()
        self.n_done += 1
        whole, newline, rest = tail.rpartition(b"\n")
        if newline:
            lines += whole.split(b"\n")
            self.n_done += len(whole) + 1
        self._wait(rest)
        return lines, refused

    def end(self) -> tuple[list[bytes], list[Refused]]:
        """The line that has no end yet, ended here; or that it was too long."""
        line, n_bytes = b"".join(self._parts), self._n_waiting
        self.n_done += n_bytes
        self._parts, self._n_waiting = [], 0
        if n_bytes <= LARGEST_MESSAGE:
            return [line], []
        reason = f"at most {LARGEST_MESSAGE} bytes a line were expected, {n_bytes} came"
        return [], [Refused.of(line, reason, self._source)]

    def _wait(self, part: bytes) -> None:
        """Keep a part of a line; of one that is too long the beginning."""
        self._n_waiting += len(part)
        if self._n_waiting <= LARGEST_MESSAGE:
            self._parts.append(part)
        else:
            self._parts = [b"".join(self._parts)[:SHOWN_BYTES]]


class Lines:
    """Lines of NDJSON.

    Parameters
    ----------
    source
        Where they come from.
    """

    def __init__(self, source: str) -> None:
        self._source = source

    def decode(self, lines: Sequence[bytes]) -> Batch:
        """Records of lines; empty ones are none."""
        return Batch.joined(decode_message(line, self._source) for line in lines if line.strip())


class CSVLines(Lines):
    """Lines of CSV below a header; no cell may hold a line break.

    Parameters
    ----------
    source
        Where they come from.
    header
        The first line.

    Raises
    ------
    DataError
        If it is no header.
    """

    def __init__(self, source: str, header: bytes) -> None:
        super().__init__(source)
        text = header.decode("utf-8-sig", errors="replace")
        self._delimiter = max(",;\t", key=text.count)
        self._names = [name.strip() for name in self._cells(text)]
        if len(set(self._names)) < len(self._names) or not any(self._names):
            raise DataError(f"{source}: a header of different names was expected, {text!r} came")

    def decode(self, lines: Sequence[bytes]) -> Batch:
        """As `Lines.decode`."""
        records, refused = list[Record](), list[Refused]()
        for line in lines:
            text = line.decode(errors="replace")
            if not text.strip():
                continue
            try:
                cells = self._cells(text)
            except csv.Error as problem:
                refused.append(Refused.of(line, f"a line of CSV was expected: {problem}", "csv"))
                continue
            if len(cells) != len(self._names):
                reason = f"{len(self._names)} cells were expected, {len(cells)} came"
                refused.append(Refused.of(line, reason, self._source))
                continue
            records.append(dict(zip(self._names, map(cell, cells), strict=True)))
        return Batch(records, refused)

    def _cells(self, text: str) -> list[str]:
        return next(csv.reader([text.strip("\r\n")], delimiter=self._delimiter), [])


def cell(text: str) -> Any:
    """A number where it is one; what a file would read as missing is missing."""
    text = text.strip()
    if text.lower() in MISSING_WORDS:
        return None
    try:
        return int(text) if text.lstrip("+-").isdigit() else float(text)
    except ValueError:
        return text


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number in JSON; write null for what is missing")
