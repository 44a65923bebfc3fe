"""Cycles of the calendar: when they are found, and what a network reads of them."""

from __future__ import annotations

import numpy as np
import pytest

from offbeat import LSTMDetector, Series, Training
from offbeat.calendar import calendar_inputs, find_cycles


@pytest.mark.parametrize(
    ("period", "n_rows", "rows_per_day", "cycles"),
    [
        (24, 240, 24.0, ("day",)),
        (25, 240, 24.0, ("day",)),
        (168, 1000, 24.0, ("day", "week")),
        (168, 300, 24.0, ()),  # not yet two and a half weeks
        (12, 240, 24.0, ()),
        (None, 240, 24.0, ()),
        (24, 240, None, ()),
    ],
)
def test_cycles_are_found_where_the_period_is_one(period, n_rows, rows_per_day, cycles) -> None:
    assert find_cycles(period, n_rows, rows_per_day) == cycles


def test_inputs_come_back_after_a_cycle_and_tell_its_rows_apart() -> None:
    time = np.datetime64("2026-03-01", "ns") + np.arange(24 * 15) * np.timedelta64(1, "h")
    inputs = calendar_inputs(time, ("day", "week"))
    assert inputs.shape == (360, 4)
    assert np.abs(inputs).max() <= 1
    day, week = inputs[:, [0, 2]], inputs[:, [1, 3]]
    np.testing.assert_allclose(day[24:], day[:-24], atol=1e-6)
    np.testing.assert_allclose(week[168:], week[:-168], atol=1e-6)
    assert len(np.unique(np.round(week[:168], 6), axis=0)) == 168


def hourly(n_days: int) -> Series:
    rows = np.arange(24 * n_days)
    time = np.datetime64("2026-03-01", "ns") + rows * np.timedelta64(1, "h")
    draw = np.random.default_rng(0)
    wave = np.sin(2 * np.pi * rows / 24) + draw.normal(0, 0.05, len(rows))
    return Series(wave[:, None], time, ("load",))


def test_a_daily_series_with_a_clock_is_read_with_its_hours_and_without_a_clock_not() -> None:
    series = hourly(12)
    quick = Training(max_epochs=1)
    with_clock = LSTMDetector(training=quick).fit(series)
    assert with_clock.cycles_ == ("day",)
    chosen = {choice.name: choice for choice in with_clock.config_report_}
    assert chosen["calendar"].value == ["day"]
    assert "clock" in chosen["calendar"].reason
    assert not LSTMDetector(training=quick).fit(series.values).cycles_
    assert not LSTMDetector(training=quick, calendar=False).fit(series).cycles_
