"""The data check: what it finds, and that it stays silent where nothing is."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

import contract
from offbeat import as_series, check
from offbeat.series import Series


def clocked(values: np.ndarray, step_s: int = 60) -> Series:
    time = np.datetime64("2026-01-01", "ns") + np.arange(len(values)) * np.timedelta64(step_s, "s")
    names = {f"c{i}": values[:, i] for i in range(values.shape[1])}
    return as_series(pl.DataFrame({"time": time, **names}))


def topics(series: Series, level: str) -> set[str]:
    return {finding.topic for finding in check(series).findings if finding.level == level}


def test_nothing_to_say_about_plain_data() -> None:
    report = check(clocked(contract.waves()))
    assert {f.level for f in report.findings} == {"ok"}
    assert report.step == "1 min"
    assert report.season.period == 24
    assert report.is_trainable
    assert json.loads(json.dumps(report.to_dict()))["rows"] == 900
    assert "repeats every 24 rows (24 min)" in report.to_text()


def test_gaps_stuck_spikes_constants_and_commands() -> None:
    data = contract.waves(n_channels=4)
    data[100:160, 0] = data[100, 0]
    data[300, 1] = 50
    data[:, 2] = 4
    data[:, 3] = np.arange(900) // 100 % 2
    series = clocked(data)
    kept = np.r_[0:500, 530:900]
    series = Series(series.values[kept], series.time[kept], series.channels)
    found = check(series)
    assert found.gaps == ((500, 530),)
    assert {"gaps", "stuck"} <= topics(series, "warning")
    assert {"spikes", "constant", "commands"} <= topics(series, "note")
    stuck = next(f for f in found.findings if f.topic == "stuck")
    assert (stuck.channel, stuck.rows) == ("c0", (100, 160))
    assert found.channels[3].looks_like_command


def test_history_that_is_too_short() -> None:
    assert "history" in topics(clocked(contract.waves(40)), "error")
    assert not check(clocked(contract.waves(40))).is_trainable


def test_a_channel_without_values() -> None:
    data = contract.waves()
    data[:, 1] = np.nan
    assert "missing" in topics(clocked(data), "error")


@pytest.mark.parametrize("jump", [3600 + 60, 60 - 3600])
def test_local_time_without_a_zone(jump: int) -> None:
    series = clocked(contract.waves(400))
    moments = np.datetime64("2026-03-29T00:00", "ns") + np.arange(400) * np.timedelta64(60, "s")
    moments[120:] += np.timedelta64(jump - 60, "s")
    found = check(Series(series.values, moments, series.channels))
    assert [f for f in found.findings if f.topic == "daylight saving" and f.level == "warning"]
