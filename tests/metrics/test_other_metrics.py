"""Range-based, affiliation and NAB scores, delays and areas, by hand and against slow twins."""

from __future__ import annotations

import naive_metrics
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offbeat import ConfigError, DataError
from offbeat.metrics import (
    affiliation_scores,
    auc_pr,
    auc_roc,
    detection_delays,
    nab_score,
    range_scores,
)


def rows(n_rows: int, *spans: tuple[int, int]):
    label = np.zeros(n_rows, dtype=int)
    for start, end in spans:
        label[start:end] = 1
    return label


class TestRanges:
    def test_half_an_event_in_one_piece(self) -> None:
        found = range_scores(rows(20, (4, 8)), rows(20, (6, 10)))
        assert (found.precision, found.recall, found.f1) == (0.5, 0.5, 0.5)

    def test_existence_and_pieces(self) -> None:
        truth, label = rows(20, (4, 8)), rows(20, (4, 5), (7, 8))
        assert range_scores(truth, label).recall == pytest.approx(0.25)  # half, in two pieces
        assert range_scores(truth, label, one_piece=False).recall == pytest.approx(0.5)
        assert range_scores(truth, label, alpha=1.0).recall == 1.0

    def test_bias(self) -> None:
        truth, label = rows(20, (4, 8)), rows(20, (4, 6))
        recall = {b: range_scores(truth, label, bias=b).recall for b in ("front", "middle", "back")}
        assert recall == pytest.approx({"front": 0.7, "middle": 0.5, "back": 0.3})

    def test_nothing_and_mistakes(self) -> None:
        assert range_scores(rows(5), rows(5)).f1 == 1.0
        with pytest.raises(ConfigError, match="alpha"):
            range_scores(rows(5), rows(5), alpha=2.0)
        with pytest.raises(ConfigError, match="bias"):
            range_scores(rows(5), rows(5), bias="left")  # type: ignore[arg-type]


class TestAffiliation:
    @settings(max_examples=25, deadline=None)
    @given(st.integers(0, 10**6))
    def test_equals_the_slow_twin(self, seed: int) -> None:
        generator = np.random.default_rng(seed)
        y_true, label = (generator.random((2, 24)) < 0.2).astype(int)
        y_true[generator.integers(24)] = 1
        found = affiliation_scores(y_true, label)
        slow = naive_metrics.affiliation(y_true, label)
        assert (found.precision, found.recall) == pytest.approx(slow, abs=0.03)

    def test_exact_and_empty(self) -> None:
        truth = rows(30, (3, 6), (20, 21))
        exact = affiliation_scores(truth, truth)
        assert (exact.precision, exact.recall, exact.f1) == pytest.approx((1.0, 1.0, 1.0))
        silent = affiliation_scores(truth, rows(30))
        assert (silent.precision, silent.recall) == (1.0, 0.0)
        with pytest.raises(DataError, match="marks no row"):
            affiliation_scores(rows(9), rows(9))


class TestNAB:
    def test_no_alarm_is_0_and_an_early_one_100(self) -> None:
        truth = rows(200, (100, 120), (150, 160))
        assert nab_score(truth, rows(200)).score == 0.0
        assert nab_score(truth, rows(200, (100, 101), (150, 151))).score == pytest.approx(100.0)

    def test_late_is_worth_less_and_a_false_alarm_costs(self) -> None:
        truth = rows(200, (100, 120))
        late = nab_score(truth, rows(200, (119, 120))).score
        false = nab_score(truth, rows(200, (60, 61), (100, 101))).score
        assert 50 < late < 60
        assert false == pytest.approx(100 - 11 / 2)

    def test_random_line_and_mistakes(self) -> None:
        truth = rows(400, (100, 140), (300, 340))
        found = nab_score(truth, truth)
        assert found.random < found.score
        assert found == nab_score(truth, truth)
        with pytest.raises(DataError, match="probation"):
            nab_score(rows(100, (0, 5)), rows(100))
        with pytest.raises(ConfigError, match="probation"):
            nab_score(truth, truth, probation=1.5)


def test_delays() -> None:
    delays = detection_delays(rows(30, (3, 8), (10, 12), (20, 25)), rows(30, (5, 6), (20, 21)))
    np.testing.assert_array_equal(delays, [2.0, np.nan, 0.0])
    assert np.isnan(detection_delays(rows(9, (2, 3)), rows(9))).all()


def test_areas_rank_missing_scores_last() -> None:
    truth = rows(10, (8, 10))
    score = np.arange(10.0)
    assert auc_roc(truth, score) == 1.0
    assert auc_pr(truth, score) == 1.0
    score[8] = np.nan
    assert auc_roc(truth, score) == pytest.approx(0.5)
