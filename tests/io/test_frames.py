"""Frames and arrays go in; the same kind with the same index comes out."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from offbeat.errors import ConfigError, DataError
from offbeat.io import ReadOptions, as_series, like_input, split_time
from offbeat.series import Series

pd = pytest.importorskip("pandas")
pa = pytest.importorskip("pyarrow")

HOURS = np.datetime64("2024-01-31T00:00", "ns") + np.arange(6) * np.timedelta64(1, "h")
VALUES = np.arange(12.0).reshape(6, 2)


def polars_frame() -> pl.DataFrame:
    return pl.DataFrame({"time": HOURS, "a": VALUES[:, 0], "b": VALUES[:, 1]})


FRAMES = {
    "polars": polars_frame,
    "lazy": lambda: polars_frame().lazy(),
    "arrow": lambda: polars_frame().to_arrow(),
    "pandas column": lambda: pd.DataFrame({"time": HOURS, "a": VALUES[:, 0], "b": VALUES[:, 1]}),
    "pandas index": lambda: pd.DataFrame(VALUES, columns=["a", "b"], index=pd.DatetimeIndex(HOURS)),
    "pandas zoned index": lambda: pd.DataFrame(
        VALUES, columns=["a", "b"], index=pd.DatetimeIndex(HOURS, tz="UTC")
    ),
    "pandas periods": lambda: pd.DataFrame(
        VALUES, columns=["a", "b"], index=pd.period_range("2024-01-31", periods=6, freq="h")
    ),
    "pandas text index": lambda: pd.DataFrame(
        VALUES, columns=["a", "b"], index=pd.Index(HOURS.astype(str), name="when")
    ),
    "pandas texts": lambda: pd.DataFrame(
        {"time": HOURS.astype(str), "a": VALUES[:, 0].astype(str), "b": VALUES[:, 1]}
    ),
    "pandas arrow": lambda: pl.DataFrame(polars_frame()).to_pandas(
        use_pyarrow_extension_array=True
    ),
}


@pytest.mark.parametrize("kind", FRAMES)
def test_every_frame_gives_the_same_series(kind: str) -> None:
    series = as_series(FRAMES[kind]())
    assert series.channels == ("a", "b")
    np.testing.assert_array_equal(series.values, VALUES)
    np.testing.assert_array_equal(series.time, HOURS)


ARRAYS = {
    "array": VALUES,
    "whole numbers": VALUES.astype(int),
    "list": VALUES.tolist(),
    "tuple": tuple(map(tuple, VALUES)),
    "masked": np.ma.masked_array(VALUES, mask=False),
    "float32": VALUES.astype(np.float32),
}


@pytest.mark.parametrize("kind", ARRAYS)
def test_every_array_gives_the_same_series(kind: str) -> None:
    series = as_series(ARRAYS[kind])
    assert series.channels == ("channel_0", "channel_1")
    np.testing.assert_array_equal(series.values, VALUES)
    assert series.time.tolist() == list(range(6))


def test_one_channel_and_names_for_arrays() -> None:
    assert as_series(VALUES[:, 0]).channels == ("value",)
    assert as_series([True, False]).values.tolist() == [[1], [0]]
    assert as_series(VALUES, ReadOptions(channels=("x", "y"))).channels == ("x", "y")
    with pytest.raises(DataError, match=r"1 channel names came for 2 column"):
        as_series(VALUES, ReadOptions(channels=("x",)))
    masked = as_series(np.ma.masked_array([1.0, 2.0], mask=[False, True]))
    assert np.isnan(masked.values[1, 0])


def test_columns_alone() -> None:
    for column in (pl.Series("cpu", [1.0, 2.0]), pd.Series([1.0, 2.0], name="cpu")):
        assert as_series(column).channels == ("cpu",)
    assert as_series(pl.Series([1.0])).channels == ("value",)
    assert as_series(pa.chunked_array([[1.0, 2.0]])).values.tolist() == [[1], [2]]
    dated = pd.Series(VALUES[:, 0], index=pd.DatetimeIndex(HOURS))
    assert as_series(dated).channels == ("value",)
    np.testing.assert_array_equal(as_series(dated).time, HOURS)


def test_a_series_is_taken_as_it_is() -> None:
    series = as_series(polars_frame())
    assert as_series(series) is series
    assert as_series(series, ReadOptions(channels=("b",))).channels == ("b",)


def test_zones_of_pandas() -> None:
    index = pd.DatetimeIndex(["2024-07-01T12:00"], tz="Europe/Berlin")
    series = as_series(pd.DataFrame({"a": [1.0]}, index=index))
    assert series.zone == "Europe/Berlin"
    assert series.time[0] == np.datetime64("2024-07-01T10:00")
    fixed = pd.to_datetime(pd.Series(["2024-07-01T12:00+02:00"]))
    frame = pd.DataFrame({"time": fixed, "a": [1.0]})
    assert as_series(frame).time[0] == np.datetime64("2024-07-01T10:00")


def test_pandas_columns_of_every_type() -> None:
    frame = pd.DataFrame(
        {
            "whole": pd.array([1, None], dtype="Int64"),
            "truth": pd.array([True, None], dtype="boolean"),
            "object": pd.Series([1.5, None], dtype=object),
            "took": pd.to_timedelta([1, 2], unit="s"),
            "plain": [True, False],
            "small": np.array([1, 2], dtype=np.int8),
            "categories": pd.Categorical([1, 2]),
            7: [1, 2],
        }
    )
    series = as_series(frame)
    assert series.channels[-1] == "7"
    np.testing.assert_array_equal(
        series.values, [[1, 1, 1.5, 1, 1, 1, 1, 1], [np.nan, np.nan, np.nan, 2, 0, 2, 2, 2]]
    )


@pytest.mark.parametrize(
    ("data", "match"),
    [
        ("a.csv", "read_series"),
        (Path("a.csv"), "read_series"),
        (np.zeros((2, 3, 4)), r"\(2, 3, 4\) came"),
        (np.zeros((0, 2)), "no row"),
        (np.zeros((2, 0)), "no column"),
        ([], "no row"),
        (["a", "b"], "were expected"),
        ([[1, 2], [3]], "were expected"),
        (None, "were expected"),
        (object(), "were expected"),
        (np.array(["2024-01-01"], dtype="datetime64[s]"), "were expected"),
        (np.array([1 + 2j]), "were expected"),
        (np.float64(3), "shape"),
        (pl.DataFrame(), "no row|no column"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "must differ"),
        (np.array([1.0, np.inf]), "'value', row 1: the value is infinite"),
    ],
)
def test_what_is_no_data(data: object, match: str) -> None:
    with pytest.raises(DataError, match=match) as caught:
        as_series(data)
    assert "\n" not in str(caught.value)


# --- results -----------------------------------------------------------------------------------

SCORE = {"score": np.arange(6.0)}
BOTH = {**SCORE, "label": np.array([0, 0, 1, 1, 0, 0], dtype=np.int8)}


def test_results_for_polars_and_arrow() -> None:
    frame = polars_frame()
    found = like_input(frame, "time", BOTH)
    assert isinstance(found, pl.DataFrame)
    assert found.columns == ["time", "score", "label"]
    assert found["time"].equals(frame["time"])
    assert like_input(frame, None, SCORE).columns == ["score"]
    table = like_input(frame.to_arrow(), "time", BOTH)
    assert isinstance(table, pa.Table)
    assert table.column_names == ["time", "score", "label"]


def test_the_time_column_is_found_for_a_series() -> None:
    frame = polars_frame()
    assert like_input(frame, as_series(frame), SCORE).columns == ["time", "score"]
    numbers = frame.drop("time")
    assert like_input(numbers, as_series(numbers), SCORE).columns == ["score"]


def test_results_for_pandas_keep_the_index() -> None:
    frame = FRAMES["pandas index"]()
    found = like_input(frame, as_series(frame), BOTH)
    assert isinstance(found, pd.DataFrame)
    assert list(found.columns) == ["score", "label"]
    pd.testing.assert_index_equal(found.index, frame.index)
    odd = FRAMES["pandas column"]().set_index(pd.Index(list("fedcba")))
    found = like_input(odd, "time", SCORE)
    assert list(found.columns) == ["time", "score"]
    assert list(found.index) == list("fedcba")
    assert found["score"].tolist() == SCORE["score"].tolist()


def test_results_for_columns_and_arrays() -> None:
    column = pd.Series(VALUES[:, 0], index=pd.DatetimeIndex(HOURS))
    found = like_input(column, None, SCORE)
    assert isinstance(found, pd.Series)
    pd.testing.assert_index_equal(found.index, column.index)
    assert isinstance(like_input(column, None, BOTH), pd.DataFrame)
    assert isinstance(like_input(pl.Series([1.0] * 6), None, SCORE), pl.Series)
    assert isinstance(like_input(pl.Series([1.0] * 6), None, BOTH), pl.DataFrame)
    for plain in (VALUES, VALUES.tolist(), as_series(VALUES)):
        assert like_input(plain, None, BOTH) is BOTH["score"]


def test_results_must_have_the_rows_of_the_input() -> None:
    with pytest.raises(DataError, match=r"6 rows came in, and 'score' has 5"):
        like_input(polars_frame(), "time", {"score": np.zeros(5)})


# --- splitting ------------------------------------------------------------------------------------

SPLIT = {
    **{kind: make for kind, make in FRAMES.items() if kind != "lazy"},
    "series": lambda: as_series(polars_frame()),
}


@pytest.mark.parametrize("kind", SPLIT)
@pytest.mark.parametrize(
    "at",
    [
        1 / 3,
        2,
        "2024-01-31T02:00",
        "2024-01-31T03:00+01:00",
        datetime(2024, 1, 31, 2),
        np.datetime64("2024-01-31T02:00"),
        "2024-01-31T01:30",
    ],
)
def test_split(kind: str, at: float | str | datetime) -> None:
    data = SPLIT[kind]()
    before, after = split_time(data, at)
    assert type(before) is type(data)
    assert as_series(before).values.tolist() == VALUES[:2].tolist()
    assert as_series(after).values.tolist() == VALUES[2:].tolist()


def test_split_arrays() -> None:
    for data in (VALUES, VALUES.tolist(), pl.Series(VALUES[:, 0])):
        before, after = split_time(data, 0.5)
        assert len(before) == len(after) == 3
        assert type(before) is type(data)
    with pytest.raises(DataError, match=r"no clock"):
        split_time(VALUES, "2024-01-31")


@pytest.mark.parametrize("at", [0, 6, 7, -1, 1.5, 0.01, "2020-01-01", "2030-01-01"])
def test_split_that_cannot_be(at: float | str) -> None:
    with pytest.raises(DataError, match=r"a split at|expected"):
        split_time(polars_frame(), at)


@pytest.mark.parametrize("at", ["soon", True, None])
def test_split_at_what_is_no_time(at: object) -> None:
    with pytest.raises(ConfigError, match=f"a time stamp such as .*{at}'? came"):
        split_time(polars_frame(), at)


@pytest.mark.parametrize("kind", ["polars", "arrow", "pandas column", "pandas index", "series"])
def test_split_of_unsorted_rows_goes_by_time(kind: str) -> None:
    order = [3, 0, 5, 1, 4, 2]
    shuffled = polars_frame()[order]
    made: object = {
        "polars": lambda: shuffled,
        "arrow": shuffled.to_arrow,
        "pandas column": shuffled.to_pandas,
        "pandas index": lambda: shuffled.to_pandas().set_index("time"),
        "series": lambda: as_series(shuffled),
    }[kind]()
    before, after = split_time(made, "2024-01-31T02:00")
    assert as_series(before).values.tolist() == VALUES[[0, 1]].tolist()
    assert as_series(after).values.tolist() == VALUES[[3, 5, 4, 2]].tolist()


def test_split_in_local_time() -> None:
    series = as_series(polars_frame(), ReadOptions(zone="Europe/Berlin"))
    assert isinstance(series, Series)
    before, _ = split_time(series, "2024-01-31T02:00")
    assert len(before) == 2


def test_a_column_of_an_array_is_never_taken_for_the_time() -> None:
    counter = 1_700_000_000.0 + np.arange(50.0)
    series = as_series(np.column_stack([counter, np.sin(counter)]))
    assert series.channels == ("channel_0", "channel_1")
    assert not series.has_clock
