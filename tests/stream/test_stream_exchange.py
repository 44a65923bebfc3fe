"""A cut, a mute or a model is exchanged between two rows, and nothing is forgotten."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from live_data import START, STEP, clocked, joined, rows, streamed, trained
from offbeat import (
    ARDetector,
    ConfigError,
    EventRules,
    Readings,
    Series,
    StreamDetector,
    StreamOptions,
    parse_mute,
    parse_threshold,
)
from offbeat.stream.teaching import exchange

AT, N_ROWS = 90, 160


@pytest.fixture(scope="module")
def series() -> Series:
    values = rows(N_ROWS, 7)
    values[88:94, 0] += 8  # an event that is open when the exchange comes
    return clocked(values)


def changed(text: str | None = None, **params: object) -> ARDetector:
    made = copy.copy(trained("linear")).set_params(**params)
    return made if text is None else made.set_threshold(parse_threshold(text))


def halves(stream: StreamDetector, series: Series, new: ARDetector, **how: bool) -> list[Readings]:
    before = streamed(stream, series.rows(0, AT))
    exchange(stream, new, **how)
    return before + streamed(stream, series.rows(AT, N_ROWS))


@pytest.mark.parametrize("cut", ["percentile:90", "rolling:3d"])
def test_another_cut_keeps_scores_counts_and_open_events(series: Series, cut: str) -> None:
    whole = streamed(StreamDetector(trained("linear")), series)
    stream = StreamDetector(trained("linear"))
    parts = halves(stream, series, changed(cut), same_model=True)
    assert np.array_equal(joined(parts, "score"), joined(whole, "score"), equal_nan=True)
    assert joined(parts, "row").tolist() == list(range(N_ROWS))
    assert not np.array_equal(joined(parts, "threshold")[AT:], joined(whole, "threshold")[AT:])
    ids = [{event.id for event in part.events if event.kind == "anomaly"} for part in parts]
    assert ids[0] & ids[1]
    assert stream.counts["scored"] == N_ROWS


def test_a_rolling_cut_stays_where_it_is_when_only_mutes_change(series: Series) -> None:
    rolling = changed("rolling:2d")
    whole = streamed(StreamDetector(rolling), series)
    quiet = EventRules(mutes=(parse_mute("channels=pressure"),))
    stream = StreamDetector(rolling)
    parts = halves(stream, series, changed("rolling:2d", rules=quiet), same_model=True)
    assert np.array_equal(joined(parts, "threshold"), joined(whole, "threshold"))
    muted = [each.event.muted_by for each in parts[1].events if each.event is not None]
    assert any(muted)
    again = StreamDetector(stream.detector)
    again.restore(stream.state())  # a checkpoint holds no model, as none was retrained
    assert "retrained" not in stream.state().plain


def test_another_model_begins_on_the_history(series: Series) -> None:
    other = ARDetector().fit(clocked(rows(300, 3)))
    stream = StreamDetector(trained("linear"), StreamOptions(history=100))
    parts = halves(stream, series, other, same_model=False)
    alone = streamed(StreamDetector(other), series)
    assert joined(parts, "score")[AT:] == pytest.approx(joined(alone, "score")[AT:], rel=1e-6)
    assert stream.detector is other


def test_another_model_before_the_first_row_is_as_if_made_with_it(series: Series) -> None:
    other = ARDetector().fit(clocked(rows(300, 3)))
    stream = StreamDetector(trained("linear"), StreamOptions(history=100))
    exchange(stream, other, same_model=False)
    parts, alone = streamed(stream, series), streamed(StreamDetector(other), series)
    assert np.array_equal(joined(parts, "score"), joined(alone, "score"), equal_nan=True)


def test_what_cannot_go_on_is_refused_and_changes_nothing(series: Series) -> None:
    stream = StreamDetector(trained("linear"))
    with pytest.raises(ConfigError, match="history"):
        exchange(stream, trained("linear"), same_model=False)
    slower = START + 2 * STEP * np.arange(300)
    other = ARDetector().fit(Series(rows(300), slower.astype("datetime64[ns]"), series.channels))
    with pytest.raises(ConfigError, match="another step"):
        exchange(stream, other, same_model=True)
    with pytest.raises(ConfigError, match="later ones"):
        exchange(stream, changed("telemanom"), same_model=True)
    assert stream.detector is trained("linear")
