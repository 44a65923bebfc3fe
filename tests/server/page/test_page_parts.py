"""What the page is made of, without a browser."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

import contract
from fakes import fake_detection
from offbeat import ConfigError, SmoothedZDetector
from offbeat.figures import cut_figure, cut_histogram_figure, values_figure
from offbeat.figures.movable import CUT_LINE, cut_range
from offbeat.server.example import MODEL, RECORDING
from offbeat.server.page.quiet import mute_from_form
from offbeat.server.page.sparkline import sparkline
from offbeat.server.page.standing import summary_of
from offbeat.server.page.training import DEFAULTS, request_from
from offbeat.server.page.when import ago
from offbeat.thresholds import FixedThreshold, RollingThreshold

EXAMPLES = Path(__file__).parents[3] / "examples" / "machine"
EMPTY = dict.fromkeys(("start", "end", "first", "last", "zone", "channels", "note"), "")


def test_the_example_is_the_recording_of_the_examples():
    assert RECORDING.read_bytes() == (EXAMPLES / "machine.parquet").read_bytes()
    assert MODEL.stat().st_size < 600_000


@pytest.fixture(scope="module")
def detection():
    data = contract.waves()
    data[700:730, 0] += 3
    return SmoothedZDetector().fit(data[:500]).detect(data)


def test_a_fixed_cut_is_one_line_and_a_moving_one_stays_a_curve(detection):
    detection = detection.with_threshold(FixedThreshold(2.0))
    figure = cut_figure(detection)
    (line,) = [shape for shape in figure.layout.shapes if shape.name == CUT_LINE]
    assert (line.y0, line.y1, line.editable) == (2.0, 2.0, True)
    assert "cut" not in [trace.name for trace in figure.data]
    curve = cut_figure(detection.with_threshold(RollingThreshold(200)))
    assert "cut" in [trace.name for trace in curve.data]
    (line,) = cut_histogram_figure(detection).layout.shapes
    assert (line.x0, line.x1) == (2.0, 2.0)


def test_the_slider_reaches_from_the_usual_to_above_the_peak(detection):
    low, high = cut_range(detection)
    assert 0 < low < np.nanmedian(detection.cut) < high
    assert high > np.nanmax(detection.score)


def test_values_are_shown_before_anything_is_learned():
    series = fake_detection(500, 6, False).series
    figure = values_figure(series)
    assert len(figure.data) == 4
    assert len(values_figure(series, series.channels[:1]).data) == 1


def test_a_summary_has_the_highest_of_each_step(detection):
    summary = summary_of(detection)
    severity = detection.score / detection.cut
    assert summary.severity == np.nanmax(severity)
    assert np.nanmax(summary.course) == summary.severity
    assert summary.n_events == len(detection.events)


def test_a_sparkline_has_a_path_for_what_is_over_the_limit():
    drawn = sparkline(np.array([0.2, np.nan, 0.4, 1.5, 2.0, 0.3]))
    over = drawn.split('class="over" d="')[1].split('"')[0]
    assert over.count("M") == 1
    assert over.count("L") == 1
    assert "nan" not in drawn
    assert sparkline(np.full(5, np.nan)) == ""


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        ("2026-03-01T11:59:30+00:00", "just now"),
        ("2026-03-01T11:40:00+00:00", "20 min ago"),
        ("2026-03-01T09:00:00+00:00", "3 h ago"),
        ("2026-02-28T10:00:00+00:00", "1 day ago"),
        ("2025-12-24T10:00:00+00:00", "2025-12-24"),
    ],
)
def test_moments_are_said_as_people_say_them(moment, text):
    assert ago(moment, datetime(2026, 3, 1, 12, tzinfo=UTC)) == text


def test_a_form_becomes_a_request():
    given = {
        **DEFAULTS,
        "share": "100",
        "exclude": "10..20, 30..40",
        "window": "50",
        "set": "preparation.outliers=apply; horizon=4",
        "covariates": "a, b",
    }
    request = request_from(given, has_clock=False)
    assert request.train is None
    assert request.exclude == ((10, 20), (30, 40))
    assert request.covariates == ("a", "b")
    assert request.settings == (
        *("training.max_epochs=30", "window=50"),
        *("preparation.outliers=apply", "horizon=4"),
    )
    assert request_from({**given, "share": "40"}, has_clock=True).train == 0.4
    with pytest.raises(ConfigError, match=r"start\.\.end"):
        request_from({**given, "exclude": "yesterday"}, has_clock=True)
    with pytest.raises(ConfigError, match="row"):
        request_from({**given, "until": "soon"}, has_clock=False)


def test_a_form_becomes_a_mute():
    made = mute_from_form({**EMPTY, "days": ["Mon", "Tue"], "start": "02:00", "end": "03:00"})
    assert made.text == "Mon,Tue 02:00-03:00"
    noted = mute_from_form({**EMPTY, "days": [], "channels": "a,b", "note": " backup "})
    assert (noted.channels, noted.note) == (("a", "b"), "backup")
    with pytest.raises(ConfigError):
        mute_from_form({**EMPTY, "days": []})
