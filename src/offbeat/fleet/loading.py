"""Loading: the series of a shard, each as it would be read alone; what cannot be read says why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

import polars as pl

from offbeat.errors import DataError, OffbeatError
from offbeat.fleet.failure import Failure
from offbeat.fleet.job import Job
from offbeat.fleet.places import Place
from offbeat.fleet.plan import Shard, Wanted
from offbeat.fleet.staging import read_groups
from offbeat.io import read_bytes, read_rows
from offbeat.series import Series

__all__ = ["STAGING", "VALUE_BYTES", "load_shard", "portions", "too_large"]

STAGING = "staging"
VALUE_BYTES = 400
"""Bytes that a value is taken to need while a series is learned or judged: a bound on the safe
side, see benchmarks/fleet_memory.py."""


def load_shard(
    job: Job, out: Place, shard: Shard, memory: int | None
) -> Iterator[tuple[str, Series | Failure]]:
    """Key and series, or why there is none, one after the other.

    Parameters
    ----------
    job, out
        What is done, and where to.
    shard
        Which series.
    memory
        Bytes that one series may take; None sets no limit.
    """
    rows = _rows_by_key(job, out, shard) if shard.groups else {}
    for each in shard.series:
        try:
            series = _from_rows(job, each, rows) if shard.groups else _from_file(job, each, memory)
            yield each.key, _within(series, each.key, memory)
        except OffbeatError as problem:
            yield each.key, Failure(each.key, str(problem))


def too_large(values: int, memory: int | None) -> str | None:
    """Why a series of so many values cannot be held; None if it can."""
    need = values * VALUE_BYTES
    if memory is None or need <= memory:
        return None
    return (
        f"it holds {values:,} values, for which about {need / 1e9:.1f} GB are needed, and a worker "
        f"has {memory / 1e9:.1f} GB: give more --memory, fewer --workers, or a coarser --every"
    )


def portions(series: Mapping[str, Series], memory: int | None) -> Iterator[dict[str, Series]]:
    """The series in groups that can be learned or judged together in so much memory."""
    most = None if memory is None else memory // VALUE_BYTES
    held, values = dict[str, Series](), 0
    for key, each in series.items():
        if held and most is not None and values + each.values.size > most:
            yield held
            held, values = {}, 0
        held[key] = each
        values += each.values.size
    if held:
        yield held


def _from_file(job: Job, wanted: Wanted, memory: int | None) -> Series:
    if memory is not None and wanted.cost > memory:
        raise DataError(
            f"the file has {wanted.cost / 1e9:.1f} GB, a worker {memory / 1e9:.1f} GB: "
            "give more --memory or fewer --workers"
        )
    options = replace(job.options, name=wanted.key)
    name = PurePosixPath(wanted.url.rpartition("://")[2]).name
    return read_bytes(Place(wanted.url).read(), name, options)


def _rows_by_key(job: Job, out: Place, shard: Shard) -> dict[str, pl.DataFrame]:
    assert job.key is not None  # a long table has one
    wanted = [each.key for each in shard.series]
    frame = read_groups(out / STAGING, shard.groups, job.key, wanted)
    parts = frame.partition_by(job.key, as_dict=True, maintain_order=True, include_key=False)
    return {str(key): part for (key,), part in parts.items()}


def _from_rows(job: Job, wanted: Wanted, rows: dict[str, pl.DataFrame]) -> Series:
    frame = rows.pop(wanted.key)
    empty = [each.name for each in frame if each.null_count() == len(frame)]
    kept = [name for name in frame.columns if name not in empty]
    if not kept:
        raise DataError(f"{wanted.key} holds no value")
    return read_rows(frame.select(kept), wanted.key, job.options)


def _within(series: Series, key: str, memory: int | None) -> Series | Failure:
    problem = too_large(series.values.size, memory)
    return series if problem is None else Failure(key, problem)
