"""Results: what a scoring writes, table by table, one Parquet file a shard and table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from offbeat.fleet.failure import Failure
from offbeat.fleet.frames import write_frame_at
from offbeat.fleet.places import Place
from offbeat.fleet.plan import FAILURES

if TYPE_CHECKING:
    from offbeat.detection import Detection

__all__ = [
    "EVENTS",
    "SERIES",
    "Columns",
    "Done",
    "ShardTables",
    "done_marks",
    "failures_frame",
]

Columns = dict[str, type[pl.DataType] | pl.DataType]
TIME = pl.Datetime("ns", "UTC")
SCORES: Columns = {
    "key": pl.String,
    "row": pl.Int64,
    "time": TIME,
    "score": pl.Float64,
    "threshold": pl.Float64,
    "label": pl.Int8,
}
EVENTS: Columns = {
    "key": pl.String,
    "start": pl.Int64,
    "end": pl.Int64,
    "start_time": TIME,
    "end_time": TIME,
    "peak_time": TIME,
    "severity": pl.Float64,
    "direction": pl.String,
    "channel": pl.String,
    "actual": pl.Float64,
    "expected": pl.Float64,
    "channels": pl.String,
}
SERIES: Columns = {
    "key": pl.String,
    "rows": pl.Int64,
    "channels": pl.Int64,
    "first_time": TIME,
    "last_time": TIME,
    "step_s": pl.Float64,
    "scored": pl.Int64,
    "flagged": pl.Int64,
    "events": pl.Int64,
    "worst": pl.Float64,
    "worst_time": TIME,
    "worst_channel": pl.String,
}
DONE = "done"
SHOWN_CHANNELS = 3


@dataclass(frozen=True)
class Done:
    """A shard that is done: how many series went well, how many failed, and how much it was."""

    name: str
    succeeded: int
    failed: int
    rows: int = 0
    extra: Mapping[str, Any] = field(default_factory=dict)

    def write(self, out: Place) -> None:
        """The last thing that is written of a shard: it says that all else is there."""
        entry = {
            "succeeded": self.succeeded,
            "failed": self.failed,
            "rows": self.rows,
            "extra": dict(self.extra),
        }
        (out / DONE / f"{self.name}.json").write(json.dumps(entry).encode())


def done_marks(out: Place, kind: str, *, read: bool = True) -> dict[str, Done]:
    """Done tasks whose names begin with `kind`, by name; `read` also says how much each was."""
    found = {}
    for each in (out / DONE).files():
        name = each.name.removesuffix(".json")
        if not (each.name.endswith(".json") and name.startswith(kind)):
            continue
        entry = json.loads((out / DONE / each.name).read()) if read else {}
        found[name] = Done(name, **(entry or {"succeeded": 0, "failed": 0}))
    return found


@dataclass(frozen=True, eq=False)
class ShardTables:
    """The tables of one shard."""

    scores: pl.DataFrame
    events: pl.DataFrame
    series: pl.DataFrame

    @classmethod
    def of(cls, detections: Mapping[str, Detection], *, with_scores: bool) -> ShardTables:
        """What the detectors said, by key."""
        scores = [_scores(key, each) for key, each in detections.items() if with_scores]
        events = [row for key, each in detections.items() for row in _events(key, each)]
        series = [_summary(key, each) for key, each in detections.items()]
        return cls(
            pl.concat(scores) if scores else pl.DataFrame(schema=SCORES),
            pl.DataFrame(events, schema=EVENTS, orient="row"),
            pl.DataFrame(series, schema=SERIES, orient="row"),
        )

    def write(self, out: Place, name: str) -> None:
        """One file a table, in a folder each; empty tables of scores and events are left out."""
        for table in ("scores", "events", "series"):
            frame: pl.DataFrame = getattr(self, table)
            if len(frame) or table == "series":
                write_frame_at(frame, out / table / f"{name}.parquet")


def failures_frame(failures: Iterable[Failure]) -> pl.DataFrame:
    """Columns key, reason."""
    rows = [(each.key, each.reason) for each in failures]
    return pl.DataFrame(rows, schema=FAILURES, orient="row")


# ---------------------------------------------------------------- rows


def _instants(detection: Detection, times: Any) -> list[Any]:
    """Time stamps as polars takes them; None where there is no clock."""
    if not detection.series.has_clock:
        return [None] * len(times)
    stamps = np.asarray(times, dtype="datetime64[ns]")
    return pl.Series(stamps).dt.replace_time_zone("UTC").to_list()


def _scores(key: str, detection: Detection) -> pl.DataFrame:
    n_rows = len(detection.series)
    time = pl.Series("time", [None] * n_rows, dtype=TIME)
    if detection.series.has_clock:
        stamps = detection.series.time.astype("datetime64[ns]")
        time = pl.Series("time", stamps).dt.replace_time_zone("UTC")
    return pl.DataFrame(
        {
            "key": pl.repeat(key, n_rows, eager=True),
            "row": np.arange(n_rows),
            "time": time,
            "score": detection.score.astype(np.float64),
            "threshold": np.asarray(detection.cut, dtype=np.float64),
            "label": detection.label,
        },
        schema=SCORES,
    ).with_columns(pl.col("score", "threshold").fill_nan(None))


def _events(key: str, detection: Detection) -> list[tuple[Any, ...]]:
    rows = []
    for event in detection.events:
        times = _instants(detection, [event.start_time, event.end_time, event.peak_time])
        leading = ", ".join(f"{n} {share:.0%}" for n, share in event.channels[:SHOWN_CHANNELS])
        what = (event.severity, event.direction, event.channel, event.actual, event.expected)
        rows.append((key, event.start, event.end, *times, *what, leading))
    return rows


def _summary(key: str, detection: Detection) -> tuple[Any, ...]:
    series, per_day = detection.series, detection.rows_per_day
    worst = max(detection.events, key=lambda event: event.severity, default=None)
    first, last, peak = _instants(
        detection,
        [series.time[0], series.time[-1], series.time[worst.peak if worst else 0]],
    )
    return (
        key,
        len(series),
        series.n_channels,
        first,
        last,
        None if per_day is None else 86_400.0 / per_day,
        int(np.isfinite(detection.score).sum()),
        int(detection.label.sum()),
        len(detection.events),
        worst.severity if worst else None,
        peak if worst else None,
        worst.channel if worst else None,
    )
