"""Clocks that jump, and time stamps that keep no step."""

from __future__ import annotations

import numpy as np
import pytest

from live_data import START, clocked, joined, rows, streamed, trained
from offbeat import (
    ConfigError,
    LSTMDetector,
    PersistenceDetector,
    Preparation,
    Series,
    StreamDetector,
    StreamOptions,
    Training,
)
from offbeat.grid import regularise
from offbeat.stream import POLICIES
from offbeat.stream.jumping import AHEAD_CONFIRMED, BACK_CONFIRMED

DATA = rows(200, 3)
FAR = np.datetime64("2099-01-01T00:00:00", "ns")


def at(row: float) -> np.datetime64:
    return START + np.timedelta64(int(row * 3600), "s")


def plain(n_rows: int, cuts: tuple[int, ...] = ()) -> np.ndarray:
    return joined(streamed(StreamDetector(trained("lstm")), clocked(DATA[:n_rows]), cuts), "score")


@pytest.mark.parametrize("lateness", [0, "2h"])
def test_one_row_from_2099_harms_nothing_and_is_counted(lateness: object) -> None:
    options = StreamOptions(lateness=lateness)  # type: ignore[arg-type]
    calm, stream = (StreamDetector(trained("lstm"), options) for _ in range(2))
    for row in range(60):
        if row % 20 == 10:
            assert stream.update(FAR, DATA[row] + 5).status == "waiting"
        wanted, found = calm.update(at(row), DATA[row]), stream.update(at(row), DATA[row])
        np.testing.assert_array_equal(found.score, wanted.score)
        assert found.status == wanted.status
        if row % 20 == 10:
            assert found.before[0].status == "ahead"
            assert found.before[0].time == FAR
    assert stream.counts == calm.counts | {"ahead": 3}
    assert set(stream.counts) == set(POLICIES)


def test_in_one_call_too_and_at_the_end() -> None:
    series = clocked(DATA[:60])
    time = np.insert(series.time, [7, 20, 60], FAR)
    values = np.insert(series.values, [7, 20, 60], 9.0, axis=0)
    stream = StreamDetector(trained("lstm"))
    parts = streamed(stream, Series(values, time, series.channels))
    parts.append(stream.finish())
    kept = joined(parts, "status") <= 1
    np.testing.assert_array_equal(joined(parts, "score")[kept], plain(60))
    assert stream.counts["ahead"] == 3


def test_a_long_gap_is_believed_once_the_rows_after_it_agree() -> None:
    later = 50 + 5_000
    stream = StreamDetector(trained("lstm"))
    streamed(stream, clocked(DATA[:50]))
    held = [stream.update(at(later + i), DATA[50 + i]) for i in range(AHEAD_CONFIRMED)]
    assert [each.status for each in held[:-1]] == ["waiting"] * (AHEAD_CONFIRMED - 1)
    assert [each.row for each in (*held[-1].before, held[-1])] == [later, later + 1, later + 2]
    assert stream.counts["ahead"] == 0
    assert stream.counts["missing"] == 5_000


def test_a_clock_that_is_set_back_by_weeks_begins_anew_and_little_is_lost() -> None:
    stream = StreamDetector(trained("lstm"))
    streamed(stream, clocked(DATA[:100]))
    weeks = 24 * 7 * 20
    found = [stream.update(at(100 + i - weeks), DATA[100 + i]) for i in range(100)]
    late = [each.status for each in found[: BACK_CONFIRMED - 1]]
    assert set(late) == {"late"}
    assert {each.status for each in found[-40:]} == {"scored"}
    rows_ = [each.row for each in found[BACK_CONFIRMED - 1 :]]
    assert rows_ == list(range(rows_[0], rows_[0] + len(rows_)))
    assert rows_[0] > 100
    assert stream.counts["set back"] == 1
    assert stream.counts["late"] == BACK_CONFIRMED - 1
    fresh = StreamDetector(trained("lstm"))
    again = [fresh.update(at(100 + i - weeks), DATA[100 + i]) for i in range(29, 100)]
    mine = [each.score for each in found[29:]]
    np.testing.assert_allclose(mine, [each.score for each in again], rtol=1e-5)


def test_rows_that_come_again_after_a_kill_are_late_and_set_no_clock_back() -> None:
    stream = StreamDetector(trained("lstm"))
    streamed(stream, clocked(DATA))
    streamed(stream, clocked(DATA))
    assert stream.counts["set back"] == 0
    assert stream.counts["late"] + stream.counts["repeated"] == len(DATA)


def test_what_is_held_and_what_agrees_is_in_the_checkpoint() -> None:
    stream = StreamDetector(trained("lstm"))
    streamed(stream, clocked(DATA[:50]))
    stream.update(at(3_000), DATA[50])
    again = StreamDetector(trained("lstm"))
    again.restore(stream.state())
    for each in (stream, again):
        each.update(at(3_001), DATA[51])
        last = each.update(at(3_002), DATA[52])
        assert [reading.row for reading in (*last.before, last)] == [3_000, 3_001, 3_002]


# ------------------------------------------------------------ stamps off the grid

HERTZ = np.timedelta64(200, "ms")


def jittered(n_rows: int, away_ms: float, seed: int, kept: float = 1.0) -> Series:
    """Five rows a second whose stamps stray to both sides."""
    draw = np.random.default_rng(seed)
    stray = (draw.uniform(-away_ms, away_ms, n_rows) * 1e6).astype("timedelta64[ns]")
    time = (START + HERTZ * np.arange(n_rows)).astype("datetime64[ns]") + stray
    wave = np.sin(2 * np.pi * np.arange(n_rows) / 25) + draw.normal(0, 0.05, n_rows)
    wave[n_rows // 2] += 4
    some = draw.random(n_rows) < kept
    some[n_rows // 3 : n_rows // 3 + 40] = False
    return Series(wave[some, None], time[some], ("level",))


@pytest.fixture(scope="module")
def five_hertz() -> LSTMDetector:
    time = (START + HERTZ * np.arange(600)).astype("datetime64[ns]")
    wave = np.sin(2 * np.pi * np.arange(600) / 25)
    noise = np.random.default_rng(0).normal(0, 0.05, 600)
    detector = LSTMDetector(window=16, hidden_size=8, training=Training(max_epochs=2))
    detector.preparation = Preparation(step="200ms")
    return detector.fit(Series((wave + noise)[:, None], time, ("level",)))


@pytest.mark.parametrize("lateness", [0, "1s"])
@pytest.mark.parametrize(("away", "kept"), [(20, 1.0), (20, 0.95), (28, 1.0)])
def test_stamps_that_stray_a_little_are_rows_as_in_a_file(
    five_hertz: LSTMDetector, away: float, kept: float, lateness: object, monkeypatch
) -> None:
    series = jittered(500, away, 4, kept)
    if kept == 1.0:  # the step is seen in the rows
        monkeypatch.setattr(five_hertz, "preparation", Preparation())
    stream = StreamDetector(five_hertz, StreamOptions(lateness=lateness))  # type: ignore[arg-type]
    parts = [*streamed(stream, series, (100, 101, 333)), stream.finish()]
    kept_rows = joined(parts, "row") >= 0
    detection = five_hertz.detect(series)
    assert not any("irregular" in note for note in regularise(series).notes)
    np.testing.assert_array_equal(joined(parts, "row")[kept_rows], detection.slot)
    score = np.asarray(detection.score)[detection.slot]
    np.testing.assert_allclose(joined(parts, "score")[kept_rows], score, rtol=1e-5)


@pytest.mark.parametrize("lateness", [0, "2s"])
def test_stamps_without_a_step_are_averaged_as_in_a_file(
    five_hertz: LSTMDetector, lateness: object
) -> None:
    series = jittered(600, 150, 5)
    options = StreamOptions(irregular=True, lateness=lateness)  # type: ignore[arg-type]
    order = np.argsort(series.time, kind="stable")
    if lateness == 0:
        series = Series(series.values[order], series.time[order], series.channels)
    stream = StreamDetector(five_hertz, options)
    parts = [*streamed(stream, series, (100, 101, 333)), stream.finish()]
    detection = five_hertz.detect(series)
    assert any("irregular" in note for note in regularise(series, "200ms").notes)
    kept = joined(parts, "row") >= 0
    slots = np.unique(detection.slot)
    np.testing.assert_array_equal(joined(parts, "row")[kept], slots)
    np.testing.assert_array_equal(
        joined(parts, "time")[kept], np.asarray(detection.series.time)[slots]
    )
    np.testing.assert_allclose(
        joined(parts, "score")[kept], np.asarray(detection.score)[slots], rtol=1e-5
    )
    assert stream.counts["merged"] == len(series) - len(slots) > 50
    assert stream.counts["late"] == 0


def test_irregular_stamps_need_a_clock() -> None:
    with pytest.raises(ConfigError, match="need a clock"):
        StreamDetector(PersistenceDetector().fit(rows(100)), StreamOptions(irregular=True))
