"""Frames: tables as Parquet files at a place, one or many of them."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import polars as pl

from offbeat.fleet.places import Place

__all__ = ["frame_at", "read_table", "write_frame_at"]


def frame_at(place: Place) -> pl.DataFrame:
    """A Parquet file there."""
    return pl.read_parquet(io.BytesIO(place.read()))


def write_frame_at(frame: pl.DataFrame, place: Place) -> None:
    """A Parquet file, whole or not at all."""
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    place.write(buffer.getvalue())


def read_table(out: Place, table: str, schema: Mapping[str, Any]) -> pl.DataFrame:
    """All files of a table; an empty frame if there are none."""
    folder = out / table
    files = [folder / each.name for each in folder.files() if each.name.endswith(".parquet")]
    if not files:
        return pl.DataFrame(schema=schema)
    if folder.is_local:
        return pl.read_parquet([each.url.removeprefix("file://") for each in files], glob=False)
    return pl.concat([frame_at(each) for each in files])
