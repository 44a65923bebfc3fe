"""A head of its own for each series of a shared network."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from fleets import quick, wave

from offbeat import LSTMDetector, Series, Training
from offbeat.fleet import SharedLSTM, admission, heads
from offbeat.fleet.learning import Apprentice
from offbeat.series import FloatArray

FLEET = {f"k{i}": wave(i, 400) for i in range(6)}


@pytest.fixture(scope="module")
def shared() -> SharedLSTM:
    return SharedLSTM(quick(training=Training(max_epochs=4))).fit(FLEET)


def newcomer(shared: SharedLSTM, series: Series) -> Apprentice:
    """A series that has the fleet's network, not yet a head of its own."""
    one = Apprentice.of("new", series, shared.make_like(quick())())
    one.open()
    one.detector.network_ = shared.network_
    return one


def errors(detector: LSTMDetector, one: Apprentice, rows: slice) -> float:
    """Mean size of the residual in scaled units."""
    detector._forget_measures()
    seen = detector._foresee(one.prepared)
    return float(np.nanmean(np.abs(one.prepared.observed - seen.expected)[rows]))


@pytest.mark.parametrize("n_series", [1, 20])
def test_a_series_unlike_the_fleet_is_foreseen_better(shared: SharedLSTM, n_series: int) -> None:
    some = [newcomer(shared, wave(i, 900, period=9)) for i in range(n_series)]
    before = [errors(one.detector, one, slice(400, None)) for one in some]
    admission.give_heads(some)
    after = [errors(one.detector, one, slice(400, None)) for one in some]
    assert np.mean(after) < 0.9 * np.mean(before)
    for one in some:  # the LSTM is the fleet's
        weights, shares = one.detector.network_.lstm.state_dict(), shared.network_.lstm.state_dict()
        assert all(torch.equal(weights[name], shares[name]) for name in weights)


def test_a_series_alone_and_among_others_has_the_same_head(shared: SharedLSTM) -> None:
    alone, among = (newcomer(shared, wave(3, 600)) for _ in range(2))
    admission.give_heads([alone])
    admission.give_heads([among, *(newcomer(shared, wave(i, 500)) for i in range(14))])
    one, other = (each.detector.network_.head.weight for each in (alone, among))
    torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


def test_what_is_odd_in_the_training_part_spoils_no_head(shared: SharedLSTM) -> None:
    series = wave(2, 900)
    values = series.values.copy()
    values[200:800:150] += 60.0
    one = newcomer(shared, Series(values, series.time, series.channels))
    quiet = slice(64, 199)
    before = errors(one.detector, one, quiet)
    admission.give_heads([one])
    assert errors(one.detector, one, quiet) < 0.7 * before


@pytest.mark.parametrize("draw", [wave(0, 200).values, np.random.default_rng(0).normal(size=600)])
def test_too_few_rows_or_nothing_to_foresee_keep_the_fleets_head(
    shared: SharedLSTM, draw: FloatArray
) -> None:
    values = draw.reshape(-1, 1)
    one = newcomer(shared, Series(values, np.arange(len(values)), ("value",)))
    fleets = errors(one.detector, one, slice(None))
    admission.give_heads([one])
    assert errors(one.detector, one, slice(None)) <= 1.02 * fleets


def test_a_point_forecast_has_a_head_of_its_own_too() -> None:
    shared = SharedLSTM(quick(loss="mse")).fit(FLEET)
    one = newcomer(shared, wave(1, 900, period=9))
    before = errors(one.detector, one, slice(400, None))
    admission.give_heads([one])
    assert errors(one.detector, one, slice(400, None)) < 0.9 * before


def test_a_long_part_gives_its_last_rows(
    shared: SharedLSTM, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heads, "MOST_ROWS", 300)
    series = wave(1, 500)
    values = series.values.copy()
    values[100] = np.nan
    one = newcomer(shared, Series(values, series.time, series.channels))
    material = one.detector._material(one.prepared)
    found = heads.last_rows(material)
    assert sum(end - start for start, end in found) == 300
    assert found[-1][1] == 500
