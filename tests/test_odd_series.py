"""Odd series by the thousand: an answer or one clear line, never a traceback."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from offbeat import LSTMDetector, OffbeatError, Preparation
from offbeat.training import Training

SMALL = LSTMDetector(
    window=4,
    horizon=2,
    hidden_size=4,
    n_layers=1,
    training=Training(max_epochs=1, batch_size=4),
    preparation=Preparation(max_gap=3),
)
CELLS = st.one_of(
    st.floats(allow_nan=True, allow_infinity=False, width=64),
    st.sampled_from([0.0, 1.0, -1.0, np.nan, 1e308, -1e308, 5e-324, 1e-12, 1e12]),
)
BLOCKS = st.lists(
    st.one_of(
        st.tuples(st.just("constant"), st.floats(-1e9, 1e9), st.integers(1, 20)),
        st.tuples(st.just("noise"), st.floats(1e-6, 1e6), st.integers(1, 30)),
        st.tuples(st.just("missing"), st.just(0.0), st.integers(1, 12)),
        st.tuples(st.just("ramp"), st.floats(-1e3, 1e3), st.integers(2, 20)),
        st.tuples(st.just("wave"), st.floats(0.1, 1e3), st.integers(4, 40)),
        st.tuples(st.just("spike"), st.floats(-1e12, 1e12), st.just(1)),
    ),
    min_size=1,
    max_size=6,
)


def built(blocks: list[tuple[str, float, int]]) -> np.ndarray:
    """One channel from its blocks."""
    draw = np.random.default_rng(0)
    made = {
        "constant": lambda size, n: np.full(n, size),
        "noise": lambda size, n: draw.normal(0, size, n),
        "missing": lambda _, n: np.full(n, np.nan),
        "ramp": lambda size, n: size * np.arange(n),
        "wave": lambda size, n: size * np.sin(np.arange(n)),
        "spike": lambda size, n: np.full(n, size),
    }
    return np.concatenate([made[kind](size, n) for kind, size, n in blocks])


def check_series(train: np.ndarray, data: np.ndarray) -> None:
    """Fit on one and detect on the other: an answer of the right shape, or an `OffbeatError`."""
    try:
        detector = SMALL.__class__(**SMALL.get_params(deep=False)).fit(train)
        detection = detector.detect(data)
    except OffbeatError as reason:
        if "\n" in str(reason):
            raise
        return
    score = detection.score
    assert score.shape == (len(data),)
    assert not np.isinf(score).any()
    known = ~np.isnan(score)
    measured = ~np.isnan(detection.series.values).any(axis=1) & ~detection.imputed.any(axis=1)
    rows = np.flatnonzero(measured)
    settled = [r for r in rows if r >= 8 and measured[r - 8 : r + 1].all()]
    assert known[settled].all()
    assert (score[known] >= 0).all()


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(BLOCKS)
def test_one_channel_in_blocks(blocks) -> None:
    data = built(blocks)
    check_series(data, data)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(BLOCKS, BLOCKS)
def test_trained_on_one_and_scored_on_another(train, data) -> None:
    check_series(built(train), built(data))


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 40), st.integers(1, 3), st.data())
def test_any_cells(n_rows, n_channels, draw) -> None:
    data = draw.draw(arrays(np.float64, (n_rows, n_channels), elements=CELLS))
    check_series(data, data)


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinite_values_are_refused(value: float) -> None:
    data = np.zeros(50)
    data[3] = value
    with pytest.raises(OffbeatError, match="infinite"):
        LSTMDetector().fit(data)
