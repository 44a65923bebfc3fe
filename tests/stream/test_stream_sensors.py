"""Sensors that fail have events of their own, with ids that come again."""

from __future__ import annotations

import numpy as np

from live_data import START, STEP, rows, streamed, trained, trouble
from offbeat import LiveEvent, StreamDetector, StreamOptions
from offbeat.stream.happening import event_id

DATA = rows(200, 3)


def of_kind(events, kind: str) -> list[LiveEvent]:
    return [event for event in events if event.kind == kind]


def test_a_series_that_stalls_has_no_data_until_something_comes() -> None:
    stream = StreamDetector(trained("lstm"), StreamOptions(stall_after=5))
    for row in range(3):
        assert not stream.update(START + row * STEP, DATA[row], "a").events
        stream.update(START + row * STEP, DATA[row], "b")
    stream.update(START + 3 * STEP, DATA[3], "b")
    assert stream.stalled(START + 7 * STEP) == ()
    (opened,) = stream.stalled(START + 8 * STEP)
    assert (opened.series, opened.kind, opened.phase) == ("a", "no data", "opened")
    assert opened.start_time == START + 2 * STEP
    assert stream.stalled(START + 8 * STEP) == ()  # said once
    (closed,) = of_kind(stream.update(START + 9 * STEP, DATA[9], "a").events, "no data")
    assert (closed.id, closed.phase) == (opened.id, "closed")
    assert closed.to_dict()["kind"] == "no data"


def test_a_stall_that_nobody_asked_about_is_said_when_it_is_over() -> None:
    stream = StreamDetector(trained("lstm"), StreamOptions(stall_after=5))
    stream.update(START, DATA[0])
    events = of_kind(stream.update(START + 20 * STEP, DATA[1]).events, "no data")
    assert [event.phase for event in events] == ["opened", "closed"]
    assert len({event.id for event in events}) == 1
    assert events[0].id == event_id("series", "no data", START)


def test_a_channel_that_stands_still_is_stuck_until_it_moves() -> None:
    stream = StreamDetector(trained("lstm"))
    stuck = DATA.copy()
    stuck[60:110, 1] = 0.5
    stuck[70:75, 1] = np.nan  # says nothing
    events = list[LiveEvent]()
    for row, values in enumerate(stuck):
        events += of_kind(stream.update(START + row * STEP, values).events, "stuck")
    assert [event.phase for event in events] == ["opened", "closed"]
    opened, closed = events
    assert opened.id == closed.id
    assert opened.start_time == START + 60 * STEP
    assert opened.end_time == START + (60 + 30 + 5 - 1) * STEP
    assert closed.end_time == START + 110 * STEP
    assert "flow stands still at 0.5" in opened.message


def test_a_switch_is_never_stuck_and_a_limit_can_be_given() -> None:
    stream = StreamDetector(trained("lstm"), StreamOptions(stuck_after=4))
    still = np.repeat(DATA[:1], 10, axis=0)
    events = [
        event
        for row, values in enumerate(still)
        for event in of_kind(stream.update(START + row * STEP, values).events, "stuck")
    ]
    assert len(events) == 3  # of four channels one is a command
    assert {event.end_time for event in events} == {START + 3 * STEP}


def test_the_same_rows_give_the_same_ids() -> None:
    series = trouble(220, 21)
    one, other = (
        [
            e.id
            for part in streamed(StreamDetector(trained("lstm")), series, cuts)
            for e in part.events
        ]
        for cuts in ((), range(0, 220, 3))
    )
    assert one == other
    assert one


def test_events_come_with_the_row_that_made_them() -> None:
    stream = StreamDetector(trained("lstm"), StreamOptions(stall_after=5))
    time = [START, START + STEP, START + 20 * STEP, START + 21 * STEP]
    readings = stream.update_many(time, DATA[:4], ["a"] * 4)
    assert [len(reading.events) for reading in readings] == [0, 0, 2, 0]
    assert readings[-2].events == readings.events
