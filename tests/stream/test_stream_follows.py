"""What follows the data: a rolling cut, drift, a new model beside the old one, flat memory."""

from __future__ import annotations

import copy
from datetime import timedelta

import numpy as np
import pytest

from live_data import START, STEP, clocked, joined, rows, streamed, trained, trouble
from offbeat import (
    ConfigError,
    DataError,
    Detector,
    EventRules,
    PersistenceDetector,
    Series,
    StreamDetector,
    StreamOptions,
    parse_mute,
)
from offbeat.thresholds import (
    PercentileThreshold,
    RollingThreshold,
    ScaledThreshold,
    SigmaThreshold,
)


def with_cut(cut: object) -> Detector:
    return copy.deepcopy(trained("lstm")).set_threshold(cut)


@pytest.mark.parametrize(
    "cut",
    [
        RollingThreshold(span=40, every=7),
        RollingThreshold(span=timedelta(days=2), base=PercentileThreshold(95.0)),
        ScaledThreshold(1.3, RollingThreshold(span=30)),
        ScaledThreshold(0.7, SigmaThreshold(2.0)),
    ],
)
def test_a_cut_that_moves_is_the_cut_of_the_file(cut) -> None:
    detector = with_cut(cut)
    for seed in (4, 21):
        series = trouble(300, seed)
        parts = streamed(StreamDetector(detector), series, (100, 101, 230))
        detection = detector.detect(series)
        np.testing.assert_allclose(
            joined(parts, "threshold"), detection.cut[detection.slot], rtol=1e-5
        )


def test_frozen_it_stays_and_learns_nothing() -> None:
    detector = with_cut(RollingThreshold(span=40))
    series = clocked(rows(300, 8))
    stream = StreamDetector(detector)
    streamed(stream, series.rows(0, 100))
    stream.freeze()
    still = joined(streamed(stream, series.rows(100, 200)), "threshold")
    assert len(np.unique(still)) == 1
    stream.freeze(False)
    moves = joined(streamed(stream, series.rows(200, 300)), "threshold")
    assert len(np.unique(moves)) > 1


def test_drift_of_the_scores_is_measured_and_said() -> None:
    detector = trained("lstm")
    options = StreamOptions(drift_span=400)
    calm, moved = StreamDetector(detector, options), StreamDetector(detector, options)
    learned = rows(480)
    streamed(calm, clocked(learned))
    assert not calm.drift().drifted
    noisy = learned.copy()
    noisy[:, :2] += np.random.default_rng(0).normal(0, 0.4, (480, 2))
    events = [e for part in streamed(moved, clocked(noisy)) for e in part.events]
    (opened,) = (event for event in events if event.kind == "drift")
    assert opened.phase == "opened"
    assert "retrain" in opened.message
    assert moved.drift().drifted
    assert moved.drift().above > 0.8
    assert 200 < moved.drift().n_rows < 400


def test_an_event_shorter_than_asked_for_is_never_said() -> None:
    detector = copy.deepcopy(trained("lstm"))
    detector.rules = EventRules(merge_gap=2, min_length=4)
    detector.set_threshold(PercentileThreshold(97.0))
    for seed in (3, 21):
        series = trouble(300, seed)
        stream = StreamDetector(detector)
        parts = [*streamed(stream, series, range(0, 300, 9)), stream.finish()]
        closed = [e.event for p in parts for e in p.events if e.phase == "closed" and e.event]
        wanted = detector.detect(series).events
        assert [(e.start, e.end) for e in closed] == [(e.start, e.end) for e in wanted]
        opened = [e.id for p in parts for e in p.events if e.phase == "opened" and e.event]
        assert len(opened) == len(set(opened)) == len(wanted)


def test_muted_events_say_so() -> None:
    detector = copy.deepcopy(trained("lstm"))
    detector.rules = EventRules(mutes=(parse_mute("2026-03-01..2027-01-01"),))
    stream = StreamDetector(detector)
    parts = [*streamed(stream, trouble(220, 21)), stream.finish()]
    events = [e.event for part in parts for e in part.events if e.event is not None]
    assert events
    assert all(event.muted_by for event in events)
    counted = PersistenceDetector(rules=detector.rules).fit(rows(100))
    with pytest.raises(ConfigError, match="needs data with a time column"):
        StreamDetector(counted)


def shifted(n_rows: int, seed: int) -> Series:
    """Another daily shape than the one that was learned."""
    values = rows(n_rows, seed)
    values[:, :2] = np.sign(values[:, :2]) + np.random.default_rng(seed).normal(
        0, 0.05, (n_rows, 2)
    )
    return clocked(values)


def test_a_better_model_is_taken_without_a_gap_and_can_be_rolled_back(tmp_path) -> None:
    series = shifted(500, 2)
    stream = StreamDetector(trained("lstm"), StreamOptions(history=360))
    streamed(stream, series.rows(0, 440))
    assert len(stream.history()) == 360
    retraining = stream.retrain()
    assert retraining.error_after < retraining.error_before
    assert retraining.is_better
    assert "taken" in retraining.message
    assert stream.detector is retraining.detector is not trained("lstm")
    after = streamed(stream, series.rows(440, 500))
    assert joined(after, "row").tolist() == list(range(440, 500))
    expected = retraining.detector.anomaly_score(series.rows(80, 500))
    scores = np.asarray(expected["score"] if hasattr(expected, "columns") else expected)[360:]
    assert not np.isnan(scores).any()
    np.testing.assert_allclose(joined(after, "score"), scores, rtol=1e-5, atol=1e-5)
    again = StreamDetector(trained("lstm"), stream.options)
    again.restore(stream.state().write(tmp_path / "c"))  # the new model is in the checkpoint
    assert again.detector is not trained("lstm")
    one, other = (s.update(START + 500 * STEP, series.values[0]) for s in (stream, again))
    assert one.score == other.score
    again.roll_back()
    stream.roll_back()
    assert stream.detector is again.detector is trained("lstm")
    assert not np.isnan(stream.update(START + 501 * STEP, series.values[0]).score)
    with pytest.raises(ConfigError, match="no earlier model"):
        stream.roll_back()


def test_a_worse_model_is_left_out() -> None:
    values = rows(700, 5)
    stream = StreamDetector(trained("lstm"), StreamOptions(history=200))
    broken = values[:200].copy()
    broken[:160, :2] = np.random.default_rng(1).normal(0, 1, (160, 2))  # teaches nothing
    streamed(stream, clocked(broken))
    retraining = stream.retrain_aside(held_back=0.2).result(60)
    assert not retraining.is_better
    assert "worse" in retraining.message
    assert not stream.adopt(retraining)
    assert stream.detector is trained("lstm")


def test_retraining_needs_a_history() -> None:
    stream = StreamDetector(trained("lstm"))
    streamed(stream, clocked(rows(30)))
    with pytest.raises(ConfigError, match="no history is kept"):
        stream.retrain()
    kept = StreamDetector(trained("lstm"), StreamOptions(history=8))
    streamed(kept, clocked(rows(30)))
    with pytest.raises(ConfigError, match="held_back"):
        kept.retrain_aside(held_back=1.0)
    with pytest.raises(DataError, match="6 rows; at least"):
        kept.retrain()


@pytest.mark.parametrize("name", ["flagship", "point"])
def test_memory_is_flat(name: str) -> None:
    detector = copy.deepcopy(trained(name)).set_threshold(RollingThreshold(span=40))
    stream = StreamDetector(detector, StreamOptions(history=50, lateness="2h"))
    streamed(stream, trouble(300, 1), name="a")
    line = stream._line
    before, text = line.n_bytes(), len(str(stream.state().plain))
    for seed in range(5):
        later = trouble(300, seed)
        hours = np.timedelta64((seed + 1) * 400, "h")
        streamed(stream, Series(later.values, later.time + hours, later.channels), name="a")
    assert line.n_bytes() == before
    assert len(line.engine.open) <= 1
    assert len(str(stream.state().plain)) < text + 2000
