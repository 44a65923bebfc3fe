"""Many small measurements over two processes: resumable, with a bar, within a time."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from rich.progress import track

__all__ = ["keep", "measure", "minutes_asked"]

PROCESSES = 2


def minutes_asked(about: str) -> float:
    """How long the command line gives, `--minutes 30`; `about` is the first line of its help."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop after so long")
    return float(parser.parse_args().minutes)


def measure(work: Callable[[Any], None], todo: Sequence[Any], minutes: float) -> None:
    """Two processes of one thread each, until all is done or the time is over."""
    os.environ["OMP_NUM_THREADS"] = "1"  # inherited
    end = time.monotonic() + 60 * minutes
    with get_context("spawn").Pool(PROCESSES) as pool:
        for _ in track(pool.imap_unordered(work, todo), total=len(todo)):
            if time.monotonic() > end:
                break


def keep(rows: object, path: Path) -> None:
    """Write a measurement whole or not at all."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(rows))
    part.rename(path)
