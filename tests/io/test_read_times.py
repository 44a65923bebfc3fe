"""Time stamps: found by name or content, in any usual notation, always UTC in the end."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from offbeat.errors import ConfigError, DataError
from offbeat.io import ReadOptions, as_series, read_series, read_source
from offbeat.io.times import instant

NOON = np.datetime64("2024-01-31T12:05:00", "ns")


def times(*texts: str, zone: str | None = None) -> np.ndarray:
    frame = pl.DataFrame({"time": texts, "a": range(len(texts))})
    return as_series(frame, ReadOptions(zone=zone)).time


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-31T12:05:00",
        "2024-01-31 12:05",
        "2024-01-31T12:05:00Z",
        "2024-01-31T12:05:00.000",
        "2024-01-31 12:05:00,000",
        "2024-01-31T12:05:00.000000000",
        "2024-01-31T13:05:00+01:00",
        "2024-01-31 13:05:00+0100",
        "2024-01-31 13:05:00+01",
        "2024-01-31 12:05:00 UTC",
        "2024-01-31 06:35:00-05:30",
        "2024/01/31 12:05:00",
        "2024.01.31 12:05",
        "2024-1-31 12:05",
        "20240131T120500",
        "20240131T120500Z",
        "31.01.2024 12:05:00",
        "31.1.2024 12:05",
        "31.01.24 12:05",
        "31/01/2024 12:05",
        "01/31/2024 12:05:00",
        "01/31/2024 12:05 PM",
        "1/31/2024 12:05:00 PM",
        "31-01-2024 12:05",
        "31/Jan/2024:12:05:00 +0000",
        "31 Jan 2024 12:05:00",
        "31 January 2024 12:05",
        "31-Jan-2024 12:05:00",
        "Jan 31, 2024 12:05:00",
        "Wed, 31 Jan 2024 12:05:00 +0000",
        "  2024-01-31T12:05:00  ",
    ],
)
def test_notations(text: str) -> None:
    assert times(text, text).tolist() == [NOON.astype(int)] * 2
    assert instant(text) == NOON


def test_dates_alone() -> None:
    assert times("2024-01-31", "2024-02-01")[1] == np.datetime64("2024-02-01")


def test_fractions_of_a_second() -> None:
    early, late = times("2024-01-31T12:05:00.25", "2024-01-31T12:05:01")
    assert (late - early) == np.timedelta64(750, "ms")


def test_mixed_offsets_become_utc() -> None:
    time = times("2024-03-31T01:30:00+01:00", "2024-03-31T03:30:00+02:00")
    assert time[1] - time[0] == np.timedelta64(1, "h")


def test_notations_may_change_within_a_column() -> None:
    assert times("2024-01-31 12:05:00", "2024-01-31 12:05").tolist() == [NOON.astype(int)] * 2


def test_offsets_for_some_rows_only_are_refused() -> None:
    with pytest.raises(DataError, match=r"with a zone \(row 1: .*06Z'\) and without one \(row 0"):
        times("2024-01-31 12:05", "2024-01-31 12:06Z")


def test_day_or_month_first_must_show() -> None:
    assert times("01/02/2024", "13/02/2024")[0] == np.datetime64("2024-02-01")
    assert times("01/02/2024", "01/13/2024")[0] == np.datetime64("2024-01-02")
    assert times("01.02.2024", "02.02.2024")[0] == np.datetime64("2024-02-01")
    assert times("01/01/2024", "02/02/2024")[1] == np.datetime64("2024-02-02")
    with pytest.raises(DataError, match=r"day/month or month/day"):
        times("01/02/2024", "03/02/2024")


@pytest.mark.parametrize("scale", [1, 10**3, 10**6, 10**9])
@pytest.mark.parametrize("kind", [int, float])
def test_epochs_by_magnitude(scale: int, kind: type) -> None:
    seconds = 1_706_702_700 + np.arange(5)
    frame = pl.DataFrame({"ts": (seconds * scale).astype(kind), "a": range(5)})
    time = as_series(frame).time
    np.testing.assert_array_equal(time, (seconds * 10**9).astype("datetime64[ns]"))


def test_fractions_of_epoch_seconds() -> None:
    frame = pl.DataFrame({"time": [1_706_702_700.0, 1_706_702_700.2], "a": [1, 2]})
    step = np.diff(as_series(frame).time)[0]
    assert abs(step - np.timedelta64(200, "ms")) < np.timedelta64(2, "us")


def test_epochs_are_found_without_a_telling_name() -> None:
    growing = pl.DataFrame({"a": [1, 2, 3], "x": [1_706_702_700 + n for n in range(3)]})
    assert as_series(growing).channels == ("a",)
    falling = growing.with_columns(pl.col("x").reverse())
    assert as_series(falling).channels == ("a", "x")


def test_digits_of_dates() -> None:
    days = pl.DataFrame({"date": [20240131, 20240201], "a": [1, 2]})
    assert as_series(days).time[1] == np.datetime64("2024-02-01")
    seconds = pl.DataFrame({"date": [20240131120500, 20240131120600], "a": [1, 2]})
    assert as_series(seconds).time[0] == NOON


def test_counts_are_row_numbers() -> None:
    frame = pl.DataFrame({"time": [10, 11, 13], "a": [1, 2, 3]})
    series = as_series(frame)
    assert not series.has_clock
    assert series.time.tolist() == [10, 11, 13]
    assert series.channels == ("a",)


def test_fractional_counts_are_seconds() -> None:
    frame = pl.DataFrame({"time": [0.0, 0.2, 0.4], "a": [1, 2, 3]})
    assert np.diff(as_series(frame).time).tolist() == [200_000_000] * 2


def test_a_duration_called_time_is_a_channel() -> None:
    frame = pl.DataFrame({"time": [12.5, 3.1, 7.0], "a": [1, 2, 3]})
    series = as_series(frame)
    assert series.channels == ("time", "a")
    assert series.time.tolist() == [0, 1, 2]


@pytest.mark.parametrize("name", ["Timestamp", "DATE", "date_time", "ts", "@timestamp", "Time "])
def test_found_by_name(name: str) -> None:
    frame = pl.DataFrame({"a": [1, 2], name: ["2024-01-31", "2024-02-01"]})
    assert as_series(frame).channels == ("a",)


def test_found_by_content() -> None:
    text = pl.DataFrame({"a": [1, 2], "when": ["2024-01-31", "2024-02-01"]})
    assert as_series(text).has_clock
    typed = text.with_columns(pl.col("when").str.to_date())
    assert as_series(typed).has_clock


def test_the_one_that_is_named_wins() -> None:
    frame = pl.DataFrame(
        {"time": ["2024-01-31", "2024-02-01"], "other": ["2025-01-31", "2025-02-01"], "a": [1, 2]}
    )
    series = as_series(frame, ReadOptions(time="other", channels=("a",)))
    assert series.time[0] == np.datetime64("2025-01-31")
    with pytest.raises(DataError, match=r"did you mean 'other'"):
        as_series(frame, ReadOptions(time="othr"))


def test_date_and_time_of_day_in_two_columns(tmp_path: Path) -> None:
    path = tmp_path / "trades.csv"
    path.write_text("Date,Time,price\n2024-01-31,12:05:00,1\n2024-01-31,12:06:00,2\n")
    series = read_series(path)
    assert series.channels == ("price",)
    assert series.time[0] == NOON
    path.write_text("<DATE>,<TIME>,price\n20240131,12:05:00,1\n20240131,12:06:00,2\n")
    assert read_series(path).time[0] == NOON


def test_text_that_is_no_time_names_row_and_text(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("time,a\n2024-01-31,1\nyesterday,2\n2024-02-02,3\n")
    with pytest.raises(DataError, match=r"'time', line 3.*'yesterday' came"):
        read_series(path)
    path.write_text("time,a\nnoon,1\nevening,2\n")
    with pytest.raises(DataError, match=r"line 2.*'noon' came \(2 such rows\)"):
        read_series(path)
    path.write_text("time,a\n12:00:00,1\n12:00:01,2\n")
    with pytest.raises(DataError, match=r"12:00:00"):
        read_series(path)


def test_far_off_years_are_refused() -> None:
    with pytest.raises(DataError, match=r"1678 to 2261.*9999-12-31"):
        times("2024-01-31", "9999-12-31")


def test_few_missing_time_stamps_in_a_file_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("time,a\n2024-01-31,1\n,2\n2024-02-02,3\n")
    reading = read_source(path)
    assert reading.series.values[:, 0].tolist() == [1, 3]
    assert any("left out 1 row(s)" in note and "line 3" in note for note in reading.notes)
    path.write_text("time,a\n2024-01-31,1\n,2\nNaT,3\n2024-02-02,3\n")
    with pytest.raises(DataError, match=r"2 of 4 rows have no time stamp, the first is line 3"):
        read_series(path)


def test_missing_time_stamps_in_a_frame_are_refused() -> None:
    frame = pl.DataFrame({"time": [datetime(2024, 1, 1), None], "a": [1, 2]})
    with pytest.raises(DataError, match=r"1 of 2 rows have no time stamp, the first is row 1"):
        as_series(frame)
    empty = frame.with_columns(time=pl.lit(None, dtype=pl.Datetime))
    with pytest.raises(DataError, match=r"no time stamp at all"):
        as_series(empty)


# --- zones -------------------------------------------------------------------------------------


def utc(*texts: str) -> list[int]:
    return np.array(texts, dtype="datetime64[ns]").astype(int).tolist()


def test_local_time_with_a_zone() -> None:
    local = times("2024-01-31 12:00", "2024-07-31 12:00", zone="Europe/Berlin")
    assert local.tolist() == utc("2024-01-31T11:00", "2024-07-31T10:00")


def test_the_repeated_hour_is_read_in_row_order() -> None:
    written = ["01:30", "02:00", "02:30", "02:00", "02:30", "03:00"]
    local = times(*(f"2024-10-27 {each}" for each in written), zone="Europe/Berlin")
    assert set(np.diff(local).tolist()) == {1_800 * 10**9}


def test_the_repeated_hour_of_hourly_rows() -> None:
    written = ["01:00", "02:00", "02:00", "03:00"]
    local = times(*(f"2024-10-27 {each}" for each in written), zone="Europe/Berlin")
    assert set(np.diff(local).tolist()) == {3_600 * 10**9}


def test_the_repeated_hour_newest_first() -> None:
    written = ["03:00", "02:30", "02:00", "02:30", "02:00", "01:30"]
    local = times(*(f"2024-10-27 {each}" for each in written), zone="Europe/Berlin")
    assert set(np.diff(local).tolist()) == {-1_800 * 10**9}


def test_several_repeated_hours_in_one_file() -> None:
    hours = np.arange("2022-10-01", "2024-12-01", dtype="datetime64[h]").astype("datetime64[ns]")
    moments = pl.Series(hours).dt.replace_time_zone("UTC")
    local = moments.dt.convert_time_zone("Europe/Berlin").dt.strftime("%Y-%m-%d %H:%M:%S")
    np.testing.assert_array_equal(times(*local, zone="Europe/Berlin"), hours)


def test_the_skipped_hour_is_shifted_and_told(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("time,a\n2024-03-31 01:30,1\n2024-03-31 02:30,2\n2024-03-31 03:30,3\n")
    reading = read_source(path, ReadOptions(zone="Europe/Berlin"))
    assert reading.series.zone == "Europe/Berlin"
    assert reading.series.time.tolist() == utc(
        "2024-03-31T00:30", "2024-03-31T01:30", "2024-03-31T01:30"
    )
    assert any("skips" in note for note in reading.notes)


def test_typed_columns_with_and_without_a_zone() -> None:
    frame = pl.DataFrame({"time": [datetime(2024, 7, 1, 12)], "a": [1]})
    zoned = frame.with_columns(pl.col("time").dt.replace_time_zone("Europe/Berlin"))
    assert as_series(zoned).time.tolist() == utc("2024-07-01T10:00")
    assert as_series(zoned).zone == "Europe/Berlin"
    assert as_series(frame, ReadOptions(zone="Europe/Berlin")).time.tolist() == utc(
        "2024-07-01T10:00"
    )
    assert as_series(frame).zone is None


def test_a_zone_beside_offsets_is_for_showing() -> None:
    frame = pl.DataFrame({"time": ["2024-07-01T12:00Z"], "a": [1]})
    series = as_series(frame, ReadOptions(zone="Asia/Tokyo"))
    assert series.zone == "Asia/Tokyo"
    assert series.time.tolist() == utc("2024-07-01T12:00")


@pytest.mark.parametrize(
    "text",
    [
        "2024-07-01 12:00",
        "1.7.2024 12:00",
        "2024-10-27 02:30",  # twice
        "27.10.2024 02:30",
        "2024-03-31 02:30",  # skipped
        "31.3.2024 02:30",
        "2024-07-01 12:00+05:30",
    ],
)
def test_one_moment_is_read_as_a_column_is(text: str) -> None:
    assert instant(text, "Europe/Berlin") == times(text, zone="Europe/Berlin")[0].astype("M8[ns]")


def test_one_moment_as_an_object() -> None:
    for at in (datetime(2024, 1, 31, 12, 5), NOON, date(2024, 1, 31)):
        assert instant(at) in (NOON, NOON.astype("M8[D]"))
    assert instant(datetime(2024, 1, 31, 12, 5), "Asia/Tokyo") == NOON - np.timedelta64(9, "h")


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ("soon", "a time stamp such as 2024-01-31T12:00 was expected, 'soon' came"),
        (0.5, "a time stamp such as 2024-01-31T12:00 was expected, 0.5 came"),
        ("5/6/2024", "'5/6/2024' may mean day/month or month/day"),
        ("2262-01-01", "a time stamp from 1678 to 2261 was expected, '2262-01-01' came"),
        ("1.1.2262", "a time stamp from 1678 to 2261 was expected, 2262-01-01T00:00:00 came"),
    ],
)
def test_what_is_no_moment_is_refused(at: object, words: str) -> None:
    with pytest.raises(ConfigError) as told:
        instant(at)
    assert str(told.value).startswith(words)
