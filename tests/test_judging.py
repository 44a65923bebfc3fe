"""Judging: blank in the warm-up, smoothed, held where a value was filled in, put in the middle."""

from __future__ import annotations

import numpy as np
import pytest

from offbeat.grid import regularise
from offbeat.io import as_series
from offbeat.judging import Foreseen, Foresight, Look, band_width, smoothing_windows, wild_channels
from offbeat.preparation import Prepared
from offbeat.scores import Scoring, Smoothing
from offbeat.season import Season

N_ROWS = 40


def seen(error: np.ndarray, *, reach: int = 1, gap: int | None = None) -> Foreseen:
    """What was foreseen of one channel whose values are all 1; nothing of the row `gap`."""
    scaled = np.ones((N_ROWS, 1))
    segments = [(0, N_ROWS)]
    if gap is not None:
        scaled[gap] = np.nan
        segments = [(0, gap), (gap + 1, N_ROWS)]
    nothing = np.zeros(scaled.shape, dtype=bool)
    grid = regularise(as_series(np.ones((N_ROWS, 1))))
    prepared = Prepared(grid, scaled, nothing, scaled, np.zeros((N_ROWS, 1)), nothing, segments)
    return Foreseen(prepared, Foresight(error, scaled - 0.5, np.full((N_ROWS, 1), 0.1), reach))


def look(mode: Smoothing = "trailing", window: int = 1) -> Look:
    return Look(mode, Scoring(spike=0.0), (window,), None, np.zeros(1, dtype=bool))


def test_nothing_is_said_in_the_warm_up_of_a_segment_and_in_a_gap() -> None:
    (signal,) = look().signals(seen(np.ones((N_ROWS, 1)), gap=20), [0], 3)
    silent = {*range(3), 20, 21, 22, 23}
    assert set(np.flatnonzero(np.isnan(signal[:, 0]))) == silent


def test_where_a_value_was_filled_in_the_last_score_holds() -> None:
    error = np.arange(float(N_ROWS))[:, None]
    error[10:13] = np.nan
    (signal,) = look().signals(seen(error), [0], 2)
    assert signal[9:14, 0].tolist() == [9.0, 9.0, 9.0, 9.0, 13.0]
    error[:8] = np.nan
    (signal,) = look().signals(seen(error), [0], 2)
    assert signal[2:9, 0].tolist() == [0.0] * 6 + [8.0]  # no score before them


def test_looking_back_an_error_that_speaks_of_many_rows_is_put_in_their_middle() -> None:
    error = np.zeros((N_ROWS, 1))
    error[20] = 1.0
    for mode, row in (("trailing", 20), ("centred", 18)):
        (signal,) = look(mode).signals(seen(error, reach=5), [0], 0)
        assert np.flatnonzero(signal[:, 0]).tolist() == [row]


def test_windows_follow_the_period_or_are_as_given() -> None:
    assert smoothing_windows(Scoring(), Season(40, 0.9), "trailing") == (10, 20, 40)
    assert smoothing_windows(Scoring(), Season(40, 0.9), "centred") == (20, 40, 80)
    assert smoothing_windows(Scoring(), None, "trailing") == (32, 64, 128)
    assert smoothing_windows(Scoring(), Season(9_000, 0.9), "trailing") == (100, 200, 400)
    assert smoothing_windows(Scoring(smoothing_window=7), Season(40, 0.9), "trailing") == (7,)
    assert smoothing_windows(Scoring(smoothing_window=(7, 9)), None, "centred") == (7, 9)


def test_the_band_holds_99_in_100_values_of_the_training_part() -> None:
    known = seen(np.ones((N_ROWS, 1)))
    width = band_width(known, [0], np.ones(N_ROWS, dtype=bool))
    assert width == pytest.approx([5.0])  # 0.5 away, in scales of 0.1
    expected, lower, upper = known.foresight.band(width)
    np.testing.assert_allclose(upper - expected, 0.5)
    np.testing.assert_allclose(expected - lower, 0.5)


def test_only_errors_of_single_rows_can_be_wild() -> None:
    learned = np.ones(N_ROWS, dtype=bool)
    error = np.full((N_ROWS, 1), 50.0)
    assert wild_channels(seen(error).foresight, "scaled", learned).all()
    assert not wild_channels(seen(error, reach=5).foresight, "scaled", learned).any()
