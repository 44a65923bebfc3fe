"""What a stream says, as plain values that any sink can write.

{"series": "pump 1", "time": "2026-03-01T00:00:00Z", "status": "scored",
 "score": 1.2, "threshold": 3.1, "severity": 0.39,
 "values": {"flow": 2.0}, "expected": {"flow": 1.9}, "lower": {"flow": 1.5}, "upper": {"flow": 2.4}}
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from offbeat.connect.contract import Outcome, short_digest
from offbeat.series import IntArray
from offbeat.stream import LiveEvent, Readings

__all__ = [
    "event_to_dict",
    "identified_lines",
    "kept_rows",
    "lines_of",
    "moment_text",
    "nullable",
    "plain_readings",
]

STATUSES = ("scored", "no score")
"""Of the rows that a reading is written of; what came late or twice is counted."""
LONGEST_NAME = 200
_encoded = json.JSONEncoder(ensure_ascii=False, check_circular=False).encode
_COLUMNS = ("values", "expected", "lower", "upper")


def plain_readings(readings: Readings) -> list[dict[str, Any]]:
    """One dictionary a row of the grid; what became no row is left out."""
    status, kept = np.asarray(readings.status), kept_rows(readings)
    channels = readings.channels
    numbers = {
        name: nullable(np.asarray(getattr(readings, name))[kept])
        for name in ("score", "threshold", "severity")
    }
    tables = [nullable(np.asarray(getattr(readings, name))[kept]) for name in _COLUMNS]
    times = moment_texts(np.asarray(readings.time)[kept])
    plain = list[dict[str, Any]]()
    for i, place in enumerate(kept.tolist()):
        row = {"series": readings.series[place], "time": times[i]}
        row["status"] = STATUSES[status[place]]
        for name, column in numbers.items():
            row[name] = column[i]
        for name, table in zip(_COLUMNS, tables, strict=True):
            row[name] = dict(zip(channels, table[i], strict=True))
        plain.append(row)
    return plain


def kept_rows(readings: Readings) -> IntArray:
    """Rows that `plain_readings` writes, shape (n,)."""
    rows: IntArray = np.flatnonzero(np.asarray(readings.status) < len(STATUSES))
    return rows


def event_to_dict(event: LiveEvent) -> dict[str, Any]:
    """As `LiveEvent.to_dict`, with time stamps that say that they are in UTC."""
    times = {name: moment_text(getattr(event, name)) for name in ("start_time", "end_time")}
    return {**event.to_dict(), **times}


def lines_of(outcome: Outcome) -> Iterator[str]:
    """One a reading, an event and a refused message: JSON that says what kind it is."""
    for reading in outcome.readings:
        yield _line("reading", reading)
    for event in outcome.events:
        yield _line("event", event_to_dict(event))
    for refused in outcome.refused:
        yield _line("refused", refused.to_dict())


def identified_lines(outcome: Outcome) -> dict[str, str]:
    """The lines by names that are the same whenever the same rows come again."""
    names = [f"{each['series']} {each['time']}" for each in outcome.readings]
    names += [f"{each.id} {each.phase} {each.end_time}" for each in outcome.events]
    names += [each.digest for each in outcome.refused]
    lines = dict[str, str]()
    for name, line in zip(names, lines_of(outcome), strict=True):
        lines[name if len(name) < LONGEST_NAME and name.isascii() else short_digest(name)] = line
    return lines


def moment_text(time: np.datetime64 | int) -> str | int:
    """ISO text in UTC, or a row number."""
    text: str | int = moment_texts(np.array([time]))[0]
    return text


def moment_texts(time: np.ndarray) -> list[Any]:
    """As `moment_text`, of many."""
    if time.dtype.kind != "M":
        return list(time.tolist())
    for unit in ("s", "ms", "us", "ns"):
        exact = time.astype(f"datetime64[{unit}]")
        if (exact == time).all():
            break
    return list(np.datetime_as_string(exact, timezone="UTC").tolist())


def nullable(numbers: np.ndarray) -> list[Any]:
    """Numbers for JSON, which knows no NaN: None is none."""
    finite = np.isfinite(numbers)
    if finite.all():
        return list(numbers.tolist())
    plain = numbers.astype(object)
    plain[~finite] = None
    return list(plain.tolist())


def _line(kind: str, content: Any) -> str:
    return _encoded({"type": kind, **content}) + "\n"
