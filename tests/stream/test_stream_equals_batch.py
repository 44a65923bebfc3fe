"""The law of the live side: a stream says what the detector says of the whole file."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from live_data import (
    CHANNELS,
    MAKERS,
    N_TRAIN,
    QUICK,
    clocked,
    joined,
    rows,
    streamed,
    trained,
    trouble,
)
from offbeat import (
    AutoencoderDetector,
    Detection,
    Detector,
    IsolationForestDetector,
    KMeansDetector,
    LSTMAutoencoderDetector,
    OneClassSVMDetector,
    PersistenceDetector,
    RandomDetector,
    Readings,
    SeasonalNaiveDetector,
    Series,
    SmoothedZDetector,
    StreamDetector,
    StreamOptions,
    WindowPCADetector,
)

SAME = {"rtol": 1e-5, "atol": 1e-5}


def assert_same(detector: Detector, series: Series, parts: list[Readings]) -> Detection:
    detection = detector.detect(series)
    slot = detection.slot
    np.testing.assert_array_equal(joined(parts, "row"), slot)
    np.testing.assert_allclose(joined(parts, "score"), detector_score(detector, series), **SAME)
    np.testing.assert_allclose(joined(parts, "threshold"), detection.cut[slot], **SAME)
    for name in ("expected", "lower", "upper"):
        np.testing.assert_allclose(joined(parts, name), getattr(detection, name)[slot], **SAME)
    np.testing.assert_allclose(joined(parts, "shares"), detection.channel_shares[slot], **SAME)
    np.testing.assert_allclose(joined(parts, "values"), detection.series.values[slot], **SAME)
    np.testing.assert_array_equal(joined(parts, "imputed"), detection.imputed[slot])
    return detection


def detector_score(detector: Detector, series: Series) -> np.ndarray:
    score = detector.anomaly_score(series)
    return np.asarray(score["score"] if hasattr(score, "columns") else score, dtype=float)


def assert_same_events(detection: Detection, parts: list[Readings]) -> None:
    live = [e for part in parts for e in part.events if e.kind == "anomaly"]
    closed = [e.event for e in live if e.phase == "closed"]
    assert len(closed) == len(detection.events)
    for mine, theirs in zip(closed, detection.events, strict=True):
        for key, value in theirs.to_dict().items():
            found = mine.to_dict()[key]
            if isinstance(value, (float, dict)):
                assert found == pytest.approx(value, rel=1e-4, abs=1e-4), key
            else:
                assert found == value, key
    opened = [e.id for e in live if e.phase == "opened"]
    assert opened == [e.id for e in live if e.phase == "closed"]
    assert len(set(opened)) == len(opened)


@pytest.mark.parametrize("name", MAKERS)
@settings(max_examples=4, derandomize=True, phases=[Phase.generate])
@given(seed=st.integers(0, 10_000), cuts=st.lists(st.integers(1, 300), max_size=6))
def test_a_stream_equals_the_batch_whatever_the_cut(name: str, seed: int, cuts: list[int]) -> None:
    detector, series = trained(name), trouble(300, seed)
    stream = StreamDetector(detector)
    parts = streamed(stream, series, cuts)
    parts.append(stream.finish())
    assert_same_events(assert_same(detector, series, parts[:-1]), parts)


@pytest.mark.parametrize("name", ["lstm", "flagship"])
def test_one_row_at_a_time_equals_the_batch(name: str) -> None:
    detector, series = trained(name), trouble(200, 7)
    stream = StreamDetector(detector)
    readings = [
        stream.update(time, dict(zip(CHANNELS, values.tolist(), strict=True)))
        for time, values in zip(series.time, series.values, strict=True)
    ]
    score = np.array([reading.score for reading in readings])
    np.testing.assert_allclose(score, detector_score(detector, series), **SAME)
    known = [reading for reading in readings if reading.status == "scored"]
    assert {r.status for r in readings} == {"scored", "no score"}
    for reading in known:
        assert reading.severity == reading.score / reading.threshold
        assert reading.is_alarm == (reading.severity > 1)
        assert sum(share for _, share in reading.channels) == pytest.approx(1) or not reading.score
        assert [s for _, s in reading.channels] == sorted((s for _, s in reading.channels))[::-1]


BOUNDED = [
    PersistenceDetector(),
    SeasonalNaiveDetector(),
    SmoothedZDetector(),
    RandomDetector(),
    WindowPCADetector(),
    KMeansDetector(n_clusters=4),
    OneClassSVMDetector(),
    IsolationForestDetector(n_trees=5),
    AutoencoderDetector(hidden_size=4, training=QUICK),
    LSTMAutoencoderDetector(hidden_size=4, training=QUICK),
]


@pytest.mark.parametrize("kind", BOUNDED, ids=lambda kind: type(kind).__name__)
def test_what_looks_back_a_bounded_way_is_streamed_too(kind: Detector) -> None:
    detector, series = kind.fresh().fit(clocked(rows(N_TRAIN))), trouble(130, 12)
    parts = streamed(StreamDetector(detector), series, (40, 41))
    np.testing.assert_allclose(joined(parts, "score"), detector_score(detector, series), **SAME)


def test_many_series_in_one_step_equal_each_alone() -> None:
    detector = trained("flagship")
    every = {f"pump {i}": trouble(150, 50 + i) for i in range(6)}
    stream = StreamDetector(detector)
    found: dict[str, list[float]] = {name: [] for name in every}
    for row in range(150):  # series have different rows missing, so the batch changes all the time
        now = [name for name, series in every.items() if row < len(series)]
        readings = stream.update_many(
            np.array([every[name].time[row] for name in now]),
            np.array([every[name].values[row] for name in now]),
            now,
        )
        for name, score in zip(readings.series, readings.score, strict=True):
            found[name].append(score)
    for name, series in every.items():
        np.testing.assert_allclose(found[name], detector_score(detector, series), **SAME)


def test_a_gap_of_a_year_costs_no_more_than_what_is_remembered() -> None:
    detector, first = trained("lstm"), trouble(100, 3)
    year = np.timedelta64(365 * 24, "h")
    stream = StreamDetector(detector)
    streamed(stream, first)
    settled = stream._line.engine.settled
    after = streamed(stream, Series(first.values, first.time + year, first.channels))
    assert after[0].row[0] == 365 * 24
    assert stream.counts["missing"] > 8000 > settled
    fresh = streamed(StreamDetector(detector), first)
    np.testing.assert_allclose(joined(after, "score"), joined(fresh, "score"), **SAME)


def test_a_detector_without_a_clock_counts_rows() -> None:
    detector = PersistenceDetector().fit(rows(200))
    data = rows(100, 9)
    stream = StreamDetector(detector)
    score = [stream.update(None, row).score for row in data[:50]]
    score += [stream.update(50 + i, row).score for i, row in enumerate(data[50:])]
    np.testing.assert_allclose(score, detector.anomaly_score(data), **SAME)


def test_what_waits_for_late_rows_is_sorted_and_averaged_as_in_a_file() -> None:
    detector, series = trained("lstm"), trouble(150, 11)
    draw = np.random.default_rng(2)
    order = np.argsort(np.arange(len(series)) + draw.uniform(0, 3, len(series)), kind="stable")
    places = np.insert(order, 60, order[59])  # one row comes twice, with another value
    values = series.values[places]
    values[60] += 1
    messy = Series(values, series.time[places], series.channels)
    stream = StreamDetector(detector, StreamOptions(lateness="4h"))
    parts = [*streamed(stream, messy, range(0, 150, 7)), stream.finish()]
    kept = joined(parts, "status") <= 1
    found = joined(parts, "score")[kept]
    again = np.argsort(np.argsort(messy.time, kind="stable"), kind="stable")
    expected = detector_score(detector, messy)[np.argsort(again)]
    expected = np.delete(
        expected, int(np.argmax(np.diff(np.sort(messy.time)) == np.timedelta64(0)))
    )
    np.testing.assert_allclose(found, expected, **SAME)
    assert stream.counts["reordered"] > 10
    assert stream.counts["merged"] == 1
    assert stream.counts["late"] == 0
