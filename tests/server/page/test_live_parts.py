"""What the room of the watchers is made of, without a browser."""

from __future__ import annotations

from dataclasses import replace

import pytest
from live_watching import by_library, pump

from live_data import trained
from offbeat import ConfigError, StreamDetector
from offbeat.connect.outcome import plain_readings
from offbeat.server.page.live import state_of
from offbeat.server.page.livechart import live_figure
from offbeat.server.page.newwatcher import request_from
from offbeat.server.records import WatcherRecord
from offbeat.server.workbench.moments import moment_number

RECORD = WatcherRecord(
    id="w", name="w", source="machine:", sinks=(), models=(), fields={}, options={},
    state="running", problem=None, note=None, restarts=0, rows=0, refused=0, last_refused=(),
    events=0, open_events=0, severity=None, last_time=None, last_at=None, lag=None, in_use={},
    series=(), created_at="", created_by="",
)  # fmt: skip


def test_a_form_is_what_the_api_takes():
    filled = {"name": " Pumps ", "source": "machine:", "model": "m", "pattern": "*", "zone": ""}
    more = {"values": "flow=/data/flow,level", "sinks": "notify:json://a\n redis://b/c\n"}
    made = request_from(filled | more | {"lateness": "30s"})
    assert (made.name, made.models, made.options) == ("Pumps", [("*", "m")], {"lateness": "30s"})
    assert made.fields["values"] == {"flow": "/data/flow", "level": "level"}
    assert made.sinks == ["notify:json://a", "redis://b/c"]
    with pytest.raises(ConfigError, match="twice"):
        request_from(filled | {"values": "a,a"})


def test_what_is_off_or_waits_is_said_before_that_it_runs():
    assert state_of(RECORD)[0] == "watching"
    assert state_of(replace(RECORD, note="the broker is away"))[0] == "waiting"
    assert state_of(replace(RECORD, note="x", open_events=1))[0] == "off"
    assert state_of(replace(RECORD, state="failed", open_events=1)) == ("failed", "alert")


def test_the_chart_shows_the_readings_and_shades_what_is_seen_of_events():
    series = pump(80)
    said = by_library(StreamDetector(trained("linear")), series)
    readings = plain_readings(said)[20:]
    first = moment_number(readings[0]["time"])
    events = [
        {"kind": "anomaly", "start": first - 5, "end": first + 10**13},
        {"kind": "anomaly", "start": first - 9, "end": first - 8},
        {"kind": "drift", "start": first, "end": first},
    ]
    figure = live_figure(readings, events, ["flow", "level"])
    (box,) = figure.layout.shapes
    assert box.x0 == figure.layout.xaxis.range[0]
    score = next(trace for trace in figure.data if trace.name == "score")
    assert list(score.y) == pytest.approx(said.score[20:], nan_ok=True)
    measured = next(trace for trace in figure.data if trace.name == "measured")
    assert list(measured.y) == [each["values"]["flow"] for each in readings]
    assert len(live_figure(readings[:1], [], ["flow"]).data) >= 3
