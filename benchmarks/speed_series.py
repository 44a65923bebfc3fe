"""The series that speed is measured on: same rows, labels and training part for everybody."""

from __future__ import annotations

import csv
from dataclasses import dataclass

import numpy as np
import polars as pl

from cases import SHARED

__all__ = ["ANOMALIES", "Timed", "endless", "timed_series"]

MACHINE = "examples/machine/machine.csv"
ROWS_REAL, ROWS_LONG, ROWS_WIDE, CHANNELS_WIDE = 10_000, 100_000, 20_000, 38
BUFFER = 100
"""Largest soft edge of VUS where no period is given."""
ANOMALIES = 20
PERIOD_LONG = 50


@dataclass(frozen=True, eq=False)
class Timed:
    """One series.

    Parameters
    ----------
    name, what
        Name of its files, and what it is.
    values, label
        Shape (T, C) and (T,).
    n_train, buffer
        Training rows, and largest soft edge of VUS in rows.
    """

    name: str
    what: str
    values: np.ndarray
    label: np.ndarray
    n_train: int
    buffer: int


def timed_series() -> list[Timed]:
    """All of them, from short to long."""
    return [tutorial_sine(), real_series(), long_sine(), wide_series()]


def tutorial_sine() -> Timed:
    """The tutorial's own series, to the digit."""
    np.random.seed(42)
    values = np.sin(np.linspace(0, 100, 1000)) + 0.1 * np.random.randn(1000)
    values[200:205] += 5
    values[700:702] -= 8
    label = np.zeros(1000, dtype=np.int8)
    label[200:205] = label[700:702] = 1
    return Timed("sine", "the tutorial's sine", values[:, None], label, 800, 63)


def real_series() -> Timed:
    """10,000 rows of one recorded channel: the first of the UCR series that are long enough."""
    index = SHARED / "data" / "index.csv"
    for row in csv.DictReader(index.open()) if index.exists() else ():
        if row["collection"] == "ucr" and int(row["rows"]) >= ROWS_REAL:
            last = float(row["first_anomaly"] or ROWS_REAL) + float(row["max_event_rows"] or 0)
            if last < ROWS_REAL:
                frame = pl.read_parquet(SHARED / "data" / "ucr" / f"{row['series']}.parquet")
                what = f"recorded, ucr/{row['series']}"
                return cut(frame[:ROWS_REAL], "real", what, int(float(row["train_end"])), 1)
    frame = pl.read_csv(MACHINE)[:ROWS_REAL]
    return cut(frame, "real", "the recorded machine", int(0.4 * ROWS_REAL), 1)


def long_sine() -> Timed:
    """100,000 rows that are made, trained on the first 20,000."""
    values, label = endless(ROWS_LONG, first=ROWS_LONG // 5)
    return Timed("long", "a noisy wave, made", values, label, ROWS_LONG // 5, PERIOD_LONG)


def wide_series() -> Timed:
    """38 channels: half training part, half test part of a server, or waves that are made."""
    path = SHARED / "data" / "smd" / "machine-1-6.parquet"
    half = ROWS_WIDE // 2
    if path.exists():
        n_train = 23_688  # where its test part begins
        frame = pl.read_parquet(path)[n_train - half : n_train + half]
        return cut(frame, "wide", "recorded, smd/machine-1-6", half, CHANNELS_WIDE)
    made = [endless(ROWS_WIDE, first=half, seed=seed) for seed in range(CHANNELS_WIDE)]
    values = np.concatenate([one for one, _ in made], axis=1)
    return Timed("wide", "noisy waves, made", values, made[0][1], half, PERIOD_LONG)


def cut(frame: pl.DataFrame, name: str, what: str, n_train: int, n_channels: int) -> Timed:
    """The first channels of a frame and its labels."""
    channels = [c for c in frame.columns if c not in ("timestamp", "time", "label")][:n_channels]
    values = frame.select(channels).to_numpy().astype(np.float64)
    label = frame["label"].to_numpy().astype(np.int8)
    return Timed(name, what, values, label, n_train, BUFFER)


def endless(n_rows: int, *, first: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two waves and noise with spikes and flat stretches from row `first` on.

    Returns
    -------
    Values (T, 1) and labels (T,).
    """
    draw = np.random.default_rng(seed)
    rows = np.arange(n_rows)
    values = np.sin(2 * np.pi * rows / PERIOD_LONG) + 0.3 * np.sin(2 * np.pi * rows / 330)
    values += 0.1 * draw.standard_normal(n_rows)
    label = np.zeros(n_rows, dtype=np.int8)
    for number, start in enumerate(np.linspace(first, n_rows - 100, ANOMALIES + 1)[1:].astype(int)):
        length = 2 if number % 2 else 40
        stretch = slice(start, start + length)
        values[stretch] = values[stretch] + 3 if number % 2 else values[stretch].mean()
        label[stretch] = 1
    return values[:, None], label
