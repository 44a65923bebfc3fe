"""Figures: what is drawn, that it stays small, and that names from the data cannot harm."""

from __future__ import annotations

import itertools
import json

import numpy as np
import plotly.graph_objects as go
import pytest

from fakes import METHODS, fake_detection
from offbeat import figures
from offbeat.errors import ConfigError, DataError
from offbeat.figures.canvas import MARGIN_PX, log_ticks, short, shown_time
from offbeat.runs import label_runs
from offbeat.stamps import local_time

ALL = (
    figures.series_figure,
    figures.overview_figure,
    figures.score_figure,
    figures.share_figure,
    figures.histogram_figure,
    figures.training_figure,
)
NASTY = ("<script>alert(1)</script>", "a %{y} & <b>b</b>", "x" * 300, "naïve\nname", "${x}")


def lines_of(figure: go.Figure, name: str) -> list[go.Scatter]:
    return [trace for trace in figure.data if trace.name == name]


def titles_of(figure: go.Figure) -> list[str]:
    return [note.text for note in figure.layout.annotations]


@pytest.mark.parametrize("draw", ALL)
@pytest.mark.parametrize("n_channels", [1, 3, 12])
@pytest.mark.parametrize("clock", [True, False])
def test_every_figure_is_drawn_and_is_valid(draw, n_channels, clock):
    figure = draw(fake_detection(800, n_channels, True, clock=clock))
    assert isinstance(figure, go.Figure)
    json.loads(figure.to_json())
    assert figure.layout.paper_bgcolor is None  # the template's: transparent
    assert figure.layout.template.layout.paper_bgcolor == "rgba(0,0,0,0)"


@pytest.mark.parametrize("draw", ALL)
def test_figures_without_events(draw):
    json.loads(draw(fake_detection(800, 2, False, n_events=0)).to_json())


class TestSeries:
    def test_measured_expected_band_and_filled_values_are_there(self):
        detection = fake_detection(800, 1, False)
        figure = figures.series_figure(detection)
        measured = lines_of(figure, "measured")[0]
        assert np.array_equal(measured.y, detection.series.values[:, 0], equal_nan=True)
        assert np.array_equal(lines_of(figure, "expected")[0].y, detection.expected[:, 0])
        assert len(lines_of(figure, "expected band")) == 1
        filled = lines_of(figure, "filled in")[0]
        assert len(filled.x) == detection.imputed.sum() == 5

    def test_gaps_are_gaps(self):
        detection = fake_detection(800, 1, False)
        figure = figures.series_figure(detection)
        measured = lines_of(figure, "measured")[0]
        assert np.isnan(measured.y).any()
        assert not measured.connectgaps

    def test_the_band_is_closed_apart_on_both_sides_of_a_gap(self):
        detection = fake_detection(800, 1, False)
        detection.lower[300:310] = np.nan
        band = lines_of(figures.series_figure(detection), "expected band")[0]
        assert band.fill == "toself"
        assert list(band.x).count(None) == 1
        assert len(band.x) == 2 * (800 - 10) + 1

    def test_the_most_involved_channels_come_first_and_the_others_are_named(self):
        detection = fake_detection(2_000, 9, False, n_events=2)
        figure = figures.series_figure(detection)
        titles = titles_of(figure)
        assert titles[0] == "<b>channel 2</b>"  # its event is the larger one
        assert titles[1] == "<b>channel 1</b>"
        assert len(lines_of(figure, "measured")) == 6
        assert titles[-1].startswith("Not shown: ")
        shown = {trace.meta[0] for trace in lines_of(figure, "measured")}
        for channel in set(detection.series.channels) - shown:
            assert channel in titles[-1].replace("<br>", " ")

    def test_channels_can_be_chosen_and_a_wrong_one_is_named(self):
        detection = fake_detection(500, 9, False)
        figure = figures.series_figure(detection, channels=["channel 9", "channel 4"])
        assert [t.meta[0] for t in lines_of(figure, "measured")] == ["channel 9", "channel 4"]
        with pytest.raises(DataError, match=r"chanel 4.*did you mean 'channel 4'"):
            figures.series_figure(detection, channels=["chanel 4"])

    def test_events_are_shaded_and_labels_have_their_own_strip(self):
        detection = fake_detection(800, 2, True)
        figure = figures.series_figure(detection)
        events = [shape for shape in figure.layout.shapes if shape.name == "event"]
        assert len(events) == len(detection.events)
        assert (events[0].y0, events[0].y1) == (0, 1)
        assert "<b>marked as anomaly</b>" in titles_of(figure)
        strips = [shape for shape in figure.layout.shapes if shape.name is None]
        assert len(strips) == len(label_runs(detection.series.label)) + 1  # and the learned part
        assert all(shape.y1 - shape.y0 < 0.05 for shape in strips)

    def test_without_labels_there_is_no_strip_for_them(self):
        figure = figures.series_figure(fake_detection(800, 2, False))
        assert "<b>marked as anomaly</b>" not in titles_of(figure)

    def test_a_covariate_has_no_band(self):
        detection = fake_detection(800, 2, False)
        for part in (detection.expected, detection.lower, detection.upper):
            part[:, 1] = np.nan
        figure = figures.series_figure(detection)
        assert len(lines_of(figure, "expected")) == 1
        assert len(lines_of(figure, "measured")) == 2

    def test_lanes_do_not_overlap(self):
        layout = figures.overview_figure(fake_detection(800, 12, True)).layout
        axes = [layout[key] for key in layout if str(key).startswith("yaxis")]
        domains = sorted(axis.domain for axis in axes)
        assert len(domains) == 6 + 1 + 2
        assert all(one[1] < other[0] for one, other in itertools.pairwise(domains))


@pytest.fixture(scope="module")
def detection():
    """A million rows."""
    return fake_detection(1_000_000, 2, True, n_events=40)


class TestLongSeries:
    def test_a_million_rows_stay_small_and_keep_their_peaks(self, detection):
        figure = figures.series_figure(detection)
        assert len(figure.to_json()) < 3_000_000
        for trace in lines_of(figure, "measured"):
            column = detection.series.channels.index(trace.meta[0])
            values = detection.series.values[:, column]
            assert np.nanmax(trace.y) == np.nanmax(values)
            assert np.nanmin(trace.y) == np.nanmin(values)
            assert len(trace.y) < 5_000

    def test_every_event_keeps_its_peak(self, detection):
        figure = figures.score_figure(detection)
        assert len(figure.to_json()) < 1_500_000
        shown = dict(
            zip(lines_of(figure, "score")[0].x, lines_of(figure, "score")[0].y, strict=True)
        )
        for event in detection.events:
            peak = shown_time(np.array([event.peak_time]), None)[0]
            assert shown[peak] == event.score

    def test_very_many_events_are_cut_to_the_worst(self):
        figure = figures.score_figure(fake_detection(100_000, 1, False, n_events=900))
        events = [shape for shape in figure.layout.shapes if shape.name == "event"]
        assert len(events) == 400


class TestScore:
    def test_score_and_cut(self):
        detection = fake_detection(800, 2, False)
        figure = figures.score_figure(detection)
        assert np.array_equal(lines_of(figure, "score")[0].y, detection.score, equal_nan=True)
        assert np.array_equal(lines_of(figure, "cut")[0].y, detection.cut)
        assert len(lines_of(figure, "peak of an event")[0].x) == len(detection.events)
        assert any(shape.name == "not scored" for shape in figure.layout.shapes)

    def test_the_axis_can_be_logarithmic(self):
        detection = fake_detection(800, 2, False)
        assert figures.score_figure(detection, axis="log").layout.yaxis.type == "log"
        with pytest.raises(ConfigError, match="axis='logarithmic'"):
            figures.score_figure(detection, axis="logarithmic")


class TestHistogram:
    def test_every_candidate_has_a_line_and_a_label_of_its_own(self):
        figure = figures.histogram_figure(fake_detection(2_000, 2, False))
        assert len(figure.layout.shapes) == len(METHODS)
        assert sorted(shape.x0 for shape in figure.layout.shapes) == sorted(c for _, c in METHODS)
        assert len(figure.layout.yaxis2.ticktext) == len(METHODS)

    def test_labels_do_not_overlap(self):
        figure = figures.histogram_figure(fake_detection(2_000, 2, False))
        low, high = figure.layout.yaxis2.domain
        inner = figure.layout.height - MARGIN_PX["t"] - MARGIN_PX["b"]
        apart = (high - low) * inner / len(figure.layout.yaxis2.tickvals)
        assert apart >= 18  # pixels, for text of 12
        assert len(set(figure.layout.yaxis2.tickvals)) == len(METHODS)
        assert max(len(text) for text in figure.layout.yaxis2.ticktext) <= 22 + len("<b></b>")

    def test_the_cut_in_force_is_marked_even_if_no_candidate(self):
        detection = fake_detection(2_000, 2, False)
        bold = [t for t in figures.histogram_figure(detection).layout.yaxis2.ticktext if "<b>" in t]
        assert bold == ["<b>1 false alarm a week</b>"]
        detection.threshold.title = "fixed at 1"
        ticks = figures.histogram_figure(detection).layout.yaxis2.ticktext
        assert len(ticks) == len(METHODS) + 1
        assert "<b>fixed at 1</b>" in ticks

    def test_shares_add_up_to_all_rows(self):
        figure = figures.histogram_figure(fake_detection(2_000, 2, False))
        assert lines_of(figure, "histogram")[0].y.sum() == pytest.approx(100)
        assert len(lines_of(figure, "density")) == 1

    def test_far_cuts_get_a_logarithmic_axis(self):
        detection = fake_detection(2_000, 2, False)
        rows = detection.threshold_table()
        rows[0].cut = 80.0
        figure = figures.histogram_figure(detection, rows)
        assert figure.layout.xaxis.type == "log"
        assert lines_of(figure, "histogram")[0].y.sum() == pytest.approx(100)

    def test_constant_scores_have_no_density_and_two_are_needed(self):
        detection = fake_detection(2_000, 2, False)
        detection.calibration.score = np.full(50, 0.25)
        assert not lines_of(figures.histogram_figure(detection), "density")
        detection.calibration.score = np.array([0.2, np.nan])
        with pytest.raises(DataError, match="two finite training scores"):
            figures.histogram_figure(detection)


class TestPrecisionRecall:
    def test_curves_lie_between_0_and_1_and_recall_falls(self):
        figure = figures.precision_recall_figure(fake_detection(2_000, 2, True))
        for name in ("precision", "recall", "F1"):
            values = lines_of(figure, name)[0].y
            assert ((values >= 0) & (values <= 1)).all()
        assert (np.diff(lines_of(figure, "recall")[0].y) <= 0).all()
        assert (np.diff(lines_of(figure, "recall")[0].x) > 0).all()
        assert list(lines_of(figure, "cut in force")[0].x) == [1.0, 1.0]

    def test_a_long_curve_stays_small(self):
        figure = figures.precision_recall_figure(fake_detection(100_000, 1, True))
        assert len(lines_of(figure, "recall")[0].x) <= 1_000

    def test_without_labels_it_says_what_is_missing(self):
        detection = fake_detection(500, 1, False)
        with pytest.raises(DataError, match="label column"):
            figures.precision_recall_figure(detection)


class TestShares:
    def test_shares_add_up_to_100(self):
        figure = figures.share_figure(fake_detection(2_000, 3, False))
        total = sum(np.asarray(trace.y) for trace in figure.data)
        assert ((np.abs(total - 100) < 0.01) | (total == 0)).all()
        assert (total == 0).any()  # the gap

    def test_eight_are_named_and_the_rest_is_one_area(self):
        figure = figures.share_figure(fake_detection(2_000, 20, False))
        assert len(figure.data) == 9
        assert figure.data[-1].name == "12 others"

    def test_height_by_score_reaches_the_severity(self):
        detection = fake_detection(2_000, 3, False)
        figure = figures.share_figure(detection, height="score")
        total = sum(np.asarray(trace.y) for trace in figure.data)
        assert total.max() == pytest.approx(max(e.severity for e in detection.events), abs=0.01)

    def test_signals(self):
        detection = fake_detection(600, 2, False)
        detection.signals = ("forecast error", "rate of change")
        detection.signal_shares = np.tile([0.75, 0.25], (600, 1))
        figure = figures.share_figure(detection, of="signals")
        assert [trace.name for trace in figure.data] == ["forecast error", "rate of change"]

    def test_a_covariate_has_no_share(self):
        detection = fake_detection(600, 3, False)
        detection.channel_shares[:, 2] = np.nan
        figure = figures.share_figure(detection)
        area = next(trace for trace in figure.data if trace.meta[0] == "channel 3")
        assert not np.asarray(area.y).any()


class TestTraining:
    def test_the_best_epoch_is_marked(self):
        detection = fake_detection(600, 1, False)
        best = lines_of(figures.training_figure(detection), "best")[0]
        losses = [each.validation_loss for each in detection.training_log]
        assert best.y[0] == min(losses)

    def test_without_validation_there_is_one_curve(self):
        detection = fake_detection(600, 1, False)
        for each in detection.training_log:
            each.validation_loss = float("nan")
        assert len(figures.training_figure(detection).data) == 1


class TestNamesAndTimes:
    @pytest.mark.parametrize("draw", ALL)
    def test_names_from_the_data_are_shown_not_run(self, draw):
        figure = draw(fake_detection(500, len(NASTY), False, names=NASTY))
        shown = [trace.name or "" for trace in figure.data] + titles_of(figure)
        shown += [trace.hovertemplate or "" for trace in figure.data]
        shown += [text for trace in figure.data for text in (trace.text or ())]
        text = " ".join(shown)
        assert "<script" not in text
        assert "%{y} &" not in text

    def test_long_names_keep_both_ends_and_the_whole_is_in_the_hover(self):
        name = "plant/line-2/" + "x" * 100 + "/temperature"
        figure = figures.series_figure(fake_detection(500, 1, False, names=[name]))
        title = figure.layout.annotations[0]
        assert len(title.text) <= 36 + len("<b></b>")
        assert "plant/" in title.text
        assert "temperature" in title.text
        assert title.hovertext == name

    def test_short_is_short(self):
        assert short("abcdefghij", 5) == "ab…ij"
        assert short("abcde", 5) == "abcde"

    def test_times_are_shown_in_the_zone_of_the_series(self):
        figure = figures.series_figure(fake_detection(500, 1, False, zone="Asia/Tokyo"))
        assert lines_of(figure, "measured")[0].x[0] == "2026-03-01T09:00:00"
        assert figure.layout.xaxis.title.text == "time (Asia/Tokyo)"

    def test_without_a_zone_times_stay_as_they_came(self):
        figure = figures.series_figure(fake_detection(500, 1, False))
        assert lines_of(figure, "measured")[0].x[0] == "2026-03-01T00:00:00"

    def test_row_numbers_stay_numbers(self):
        figure = figures.series_figure(fake_detection(500, 1, False, clock=False))
        assert lines_of(figure, "measured")[0].x[:3].tolist() == [0, 1, 2]
        assert figure.layout.xaxis.title.text == "row"
        assert figure.layout.xaxis.type == "linear"

    def test_times_are_no_finer_than_needed(self):
        start = np.datetime64("2026-03-01T00:00:00", "ns")
        for step, text in (("250ms", "2026-03-01T00:00:00.250"), ("1s", "2026-03-01T00:00:01")):
            delta = np.timedelta64(int(step.rstrip("ms")), "ms" if "m" in step else "s")
            assert shown_time(np.array([start, start + delta]), None)[1] == text

    def test_the_clock_that_goes_back_shows_the_hour_twice(self):
        times = np.array(["2026-10-25T00:30", "2026-10-25T01:30"], dtype="datetime64[ns]")
        shown = local_time(times, "Europe/Berlin")
        assert shown[0] == shown[1] == np.datetime64("2026-10-25T02:30")


def test_ticks_of_a_logarithmic_axis_are_round():
    assert log_ticks(0.03, 4.0)["ticktext"] == ["0.05", "0.1", "0.2", "0.5", "1", "2"]
    assert log_ticks(0.001, 1e6)["ticktext"][0] == "0.001"
    assert len(log_ticks(0.001, 1e6)["ticktext"]) == 10
