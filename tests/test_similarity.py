"""Similar events: near means the same channels, way, length and severity."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import fake_detection
from offbeat import ConfigError, similar_events
from offbeat.events import Event, leading_channels
from offbeat.rules import EventRules, rules_from_plain
from offbeat.similarity import ALIKE, MARGIN, Precedent, event_distance, precedent_of

EVENT = fake_detection(2_000, 3, with_labels=False).events[0]
SHARES = st.lists(st.floats(0.01, 1), min_size=1, max_size=5)


def made(shares: dict[str, float], **changes: object) -> Event:
    ranked = tuple(sorted(shares.items(), key=lambda pair: -pair[1]))
    return replace(EVENT, channels=ranked, channel=ranked[0][0], **changes)


@given(SHARES, SHARES, st.floats(0.1, 50), st.integers(1, 500))
def test_distance_is_symmetric_and_nothing_is_far_from_itself(one, other, severity, length) -> None:
    first = made({f"c{i}": share for i, share in enumerate(one)}, severity=severity)
    second = made({f"c{i}": s for i, s in enumerate(other)}, end=EVENT.start + length)
    assert event_distance(first, first) == pytest.approx(0, abs=1e-6)
    assert event_distance(first, second) == pytest.approx(event_distance(second, first))


def test_strangers_are_one_apart_and_each_difference_counts() -> None:
    one = made({"a": 1.0}, direction="above")
    assert event_distance(one, made({"b": 1.0}, direction="above")) == pytest.approx(1)
    for other in (
        made({"a": 0.7, "b": 0.3}, direction="above"),
        made({"a": 1.0}, direction="below"),
        made({"a": 1.0}, direction="above", end=EVENT.end + 100),
        made({"a": 1.0}, direction="above", severity=9.0),
    ):
        assert 0 < event_distance(one, other) < 1


def test_leading_channels_make_up_half() -> None:
    assert leading_channels(made({"a": 0.6, "b": 0.4})) == ("a",)
    assert leading_channels(made({"a": 0.4, "b": 0.3, "c": 0.3})) == ("a", "b")


def test_the_nearest_past_events_come_first() -> None:
    detection = fake_detection(4_000, 2, with_labels=False, n_events=8)
    detection.muted_events = detection.events[1:2]
    detection.events = (*detection.events[:1], *detection.events[2:])
    last = detection.events[-1]
    found = similar_events(detection, last, k=3)
    assert [each.distance for each in found] == sorted(each.distance for each in found)
    assert all(each.event.end_time < last.start_time for each in found)
    assert found[0].event.channel == last.channel
    everything = similar_events(detection, detection.events[0], k=99, past_only=False)
    assert len(everything) == 7
    assert not similar_events(detection, detection.events[0])
    with pytest.raises(ConfigError):
        similar_events(detection, last, k=0)


def precedent(verdict: str, shares: dict[str, float], severity: float = 2.0) -> Precedent:
    return precedent_of(made(shares, severity=severity), verdict)  # type: ignore[arg-type]


def test_what_is_like_a_false_alarm_is_muted_up_to_its_severity() -> None:
    rules = EventRules(precedents=(precedent("false alarm", {"a": 0.9, "b": 0.1}),))
    for severity, is_muted in ((1.5, True), (2.0 * MARGIN, True), (2.6, False)):
        heard, muted = rules.heard_and_muted([made({"a": 1.0}, severity=severity)], None)
        assert (len(heard), len(muted)) == (int(not is_muted), int(is_muted))
    assert "like the false alarm at 2026-03-0" in muted[0].muted_by if muted else True
    heard, _ = rules.heard_and_muted([made({"b": 1.0}, severity=1.1)], None)
    assert heard


def test_a_true_alarm_protects_what_is_nearer_to_it() -> None:
    false, right = (
        precedent("false alarm", {"a": 1.0}),
        precedent("true alarm", {"a": 0.9, "b": 0.1}),
    )
    event = made({"a": 0.91, "b": 0.09}, severity=1.2)
    assert event_distance(event, false) < ALIKE
    assert EventRules(precedents=(false,)).heard_and_muted([event], None)[1]
    assert EventRules(precedents=(false, right)).heard_and_muted([event], None)[0]


def test_rules_come_back_from_their_json() -> None:
    known = precedent("false alarm", {"a": 0.9, "b": 0.1})
    plain = {"min_length": 2, "mutes": [], "precedents": [known.to_dict()]}
    assert rules_from_plain(**plain) == EventRules(min_length=2, precedents=(known,))


@pytest.mark.parametrize(
    "wrong",
    [
        {"verdict": "missed"},
        {"length": 0},
        {"severity": 0.0},
        {"channels": ()},
        {"direction": "up"},
    ],
    ids=str,
)
def test_precedents_that_cannot_be(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        replace(precedent("false alarm", {"a": 1.0}), **wrong)


def test_a_row_number_is_no_time_stamp() -> None:
    detection = fake_detection(2_000, 2, with_labels=False, clock=False)
    detection.muted_events = ()
    with pytest.raises(ValueError, match="cannot be compared"):
        similar_events(detection, EVENT)
    assert np.datetime64("2026-03-01") < EVENT.start_time
