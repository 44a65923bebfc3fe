"""From tracks to a score: standards, joining, shares."""

from __future__ import annotations

import numpy as np
import pytest

from offbeat import ConfigError
from offbeat.scores import LARGEST, Scoring, Standard, Track, error_size, join, measure_standard
from offbeat.signals import raw_signals, smooth, tracks_of


def noise(n_rows: int = 400, n_channels: int = 2) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n_rows, n_channels))


@pytest.mark.parametrize(("kind", "size"), [("scaled", 1.5), ("mae", 3.0), ("mse", 9.0)])
def test_size_of_an_error(kind, size: float) -> None:
    assert error_size(np.array([[-3.0]]), 2.0, kind).item() == size
    assert error_size(np.array([[1e200]]), 1.0, kind).item() == LARGEST


def joined(scoring: Scoring, error: np.ndarray, scaled: np.ndarray, windows: tuple = (1, 20)):
    learned = np.arange(len(error)) < 300
    raw = raw_signals(scoring, error, scaled, moment_window=30)
    tracks = tracks_of(scoring, windows, 1)
    signals = [smooth(raw[track.signal], track.window, "trailing") for track in tracks]
    standard = measure_standard(scoring, tracks, signals, learned)
    return join(scoring, tracks, signals, standard)


def test_what_is_short_and_what_is_faint_but_lasts_both_stand_out() -> None:
    error = np.abs(noise(n_channels=1))
    error[350] = 8.0  # one row
    error[370:395] = 1.8  # many rows, none of which stands out alone
    made = joined(Scoring(), error, noise(n_channels=1))
    assert made.score[350] > 1
    assert made.score[388:395].min() > 1
    assert joined(Scoring(), error, noise(n_channels=1), (1,)).score[388:395].max() < 1


def test_joined_by_logarithm_one_channel_is_itself_and_a_quiet_one_weighs_little() -> None:
    alone = np.array([[0.3], [1.0], [40.0]])
    standard = Standard(np.zeros((1, 1)), np.ones((1, 1)))
    tracks = (Track("forecast", 1),)
    scoring = Scoring(spike=0.0)
    np.testing.assert_allclose(join(scoring, tracks, [alone], standard).score, alone[:, 0])
    twice = np.hstack([alone, alone])
    wide = Standard(np.zeros((1, 2)), np.ones((1, 2)))
    np.testing.assert_allclose(join(scoring, tracks, [twice], wide).score, alone[:, 0])
    apart = join(scoring, tracks, [np.array([[40.0, 0.9]])], wide)
    assert apart.channel_shares[0, 0] > 0.99


@pytest.mark.parametrize("aggregate", ["log", "mean", "rms", "max"])
def test_shares_sum_to_one_and_name_the_loud_channel(aggregate) -> None:
    error = np.abs(noise(n_channels=4))
    error[350, 2] = 50.0
    error[:20] = np.nan
    scoring = Scoring(aggregate=aggregate, rate_of_change=0.5)
    made = joined(scoring, error, noise(n_channels=4))
    np.testing.assert_allclose(np.nansum(made.channel_shares[300:], axis=1), 1.0)
    np.testing.assert_allclose(np.nansum(made.signal_shares[300:], axis=1), 1.0)
    assert made.channel_shares[350].argmax() == 2
    assert made.score[350] == made.score.max()


def test_weights_weigh_and_a_weight_of_zero_leaves_a_signal_out() -> None:
    error, scaled = np.abs(noise()), noise()
    light = joined(Scoring(spike=0.1), error, scaled)
    heavy = joined(Scoring(spike=1.0), error, scaled)
    assert (heavy.signal_shares[:, 1] >= light.signal_shares[:, 1]).all()
    assert joined(Scoring(spike=0.0), error, scaled).signal_shares.shape == (400, 1)


def test_rows_without_any_error_have_no_score() -> None:
    error = np.abs(noise())
    error[5] = np.nan
    error[6, 0] = np.nan
    made = joined(Scoring(), error, noise(), (1,))
    assert np.isnan(made.score[5])
    assert made.channel_shares[6].tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    ("scoring", "match"),
    [
        (Scoring(error="huber"), "error"),  # type: ignore[arg-type]
        (Scoring(aggregate="sum"), "aggregate"),  # type: ignore[arg-type]
        (Scoring(forecast=-1.0), "not all 0"),
        (Scoring(smoothing_window=0), "smoothing_window must be a whole number >= 1, 0 came"),
        (Scoring(smoothing_window=(8, 0)), "smoothing_window must be a whole number >= 1, 0 came"),
        (Scoring(moment_window=0), "moment_window"),
    ],
)
def test_options_that_cannot_be(scoring: Scoring, match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        scoring.check()
