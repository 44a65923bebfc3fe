"""The regular grid: order, repeated and irregular time stamps, gaps, and the way back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offbeat.errors import ConfigError, DataError
from offbeat.grid import Grid, infer_step, regularise, row_at
from offbeat.io import as_series
from offbeat.series import Series, TimeArray

MINUTE = np.timedelta64(60, "s")
START = np.datetime64("2026-01-01", "ns")
NAN = float("nan")


def clock(*seconds: float) -> TimeArray:
    """Time stamps so many seconds after the start."""
    return START + (np.array(seconds) * 1e9).astype(np.int64).astype("timedelta64[ns]")


def counted(time: TimeArray, label: list[int] | None = None) -> Series:
    """One channel that holds 0, 1, 2 ... in the order of the rows."""
    values = np.arange(len(time), dtype=float)[:, None]
    return Series(values, time, ("a",), None if label is None else np.array(label))


def on_grid(*seconds: float, step: Any = None) -> Grid:
    return regularise(counted(clock(*seconds)), step)


def values_of(grid: Grid) -> list[float]:
    return grid.series.values[:, 0].tolist()


# ---------------------------------------------------------------- order and repetition


def test_a_regular_series_stays_as_it_is() -> None:
    grid = on_grid(0, 60, 120, 180)
    assert values_of(grid) == [0, 1, 2, 3]
    assert grid.step == MINUTE
    assert grid.rows_per_day == 1440
    assert (grid.slot == np.arange(4)).all()
    assert grid.notes == ()
    assert grid.measured.all()


def test_rows_are_sorted_and_the_way_back_is_kept() -> None:
    grid = on_grid(60, 0, 180, 120)
    assert values_of(grid) == [1, 0, 3, 2]
    assert grid.slot.tolist() == [1, 0, 3, 2]
    assert grid.notes == ("rows out of order in 2 place(s): sorted by time",)


def test_newest_first_is_reversed() -> None:
    grid = on_grid(180, 120, 60, 0)
    assert values_of(grid) == [3, 2, 1, 0]
    assert grid.notes == ("rows ran from new to old: reversed",)


def test_rows_of_the_same_time_are_averaged() -> None:
    grid = on_grid(0, 60, 60, 60, 120, 180)
    assert values_of(grid) == pytest.approx([0, 2, 4, 5])
    assert grid.slot.tolist() == [0, 1, 1, 1, 2, 3]
    assert grid.notes == ("2 row(s) repeat a time stamp: averaged",)


def test_a_mean_leaves_missing_values_out_and_huge_ones_do_not_overflow() -> None:
    values = np.array([[NAN, 1e150], [4.0, 1e150], [NAN, 1e150], [NAN, NAN]])
    grid = regularise(Series(values, clock(0, 0, 60, 120), ("a", "b")))
    assert grid.series.values == pytest.approx(
        np.array([[4.0, 1e150], [NAN, 1e150], [NAN, NAN]]), nan_ok=True
    )


@settings(deadline=None)
@given(st.lists(st.integers(0, 25), min_size=2, max_size=40))
def test_the_grid_equals_one_made_with_a_dictionary(minutes: list[int]) -> None:
    if len(set(minutes)) < 2:
        return
    grid = regularise(counted(clock(*[60 * m for m in minutes])), "1min")
    groups: dict[int, list[int]] = {}
    for row, minute in enumerate(minutes):
        groups.setdefault(minute, []).append(row)
    first, last = min(groups), max(groups)
    expected = [np.mean(groups[m]) if m in groups else NAN for m in range(first, last + 1)]
    assert values_of(grid) == pytest.approx(expected, nan_ok=True)
    assert grid.slot.tolist() == [m - first for m in minutes]
    assert (np.diff(grid.series.time) == MINUTE).all()
    assert (grid.measured == ~np.isnan(expected)).all()


def test_a_label_of_one_row_marks_the_whole_step() -> None:
    grid = regularise(counted(clock(0, 60, 60, 120), [0, 0, 1, 0]))
    assert grid.series.label is not None
    assert grid.series.label.tolist() == [0, 1, 0]


def test_a_gap_is_labelled_if_both_its_neighbours_are() -> None:
    grid = regularise(counted(clock(0, 60, 180, 240, 360), [0, 1, 1, 1, 0]), "1min")
    assert grid.series.label is not None
    assert grid.series.label.tolist() == [0, 1, 1, 1, 1, 0, 0]


# ---------------------------------------------------------------- the step


@pytest.mark.parametrize(
    ("seconds", "step"),
    [
        ([0, 60, 120, 180], 60),
        ([0, 60, 120, 3_720], 60),  # a gap does not change the usual one
        ([180, 60, 0, 120], 60),
        ([0, 0, 0, 60, 60, 120], 60),  # nor does repetition
        ([0, 59, 121, 180, 241], 59),  # no two alike: the lower median
        ([0, 0.2, 0.4, 0.6], 0.2),
        ([0, 5, 6, 11, 12, 17, 22], 5),
    ],
)
def test_the_step_is_the_usual_difference(seconds: list[float], step: float) -> None:
    wanted = np.timedelta64(int(step * 1e9), "ns")
    assert infer_step(clock(*seconds)) == wanted
    assert infer_step(clock(*seconds)[::-1]) == wanted


def test_without_a_clock_the_step_is_one_row() -> None:
    assert infer_step(np.arange(5)) == 1


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_time_stamps_of_any_precision(unit: str) -> None:
    time = clock(0, 60, 120).astype(f"datetime64[{unit}]")
    assert regularise(counted(time)).step == MINUTE


@pytest.mark.parametrize("step", ["60s", "1 min", timedelta(minutes=1), np.timedelta64(1, "m")])
def test_a_step_can_be_given_in_words_or_as_a_duration(step: Any) -> None:
    assert on_grid(0, 60, 180, step=step).step == MINUTE


def test_jitter_and_drift_make_no_holes() -> None:
    draw = np.random.default_rng(0)
    rows = np.arange(5_000)
    grid = on_grid(*(60.2 * rows + draw.uniform(-4, 4, len(rows))), step="1min")
    assert values_of(grid) == rows.tolist()  # 17 minutes of drift, and each row in its own step
    assert grid.notes == ("time stamps stray from the step by up to 11% of it: taken as regular",)


def test_a_measured_row_keeps_its_own_time() -> None:
    time = clock(0, 61, 119, 240)
    grid = regularise(counted(time), "1min")
    assert (grid.series.time[grid.slot] == time).all()
    assert grid.series.time[3] == time[2] + (time[3] - time[2]) // 2  # evenly within the gap


def test_irregular_rows_are_averaged_in_whole_steps() -> None:
    grid = on_grid(5, 20, 65, 90, 118, 200, step="1min")
    assert values_of(grid) == pytest.approx([0.5, 3.0, NAN, 5.0], nan_ok=True)
    assert (grid.series.time == clock(0, 60, 120, 180)).all()
    assert grid.notes[0] == "irregular time stamps: each row is the mean of 1 min"


def test_a_longer_step_averages() -> None:
    grid = regularise(counted(clock(*range(0, 720, 60))), "5min")
    assert values_of(grid) == pytest.approx([2, 7, 10.5])
    assert (grid.series.time == clock(0, 300, 600)).all()
    assert grid.slot.tolist() == [0] * 5 + [1] * 5 + [2] * 2


def test_a_shorter_step_leaves_rows_empty() -> None:
    grid = on_grid(0, 60, 120, step="30s")
    assert values_of(grid) == pytest.approx([0, NAN, 1, NAN, 2], nan_ok=True)
    assert (grid.series.time == clock(0, 30, 60, 90, 120)).all()


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 3_000), min_size=2, max_size=60).filter(lambda t: len(set(t)) > 1),
    st.sampled_from([None, "7s", "1min", "10min"]),
)
def test_every_row_finds_its_place_and_time_moves_on(seconds: list[int], step: Any) -> None:
    grid = on_grid(*seconds, step=step)
    assert (np.diff(grid.series.time) > np.timedelta64(0, "ns")).all()
    assert (grid.measured == ~np.isnan(grid.series.values[:, 0])).all()
    order = np.argsort(seconds, kind="stable")
    assert (np.diff(grid.slot[order]) >= 0).all()
    away = np.abs(grid.series.time[grid.slot] - clock(*seconds))
    assert away.max() <= grid.step  # a row lies no further than one step from its place


@given(st.permutations(list(range(12))))
def test_the_order_of_the_rows_does_not_matter(order: list[int]) -> None:
    series = counted(clock(0, 60, 61, 120, 180, 240, 300, 420, 480, 540, 600, 600))
    mixed = Series(series.values[order], series.time[order], ("a",))
    one, other = regularise(series), regularise(mixed)
    np.testing.assert_array_equal(one.series.values, other.series.values)
    np.testing.assert_array_equal(one.series.time, other.series.time)
    np.testing.assert_array_equal(one.slot[order], other.slot)


# ---------------------------------------------------------------- gaps and daylight saving


def test_a_gap_becomes_empty_rows() -> None:
    grid = on_grid(0, 60, 240, 300)
    assert values_of(grid) == pytest.approx([0, 1, NAN, NAN, 2, 3], nan_ok=True)
    assert grid.measured.tolist() == [True, True, False, False, True, True]
    assert grid.slot.tolist() == [0, 1, 4, 5]
    assert grid.notes == ("1 gap(s), 2 rows without a measurement",)


@pytest.mark.parametrize("first_day", ["2026-03-28", "2026-10-24"])
def test_hours_of_a_zone_stay_regular_when_the_clock_changes(first_day: str) -> None:
    index = pd.date_range(first_day, periods=72, freq="h", tz="Europe/Berlin")
    grid = regularise(as_series(pd.DataFrame({"a": np.arange(72.0)}, index=index)))
    assert values_of(grid) == list(range(72))
    assert grid.notes == ()


@pytest.mark.parametrize("first_day", ["2026-03-25", "2026-10-20"])
def test_midnights_of_a_zone_are_one_row_a_day_when_the_clock_changes(first_day: str) -> None:
    index = pd.date_range(first_day, periods=10, freq="D", tz="Europe/Berlin")
    grid = regularise(as_series(pd.DataFrame({"a": np.arange(10.0)}, index=index)))
    assert values_of(grid) == list(range(10))
    assert grid.rows_per_day == 1


def test_a_wall_clock_without_a_zone_skips_an_hour_and_has_one_twice() -> None:
    def walls(first_day: str) -> Grid:
        index = pd.date_range(first_day, periods=48, freq="h", tz="Europe/Berlin")
        frame = pd.DataFrame({"a": np.arange(48.0)}, index=index.tz_localize(None))
        return regularise(as_series(frame))

    spring, autumn = walls("2026-03-28"), walls("2026-10-24")
    assert np.flatnonzero(~spring.measured).tolist() == [26]  # 02:00 on the second day
    assert len(autumn.series) == 47
    assert values_of(autumn)[26] == 26.5  # 02:00 came twice


@pytest.mark.parametrize(
    ("at", "utc"),
    [
        ("2026-03-29T01:59", "2026-03-29T00:59"),
        ("2026-03-29T03:00", "2026-03-29T01:00"),
        ("2026-10-25T12:00", "2026-10-25T11:00"),
    ],
)
def test_a_time_is_read_on_the_clock_of_its_zone(at: str, utc: str) -> None:
    start = np.datetime64("2026-03-01", "ns")
    time = start + np.arange(24 * 60 * 250) * np.timedelta64(60, "s")
    row = row_at(time, at, zone="Europe/Berlin")
    assert time[row] == np.datetime64(utc)
    assert time[row_at(time, at + "Z", zone="Europe/Berlin")] == np.datetime64(at)


# ---------------------------------------------------------------- row numbers


def test_without_a_clock_rows_are_taken_as_they_come() -> None:
    grid = regularise(counted(np.array([7, 3, 3, 9])))
    assert values_of(grid) == [0, 1, 2, 3]
    assert grid.slot.tolist() == [0, 1, 2, 3]
    assert (grid.step, grid.rows_per_day, grid.notes) == (1, None, ())


def test_without_a_clock_a_step_is_a_number_of_rows() -> None:
    grid = regularise(counted(np.arange(7), [0, 0, 0, 0, 1, 0, 0]), 3)
    assert values_of(grid) == [1, 4, 6]
    assert grid.series.time.tolist() == [0, 3, 6]
    assert grid.series.label is not None
    assert grid.series.label.tolist() == [0, 1, 0]
    assert grid.slot.tolist() == [0, 0, 0, 1, 1, 1, 2]
    assert grid.notes == ("each row is the mean of 3 rows",)


# ---------------------------------------------------------------- finding a row

HOURS = clock(*range(0, 36_000, 3_600))


@pytest.mark.parametrize(
    ("at", "row"),
    [
        (3, 3),
        (np.int64(9), 9),
        ("2026-01-01T04:00", 4),
        ("2026-01-01T04:00:01", 5),
        ("2026-01-01T05:00+01:00", 4),
        ("1.1.2026 04:00", 4),
        (datetime(2026, 1, 1, 7), 7),
        (np.datetime64("2026-01-01T02:30"), 3),
    ],
)
def test_a_place_is_a_row_or_a_time(at: Any, row: int) -> None:
    assert row_at(HOURS, at) == row


def test_a_time_without_a_zone_is_read_in_that_of_the_data() -> None:
    assert row_at(HOURS, "2026-01-01T04:00", zone="Europe/Zurich") == 3
    assert row_at(HOURS, HOURS[4], zone="Europe/Zurich") == 4  # datetime64 is in UTC


@pytest.mark.parametrize("at", ["half", "12", None, "2026-13-01", True, 0.5])
def test_what_is_no_place_is_refused(at: Any) -> None:
    with pytest.raises(ConfigError, match=f"{at}.* came"):
        row_at(HOURS, at)


def test_a_row_may_lie_beyond_the_ends() -> None:
    assert [row_at(HOURS, at) for at in (-5, 99, "2025-01-01", "2027-01-01")] == [0, 10, 0, 10]


def test_a_time_for_data_without_a_clock_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"'2026-01-01' needs a time column: .* a row number"):
        row_at(np.arange(5), "2026-01-01")


# ---------------------------------------------------------------- what cannot be done


def test_no_row_and_one_row_are_refused() -> None:
    with pytest.raises(DataError, match="has no rows: at least two"):
        regularise(counted(clock()))
    with pytest.raises(DataError, match="has one row: no step can be told"):
        regularise(counted(clock(0)))


def test_one_time_stamp_for_all_rows_is_refused() -> None:
    with pytest.raises(DataError, match=r"all 3 rows .* have the time stamp 2026-01-01T"):
        on_grid(0, 0, 0)


def test_a_row_without_a_time_stamp_is_refused_with_its_number() -> None:
    time = clock(0, 60, 120, 180)
    time[2] = np.datetime64("NaT")
    with pytest.raises(DataError, match=r"1 row\(s\) .* no time stamp, the first is row 2: fill"):
        regularise(counted(time))


def test_a_span_of_centuries_is_refused() -> None:
    time = np.array(["1700-01-01", "1700-01-02", "2200-01-01"], dtype="datetime64[ns]")
    with pytest.raises(DataError, match="more than 292 years: look for a wrong one"):
        regularise(counted(time))


def test_a_grid_far_larger_than_the_data_is_refused() -> None:
    with pytest.raises(DataError, match=r"3 rows from 2026.* at a step of 1 s .*larger step="):
        on_grid(0, 1, 40_000_000)


@pytest.mark.parametrize("step", ["soon", "0s", "-1min", timedelta(0)])
def test_a_step_that_is_no_duration_is_refused(step: Any) -> None:
    with pytest.raises(ConfigError, match=r"duration .* came"):
        on_grid(0, 60, step=step)


def test_a_step_of_the_wrong_kind_is_refused() -> None:
    with pytest.raises(ConfigError, match="step=5: these data have a clock, so give a duration"):
        on_grid(0, 60, step=5)
    with pytest.raises(ConfigError, match=r"step=1min needs a time column: .* number of rows"):
        regularise(counted(np.arange(5)), "1min")
    with pytest.raises(ConfigError, match="step=0: at least one row"):
        regularise(counted(np.arange(5)), 0)
