"""Mutes: which moments they cover, on the clock of a zone, against a slow twin."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes import fake_detection
from offbeat import ConfigError, Mute, parse_mute
from offbeat.mutes import WEEKDAYS, mute_from_dict
from offbeat.rules import EventRules

MINUTE = st.builds(time, st.integers(0, 23), st.integers(0, 59))
DAY = st.dates(date(2026, 3, 20), date(2026, 4, 10))
HOURS = st.tuples(MINUTE, MINUTE).filter(lambda edges: edges[0] != edges[1])
MUTES = st.builds(
    lambda hours, **others: Mute(start=hours[0], end=hours[1], **others),
    HOURS,
    weekdays=st.lists(st.sampled_from(WEEKDAYS), max_size=3, unique=True).map(tuple),
    first=st.none() | st.just(date(2026, 3, 25)),
    last=st.none() | st.just(date(2026, 4, 2)),
    zone=st.sampled_from([None, "Europe/Berlin", "Asia/Kathmandu"]),
)


def naive_covers(mute: Mute, when: datetime, zone: str | None) -> bool:
    """One moment at a time, as a person reads the calendar."""
    local = when.astimezone(ZoneInfo(mute.zone or zone or "UTC"))
    day, clock = local.date(), local.time()
    if mute.start is not None and mute.end is not None:
        if mute.start < mute.end:
            inside = mute.start <= clock < mute.end
        else:
            inside = clock >= mute.start or clock < mute.end
            day -= timedelta(days=clock < mute.end)
        if not inside:
            return False
    if mute.weekdays and WEEKDAYS[day.weekday()] not in mute.weekdays:
        return False
    return (mute.first or day) <= day <= (mute.last or day)


@settings(deadline=None, max_examples=150)
@given(
    MUTES,
    st.lists(st.datetimes(datetime(2026, 3, 20), datetime(2026, 4, 5)), min_size=1, max_size=8),
    st.sampled_from([None, "America/New_York"]),
)
def test_a_moment_is_covered_as_on_the_wall(
    mute: Mute, moments: list[datetime], zone: str | None
) -> None:
    covered = mute.covers(np.array(moments, dtype="datetime64[ns]"), zone)
    expected = [naive_covers(mute, each.replace(tzinfo=UTC), zone) for each in moments]
    assert covered.tolist() == expected


@given(MUTES)
def test_a_mute_is_read_as_it_is_written(mute: Mute) -> None:
    assert mute_from_dict(mute.to_dict()) == mute
    ordered = replace(mute, weekdays=tuple(day for day in WEEKDAYS if day in mute.weekdays))
    assert parse_mute(mute.text) == ordered


@pytest.mark.parametrize(
    ("text", "mute"),
    [
        ("Sat,Sun", Mute(weekdays=("Sat", "Sun"))),
        ("fri-mon", Mute(weekdays=("Mon", "Fri", "Sat", "Sun"))),
        ("22:00-06:00", Mute(start=time(22), end=time(6))),
        ("20:00-24:00 UTC", Mute(start=time(20), end=time(0), zone="UTC")),
        ("2026-12-24", Mute(first=date(2026, 12, 24), last=date(2026, 12, 24))),
        ("2026-12-24..", Mute(first=date(2026, 12, 24))),
        ("channels=net kb,cpu", Mute(channels=("net kb", "cpu"))),
    ],
)
def test_how_people_write_them(text: str, mute: Mute) -> None:
    assert parse_mute(text) == mute


@pytest.mark.parametrize(
    "text",
    [
        "", "always", "Mon-", "02:00", "02:00-02:00", "2:00-3:00", "Sat Sun", "2026-13-01",
        "2026-12-26..2026-12-24", "Sat Mars/Olympus", "Europe/Berlin", "..", "25:00-26:00",
    ],
)  # fmt: skip
def test_what_is_no_mute_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_mute(text)


def test_an_unknown_setting_is_named() -> None:
    with pytest.raises(ConfigError, match="weekdays"):
        mute_from_dict({"weekday": ["Mon"]})


def test_muted_events_are_listed_and_not_heard() -> None:
    events = fake_detection(2_000, 3, with_labels=False).events
    first = events[0]
    hours = Mute(start=time(0), end=time(23, 59), channels=(first.channel,))
    heard, muted = EventRules(mutes=(hours,)).heard_and_muted(events, None)
    assert {event.channel for event in muted} == {first.channel}
    assert first.channel not in {event.channel for event in heard}
    assert muted[0].muted_by == "00:00-23:59 channels=channel 1"
    assert muted[0].to_dict()["muted_by"]
    assert len(heard) + len(muted) == len(events)


def test_an_event_is_muted_if_it_begins_and_peaks_inside() -> None:
    event = fake_detection(2_000, 3, with_labels=False).events[0]
    day = np.datetime64("2026-03-02", "ns")
    hour = np.timedelta64(1, "h")
    mute = parse_mute("02:00-03:00")
    for start, peak, is_muted in ((2, 2, True), (1, 2, False), (2, 3, False)):
        moved = replace(event, start_time=day + start * hour, peak_time=day + peak * hour)
        assert mute.mutes(moved) == is_muted


def test_rows_have_no_calendar() -> None:
    events = fake_detection(2_000, 3, with_labels=False, clock=False).events
    with pytest.raises(ConfigError, match="time column"):
        EventRules(mutes=(parse_mute("Sat"),)).heard_and_muted(events, None)
    with pytest.raises(ConfigError, match="time column"):
        EventRules(mutes=(parse_mute("Sat"),)).heard_and_muted([], None, has_clock=False)
    led = EventRules(mutes=(Mute(channels=("channel 1",)),))
    assert led.heard_and_muted(events, None, has_clock=False)[1]  # says nothing of time
