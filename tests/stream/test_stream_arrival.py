"""What becomes of rows that come late, twice, too soon, from nowhere or not at all."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest

from live_data import START, STEP, clocked, rows, trained
from offbeat import (
    ARIMADetector,
    ConfigError,
    DataError,
    LSTMDetector,
    NotFittedError,
    PersistenceDetector,
    StreamDetector,
    StreamOptions,
)
from offbeat.stream import POLICIES
from offbeat.thresholds import TelemanomThreshold

DATA = rows(60, 3)


def at(row: float) -> np.datetime64:
    return START + np.timedelta64(int(row * 3600), "s")


def test_every_policy_is_counted_by_its_name() -> None:
    stream = StreamDetector(trained("lstm"))
    assert stream.counts == dict.fromkeys(POLICIES, 0)
    for row in (0, 1, 2, 5):
        assert stream.update(at(row), DATA[row]).row == row
    late = stream.update(at(3), DATA[3])
    again = stream.update(at(5), DATA[5] + 9)
    close = stream.update(at(5.2), DATA[5] + 9)
    assert [late.status, again.status, close.status] == ["late", "repeated", "repeated"]
    assert late.row == -1
    assert np.isnan(late.score)
    wanted = {"scored": 4, "missing": 2, "late": 1, "repeated": 2}
    assert stream.counts == dict.fromkeys(POLICIES, 0) | wanted


def test_what_is_left_out_changes_nothing() -> None:
    plain, disturbed = StreamDetector(trained("lstm")), StreamDetector(trained("lstm"))
    for row in range(60):
        one = plain.update(at(row), DATA[row])
        other = disturbed.update(at(row), DATA[row])
        disturbed.update(at(row), DATA[row] * 7)
        disturbed.update(at(row - 2), DATA[row] * 7)
        np.testing.assert_array_equal(one.score, other.score)


def test_with_a_lateness_rows_wait_and_what_is_later_is_late() -> None:
    stream = StreamDetector(trained("lstm"), StreamOptions(lateness="2h"))
    assert stream.update(at(0), DATA[0]).status == "waiting"
    stream.update(at(2), DATA[2])
    stream.update(at(1), DATA[1])  # out of order, in time
    released = stream.update(at(4.6), DATA[4])
    assert [r.row for r in (*released.before, released)] == [0, 1, 2]
    assert stream.update(at(1), DATA[1]).status == "late"
    assert stream.counts["late"] == stream.counts["reordered"] == 1
    assert stream.finish().row.tolist() == [5]


def test_a_drifting_clock_makes_no_holes() -> None:
    stream = StreamDetector(trained("lstm"))
    found = [stream.update(at(row * 1.01), DATA[row]).row for row in range(60)]
    assert found == list(range(60))


def test_times_in_any_notation_are_the_same_time() -> None:
    stream = StreamDetector(trained("lstm"))
    assert stream.update("2026-03-01T00:00:00Z", DATA[0]).row == 0
    assert stream.update(datetime(2026, 3, 1, 1), DATA[1]).row == 1
    assert stream.update(at(2).astype("datetime64[s]"), DATA[2]).row == 2


@pytest.mark.parametrize(
    ("time", "values", "message"),
    [
        (at(0), [1.0, 2.0], "4 channel.* were trained on .*, 2 value.* came"),
        (at(0), {"presure": 1.0}, "no channel 'presure': did you mean 'pressure'"),
        (at(0), [1.0, 2.0, np.inf, 0.0], "infinite value.*channel 'level'"),
        (at(0), [1.0, 2.0, 1e200, 0.0], "1e\\+200 .* channel 'level'"),
        (at(0), ["a", 1, 2, 3], "numbers were expected as values"),
        (at(0), [[1, 2, 3, 4]] * 2, "one row of 4"),
        (5, DATA[0], "time stamps .* were expected, 5 came"),
        (None, DATA[0], "a time stamp was expected, None came"),
        ("yesterday", DATA[0], "a time stamp in ISO form"),
        (np.datetime64("NaT"), DATA[0], "no time stamp"),
    ],
)
def test_a_row_that_cannot_be_is_refused_in_one_line(
    time: object, values: object, message: str
) -> None:
    stream = StreamDetector(trained("lstm"))
    with pytest.raises(DataError, match=message) as refused:
        stream.update(time, values)
    assert "\n" not in str(refused.value)
    assert stream.series == ()
    assert stream.counts["scored"] == 0


def test_many_rows_that_do_not_fit_together_are_refused() -> None:
    stream = StreamDetector(trained("lstm"), StreamOptions(max_series=2))
    with pytest.raises(DataError, match="3 rows came with 2 time stamps"):
        stream.update_many([at(0), at(1)], DATA[:3])
    with pytest.raises(DataError, match="max_series=2"):
        stream.update_many(at(0), DATA[:3])
    assert len(stream.update_many([], np.empty((0, 4)))) == 0
    with pytest.raises(DataError, match="no series 'pump'"):
        stream.drift("pump")


def test_without_a_clock_time_is_a_row_number() -> None:
    stream = StreamDetector(PersistenceDetector().fit(rows(100)), StreamOptions(lateness=2))
    with pytest.raises(DataError, match="row numbers or None"):
        stream.update("2026-03-01", DATA[0])
    with pytest.raises(ConfigError, match="needs a clock"):
        StreamDetector(stream.detector, StreamOptions(lateness="2h"))


def test_what_cannot_be_streamed_is_refused_with_the_reason() -> None:
    with pytest.raises(NotFittedError):
        StreamDetector(LSTMDetector())
    pytest.importorskip("statsmodels")
    with pytest.raises(ConfigError, match=r"ARIMADetector cannot be streamed.*all rows before"):
        StreamDetector(ARIMADetector(p=1).fit(clocked(DATA.repeat(3, axis=0))))


def test_a_cut_that_needs_later_rows_is_refused() -> None:
    detector = PersistenceDetector(threshold=TelemanomThreshold()).fit(rows(100))
    with pytest.raises(ConfigError, match=r"telemanom.* judges a row together with later ones"):
        StreamDetector(detector)


def test_a_file_serves_as_well_as_the_detector(tmp_path) -> None:
    path = trained("lstm").save(tmp_path / "m.offbeat")
    mine, theirs = StreamDetector(path), StreamDetector(trained("lstm"))
    for row in range(40):
        one, other = (s.update(START + row * STEP, DATA[row]) for s in (mine, theirs))
        np.testing.assert_allclose(one.score, other.score, rtol=1e-6)
