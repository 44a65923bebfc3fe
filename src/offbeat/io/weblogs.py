"""Logs of web servers -> requests, error share, bytes and latency per interval."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from offbeat.errors import DataError
from offbeat.io.aggregation import aggregate_table
from offbeat.io.columns import as_numbers
from offbeat.io.options import ReadOptions
from offbeat.io.tables import Table, plain_name
from offbeat.series import Series

__all__ = ["is_access_log", "is_request_table", "read_access_log", "request_series"]

_LINE = (
    r"^(?P<host>\S+) .*?\[(?P<time>\d{2}/[A-Za-z]{3}/\d{4}:\d{2}:\d{2}:\d{2} [+-]\d{4})\] "
    r'"(?P<request>(?:[^"\\]|\\.)*)" (?P<status>\d{3}) (?P<bytes>\d+|-)(?P<rest>.*)$'
)
"""Common and combined log format of Apache and nginx, with or without a virtual host in front."""
_QUOTED = r'^\s*"(?:[^"\\]|\\.)*"\s+"(?:[^"\\]|\\.)*"'
_LATENCY = r'(?:^|[\s=])"?(\d+(?:\.\d+)?)"?\s*$'
_SAMPLE_LINES = 20
_SERVER_ERROR = 500
_STATUS = (100, 599)
_EVERY = "1min"

_STATUS_NAMES = ("status", "statuscode", "httpstatus", "responsecode", "responsestatus")
_BYTES_NAMES = (
    "bytes",
    "size",
    "bodybytessent",
    "bytessent",
    "responsesize",
    "responsebytes",
    "contentlength",
)
_LATENCY_NAMES = (
    "latency",
    "duration",
    "requesttime",
    "responsetime",
    "elapsed",
    "latencyms",
    "durationms",
    "elapsedms",
    "responsetimems",
    "took",
    "tookms",
)
_REQUEST_NAMES = ("path", "url", "uri", "request", "method", "requesturi", "requestmethod", "route")


@dataclass(frozen=True)
class _Fields:
    """Columns of a table of requests; None where there is none."""

    status: str | None
    size: str | None
    latency: str | None
    request: str | None


def is_access_log(text: str) -> bool:
    """Whether at least half of the first lines are in common or combined log format."""
    lines = [line for line in text[:100_000].split("\n") if line.strip()][:_SAMPLE_LINES]
    if not lines:
        return False
    return 2 * int(pl.Series(lines).str.contains(_LINE).sum()) >= len(lines)


def read_access_log(text: str, origin: str) -> Table:
    """Table of an access log: time, host, request, status, bytes, and latency if lines carry it.

    A trailing number after the quoted parts is the latency, in the unit of the log. Lines that
    do not parse are left out and counted in the notes.

    Raises
    ------
    DataError
        If more than half of the lines do not parse; the message shows the first.
    """
    lines = pl.Series("line", text.split("\n"))
    number = np.arange(1, len(lines) + 1, dtype=np.int64)
    present = lines.str.contains(r"\S").to_numpy()
    lines, number = lines.filter(pl.Series(present)), number[present]
    parts = lines.str.extract_groups(_LINE).struct.unnest()
    parsed = parts["time"].is_not_null().to_numpy()
    failed = int((~parsed).sum())
    if 2 * failed > len(lines):
        row = int(np.argmin(parsed))
        raise DataError(
            f"{origin}: {failed} of {len(lines)} lines are not in combined log format, the first "
            f"is line {number[row]}: {lines[row][:60]!r}"
        )
    frame = parts.filter(pl.Series(parsed)).select(
        "time",
        "host",
        "request",
        pl.col("status").cast(pl.Int64),
        pl.col("bytes").replace("-", "0").cast(pl.Float64),
        pl.col("rest").str.replace(_QUOTED, "").str.extract(_LATENCY).cast(pl.Float64),
    )
    frame = frame.rename({"rest": "latency"})
    if 2 * frame["latency"].null_count() > len(frame):
        frame = frame.drop("latency")
    notes = (f"{len(frame)} log lines read, {failed} not in the format and left out",)
    return Table(frame, origin, number[parsed], sheds=True, notes=notes)


def is_request_table(table: Table) -> bool:
    """Whether the columns look like a log of requests: a status from 100 to 599 and a request."""
    fields = _fields(table)
    if fields.status is None or fields.request is None:
        return False
    status = table.frame[fields.status].drop_nulls()
    return len(status) > 0 and bool(status.is_between(*_STATUS).all())


def request_series(table: Table, options: ReadOptions) -> tuple[Series, tuple[str, ...]]:
    """Requests per interval, and what was done on the way.

    Channels: `requests` (how many), `error_share` (of them with status 500 or above), `bytes`
    (sum) and `latency` (mean, in the unit of the log), as far as the log carries them. In an
    interval without requests the first and third are 0, the others missing.
    """
    fields = _fields(table)
    frame, names, agg = table.frame, ["requests"], ["count"]
    if fields.status is not None:
        failed = pl.Series("error", as_numbers(table, fields.status) >= _SERVER_ERROR)
        frame = frame.drop("error", strict=False).with_columns(failed)
        names, agg = [*names, "error_share"], [*agg, "share(error)"]
    for name, column, function in (
        ("bytes", fields.size, "sum"),
        ("latency", fields.latency, "mean"),
    ):
        if column is not None:
            names, agg = [*names, name], [*agg, f"{function}({column})"]
    asked = replace(options, every=options.every or _EVERY, agg=",".join(agg), channels=None)
    series, notes = aggregate_table(replace(table, frame=frame), asked)
    return replace(series, channels=tuple(names)), notes


def _fields(table: Table) -> _Fields:
    numbers = {plain_name(each.name): each.name for each in table.frame if each.dtype.is_numeric()}
    texts = {plain_name(each.name): each.name for each in table.frame if each.dtype == pl.String}
    return _Fields(
        status=next((numbers[name] for name in _STATUS_NAMES if name in numbers), None),
        size=next((numbers[name] for name in _BYTES_NAMES if name in numbers), None),
        latency=next((numbers[name] for name in _LATENCY_NAMES if name in numbers), None),
        request=next((texts[name] for name in _REQUEST_NAMES if name in texts), None),
    )
