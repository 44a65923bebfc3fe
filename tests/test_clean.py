"""Missing values, outliers and scales: against slow twins, and what each option promises."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import naive
from offbeat.clean import (
    ImputeMethod,
    Imputer,
    RepairFill,
    ScaleMethod,
    Scaler,
    hampel,
    repair,
)
from offbeat.errors import ConfigError, DataError, ModelFileError, NotFittedError
from offbeat.series import BoolArray, FloatArray

NAN = float("nan")
HOLED = st.lists(st.floats(-100, 100) | st.just(NAN), min_size=1, max_size=40)
WHOLE = st.lists(st.integers(-20, 20) | st.just(NAN), min_size=1, max_size=40)
PATTERN = np.tile([[0.0, 5.0], [2.0, 7.0], [4.0, 9.0], [6.0, 3.0]], (25, 1))


def column(*values: float) -> FloatArray:
    """One channel, shape (T, 1)."""
    return np.array(values, dtype=float)[:, None]


def impute(
    values: FloatArray, method: Any, *, max_gap: int = 10, causal: bool = False
) -> tuple[FloatArray, BoolArray]:
    """Fitted on the values themselves."""
    return Imputer(method, max_gap).fit(values).transform(values, causal=causal)


# ---------------------------------------------------------------- imputing


def imputed_twin(values: FloatArray, method: str, max_gap: int, causal: bool) -> FloatArray:
    """Gap by gap, row by row."""
    filled, known = values.copy(), values[~np.isnan(values)]
    for start, end in naive.runs(np.isnan(values)):
        last = values[start - 1] if start > 0 else NAN
        following = values[end] if end < len(values) else NAN
        rows = range(start, min(end, start + max_gap)) if causal else range(start, end)
        if not causal and len(rows) > max_gap:
            continue
        for row in rows:
            if method in ("mean", "median"):
                filled[row] = (np.mean if method == "mean" else np.median)(known)
            elif method == "ffill" or causal:
                filled[row] = last
            elif method == "bfill":
                filled[row] = following
            elif np.isnan(last) or np.isnan(following):
                filled[row] = following if np.isnan(last) else last
            else:
                filled[row] = np.interp(row, [start - 1, end], [last, following])
    return filled


@pytest.mark.filterwarnings("ignore:Mean of empty slice", "ignore:invalid value")
@settings(deadline=None)
@given(
    HOLED,
    st.sampled_from(["ffill", "bfill", "linear", "mean", "median"]),
    st.integers(0, 6),
    st.booleans(),
)
def test_imputing_equals_the_slow_twin(
    values: list[float], method: str, max_gap: int, causal: bool
) -> None:
    data = column(*values)
    filled, imputed = impute(data, method, max_gap=max_gap, causal=causal)
    expected = imputed_twin(data[:, 0], method, max_gap, causal)
    assert filled[:, 0] == pytest.approx(expected, nan_ok=True)
    assert (imputed == (np.isnan(data) & ~np.isnan(filled))).all()


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("ffill", [1, 1, 1, 4, 7, 4]),
        ("bfill", [1, 4, 4, 4, 7, 4]),
        ("linear", [1, 2, 3, 4, 7, 4]),
        ("mean", [1, 5, 5, 4, 7, 4]),
        ("median", [1, 6, 6, 4, 7, 4]),
    ],
)
def test_each_method_by_hand(method: Any, expected: list[float]) -> None:
    train = column(0, 6, 9)  # mean 5, median 6
    filled, imputed = Imputer(method).fit(train).transform(column(1, NAN, NAN, 4, 7, 4))
    assert filled[:, 0].tolist() == expected
    assert imputed[:, 0].tolist() == [False, True, True, False, False, False]


@pytest.mark.parametrize(
    ("method", "start", "end"), [("ffill", NAN, 3), ("bfill", 2, NAN), ("linear", 2, 3)]
)
def test_a_gap_at_an_end_has_one_neighbour(method: Any, start: float, end: float) -> None:
    filled, _ = impute(column(NAN, 2, 3, NAN), method)
    assert filled[:, 0] == pytest.approx([start, 2, 3, end], nan_ok=True)


@pytest.mark.parametrize("method", get_args(ImputeMethod))
def test_a_gap_is_filled_up_to_max_gap_rows_and_else_not_at_all(method: Any) -> None:
    data = PATTERN.copy()
    data[20:23, 0] = NAN
    data[40:44, 0] = NAN
    filled, imputed = impute(data, method, max_gap=3)
    assert not np.isnan(filled[20:23]).any()
    assert np.isnan(filled[40:44, 0]).all()
    assert np.flatnonzero(imputed[:, 0]).tolist() == [20, 21, 22]
    assert not imputed[:, 1].any()


@pytest.mark.parametrize("method", get_args(ImputeMethod))
def test_a_live_watcher_fills_the_first_rows_of_a_long_gap(method: Any) -> None:
    data = PATTERN.copy()
    data[40:50, 0] = NAN
    _, imputed = impute(data, method, max_gap=3, causal=True)
    assert np.flatnonzero(imputed[:, 0]).tolist() == [40, 41, 42]


@pytest.mark.parametrize("method", get_args(ImputeMethod))
def test_no_gap_is_filled_where_max_gap_is_0(method: Any) -> None:
    filled, imputed = impute(column(1, NAN, 3), method, max_gap=0)
    assert filled[:, 0] == pytest.approx([1, NAN, 3], nan_ok=True)
    assert not imputed.any()


@pytest.mark.parametrize("method", get_args(ImputeMethod))
@settings(deadline=None, max_examples=30)
@given(st.lists(st.booleans(), min_size=40, max_size=40), st.integers(1, 39), st.integers(1, 5))
def test_causal_imputing_never_looks_ahead(
    method: Any, holes: list[bool], now: int, max_gap: int
) -> None:
    imputer = Imputer(method, max_gap).fit(PATTERN)
    data = PATTERN[:40].copy()
    data[holes, 0] = NAN
    later = data.copy()
    later[now:] = 99.0
    one, _ = imputer.transform(data, causal=True)
    other, _ = imputer.transform(later, causal=True)
    np.testing.assert_array_equal(one[:now], other[:now])


@pytest.mark.parametrize("method", get_args(ImputeMethod))
def test_known_values_and_the_array_given_stay_as_they_are(method: Any) -> None:
    data = PATTERN.copy()
    data[[5, 6, 30], [0, 0, 1]] = NAN
    before = data.copy()
    filled, _ = impute(data, method)
    np.testing.assert_array_equal(data, before)
    known = ~np.isnan(data)
    np.testing.assert_array_equal(filled[known], data[known])


@pytest.mark.parametrize("method", ["mean", "median"])
def test_mean_and_median_are_those_of_the_training_part(method: Any) -> None:
    filled, _ = Imputer(method).fit(column(1, 1, 1)).transform(column(50, NAN, 60))
    assert filled[1] == 1.0


@pytest.mark.parametrize("causal", [False, True])
def test_knn_takes_the_value_of_the_row_that_is_the_same(causal: bool) -> None:
    data = PATTERN.copy()
    data[10, 0] = data[21, 1] = NAN
    filled, _ = Imputer("knn").fit(PATTERN).transform(data, causal=causal)
    assert filled == pytest.approx(PATTERN)


def test_knn_knows_a_row_without_any_value_by_the_one_before() -> None:
    data = PATTERN.copy()
    data[30] = NAN
    assert Imputer("knn").fit(PATTERN).transform(data)[0] == pytest.approx(PATTERN)


def test_knn_beats_a_straight_line_in_a_curve() -> None:
    angle = 2 * np.pi * np.arange(400) / 20
    data = np.column_stack((np.sin(angle), np.cos(angle)))
    holed = data.copy()
    for start in range(205, 395, 20):
        holed[start - 2 : start + 3, 0] = NAN  # across the crest
    worst = {
        method: np.abs(Imputer(method).fit(data[:200]).transform(holed)[0] - data).max()
        for method in ("knn", "linear")
    }
    assert worst["knn"] < 0.05
    assert worst["linear"] > 0.1


def test_knn_stays_within_the_training_part() -> None:
    draw = np.random.default_rng(0)
    data = draw.normal(size=(300, 3))
    data[draw.random(data.shape) < 0.2] = NAN
    filled, imputed = impute(data, "knn")
    low, high = np.nanmin(data, axis=0), np.nanmax(data, axis=0)
    assert not np.isnan(filled).any()
    assert ((filled >= low) & (filled <= high))[imputed.any(axis=1)].all()


@pytest.mark.parametrize("method", get_args(ImputeMethod))
def test_a_channel_without_any_value_stays_empty(method: Any) -> None:
    data = np.column_stack((np.arange(20.0), np.full(20, NAN)))
    filled, imputed = impute(data, method, max_gap=50)
    assert np.isnan(filled[:, 1]).all()
    assert not imputed.any()


def test_an_unknown_method_is_refused_with_the_nearest_one() -> None:
    method: Any = "lineer"
    with pytest.raises(ConfigError, match="impute='lineer' is unknown: did you mean 'linear'"):
        Imputer(method).fit(PATTERN)


@pytest.mark.parametrize("max_gap", [-1, 2.5, True, "3"])
def test_a_max_gap_that_is_no_number_of_rows_is_refused(max_gap: Any) -> None:
    with pytest.raises(ConfigError, match=f"max_gap={max_gap}: a number of rows >= 0"):
        Imputer("ffill", max_gap).fit(PATTERN)


# ---------------------------------------------------------------- outliers


def floor_twin(known: FloatArray) -> float:
    """5 % of the channel's own scale, or half of its usual change."""
    scale = 1.4826 * np.median(np.abs(known - np.median(known)))
    changes = [abs(b - a) for a, b in pairwise(known) if a != b]
    floor = 0.05 * (scale or np.std(known))
    if changes and len(changes) >= 0.02 * len(known):
        floor = max(floor, 0.5 * np.median(changes))
    return float(floor)


def hampel_twin(values: FloatArray, window: int, n_sigmas: float) -> list[bool]:
    """The definition, row by row."""
    half, flags = window // 2, []
    for row, value in enumerate(values):
        around = values[max(0, row - half) : row + half + 1]
        around = around[~np.isnan(around)]
        if np.isnan(value):
            flags.append(False)
            continue
        middle = np.median(around)
        scale = 1.4826 * np.median(np.abs(around - middle))
        limit = n_sigmas * max(scale, floor_twin(values[~np.isnan(values)]))
        flags.append(bool(abs(value - middle) > limit))
    return flags


@settings(deadline=None)
@given(WHOLE, st.sampled_from([3, 5, 11]), st.sampled_from([0.7, 1.3, 3.1, 5.3]))
def test_hampel_equals_the_slow_twin(values: list[float], window: int, n_sigmas: float) -> None:
    data = column(*values)
    found = hampel(data, window=window, n_sigmas=n_sigmas)
    assert found[:, 0].tolist() == hampel_twin(data[:, 0], window, n_sigmas)


def test_hampel_flags_the_spike_and_nothing_else() -> None:
    data = np.column_stack((np.sin(np.arange(300) / 8), np.ones(300)))
    data[[40, 200], [0, 1]] += 4
    assert np.argwhere(hampel(data)).tolist() == [[40, 0], [200, 1]]


@pytest.mark.parametrize("kind", ["noise", "step", "ramp", "counter", "constant"])
def test_hampel_flags_no_usual_change(kind: str) -> None:
    rows = np.arange(500.0)
    data = {
        "noise": np.random.default_rng(0).normal(size=500),
        "step": np.where(rows < 250, 0.0, 9.0) + 0.1 * np.sin(rows),
        "ramp": rows,
        "counter": rows // 20,
        "constant": np.full(500, 3.0),
    }[kind]
    assert not hampel(data[:, None], n_sigmas=10.0).any()


def test_missing_values_are_left_out_and_never_flagged() -> None:
    data = np.sin(np.arange(60) / 8)[:, None]
    data[::3] = NAN
    data[31] = 9.0
    assert np.flatnonzero(hampel(data)).tolist() == [31]
    assert not hampel(np.full((9, 1), NAN)).any()


@given(WHOLE, st.floats(0.5, 3), st.floats(1.1, 3))
def test_a_smaller_number_of_sigmas_flags_more(
    values: list[float], n_sigmas: float, times: float
) -> None:
    data = column(*values)
    few, many = hampel(data, n_sigmas=n_sigmas * times), hampel(data, n_sigmas=n_sigmas)
    assert not (few & ~many).any()


@pytest.mark.parametrize("n_sigmas", [0.0, -1.0, NAN])
def test_sigmas_that_cannot_be_are_refused(n_sigmas: float) -> None:
    with pytest.raises(ConfigError, match=f"n_sigmas={n_sigmas}: a number above 0"):
        hampel(column(1, 2, 3), n_sigmas=n_sigmas)


@pytest.mark.parametrize("window", [0, 1, 4])
def test_a_window_without_a_middle_is_refused(window: int) -> None:
    with pytest.raises(ConfigError, match=f"window={window}: an odd number of rows >= 3"):
        hampel(column(1, 2, 3), window=window)
    with pytest.raises(ConfigError, match=f"window={window}: an odd number of rows >= 3"):
        repair(column(1, 2, 3), column(0, 1, 0) > 0, window=window)


@pytest.mark.parametrize(
    ("fill", "put"), [("median", 3.0), ("mean", 4.0), ("interpolate", 5.0), ("drop", NAN)]
)
def test_each_fill_by_hand(fill: Any, put: float) -> None:
    data = column(70, 4, 9, 100, 1, 2, 70)
    mended = repair(data, data == 100, fill=fill, window=5)
    assert mended[:, 0] == pytest.approx([70, 4, 9, put, 1, 2, 70], nan_ok=True)


@pytest.mark.parametrize("fill", ["median", "mean"])
def test_a_line_is_drawn_where_the_window_has_no_other_value(fill: Any) -> None:
    data = column(1, 90, 90, 90, 5)
    assert repair(data, data == 90, fill=fill, window=3)[:, 0].tolist() == [1, 1, 3, 5, 5]


@pytest.mark.parametrize("fill", get_args(RepairFill))
def test_repair_touches_flagged_values_only(fill: Any) -> None:
    draw = np.random.default_rng(0)
    data = draw.normal(size=(200, 2))
    data[draw.random(data.shape) < 0.1] = NAN
    before, flagged = data.copy(), draw.random(data.shape) < 0.1
    mended = repair(data, flagged, fill=fill)
    np.testing.assert_array_equal(data, before)
    np.testing.assert_array_equal(mended[~flagged], data[~flagged])
    assert np.isnan(mended[np.isnan(data)]).all()  # a missing value is not mended
    known = flagged & ~np.isnan(data)
    assert np.isnan(mended[known]).all() == (fill == "drop")


@pytest.mark.parametrize("fill", get_args(RepairFill))
def test_where_everything_is_flagged_nothing_is_left(fill: Any) -> None:
    assert np.isnan(repair(column(1, 2, 3), np.ones((3, 1), dtype=bool), fill=fill)).all()


def test_an_unknown_fill_is_refused() -> None:
    fill: Any = "mode"
    with pytest.raises(ConfigError, match=r"fill='mode' is unknown: .*interpolate"):
        repair(column(1, 2), column(0, 1) > 0, fill=fill)


# ---------------------------------------------------------------- scales


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
