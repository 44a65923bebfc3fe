"""Events: runs of flagged rows against the slow twin, and every field of an event."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive
from offbeat.errors import ConfigError, DataError
from offbeat.events import (
    Event,
    alarm_runs,
    drop_short,
    find_events,
    label_runs,
    merge_runs,
    runs_label,
)

FLAGS = st.lists(st.integers(0, 1), max_size=60)


def find(score: list[float], cut: float | list[float] = 1.0, **changed: Any) -> tuple[Event, ...]:
    """Events of one series with two channels, the first of which leads."""
    n_rows = len(score)
    parts: dict[str, Any] = {
        "time": np.arange(n_rows),
        "channels": ("a", "b"),
        "shares": np.tile([0.75, 0.25], (n_rows, 1)),
        "actual": np.zeros((n_rows, 2)),
        "expected": np.ones((n_rows, 2)),
    }
    return find_events(
        np.array(score, dtype=float), np.broadcast_to(cut, n_rows).astype(float), **parts | changed
    )


@given(FLAGS, st.integers(0, 5), st.integers(1, 5))
def test_runs_equal_the_slow_twin(flags: list[int], merge_gap: int, min_length: int) -> None:
    found = drop_short(merge_runs(label_runs(np.array(flags, dtype=int)), merge_gap), min_length)
    assert found.shape == (len(found), 2)
    assert found.tolist() == naive.runs(np.array(flags, dtype=int), merge_gap, min_length)


@given(FLAGS)
def test_a_label_comes_back_from_its_runs(flags: list[int]) -> None:
    label = np.array(flags, dtype=int)
    back = runs_label(label_runs(label), len(label))
    assert back.tolist() == flags
    assert back.dtype == np.int8


def test_runs_of_bool_labels() -> None:
    assert label_runs(np.array([True, False, True, True])).tolist() == [[0, 1], [2, 4]]


def test_a_row_without_a_score_is_not_flagged_but_can_be_merged_over() -> None:
    score = np.array([2.0, np.nan, 2.0, 0.0, 0.0, 2.0])
    assert alarm_runs(score, 1.0).tolist() == [[0, 1], [2, 3], [5, 6]]
    assert alarm_runs(score, 1.0, merge_gap=1).tolist() == [[0, 3], [5, 6]]
    assert alarm_runs(score, 1.0, merge_gap=1, min_length=2).tolist() == [[0, 3]]


def test_a_score_on_the_cut_is_no_alarm() -> None:
    assert find([1.0, 1.0]) == ()


@pytest.mark.parametrize(("merge_gap", "min_length"), [(-1, 1), (0, 0)])
def test_impossible_rules_are_refused(merge_gap: int, min_length: int) -> None:
    with pytest.raises(ConfigError, match="merge_gap is 0 or more"):
        alarm_runs(np.ones(3), 0.5, merge_gap=merge_gap, min_length=min_length)


def test_all_fields_of_an_event() -> None:
    actual = np.array([[5.0, 0.0], [9.0, 0.0], [7.0, 0.0], [5.0, 0.0], [5.0, 0.0]])
    expected = np.full((5, 2), 5.0)
    (event,) = find(
        [0.5, 2.0, 6.0, 3.0, 0.0],
        [1.0, 1.0, 4.0, 1.0, 1.0],
        actual=actual,
        expected=expected,
        time=np.array(
            ["2024-01-01T00:00", "2024-01-01T00:01", "2024-01-01T00:02"] + ["NaT"] * 2,
            dtype="datetime64[ns]",
        ),
        shares=np.array([[0, 1], [1, 0], [0.5, 0.5], [1, 0], [0, 1.0]]),
    )
    assert (event.start, event.end, event.length) == (1, 4, 3)
    assert (event.peak, event.score, event.threshold, event.severity) == (3, 3.0, 1.0, 3.0)
    assert event.start_time == np.datetime64("2024-01-01T00:01")
    assert event.channel == "a"
    assert (event.actual, event.expected) == (9.0, 5.0)  # of the largest deviation, not the peak
    assert event.direction == "above"  # by all of its deviation, though one row fits
    # weighted by the score: (2 + 6 / 2 + 3) / 11
    assert dict(event.channels) == pytest.approx({"a": 8 / 11, "b": 3 / 11})


@pytest.mark.parametrize(
    ("away", "direction"),
    [
        ([1, 1, 1, -1], "above"),
        ([-1, -1, -1, 1], "below"),
        ([1, 1, -1, -1], "mixed"),
        ([np.nan, np.nan, np.nan, -1], "below"),
        ([np.nan] * 4, "mixed"),
        ([0, 0, 0, 0], "mixed"),
    ],
)
def test_direction(away: list[float], direction: str) -> None:
    actual = np.column_stack((away, np.zeros(4)))
    (event,) = find([2.0] * 4, actual=actual, expected=np.zeros((4, 2)))
    assert event.direction == direction


def test_shares_sum_to_one_and_the_largest_comes_first() -> None:
    shares = np.array([[0.1, 0.9], [np.nan, np.nan], [0.3, 0.7]])
    (event,) = find([2.0, 2.0, 4.0], shares=shares)
    assert [name for name, _ in event.channels] == ["b", "a"]
    assert sum(share for _, share in event.channels) == pytest.approx(1.0)
    assert event.channel == "b"


def test_unknown_shares_are_equal_ones() -> None:
    (event,) = find([2.0], shares=np.full((1, 2), np.nan))
    assert event.channels == (("a", 0.5), ("b", 0.5))


def test_an_event_over_a_gap_in_the_scores() -> None:
    (event,) = find([2.0, np.nan, 3.0], merge_gap=1)
    assert (event.start, event.end, event.peak, event.severity) == (0, 3, 2, 3.0)


def test_an_infinite_score_is_an_event() -> None:
    (event,) = find([2.0, np.inf])
    assert event.severity == np.inf
    assert sum(share for _, share in event.channels) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("stamp", "text"),
    [
        ("2024-03-01T12:00:00", "2024-03-01T12:00:00"),
        ("2024-03-01T12:00:00.200", "2024-03-01T12:00:00.200"),
        ("2024-03-01T12:00:00.000000007", "2024-03-01T12:00:00.000000007"),
    ],
)
def test_to_dict_is_json_with_short_time_stamps(stamp: str, text: str) -> None:
    (event,) = find(
        [2.0],
        time=np.array([stamp], dtype="datetime64[ns]"),
        actual=np.full((1, 2), np.nan),
    )
    read = json.loads(json.dumps(event.to_dict(), allow_nan=False))
    assert read["start_time"] == read["peak_time"] == text
    assert read["actual"] is None
    assert read["channels"] == {"a": 0.75, "b": 0.25}


def test_row_numbers_stay_whole_numbers() -> None:
    (event,) = find([0.0, 2.0], time=np.array([10, 11]))
    assert json.loads(json.dumps(event.to_dict()))["start_time"] == 11


@pytest.mark.parametrize("part", ["time", "shares", "actual", "expected"])
def test_shapes_that_do_not_fit_are_refused(part: str) -> None:
    with pytest.raises(DataError, match=f"{part} of shape"):
        find([2.0, 2.0], **{part: np.zeros((7, 7))})


@given(
    st.lists(st.floats(0, 10) | st.just(float("nan")), min_size=1, max_size=50),
    st.integers(0, 3),
    st.integers(1, 3),
)
def test_events_are_the_runs_and_each_is_severe(
    score: list[float], merge_gap: int, min_length: int
) -> None:
    events = find(score, 2.0, merge_gap=merge_gap, min_length=min_length)
    flags = np.array(score) > 2.0
    expected = naive.runs(flags, merge_gap, min_length)
    assert [[event.start, event.end] for event in events] == expected
    for event in events:
        assert event.severity > 1.0
        assert event.start <= event.peak < event.end
        assert event.score == np.nanmax(score[event.start : event.end])
