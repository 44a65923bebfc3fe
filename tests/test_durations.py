"""Durations: every unit, as people write it."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offbeat.durations import NANOSECONDS, duration_text, parse_duration
from offbeat.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "unit", "amount"),
    [
        ("5ns", "ns", 5),
        ("5us", "us", 5),
        ("200ms", "ms", 200),
        ("1.5ms", "us", 1500),
        ("ms", "ms", 1),
        ("s", "s", 1),
        ("2 secs", "s", 2),
        ("0.2s", "ms", 200),
        ("1m", "s", 60),
        ("5mins", "m", 5),
        ("hour", "h", 1),
        ("12h", "h", 12),
        ("1.5 h", "m", 90),
        ("7d", "D", 7),
        (" 7 Days ", "D", 7),
        ("1week", "W", 1),
        ("2 weeks", "W", 2),
        ("12 months", "s", 31_556_952),
        ("1 year", "s", 31_556_952),
    ],
)
def test_a_duration_is_read_as_people_write_it(text: str, unit: Any, amount: int) -> None:
    found = parse_duration(text)
    assert found == np.timedelta64(amount, unit)
    assert found.dtype == "timedelta64[ns]"


@pytest.mark.parametrize("unit", NANOSECONDS)
def test_each_unit_can_stand_alone_with_a_number_or_in_the_plural(unit: str) -> None:
    length = np.timedelta64(NANOSECONDS[unit], "ns")
    assert parse_duration(unit) == parse_duration(f"1 {unit}") == length
    if unit != "m":  # for `ms` are milliseconds
        assert parse_duration(f"2 {unit}s") == 2 * length


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 10**6), st.sampled_from(["us", "ms", "s", "m", "h"]))
def test_a_whole_number_is_read_to_the_nanosecond(amount: int, unit: Any) -> None:
    assert parse_duration(f"{amount}{unit}") == np.timedelta64(amount, unit)


@settings(deadline=None, max_examples=60)
@given(st.timedeltas(timedelta(microseconds=1), timedelta(days=106_751)))
def test_a_duration_that_is_one_stays_as_it_is(length: timedelta) -> None:
    assert parse_duration(length).astype("timedelta64[us]").item() == length
    assert parse_duration(np.timedelta64(length)) == parse_duration(length)


@pytest.mark.parametrize(
    "text", ["", "5", "1.5", "-5s", "1e3s", "five min", "1 fortnight", "1d12h", "12:00", "nan s"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="200ms, 5s, 1min, 12h or 7d was expected") as told:
        parse_duration(text)
    assert repr(text) in str(told.value)


@pytest.mark.parametrize(
    "nothing",
    ["0s", "0.0 days", "0.1ns", timedelta(0), timedelta(days=-1), np.timedelta64("NaT")],
)
def test_nothing_is_no_duration(nothing: Any) -> None:
    with pytest.raises(ConfigError, match="longer than nothing"):
        parse_duration(nothing)


@pytest.mark.parametrize("length", ["300 years", "9" * 400 + "s", timedelta(days=999_999_999)])
def test_what_cannot_be_counted_in_nanoseconds_is_refused(length: str | timedelta) -> None:
    with pytest.raises(ConfigError, match="at most 292 years was expected"):
        parse_duration(length)


@settings(deadline=None, max_examples=60)
@given(st.text(st.sampled_from("0159. nusmhdwayeo")) | st.text())
def test_any_text_is_a_positive_duration_or_is_refused(text: str) -> None:
    with suppress(ConfigError):
        assert parse_duration(text) > np.timedelta64(0, "ns")


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(days=7), "7d"),
        (timedelta(hours=36), "36h"),
        (timedelta(minutes=90), "90min"),
        (timedelta(seconds=61), "61s"),
        (timedelta(milliseconds=1500), "1.500000s"),
    ],
)
def test_a_duration_in_its_largest_whole_unit(span: timedelta, text: str) -> None:
    assert duration_text(span) == text


@settings(deadline=None, max_examples=60)
@given(st.timedeltas(timedelta(microseconds=1), timedelta(days=36_500)))
def test_a_duration_comes_back_from_its_text(span: timedelta) -> None:
    found = parse_duration(duration_text(span)).astype("timedelta64[us]").item()
    assert abs(found - span) <= timedelta(microseconds=1)
