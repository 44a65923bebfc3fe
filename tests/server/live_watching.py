"""What tests of watchers share: a model, a file that grows, and waiting for rows."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from live_data import CHANNELS, START, STEP, clocked, rows
from offbeat import Detector, LSTMDetector, Readings, Scoring, Series, StreamDetector, Training

PATIENCE = 40.0
N_ROWS = 160
ODD = (60, 64)
"""Rows in which the flow is far off."""


def quick_model() -> Detector:
    """An LSTM that looks over three rows, so that an alarm is over soon."""
    scoring = Scoring(smoothing_window=3)
    made = LSTMDetector(window=16, hidden_size=8, training=Training(max_epochs=6), scoring=scoring)
    return made.fit(clocked(rows(480)))


def pump(n_rows: int = N_ROWS, odd: tuple[tuple[int, int], ...] = (ODD,)) -> Series:
    """Rows an hour apart, some of which are off."""
    values = rows(n_rows, 5)
    for first, last in odd:
        values[first:last, 1] += 6
    time_ = (START + STEP * np.arange(n_rows)).astype("datetime64[ns]")
    return Series(values, time_, CHANNELS)


def lines(series: Series, first: int = 0, last: int | None = None) -> str:
    """Rows as they are written into the file."""
    made = list[str]()
    for at, row in list(zip(series.time, series.values.tolist(), strict=True))[first:last]:
        cells = dict(zip(CHANNELS, row, strict=True))
        stamp = f"{at.astype('datetime64[s]')}Z"
        made.append(json.dumps({"time": stamp, "series": "pump", **cells}) + "\n")
    return "".join(made)


def grow(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def until(found: Any, what: str) -> Any:
    """The first true answer."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        answer = found()
        if answer:
            return answer
        time.sleep(0.02)
    raise AssertionError(f"never came: {what}")


def by_library(stream: StreamDetector, series: Series, first: int = 0, last: int | None = None):
    """What a stream of the library says of rows."""
    time_, values = series.time[first:last], series.values[first:last]
    return stream.update_many(time_, values, ["pump"] * len(time_))


def same(mine: list[dict[str, Any]], theirs: Readings, name: str = "score") -> bool:
    """Equal to the last digit; None is none."""
    numbers = getattr(theirs, name).tolist()
    return [None if np.isnan(each) else each for each in numbers] == [each[name] for each in mine]


def ids(theirs: Readings) -> set[str]:
    """Of all events."""
    return {event.id for event in theirs.events}
