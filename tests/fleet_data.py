"""A small fleet in every form that it may come in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from offbeat import LSTMDetector, Training

__all__ = ["N_ROWS", "TINY", "frames", "same_scores", "write_files", "write_long"]

N_ROWS = 300
TINY = LSTMDetector(
    window=16, horizon=2, hidden_size=4, n_layers=1, training=Training(max_epochs=2)
)


def frames(n_series: int = 5) -> dict[str, pl.DataFrame]:
    """Sines by key; those of even number have a fault at the same time."""
    draw, row = np.random.default_rng(0), np.arange(N_ROWS)
    time = np.datetime64("2026-01-01", "us") + row.astype("timedelta64[m]")
    made = {}
    for number in range(n_series):
        value = np.sin(2 * np.pi * row / 16 + number) + 0.1 * draw.standard_normal(N_ROWS)
        if number % 2 == 0:
            value[250:256] += 6
        made[f"pump {number}"] = pl.DataFrame({"time": time, "flow": value})
    return made


def write_files(folder: Path, fleet: dict[str, pl.DataFrame]) -> Path:
    """A file a series."""
    folder.mkdir(parents=True, exist_ok=True)
    for key, frame in fleet.items():
        frame.write_csv(folder / f"{key}.csv")
    return folder


def write_long(path: Path, fleet: dict[str, pl.DataFrame]) -> Path:
    """One table in the order of time."""
    parts = [frame.with_columns(pump=pl.lit(key)) for key, frame in fleet.items()]
    long = pl.concat(parts, how="diagonal_relaxed").sort("time", maintain_order=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    long.write_parquet(path) if path.suffix == ".parquet" else long.write_csv(path)
    return path


def same_scores(one: str | Path, other: str | Path) -> bool:
    """Whether two scorings say the same to 1e-5."""
    a, b = (pl.read_parquet(f"{each}/scores/*.parquet").sort("key", "row") for each in (one, other))
    gap = (a["score"] - b["score"]).abs().max()
    return a.drop("score", "threshold").equals(b.drop("score", "threshold")) and gap < 1e-5
