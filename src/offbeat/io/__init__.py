"""The data door: files, streams, frames, event tables and logs in; results out."""

from __future__ import annotations

from offbeat.io.aggregation import aggregate_events
from offbeat.io.door import (
    Reading,
    as_series,
    read_bytes,
    read_rows,
    read_series,
    read_source,
)
from offbeat.io.frames import like_input, split_time
from offbeat.io.options import ReadOptions
from offbeat.io.results import OutputFormat, atomic_path, frame_bytes, table_text, write_frame

__all__ = [
    "OutputFormat",
    "ReadOptions",
    "Reading",
    "aggregate_events",
    "as_series",
    "atomic_path",
    "frame_bytes",
    "like_input",
    "read_bytes",
    "read_rows",
    "read_series",
    "read_source",
    "split_time",
    "table_text",
    "write_frame",
]
