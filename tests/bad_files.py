"""Files that cannot be used, and what is promised about them: one line, and no file changes."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

import contract
from offbeat import cli

QUICK = ["--set", "training.max_epochs=1", "--set", "hidden_size=4", "--set", "window=16"]
QUICK += ["--set", "n_layers=1", "--quiet"]
N_ROWS = 300
OLD = b"what was there before"
STAMPS = [(datetime(2026, 3, 1) + timedelta(minutes=5 * row)).isoformat() for row in range(N_ROWS)]


def columns(**other: Any) -> dict[str, Any]:
    """Two waves with a clock; `other` takes the place of a column."""
    data = contract.waves(N_ROWS)
    return {"time": STAMPS, "a": data[:, 0].tolist(), "b": data[:, 1].tolist(), **other}


def table(**other: Any) -> bytes:
    return pl.DataFrame(columns(**other), strict=False).write_csv().encode()


def binary(write: Callable[[pl.DataFrame, Any], Any], tmp: Path) -> bytes:
    write(pl.DataFrame(columns()), tmp)
    return tmp.read_bytes()


def with_cell(column: str, row: int, cell: object) -> bytes:
    cells = list(map(str, columns()[column]))
    cells[row] = str(cell)
    return table(**{column: cells})


def half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def run(*arguments: object) -> int:
    return cli.run(cli.app, [str(each) for each in arguments])


def old_files_stay(folder: Path, *others: str) -> None:
    """No older output has changed, and nothing new lies beside them."""
    for name in ("old.offbeat", "old.csv", "old.html"):
        assert (folder / name).read_bytes() == OLD
    assert sorted(each.name for each in folder.iterdir()) == sorted(
        ["old.offbeat", "old.csv", "old.html", *others]
    )


def one_line(shown: Any, *words: str) -> None:
    """Exactly one line on standard error, without a traceback, that holds these words."""
    assert not shown.out
    assert shown.err.startswith("offbeat: ")
    assert shown.err.count("\n") == 1, shown.err
    assert "Traceback" not in shown.err
    for word in words:
        assert word in shown.err


EMPTY = "is empty: a table with a header and rows was expected"
FILES: dict[str, tuple[str, Callable[[Path], bytes], tuple[str, ...]]] = {
    "empty file": ("x.csv", lambda _: b"", ("x.csv", EMPTY)),
    "blank lines only": ("x.csv", lambda _: b"\n  \n\n", ("x.csv", EMPTY)),
    "header only": ("x.csv", lambda _: b"time,a\n", ("x.csv holds a header and no row",)),
    "one row": ("x.csv", lambda _: b"time,a\n2026-03-01,1\n", ("x.csv", "give more rows")),
    "few rows": (
        "x.csv",
        lambda _: b"\n".join(table().split(b"\n")[:13]),
        ("x.csv: the training part has", "at least 21 are needed", "give more history"),
    ),
    "channel without a value": (
        "x.csv",
        lambda _: table(b=[None] * N_ROWS),
        ("x.csv: channel 'b' has no value in the training part", "--channels"),
    ),
    "infinite value": (
        "x.csv",
        lambda _: with_cell("a", 50, "inf"),
        ("x.csv: column 'a', line 52: the value is infinite", "leave the cell empty"),
    ),
    "value beyond reckoning": (
        "x.csv",
        lambda _: with_cell("a", 50, 1e200),
        ("x.csv: 1e+200 in row 50, channel 'a'", "is it a mark for missing?"),
    ),
    "text in a number column": (
        "x.csv",
        lambda _: with_cell("a", 50, "broken"),
        ("x.csv: column 'a', line 52: a number was expected, 'broken' came", "correct the cell"),
    ),
    "column of words": (
        "x.csv",
        lambda _: table(b=["on", "off"] * (N_ROWS // 2)),
        ("x.csv: column 'b' holds categories (2 different texts", "--channels a"),
    ),
    "mixed time zones": (
        "x.csv",
        lambda _: table(time=[s + "Z" * (row % 2) for row, s in enumerate(STAMPS)]),
        ("x.csv: column 'time' mixes time stamps with a zone (line 3: ", "(line 2: "),
    ),
    "one time stamp for all": (
        "x.csv",
        lambda _: table(time=[STAMPS[0]] * N_ROWS),
        ("x.csv", "have the time stamp 2026-03-01T00:00:00", "the right time column?"),
    ),
    "a time stamp that is none": (
        "x.csv",
        lambda _: with_cell("time", 50, "yesterday"),
        ("x.csv: column 'time', line 52: a time stamp such as", "'yesterday' came", "--time"),
    ),
    "time stamps that are not there": (
        "x.csv",
        lambda _: table(time=[s if row % 2 else None for row, s in enumerate(STAMPS)]),
        ("x.csv: column 'time': 150 of 300 rows have no time stamp, the first is line 2",),
    ),
    "time stamps a century apart": (
        "x.csv",
        lambda _: with_cell("time", N_ROWS - 1, "2126-03-01T00:00:00"),
        ("x.csv", "5 min", "largest gap"),
    ),
    "a name twice": (
        "x.csv",
        lambda _: table().replace(b"time,a,b", b"time,a,a"),
        ("x.csv: column names must differ; repeated: a; rename them",),
    ),
    "a line with too many cells": (
        "x.csv",
        lambda _: with_cell("a", 50, 1).replace(b",1,", b",1,2,3,"),
        ("x.csv, line 52: 3 cells were expected, 5 came", "check the delimiter (',' was taken)"),
    ),
    "another encoding": (
        "x.csv",
        lambda _: table().replace(b"time,a,b", "time,Wärme,b".encode("latin-1")),
        ("x.csv, line 1: byte 0xE4 is not utf8 text", "--encoding, such as 'latin-1'"),
    ),
    "UTF-16 without a mark": (
        "x.csv",
        lambda _: table().decode().encode("utf-16-le"),
        ("x.csv holds binary data", "--encoding 'utf-16'"),
    ),
    "random bytes": (
        "x.csv",
        lambda _: bytes(range(256)) * 8,
        ("x.csv holds binary data: CSV, JSON lines, Parquet or Arrow was expected",),
    ),
    "half a gzip": (
        "x.csv.gz",
        lambda _: half(gzip.compress(table())),
        ("x.csv.gz ends in the middle of its gzip data", "download it again"),
    ),
    "altered gzip": (
        "x.csv.gz",
        lambda _: gzip.compress(table())[:40] + b"\0" * 40 + gzip.compress(table())[80:],
        ("x.csv.gz is damaged gzip data",),
    ),
    "empty gzip": (
        "x.csv.gz",
        lambda _: gzip.compress(b""),
        ("x.csv.gz is empty once unpacked: a table was expected",),
    ),
    "Parquet of 0 bytes": ("x.parquet", lambda _: b"", ("x.parquet", EMPTY)),
    "half a Parquet": (
        "x.parquet",
        lambda tmp: half(binary(pl.DataFrame.write_parquet, tmp)),
        ("x.parquet is half a Parquet file (its end is missing)", "copy it again"),
    ),
    "Parquet without its first half": (
        "x.parquet",
        lambda tmp: b"PAR1" + binary(pl.DataFrame.write_parquet, tmp)[-400:],
        ("x.parquet is a damaged parquet file", "copy it again"),
    ),
    "half an Arrow": (
        "x.arrow",
        lambda tmp: half(binary(pl.DataFrame.write_ipc, tmp)),
        ("x.arrow is a damaged arrow file", "copy it again"),
    ),
    "JSON lines cut in the middle": (
        "x.jsonl",
        lambda tmp: b"\n".join(binary(pl.DataFrame.write_ndjson, tmp).split(b"\n")[:99])[:-5],
        ("x.jsonl, line 99: the last line is cut off, its } is missing", "copy it again"),
    ),
    "JSON lines with a bad one": (
        "x.jsonl",
        lambda tmp: binary(pl.DataFrame.write_ndjson, tmp).replace(b'"a":', b'"a"=', 1),
        ("x.jsonl, line 1: expecting ':' delimiter at column", "one JSON object a line"),
    ),
    "JSON array cut in the middle": (
        "x.json",
        lambda tmp: half(binary(pl.DataFrame.write_json, tmp)),
        ("x.json, line 1: the JSON array is cut off, its ] is missing", "copy it again"),
    ),
    "a zip": ("x.csv", lambda _: b"PK\x03\x04 and so on", ("x.csv is a zip or Excel file",)),
}
