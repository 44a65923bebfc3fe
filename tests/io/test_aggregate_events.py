"""Event tables become series: each function, empty intervals, the ends."""

from __future__ import annotations

from pathlib import Path

import naive_intervals
import numpy as np
import polars as pl
import pytest

from offbeat.errors import ConfigError, DataError
from offbeat.io import ReadOptions, aggregate_events, as_series, read_series, read_source
from offbeat.io.aggregation import parse_agg


def events() -> pl.DataFrame:
    """12:00 and 12:01 with two and one events, nothing in 12:02, two in 12:03."""
    return pl.DataFrame(
        {
            "time": [
                "2024-01-31T12:00:01",
                "2024-01-31T12:00:30",
                "2024-01-31T12:01:00",
                "2024-01-31T12:03:00",
                "2024-01-31T12:03:58",
            ],
            "amount": [1.0, 3.0, None, 10.0, 20.0],
            "user": ["x", "y", "x", "z", "z"],
            "ok": [True, False, True, True, None],
        }
    )


def one(agg: str) -> list[float | None]:
    values = aggregate_events(events(), every="1min", agg=agg).values[:, 0]
    return [None if np.isnan(each) else float(each) for each in values]


@pytest.mark.parametrize(
    ("agg", "expected"),
    [
        ("count", [2, 1, 0, 2]),
        ("count(amount)", [2, 0, 0, 2]),
        ("count(user)", [2, 1, 0, 2]),
        ("sum(amount)", [4, 0, 0, 30]),
        ("mean(amount)", [2, None, None, 15]),
        ("median(amount)", [2, None, None, 15]),
        ("min(amount)", [1, None, None, 10]),
        ("max(amount)", [3, None, None, 20]),
        ("std(amount)", [np.sqrt(2), None, None, np.sqrt(50)]),
        ("nunique(user)", [2, 1, 0, 1]),
        ("nunique(amount)", [2, 0, 0, 2]),
        ("share(ok)", [0.5, 1, None, 1]),
        ("share(amount)", [1, None, None, 1]),
        ("p50(amount)", [2, None, None, 15]),
        ("p95(amount)", [2.9, None, None, 19.5]),
        ("p99.9(amount)", [2.998, None, None, 19.99]),
    ],
)
def test_each_function(agg: str, expected: list[float | None]) -> None:
    assert one(agg) == pytest.approx(expected)


def test_several_at_once_keep_their_names() -> None:
    series = aggregate_events(events(), agg=" count , sum( amount ),Mean(amount),share(amount)")
    assert series.channels == ("count", "sum(amount)", "mean(amount)", "share(amount)")
    assert series.values[0].tolist() == [2, 4, 2, 1]
    assert series.time[0] == np.datetime64("2024-01-31T12:00")
    assert set(np.diff(series.time).tolist()) == {60 * 10**9}


def test_names_with_commas() -> None:
    frame = events().rename({"amount": "amount, EUR"})
    assert aggregate_events(frame, agg="count,sum(amount, EUR)").values[0].tolist() == [2, 4]


@pytest.mark.parametrize("seed", range(5))
def test_against_the_slow_twin(seed: int) -> None:
    random = np.random.default_rng(seed)
    start = np.datetime64("2024-01-31T11:59:50", "ns")
    offset = random.integers(0, 3_600 * 10**9, size=300)
    time = start + offset.astype("timedelta64[ns]")
    amount = random.normal(size=300)
    frame = pl.DataFrame({"time": time, "amount": amount}).sample(fraction=1, shuffle=True, seed=1)
    found = aggregate_events(frame, every="7s", agg="count,sum(amount),mean(amount)")
    starts, rows = naive_intervals.aggregate(time, amount, np.timedelta64(7, "s"))
    np.testing.assert_array_equal(found.time, starts)
    np.testing.assert_allclose(found.values, rows)


@pytest.mark.parametrize(
    ("first", "last", "n_intervals"),
    [
        ("12:00:05", "12:04:56", 5),
        ("12:00:07", "12:04:56", 4),
        ("12:00:05", "12:04:30", 4),
        ("12:00:30", "12:04:30", 3),
        ("12:00:30", "12:01:30", 2),
        ("12:00:30", "12:00:31", 1),
    ],
)
def test_intervals_cut_off_at_the_ends(first: str, last: str, n_intervals: int) -> None:
    frame = pl.DataFrame({"time": [f"2024-01-31T{each}" for each in (first, last)]})
    assert len(aggregate_events(frame)) == n_intervals


def test_what_was_left_out_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("time,who\n" + "".join(f"2024-01-31T12:0{n}:30,x\n" for n in range(4)))
    reading = read_source(path, ReadOptions(every="1min"))
    assert reading.series.channels == ("count",)
    assert reading.series.values.tolist() == [[1], [1]]
    assert any("left out 2 interval(s)" in note for note in reading.notes)


def test_labels_of_events() -> None:
    frame = events().with_columns(label=pl.Series([0, 1, 0, 0, 0]))
    series = aggregate_events(frame)
    assert series.label is not None
    assert series.label.tolist() == [1, 0, 0, 0]


def test_options_at_the_door() -> None:
    options = ReadOptions(every="1min", agg="count,sum(amount)", channels=("sum(amount)",))
    assert as_series(events(), options).channels == ("sum(amount)",)
    local = as_series(events(), ReadOptions(every="1min", zone="Europe/Berlin"))
    assert local.time[0] == np.datetime64("2024-01-31T11:00")


@pytest.mark.parametrize(
    ("agg", "match"),
    [
        ("cuont", "did you mean 'count'"),
        ("sum", "sum needs a column"),
        ("p95", "p95 needs a column"),
        ("count,count", "twice"),
        ("sum(amount", "'count,sum\\(amount\\)' was expected"),
        ("", "was expected"),
    ],
)
def test_aggregations_that_cannot_be(agg: str, match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        parse_agg(agg)


@pytest.mark.parametrize(
    ("agg", "match"),
    [
        ("sum(amuont)", "no column 'amuont'.*did you mean 'amount'"),
        ("mean(user)", "'user' holds categories"),
    ],
)
def test_columns_that_cannot_be(agg: str, match: str) -> None:
    with pytest.raises(DataError, match=match):
        aggregate_events(events(), agg=agg)


def test_events_need_a_clock(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no time stamps"):
        aggregate_events(pl.DataFrame({"a": [1, 2]}))
    path = tmp_path / "a.csv"
    path.write_text("amount\n3\n4\n")
    with pytest.raises(DataError, match=r"name their column with time="):
        read_series(path, ReadOptions(every="1min"))
    with pytest.raises(DataError, match=r"no row"):
        aggregate_events(events().clear())


def test_one_odd_time_stamp_does_not_make_millions_of_intervals() -> None:
    frame = pl.DataFrame({"time": ["1970-01-01T00:00:00", "2024-01-31T12:00:00"]})
    with pytest.raises(DataError, match=r"correct the odd time stamp"):
        aggregate_events(frame, every="1s")
