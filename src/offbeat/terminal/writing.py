"""Where a result goes: a table for people, or a file or stream for programs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import cast, get_args

import polars as pl
from rich.console import Console

from offbeat.errors import ConfigError, one_of
from offbeat.io import OutputFormat, write_frame

__all__ = ["is_piped", "plain_console", "written"]

PLAIN_WIDTH = 140
"""Columns of a table that goes to a file or a pipe."""


def is_piped(out: Path | None, format_: str | None) -> bool:
    """Whether standard output carries data for a program, so that words go elsewhere."""
    return out is None and format_ not in (None, "table")


def plain_console() -> Console:
    """Full width in a terminal, a fixed one elsewhere, so that no cell is cut in a pipe."""
    return Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH, highlight=False)


def written(frame: pl.DataFrame, out: Path | None, format_: str | None, what: str) -> bool:
    """Whether the frame went to a file or to standard output instead of a table."""
    if format_ is not None:
        one_of("format", format_, get_args(OutputFormat))
    if format_ == "table" or (out is None and format_ is None):
        if out is not None:
            raise ConfigError("--format table goes to the terminal: leave out --out, or use csv")
        return False
    write_frame(frame, out if out is not None else "-", cast("OutputFormat | None", format_))
    if out is not None:
        print(f"{what}: {out} ({len(frame)} rows)")
    return True
