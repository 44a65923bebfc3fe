"""Time stamps and steps as people read and write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offbeat.durations import parse_duration
from offbeat.errors import ConfigError
from offbeat.stamps import is_iso, local_time, read_stamp, step_text, time_text

ZONES = st.sampled_from(["UTC", "Europe/Zurich", "America/New_York", "Asia/Kolkata"])
MOMENTS = st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1))


def stamp(text: str) -> np.datetime64:
    return np.datetime64(text, "ns")


@pytest.mark.parametrize(
    ("step", "text"),
    [
        (np.timedelta64(200, "ms"), "200 ms"),
        (timedelta(minutes=5), "5 min"),
        (timedelta(minutes=90), "1.5 h"),
        (timedelta(days=1), "1 day"),
        (timedelta(days=1.5), "1.5 days"),
        (timedelta(weeks=2), "14 days"),
        (timedelta(days=9999.7), "10000 days"),
        (timedelta(days=36_524.4), "36524 days"),
        (timedelta(milliseconds=999), "999 ms"),
        (1_500, "1.5 us"),
        (7, "7 ns"),
        (0, "0 ns"),
        (-3_600_000_000_000, "-1 h"),
        (1_234_567_891, "1.235 s"),
    ],
)
def test_a_step_is_told_in_its_largest_unit(step: Any, text: str) -> None:
    assert step_text(step) == text


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 10**18))
def test_a_step_is_told_to_four_digits_in_words_that_can_be_read(step: int) -> None:
    found = int(parse_duration(step_text(step)).astype(np.int64))
    assert found == pytest.approx(step, rel=5.1e-4)


@pytest.mark.parametrize(
    ("time", "zone", "text"),
    [
        (12, None, "row 12"),
        (np.int64(12), "Europe/Zurich", "row 12"),
        (stamp("2024-03-01T12:00"), None, "2024-03-01T12:00:00"),
        (stamp("2024-03-01T12:00:00.2"), None, "2024-03-01T12:00:00.2"),
        (stamp("2024-03-01T12:00:00.000000007"), None, "2024-03-01T12:00:00.000000007"),
        (np.datetime64("2024-03-01"), None, "2024-03-01T00:00:00"),
        (stamp("2024-03-01T12:00:00.5"), "Europe/Zurich", "2024-03-01T13:00:00.5+01:00"),
        (stamp("2024-07-01T12:00"), "Europe/Zurich", "2024-07-01T14:00:00+02:00"),
        (stamp("1969-12-31T23:59:59.5"), "UTC", "1969-12-31T23:59:59.5+00:00"),
    ],
)
def test_a_time_stamp_is_told_as_iso_text(time: Any, zone: str | None, text: str) -> None:
    assert time_text(time, zone) == text


@settings(deadline=None, max_examples=60)
@given(MOMENTS, ZONES | st.none())
def test_a_time_stamp_comes_back_from_its_text(moment: datetime, zone: str | None) -> None:
    time = np.datetime64(moment, "ns")
    assert read_stamp(time_text(time, zone), zone) == time


@pytest.mark.parametrize(
    ("at", "zone", "utc"),
    [
        ("2024-07-01", None, "2024-07-01"),
        ("2024-07-01T12:00", None, "2024-07-01T12:00"),
        ("2024-07-01 12:00", "Europe/Zurich", "2024-07-01T10:00"),
        ("2024-07-01T12:00Z", "Europe/Zurich", "2024-07-01T12:00"),  # its own zone comes first
        ("2024-07-01T12:00+05:30", None, "2024-07-01T06:30"),
        (datetime(2024, 7, 1, 12), None, "2024-07-01T12:00"),
        (datetime(2024, 7, 1, 12), "Europe/Zurich", "2024-07-01T10:00"),
        (datetime(2024, 7, 1, tzinfo=timezone(timedelta(hours=1))), None, "2024-06-30T23:00"),
        (stamp("2024-07-01T12:00"), "Europe/Zurich", "2024-07-01T12:00"),
        ("1678-01-01", None, "1678-01-01"),
        ("2261-12-31", "UTC", "2261-12-31"),
    ],
)
def test_a_time_stamp_is_read_in_utc(at: Any, zone: str | None, utc: str) -> None:
    assert read_stamp(at, zone) == stamp(utc)
    assert is_iso(str(at))


@pytest.mark.parametrize("at", ["", "noon", "2024-13-01", "12", "NaT", 0.5, None, timedelta(1)])
def test_what_is_no_time_stamp_is_refused(at: Any) -> None:
    with pytest.raises(ConfigError, match="a time stamp in ISO form was expected") as told:
        read_stamp(at, None)
    assert f"{at!r} came" in str(told.value)
    assert not (isinstance(at, str) and is_iso(at))


@pytest.mark.parametrize("at", ["0001-01-01", "1677-12-31", "2262-01-01", datetime(9999, 12, 31)])
@pytest.mark.parametrize("zone", [None, "Asia/Tokyo"])
def test_a_year_that_nanoseconds_do_not_reach_is_refused(at: Any, zone: str | None) -> None:
    with pytest.raises(ConfigError, match="from 1678 to 2261 was expected"):
        read_stamp(at, zone)


@settings(deadline=None, max_examples=60)
@given(MOMENTS, ZONES)
def test_local_time_is_that_on_the_wall(moment: datetime, zone: str) -> None:
    wall = moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    assert local_time(np.array([moment], dtype="datetime64[ns]"), zone)[0] == np.datetime64(wall)
    assert local_time(np.array([moment], dtype="datetime64[ns]"), None)[0] == np.datetime64(moment)
