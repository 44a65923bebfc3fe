"""Small fleets for tests, and a detector that learns them quickly."""

from __future__ import annotations

import numpy as np

from offbeat import LSTMDetector, Series, Training


def wave(
    number: int, n_rows: int = 300, *, channels: tuple[str, ...] = ("value",), period: int = 0
) -> Series:
    """Sines with noise; the period follows from the number."""
    draw = np.random.default_rng(number)
    period = period or 12 + 4 * (number % 4)
    angle = 2 * np.pi * np.arange(n_rows)[:, None] / period + np.arange(len(channels))
    noise = draw.normal(0, 0.1, (n_rows, len(channels)))
    values = (1 + number) * (np.sin(angle) + noise) + 10 * number
    return Series(values, np.arange(n_rows), channels, name=f"s{number}")


def clocked(series: Series, seconds: int) -> Series:
    """The same with time stamps."""
    start = np.datetime64("2026-01-05", "ns")
    time = start + np.arange(len(series)) * np.timedelta64(seconds, "s")
    return Series(series.values, time, series.channels, name=series.name)


def quick(**options: object) -> LSTMDetector:
    """A small detector with a short training."""
    chosen = {"hidden_size": 8, "training": Training(max_epochs=2, patience=2), **options}
    return LSTMDetector().set_params(**chosen)
