"""Staging: long tables, whose rows come in any order, laid out so that a shard reads only its own.

Each file becomes spills: Parquet files sorted by key, cut into row groups that hold whole keys
where they can, and an index beside each that says which keys lie in which group. A shard is a range
of keys, so it reads a few groups of each spill. Nothing here holds more than one spill in memory.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import polars as pl

from offbeat.fleet.finding import DataFile
from offbeat.fleet.frames import write_frame_at
from offbeat.fleet.places import Place
from offbeat.fleet.tables import blocks
from offbeat.io import ReadOptions
from offbeat.parts import optional_part

__all__ = ["Groups", "StagedFile", "read_groups", "stage_file"]

GROUP_ROWS = 4_000
"""Rows from which a row group is closed when the key changes; a longer key fills several. Where
every spill holds every key, a shard reads one group of each: larger ones are mostly other shards'
rows, smaller ones mostly what Parquet says about them."""
INDEX = {"key": pl.String, "group": pl.Int64, "rows": pl.Int64, "width": pl.Int64}
BLOCKS_PER_SPILL = 4

Groups = dict[str, list[int]]
"""Row groups by the name of their spill."""


@dataclass(frozen=True)
class StagedFile:
    """What came of a file.

    Parameters
    ----------
    spills
        How many were written.
    rows, nameless
        Rows that were laid out, and those left out because they name no series.
    """

    spills: int
    rows: int
    nameless: int


def stage_file(
    file: DataFile, key: str, options: ReadOptions, staging: Place, name: str, spill_bytes: int
) -> StagedFile:
    """Lay a file out as spills `name-0.parquet`, `name-1.parquet`, ...

    Raises
    ------
    DataError
        If the file cannot be read to its end; spills that were written before are not counted.
    """
    rows = nameless = spills = 0
    for frame in _gathered(
        blocks(file, key, options, spill_bytes // BLOCKS_PER_SPILL), spill_bytes
    ):
        named = frame.filter(pl.col(key).is_not_null() & (pl.col(key).str.strip_chars() != ""))
        nameless += len(frame) - len(named)
        if not len(named):
            continue
        data, index = _spill(named, key)
        (staging / f"{name}-{spills}.parquet").write(data)
        write_frame_at(index, staging / f"{name}-{spills}.index")
        spills, rows = spills + 1, rows + len(named)
    return StagedFile(spills, rows, nameless)


def read_groups(staging: Place, groups: Groups, key: str, wanted: Sequence[str]) -> pl.DataFrame:
    """The rows of the keys that are wanted, those of a key in the order of the data."""
    parquet = optional_part("pyarrow.parquet", extra="fleet", needed_by="a fleet")
    compute = optional_part("pyarrow.compute", extra="fleet", needed_by="a fleet")
    arrow = optional_part("pyarrow", extra="fleet", needed_by="a fleet")
    keys, tables = pl.Series(wanted, dtype=pl.String).to_arrow(), []
    for spill, numbers in groups.items():
        with (staging / f"{spill}.parquet").open() as opened:
            table = parquet.ParquetFile(opened).read_row_groups(numbers, use_threads=False)
        # by Arrow, which copies: what polars filters may hold the whole group in memory
        tables.append(table.filter(compute.is_in(table[key], keys.cast(table[key].type))))
    alike = [list(same) for _, same in groupby(tables, key=lambda table: table.schema)]
    frames = [pl.DataFrame(arrow.concat_tables(same)) for same in alike]
    return pl.concat(frames, how="diagonal_relaxed")


def _gathered(parts: Iterator[pl.DataFrame], size: int) -> Iterator[pl.DataFrame]:
    """Blocks joined until they reach `size` bytes."""
    held: list[pl.DataFrame] = []
    n_bytes = 0.0
    for part in parts:
        held.append(part)
        n_bytes += part.estimated_size()
        if n_bytes >= size:
            yield pl.concat(held, how="diagonal_relaxed")
            held, n_bytes = [], 0.0
    if held:
        yield pl.concat(held, how="diagonal_relaxed")


def _spill(frame: pl.DataFrame, key: str) -> tuple[bytes, pl.DataFrame]:
    """A Parquet file sorted by key, and which keys lie in which of its row groups."""
    parquet: Any = optional_part("pyarrow.parquet", extra="fleet", needed_by="a fleet")
    ordered = frame.sort(key, maintain_order=True)
    buffer, found = io.BytesIO(), []
    table = ordered.to_arrow()
    with parquet.ParquetWriter(buffer, table.schema, compression="zstd") as writer:
        for group, (start, stop) in enumerate(_group_edges(ordered[key])):
            writer.write_table(table.slice(start, stop - start), row_group_size=stop - start)
            held = ordered[key][start:stop].rle().struct.unnest()
            found.append(
                held.select(
                    key=pl.col("value"),
                    group=pl.lit(group, pl.Int64),
                    rows=pl.col("len").cast(pl.Int64),
                    width=pl.lit(frame.width, pl.Int64),
                )
            )
    return buffer.getvalue(), pl.concat(found)


def _group_edges(keys: pl.Series) -> Sequence[tuple[int, int]]:
    """Rows [start, stop) of each group: closed where a key ends, or after so many rows of one."""
    lengths = keys.rle().struct.field("len").to_numpy()
    edges, start, stop = [], 0, 0
    for length in lengths.astype(np.int64):
        stop += int(length)
        while stop - start >= GROUP_ROWS:
            end = stop if length <= GROUP_ROWS else start + GROUP_ROWS
            edges.append((start, end))
            start = end
    if stop > start:
        edges.append((start, stop))
    return edges
