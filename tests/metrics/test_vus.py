"""Volumes under the range-based curves, against the slow twin and by their laws."""

from __future__ import annotations

import naive_metrics
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offbeat import ConfigError, DataError
from offbeat.metrics import auc_pr, auc_roc, volumes, vus_pr, vus_roc


def series(seed: int, n_rows: int = 120, decimals: int = 9):
    generator = np.random.default_rng(seed)
    y_true = np.zeros(n_rows, dtype=int)
    for _ in range(generator.integers(1, 5)):
        start = generator.integers(0, n_rows)
        y_true[start : start + generator.integers(1, 12)] = 1
    return y_true, np.round(generator.normal(size=n_rows) + y_true, decimals)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 30), st.sampled_from([0, 1, 9]))
def test_equals_the_slow_twin(seed: int, buffer: int, decimals: int) -> None:
    y_true, score = series(seed, decimals=decimals)
    roc, pr = naive_metrics.vus(y_true, score, buffer, thresholds=40)
    found = volumes(y_true, score, buffer, thresholds=40)
    assert (found.roc, found.pr) == pytest.approx((roc, pr), abs=1e-12)


def test_a_perfect_score_is_near_one_and_a_constant_one_is_not() -> None:
    y_true, _ = series(3)
    assert vus_pr(y_true, y_true.astype(float), 0) == pytest.approx(1.0)
    assert vus_pr(y_true, np.zeros(len(y_true)), 0) == pytest.approx(y_true.mean())


@given(st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_only_the_order_of_scores_matters(seed: int) -> None:
    y_true, score = series(seed)
    assert volumes(y_true, np.exp(score), 10) == volumes(y_true, score, 10)


def test_a_missing_score_counts_as_the_lowest() -> None:
    y_true, score = series(5)
    holes = np.where(np.arange(len(score)) < 20, np.nan, score)
    filled = np.where(np.isnan(holes), np.nanmin(holes), holes)
    assert volumes(y_true, holes, 8) == volumes(y_true, filled, 8)


def test_one_event_at_either_border() -> None:
    for row in (0, 59):
        y_true = np.zeros(60, dtype=int)
        y_true[row] = 1
        score = np.arange(60.0) if row else np.arange(60.0)[::-1]
        assert vus_pr(y_true, score, 0) == pytest.approx(1.0)
        assert 0 < vus_roc(y_true, score, 12) <= 1


@pytest.mark.parametrize("y_true", [np.zeros(9, dtype=int), np.ones(9, dtype=int)])
def test_nothing_to_tell_apart(y_true) -> None:
    for metric in (auc_pr, auc_roc):
        if not (metric is auc_pr and y_true.all()):
            with pytest.raises(DataError, match="y_true marks"):
                metric(y_true, np.arange(9.0))
    with pytest.raises(DataError, match="tell apart"):
        vus_pr(y_true, np.arange(9.0), 3)


def test_input_that_does_not_fit() -> None:
    y_true, score = series(1)
    with pytest.raises(DataError, match=r"shape \(120,\)"):
        vus_pr(y_true, score[:-1], 3)
    with pytest.raises(ConfigError, match="-1"):
        vus_pr(y_true, score, -1)
