"""The laws that every detector keeps. `check_detector(make)` runs them all.

Each law is a function of a factory of unfitted detectors and says what it wants in its name.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable

import numpy as np
import pytest
import torch

from offbeat import ConfigError, Detector, load
from offbeat.series import FloatArray

Make = Callable[[], Detector]
N_TRAIN, N_ROWS = 600, 900


def waves(n_rows: int = N_ROWS, n_channels: int = 2, seed: int = 0) -> FloatArray:
    """Sines with a period of 24 rows and noise, shape (T, C)."""
    draw = np.random.default_rng(seed)
    rows = np.arange(n_rows)[:, None]
    shift = np.arange(n_channels)
    return np.sin(2 * np.pi * rows / 24 + shift) + draw.normal(0, 0.05, (n_rows, n_channels))


def score_has_the_length_and_starts_with_nan(make: Make) -> None:
    data = waves()
    score = make().fit(data[:N_TRAIN]).anomaly_score(data)
    assert score.shape == (N_ROWS,)
    known = ~np.isnan(score)
    assert not known[0]
    first = int(np.argmax(known))
    assert known[first:].all()
    assert (score[first:] >= 0).all()


def no_look_ahead(make: Make) -> None:
    data, changed = waves(), waves()
    changed[800:] += 5
    detector = make().fit(data[:N_TRAIN])
    one, other = detector.anomaly_score(data), detector.anomaly_score(changed)
    np.testing.assert_allclose(one[:800], other[:800], rtol=1e-5, atol=1e-6)


def same_seed_same_scores_and_global_state_untouched(make: Make) -> None:
    data = waves()
    torch.manual_seed(1)
    np.random.seed(1)
    expected = torch.rand(1), np.random.rand()
    torch.manual_seed(1)
    np.random.seed(1)
    first = make().fit(data[:N_TRAIN]).anomaly_score(data)
    assert (torch.rand(1), np.random.rand()) == expected
    second = make().fit(data[:N_TRAIN]).anomaly_score(data)
    np.testing.assert_array_equal(first, second)


def save_and_load_give_equal_scores(make: Make, path: str) -> None:
    data = waves()
    fitted = make().fit(data[:N_TRAIN])
    fitted.save(path)
    again = load(path)
    np.testing.assert_array_equal(fitted.anomaly_score(data), again.anomaly_score(data))
    assert [e.start for e in fitted.detect(data).events] == [
        e.start for e in again.detect(data).events
    ]


def a_pickle_gives_equal_scores(make: Make) -> None:
    data = waves()
    fitted = make().fit(data[:N_TRAIN])
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(fitted.anomaly_score(data), again.anomaly_score(data))


def a_seed_is_a_whole_number_from_0_on(make: Make) -> None:
    for seed in (-1, 1.0, "1"):
        with pytest.raises(ConfigError, match=f"random_state must be .* >= 0, {seed!r} came"):
            make().set_params(random_state=seed).fit(waves())


def scoring_changes_nothing(make: Make) -> None:
    data = waves()
    fitted = make().fit(data[:N_TRAIN])
    before = fitted.anomaly_score(data)
    fitted.detect(waves(seed=5) * 3)
    np.testing.assert_array_equal(before, fitted.anomaly_score(data))


def a_gap_does_not_poison_what_follows(make: Make) -> None:
    data = waves()
    holed = data.copy()
    holed[700:740] = np.nan
    detector = make().fit(data[:N_TRAIN])
    score = detector.anomaly_score(holed)
    assert np.isnan(score[712:740]).all()
    assert not np.isnan(score[840:]).any()
    assert score[840:].max() < 3 * np.nanquantile(detector.anomaly_score(data), 0.99)


def a_constant_channel_neither_crashes_nor_alarms(make: Make) -> None:
    data = waves(n_channels=3)
    data[:, 1] = 7.0
    detection = make().fit(data[:N_TRAIN]).detect(data)
    assert not detection.events or max(e.severity for e in detection.events) < 2
    assert np.nanmax(detection.channel_shares[:, 1]) < 1


def an_anomaly_stands_out(make: Make) -> None:
    data = waves()
    data[760:790, 0] = 0.0
    score = make().fit(data[:N_TRAIN]).anomaly_score(data)
    inside, outside = np.nanmax(score[760:800]), np.nanmax(score[:750])
    assert inside > 1.2 * outside


LAWS = (
    score_has_the_length_and_starts_with_nan,
    no_look_ahead,
    same_seed_same_scores_and_global_state_untouched,
    a_pickle_gives_equal_scores,
    a_seed_is_a_whole_number_from_0_on,
    scoring_changes_nothing,
    a_gap_does_not_poison_what_follows,
    a_constant_channel_neither_crashes_nor_alarms,
)
