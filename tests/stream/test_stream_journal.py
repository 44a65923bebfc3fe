"""The journal of rows on a disk that is full for a while."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from offbeat.stream import journal
from offbeat.stream.journal import Journal, read_rows


def test_a_full_disk_ends_no_row_and_nothing_is_kept_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "BUFFERED", 100)
    kept = Journal(tmp_path)
    kept.open(None)
    recorder = kept.recorder("all")

    def come(first: int, names: list[str]) -> None:
        rows = np.arange(len(names))
        recorder(rows, np.full(len(names), first), rows[:, None] + float(first), names)

    come(0, ["a", "b"])
    start = {"piece": kept.position()["piece"], "size": 0}
    write = os.pwrite
    left = [40]  # bytes that still find room

    def full(descriptor: int, data: bytes, at: int) -> int:
        if not left[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        n, left[0] = min(left[0], len(data)), 0
        return write(descriptor, data[:n], at)

    monkeypatch.setattr(os, "pwrite", full)
    for moment in range(1, 6):
        come(moment, ["a", "b", "c"])
    with pytest.raises(OSError, match="No space left"):
        kept.position()
    monkeypatch.setattr(os, "pwrite", write)
    kept.position()
    rows, _ = read_rows(tmp_path, recorder.numbers(["a", "b", "c"]), 1, start)
    assert sorted(zip(rows.number.tolist(), rows.time.tolist(), strict=True)) == [
        *((0, t) for t in range(6)),
        *((1, t) for t in range(6)),
        *((2, t) for t in range(1, 6)),
    ]
    assert len((tmp_path / "series.ndjson").read_text().splitlines()) == 3
    kept.close()
