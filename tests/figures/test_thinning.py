"""Thinned series draw the same picture: extremes, gaps and spans are kept."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offbeat.figures.thinning import downsample, shown_rows


def test_a_short_series_comes_back_as_it_is():
    time, values = np.arange(10), np.linspace(0, 1, 10)
    shown_time, shown = downsample(time, values, 100)
    assert np.array_equal(shown_time, time)
    assert np.array_equal(shown, values)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), n_rows=st.integers(1, 5_000), gaps=st.integers(0, 20))
def test_extremes_ends_and_order_are_kept(seed, n_rows, gaps):
    rng = np.random.default_rng(seed)
    values = rng.standard_t(1.5, n_rows)
    for start in rng.integers(0, n_rows, gaps):
        values[start : start + rng.integers(1, 30)] = np.nan
    rows = shown_rows(values, 200)
    assert (np.diff(rows) > 0).all()
    assert {0, n_rows - 1} <= set(rows.tolist())
    if not np.isnan(values).all():
        assert np.nanmax(values[rows]) == np.nanmax(values)
        assert np.nanmin(values[rows]) == np.nanmin(values)


def test_every_bin_keeps_its_extremes_not_only_the_series():
    values = np.zeros(100_000)
    spikes = np.arange(500, 100_000, 1_000)
    values[spikes] = 1.0
    values[spikes + 200] = -1.0
    rows = shown_rows(values, 1_000)
    assert set(spikes) <= set(rows)
    assert set(spikes + 200) <= set(rows)
    assert len(rows) <= 1_002


def test_a_gap_stays_a_gap_with_its_borders():
    values = np.sin(np.arange(50_000) / 100)
    values[20_000:21_000] = np.nan
    rows = shown_rows(values, 500)
    assert {19_999, 20_000, 21_000} <= set(rows.tolist())
    assert np.isnan(values[rows]).sum() == 1


def test_all_missing_is_not_an_error():
    rows = shown_rows(np.full(10_000, np.nan), 100)
    assert {0, 9_999} <= set(rows.tolist())
    assert len(rows) < 110


def test_spans_get_more_detail():
    rng = np.random.default_rng(0)
    values = rng.normal(size=1_000_000)
    plain = shown_rows(values, 2_000)
    rows = shown_rows(values, 2_000, [(500_000, 500_300)])
    inside = ((rows >= 500_000) & (rows < 500_300)).sum()
    assert inside > 200 > 10 * ((plain >= 500_000) & (plain < 500_300)).sum()
    assert len(rows) <= 2_100


@pytest.mark.parametrize("n_spans", [1, 60, 1_000])
def test_many_spans_keep_the_number_of_rows_in_hand(n_spans):
    values = np.random.default_rng(0).normal(size=300_000)
    starts = np.linspace(0, 299_000, n_spans).astype(int)
    rows = shown_rows(values, 4_000, [(s, s + 50) for s in starts.tolist()])
    assert len(rows) < 4_000 + 10 * n_spans
    for start in starts.tolist():
        top = start + int(np.argmax(values[start : start + 50]))
        around = slice(max(0, start - 50), start + 100)
        if values[top] == values[around].max():
            assert top in rows
