"""Series <-> Parquet: what comes back is equal to the last bit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl

from offbeat.errors import DataError
from offbeat.series import Series

__all__ = ["read_stored_series", "write_series"]

METADATA_KEY = "offbeat"
PREFIX = "channel."
"""So that no channel can be mistaken for the time or the label."""


def write_series(series: Series, path: Path) -> None:
    """One column for the time, one for the label if there is one, one a channel."""
    columns: dict[str, np.ndarray] = {"time": series.time}
    if series.label is not None:
        columns["label"] = series.label.astype(np.int8)
    for i, channel in enumerate(series.channels):
        columns[PREFIX + channel] = np.ascontiguousarray(series.values[:, i], dtype=np.float64)
    frame = pl.DataFrame([pl.Series(name, values) for name, values in columns.items()])
    about = json.dumps({"zone": series.zone, "name": series.name})
    frame.write_parquet(path, compression="zstd", metadata={METADATA_KEY: about})


def read_stored_series(path: Path) -> Series:
    """What `write_series` wrote.

    Raises
    ------
    DataError
        If the file is no such series.
    """
    try:
        about = json.loads(pl.read_parquet_metadata(path)[METADATA_KEY])
        frame = pl.read_parquet(path)
        channels = [name for name in frame.columns if name.startswith(PREFIX)]
        label = frame["label"].to_numpy() if "label" in frame.columns else None
        return Series(
            values=np.column_stack([frame[name].to_numpy() for name in channels]),
            time=frame["time"].to_numpy(),
            channels=tuple(name.removeprefix(PREFIX) for name in channels),
            label=label,
            zone=about["zone"],
            name=about["name"],
        )
    except (OSError, KeyError, ValueError, pl.exceptions.PolarsError) as problem:
        raise DataError(f"{path.name} holds no series of this server: {problem}") from None
