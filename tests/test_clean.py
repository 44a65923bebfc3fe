"""Scales, and what imputer and scaler remember."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offbeat.clean import (
    ImputeMethod,
    Imputer,
    ScaleMethod,
    Scaler,
)
from offbeat.errors import ConfigError, DataError, ModelFileError, NotFittedError
from offbeat.series import FloatArray

NAN = float("nan")
WHOLE = st.lists(st.integers(-20, 20) | st.just(NAN), min_size=1, max_size=40)
PATTERN = np.tile([[0.0, 5.0], [2.0, 7.0], [4.0, 9.0], [6.0, 3.0]], (25, 1))


def column(*values: float) -> FloatArray:
    """One channel, shape (T, 1)."""
    return np.array(values, dtype=float)[:, None]


def scaled_twin(values: FloatArray, method: str) -> FloatArray:
    """The definition of each method, NaN left out."""
    known = values[~np.isnan(values)]
    low, high = known.min(), known.max()
    q25, q75 = np.percentile(known, [25, 75])
    return {
        "standard": lambda: (values - known.mean()) / known.std(),
        "robust": lambda: (values - np.median(known)) / (q75 - q25 or known.std()),
        "minmax": lambda: (values - low) / (high - low),
        "minmax_symmetric": lambda: 2 * (values - low) / (high - low) - 1,
    }[method]()


@pytest.mark.parametrize("method", get_args(ScaleMethod))
@settings(deadline=None, max_examples=50)
@given(
    WHOLE.filter(lambda values: len(set(values) - {NAN}) > 1 and np.nanstd(values) > 0),
    st.sampled_from([1e-120, 1e-9, 1.0, 1e120]),
)
def test_scaling_equals_its_definition_in_any_unit(
    method: Any, values: list[float], unit: float
) -> None:
    data = column(*values)
    scaler = Scaler(method).fit(data * unit)
    expected = scaled_twin(data[:, 0], method)
    scaled = scaler.transform(data * unit)
    assert scaled[:, 0] == pytest.approx(expected, nan_ok=True, abs=1e-9)
    assert scaler.inverse(scaled) / unit == pytest.approx(data, nan_ok=True, abs=1e-9)


@pytest.mark.parametrize(
    ("method", "low", "high"), [("minmax", 0.0, 1.0), ("minmax_symmetric", -1.0, 1.0)]
)
def test_later_values_may_leave_the_range_of_the_training_part(
    method: Any, low: float, high: float
) -> None:
    scaler = Scaler(method).fit(column(10, 20))
    assert scaler.transform(column(10, 20))[:, 0] == pytest.approx([low, high])
    assert scaler.transform(column(30))[0, 0] == pytest.approx(high + (high - low))


def test_robust_scaling_does_not_mind_an_absurd_value() -> None:
    data = np.arange(101.0)[:, None]
    wild = data.copy()
    wild[100] = 1e9
    one, other = Scaler("robust").fit(data), Scaler("robust").fit(wild)
    assert one.transform(data)[:100] == pytest.approx(other.transform(data)[:100])


@pytest.mark.parametrize("method", get_args(ScaleMethod))
def test_each_channel_has_its_own_scale(method: Any) -> None:
    data = np.random.default_rng(0).normal(size=(50, 2)) * [1, 1000] + [0, 5]
    both = Scaler(method).fit(data).transform(data)
    alone = [Scaler(method).fit(each).transform(each) for each in (data[:, :1], data[:, 1:])]
    assert both == pytest.approx(np.hstack(alone))


@pytest.mark.parametrize("method", get_args(ScaleMethod))
def test_a_constant_channel_becomes_0_and_keeps_its_unit(method: Any) -> None:
    scaler = Scaler(method).fit(column(7, 7, NAN))
    assert scaler.transform(column(7, 9, NAN))[:, 0] == pytest.approx([0, 2, NAN], nan_ok=True)


def test_one_channel_may_be_given_its_own_line() -> None:
    scaler = Scaler().fit(PATTERN)
    scaler.set_affine(1, scale=0.5, offset=3.0)
    assert scaler.transform(PATTERN)[:, 1] == pytest.approx(PATTERN[:, 1] * 0.5 + 3)
    assert scaler.transform(PATTERN)[:, 0] == pytest.approx(scaled_twin(PATTERN[:, 0], "standard"))


def test_a_channel_without_a_value_has_no_scale() -> None:
    with pytest.raises(DataError, match="channel number 1 has no value"):
        Scaler().fit(np.column_stack((np.arange(3.0), np.full(3, NAN))))


def test_an_unknown_scaling_is_refused_with_the_nearest_one() -> None:
    method: Any = "minmaxx"
    with pytest.raises(ConfigError, match="scaling='minmaxx' is unknown: did you mean 'minmax'"):
        Scaler(method).fit(PATTERN)


# ---------------------------------------------------------------- what is remembered


def test_state_and_restore_are_inverse() -> None:
    holed = PATTERN.copy()
    holed[10, 0] = NAN
    for method in get_args(ImputeMethod):
        imputer = Imputer(method).fit(PATTERN)
        again = Imputer(method).restore(imputer.state())
        np.testing.assert_array_equal(imputer.transform(holed)[0], again.transform(holed)[0])
    for scaling in get_args(ScaleMethod):
        scaler = Scaler(scaling).fit(PATTERN)
        twin = Scaler(scaling).restore(scaler.state())
        np.testing.assert_array_equal(scaler.transform(holed), twin.transform(holed))


@pytest.mark.parametrize("part", [Imputer(), Scaler()])
def test_what_is_not_fitted_says_so(part: Imputer | Scaler) -> None:
    with pytest.raises(NotFittedError, match="call fit first"):
        part.transform(PATTERN)


@pytest.mark.parametrize("part", [Imputer(), Scaler()])
def test_another_number_of_channels_is_refused(part: Imputer | Scaler) -> None:
    with pytest.raises(DataError, match=r"2 channels were expected, shape \(5, 3\) came"):
        part.fit(PATTERN).transform(np.zeros((5, 3)))


@pytest.mark.parametrize("part", [Imputer(), Scaler()])
def test_a_state_with_a_missing_or_misshapen_array_is_refused(part: Imputer | Scaler) -> None:
    state = part.fit(PATTERN).state()
    for name in state:
        with pytest.raises(ModelFileError, match=name):
            part.restore({key: array for key, array in state.items() if key != name})
    with pytest.raises(ModelFileError, match=r"shape \(2,\) expected"):
        part.restore({**state, list(state)[1]: np.zeros(3)})


@pytest.mark.parametrize("unit", [0.0, -1.0, NAN, np.inf])
def test_a_unit_that_no_scale_can_have_is_refused(unit: float) -> None:
    with pytest.raises(ModelFileError, match="no usable number"):
        Scaler().restore({"unit": np.array([unit]), "centre": np.array([0.0])})
