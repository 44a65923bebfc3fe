"""The report: one complete, safe file, in plain words."""

from __future__ import annotations

import ast
import base64
import hashlib
import html
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest

from fakes import METHODS, fake_detection
from offbeat.errors import DataError
from offbeat.report import write_report
from offbeat.report.tables import recipe, settings_list
from offbeat.wording import duration, lasted, moment, number, percent, plural, summary

NASTY = ("<script>window.hacked=1</script>", "<img src=x onerror=window.hacked=1>", "a & b")


class Outline(HTMLParser):
    """Tags with their attributes, the text outside scripts, and the scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.text = ""
        self.inside = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self.inside = tag
            self.scripts += [""] if tag == "script" else []

    def handle_endtag(self, _tag):
        self.inside = ""

    def handle_data(self, data):
        if self.inside == "script":
            self.scripts[-1] += data
        elif not self.inside:
            self.text += data

    def named(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("reports")


@pytest.fixture(scope="module")
def page(folder):
    detection = fake_detection(2_000, 3, True, zone="Europe/Berlin")
    return write_report(detection, folder / "whole.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def outline(page):
    return Outline(page)


def written(detection, folder):
    return Outline(write_report(detection, folder / "one.html").read_text(encoding="utf-8"))


class TestFile:
    def test_it_gives_back_the_path_and_leaves_nothing_else(self, tmp_path):
        path = write_report(fake_detection(300, 1, False), str(tmp_path / "report.html"))
        assert path == tmp_path / "report.html"
        assert [each.name for each in tmp_path.iterdir()] == ["report.html"]

    def test_an_existing_file_survives_a_failure(self, tmp_path):
        path = tmp_path / "report.html"
        path.write_text("old")
        detection = fake_detection(300, 1, False)
        detection.threshold_table = lambda: 1 / 0
        with pytest.raises(ZeroDivisionError):
            write_report(detection, path)
        assert path.read_text() == "old"

    def test_muted_events_are_listed_with_their_reason(self, page, tmp_path):
        assert "Kept quiet" not in page
        detection = fake_detection(2_000, 3, False)
        first, *others = detection.events
        detection.events = tuple(others)
        detection.muted_events = (replace(first, muted_by="<b>backup</b>"),)
        shown = write_report(detection, tmp_path / "muted.html").read_text(encoding="utf-8")
        assert "Kept quiet" in shown
        assert "&lt;b&gt;backup&lt;/b&gt;" in shown

    def test_a_missing_folder_is_one_clear_line(self, tmp_path):
        with pytest.raises(DataError):
            write_report(fake_detection(300, 1, False), tmp_path / "no" / "report.html")

    def test_nothing_is_loaded_from_anywhere(self, outline):
        for _, attributes in outline.tags:
            assert "src" not in attributes
            assert not (attributes.get("href") or "#").startswith(("http", "//"))
        assert not outline.named("link")

    def test_only_its_own_scripts_may_run(self, outline):
        policy = outline.named("meta")[1]["content"]
        assert policy.startswith("default-src 'none'")
        assert "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]
        data, plotly, script = outline.scripts
        json.loads(data)
        for each in (plotly, script):
            digest = base64.b64encode(hashlib.sha256(each.encode()).digest()).decode()
            assert f"'sha256-{digest}'" in policy
            assert "\r" not in each
        assert "plotly.js v" in plotly[:200]

    def test_plotly_is_in_it_once_and_the_rest_is_small(self, page, outline):
        plotly = outline.scripts[1]
        assert page.count(plotly[1_000:3_000]) == 1
        assert len(page) - len(plotly) < 1_500_000

    def test_the_title_can_be_given(self, tmp_path):
        detection = fake_detection(300, 1, False)
        path = write_report(detection, tmp_path / "r.html", title="Pump <3>")
        outline = Outline(path.read_text(encoding="utf-8"))
        assert "Pump <3>" in outline.text
        assert "pump house" not in outline.text


class TestContents:
    def test_the_summary_comes_first(self, outline):
        text = " ".join(outline.text.split())
        assert text.index("3 events in") < text.index("What is off")
        assert "times the limit" in text
        assert "alarms a day" in text

    def test_every_figure_has_its_place_and_its_data(self, outline):
        places = [div["data-figure"] for div in outline.named("div") if "data-figure" in div]
        figures = json.loads(outline.scripts[0])["figures"]
        assert sorted(places) == sorted(figures)
        expected = {"series", "score", "shares", "histogram", "precision_recall", "training"}
        assert set(places) == expected
        assert all(div["aria-label"] for div in outline.named("div") if "data-figure" in div)

    def test_figures_that_make_no_sense_are_left_out(self, folder):
        figures = json.loads(written(fake_detection(500, 1, False), folder).scripts[0])["figures"]
        assert set(figures) == {"series", "score", "histogram", "training"}

    def test_shares_of_several_signals_are_shown(self, folder):
        detection = fake_detection(500, 1, False)
        detection.signals = ("forecast error", "skewness")
        detection.signal_shares = np.full((500, 2), 0.5)
        assert "signals" in json.loads(written(detection, folder).scripts[0])["figures"]

    def test_every_event_has_a_row_and_a_view_around_it(self, outline):
        rows = [row for row in outline.named("tr") if "data-event" in row]
        views = json.loads(outline.scripts[0])["events"]
        assert len(rows) == len(views) == 3
        assert all(one < other for one, other in views)
        for said in (
            "channel 3",
            "above expected",
            "below expected",
            "2.8 \N{MULTIPLICATION SIGN}",
        ):
            assert said in outline.text

    def test_all_methods_stand_side_by_side_and_one_is_in_force(self, outline):
        for method, _ in METHODS:
            assert method in outline.text
        assert outline.text.count("in force") == 1
        assert "tuned on these labels" in outline.text
        for head in ("Cut", "Flagged", "Alarms a day", "Precision", "Recall", "F1"):
            assert head in outline.text

    def test_without_labels_and_clock_there_are_no_columns_for_them(self, folder):
        outline = written(fake_detection(500, 2, False, clock=False), folder)
        assert "Precision" not in outline.text
        assert "Alarms a day" not in outline.text
        assert "row 225" in outline.text

    def test_data_check_outliers_and_filled_values(self, outline):
        for said in (
            "stands still for 90 rows",
            "4 outliers found in the training part",
            "left as it was",
            "filled in, not measured",
        ):
            assert said in outline.text

    def test_settings_seed_and_versions(self, outline):
        for said in ("Random state", "7", "2.13.0", "3.11.2", "Horizon", "chosen from the data"):
            assert said in outline.text

    def test_true_events_found_are_counted(self, outline):
        assert "2 of 3" in outline.text
        assert "1 false event" in outline.text

    def test_without_check_log_or_outliers_it_still_stands(self, folder):
        detection = fake_detection(500, 2, False, n_events=0, check=False)
        detection.training_log, detection.train_outliers, detection.settings = (), (), {}
        detection.imputed[:] = False
        text = written(detection, folder).text
        assert "No event in" in text
        assert "No data check was kept" in text
        assert "The training" not in text

    def test_nothing_scored_is_said(self, folder):
        detection = fake_detection(500, 2, False, n_events=0)
        detection.score[:] = np.nan
        detection.calibration = SimpleNamespace(score=np.full(500, np.nan))
        assert "Nothing could be scored" in written(detection, folder).text


class TestSafety:
    @pytest.fixture(scope="class")
    @classmethod
    def outline(cls, tmp_path_factory):
        detection = fake_detection(600, 3, True, names=NASTY)
        detection.series = type(detection.series)(
            detection.series.values, detection.series.time, NASTY, detection.series.label,
            None, "</title><script>window.hacked=1</script>",
        )  # fmt: skip
        detection.settings = {"note": "</code><script>window.hacked=1</script>"}
        path = tmp_path_factory.mktemp("nasty") / "r.html"
        return Outline(write_report(detection, path).read_text(encoding="utf-8"))

    def test_names_from_the_data_make_no_tags(self, outline):
        assert len(outline.scripts) == 3
        assert not outline.named("img")
        assert "hacked" not in outline.scripts[1] + outline.scripts[2]

    def test_they_are_shown_as_they_are(self, outline):
        assert "<script>window.hacked=1</script>" in outline.text

    def test_data_in_the_page_hold_no_tag(self, outline):
        assert not set("<>&") & set(outline.scripts[0])


class TestWords:
    def test_numbers(self):
        said = {0: "0", 1234.5678: "1,235", 0.012345: "0.01235", 12.30: "12.3", 1e12: "1e+12"}
        said |= {-2.5: "-2.5", float("nan"): "\N{EN DASH}", 123456: "123,456", 2e-7: "2e-07"}
        assert {value: number(value) for value in said} == said
        assert number(None) == "\N{EN DASH}"

    def test_shares_never_round_to_all_or_nothing(self):
        said = {0.0: "0 %", 1.0: "100 %", 0.0001: "< 0.1 %", 0.9999: "> 99.9 %", 0.5: "50 %"}
        said |= {0.031: "3.1 %", 0.994: "99.4 %"}
        assert {share: percent(share) for share in said} == said

    def test_lengths(self):
        said = {0.2: "0.2 s", 25: "25 s", 130: "2 min 10 s", 3_600: "1 h", 9_000: "2 h 30 min"}
        said |= {86_400: "1 day", 270_000: "3 days 3 h", 86_460: "1 day"}
        assert {seconds: duration(seconds) for seconds in said} == said
        assert duration(9_000, 1) == "2 h"
        assert lasted(12, None) == "12 rows"
        assert lasted(12, 1_440.0) == "12 min"
        assert plural(0, "event") == "no event"
        assert plural(1, "event") == "1 event"

    def test_moments_are_as_exact_as_the_step(self):
        detection = fake_detection(300, 1, False, zone="Europe/Berlin")
        time = np.datetime64("2026-03-01T00:00:07.250", "ns")
        shown = []
        for rows_per_day in (288.0, 86_400.0, 5 * 86_400.0):
            detection.rows_per_day = rows_per_day
            shown.append(moment(detection, time))
        hour = "2026-03-01 01:00"
        assert shown == [hour, f"{hour}:07", f"{hour}:07.250"]

    def test_the_summary_of_a_short_recording_does_not_promise_a_day(self):
        text = summary(fake_detection(200, 1, False, n_events=1))
        assert text.startswith("1 event in 16 h 40 min of data. It began at ")
        assert "At this pace a whole day would bring" in text

    def test_the_summary_without_a_clock_counts_rows(self):
        text = summary(fake_detection(3_000, 1, False, clock=False))
        assert text.startswith("3 events in 3,000 rows of data.")
        assert "in 1,000 rows" in text

    def test_the_summary_without_an_event_says_how_near_it_came(self):
        assert re.search(r"nearest to the limit at .*: \d+ % of it", summary(
            fake_detection(3_000, 1, False, n_events=0)
        ))  # fmt: skip

    def test_the_summary_without_a_forecast_of_the_channel(self):
        detection = fake_detection(3_000, 1, False)
        worst = max(detection.events, key=lambda event: event.severity)
        object.__setattr__(worst, "expected", float("nan"))
        assert "channel 1 had most to do with it" in summary(detection)


class TestRecipe:
    def test_it_is_python_that_names_every_choice(self):
        lines = recipe(fake_detection(300, 1, False))
        ast.parse(lines)
        for said in ("window=64", "random_state=7", "Preparation(impute='linear', max_gap=10)",
                     "EventRules(min_length=1)", "threshold_from_dict("):  # fmt: skip
            assert said in lines
        assert "horizon" not in lines

    def test_without_settings_it_is_still_python(self):
        detection = fake_detection(300, 1, False)
        detection.settings = {}
        ast.parse(recipe(detection))

    def test_settings_are_escaped(self):
        shown = settings_list({"a": "<b>", "group": {"inner": {"deep": [1, 2]}, "none": None}})
        assert html.escape("<b>") in shown
        assert "Inner: deep" in shown
        assert "1, 2" in shown
