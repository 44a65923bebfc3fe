"""Both ways are tried on a sample, and the reason is told."""

from __future__ import annotations

import numpy as np
import pytest
from fleets import quick, wave

from offbeat import DataError, Series, Training
from offbeat.fleet import choose_mode


def test_one_network_where_the_series_are_alike() -> None:
    fleet = {f"k{i}": wave(i, 200, period=16) for i in range(5)}
    choice = choose_mode(fleet, quick(), n_sample=4, seed=0)
    assert choice.mode == "shared"
    assert choice.n_series == 4
    assert choice.shared_error > 0 < choice.own_seconds
    assert f"{choice.shared_error:.3f} deviations" in choice.reason


def test_one_each_where_the_channels_differ() -> None:
    fleet = {f"k{i}": wave(i, 150, channels=(f"c{i}",)) for i in range(4)}
    choice = choose_mode(fleet, quick(training=Training(max_epochs=1)))
    assert choice.mode == "own"
    assert "other channels or another step" in choice.reason


def test_one_each_where_that_forecasts_better() -> None:
    """A square wave and its mirror image: what follows a row depends on the series."""
    fleet = {}
    for i in range(4):
        draw = np.random.default_rng(i)
        values = np.cumsum(draw.normal(size=(260, 1)), axis=0)
        sign = 1.0 if i % 2 else -1.0
        noise = draw.normal(size=260)
        for row in range(1, 260):  # a step follows the last one, or goes against it
            values[row] = sign * 0.95 * values[row - 1] + 0.3 * noise[row]
        fleet[f"k{i}"] = Series(values[20:], np.arange(240), ("value",))
    options = Training(max_epochs=8, learning_rate=0.02)
    choice = choose_mode(fleet, quick(window=8, horizon=1, training=options))
    assert choice.own_error < choice.shared_error
    assert choice.mode == "own"
    assert "better by" in choice.reason


def test_nothing_to_try() -> None:
    still = Series(np.ones((60, 1)), np.arange(60), ("value",), name="still")
    with pytest.raises(DataError, match="never moves"):
        choose_mode({"a": still}, quick())
