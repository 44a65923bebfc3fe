"""What the command line shows: tables for people, files and streams for programs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import contract
from offbeat import Comparison, ConfigError, Detection, Evaluation, load, terminal
from offbeat.accuracy import Accuracy
from offbeat.checks import check
from offbeat.comparison import Failure
from offbeat.metrics import NABScore, PrecisionRecall
from offbeat.series import Series
from offbeat.thresholds import FixedThreshold

KEPT = Path(__file__).parent / "data" / "tiny.offbeat"
CHANNELS = ("channel_0", "channel_1")


def series(*, label: bool = False) -> Series:
    data = contract.waves(200)
    data[150:165, 0] += 8
    truth = (np.arange(200) // 15 == 10).astype(np.int8) if label else None
    return Series(data, np.arange(200), CHANNELS, truth, name="[waves]")


@pytest.fixture
def detection() -> Detection:
    return load(KEPT).detect(series())


def calm() -> Detection:
    return load(KEPT).detect(series()).with_threshold(FixedThreshold(1e9))


@pytest.mark.parametrize(
    ("out", "format_", "piped"),
    [
        (None, None, False),
        (None, "table", False),
        (None, "csv", True),
        (Path("x.csv"), "csv", False),
        (Path("x.csv"), None, False),
    ],
)
def test_words_go_elsewhere_where_output_is_for_a_program(out, format_, piped: bool) -> None:
    assert terminal.is_piped(out, format_) is piped


def test_events_are_a_table_and_a_sentence(detection: Detection, capsys) -> None:
    terminal.show_events(detection, None, None)
    shown = capsys.readouterr().out
    for event in detection.events:
        assert f"{event.channel} {event.direction}" in shown
        assert f"row {event.start}" in shown
    assert "severity 1 is the limit" in shown
    assert "against the labels" not in shown


def test_no_event_is_said_and_no_empty_table_shown(capsys) -> None:
    terminal.show_events(calm(), None, None)
    shown = capsys.readouterr().out
    assert shown.startswith("No event in 200 rows of data")
    assert "leading channels" not in shown


def test_events_stand_against_the_labels_of_the_file(capsys) -> None:
    terminal.show_events(load(KEPT).detect(series(label=True)), None, None)
    assert "against the labels: 1 of 1 anomalies found" in capsys.readouterr().out


@pytest.mark.parametrize("suffix", ["csv", "tsv", "json", "jsonl", "parquet", "arrow"])
def test_scores_are_written_in_the_format_of_the_ending(
    detection, tmp_path, capsys, suffix
) -> None:
    out = tmp_path / f"scores.{suffix}"
    terminal.show_scores(detection, out, None)
    read = {
        "csv": pl.read_csv,
        "tsv": lambda path: pl.read_csv(path, separator="\t"),
        "json": pl.read_json,
        "jsonl": pl.read_ndjson,
        "parquet": pl.read_parquet,
        "arrow": pl.read_ipc,
    }[suffix](out)
    assert read.columns == detection.to_frame().columns
    assert read["label"].to_list() == detection.label.tolist()
    assert capsys.readouterr().out == f"scores: {out} (200 rows)\n"


@pytest.mark.parametrize("format_", ["csv", "json"])
def test_a_stream_holds_the_data_and_no_other_word(detection, capsysbinary, format_: str) -> None:
    terminal.show_events(detection, None, format_)
    shown = capsysbinary.readouterr().out
    read = {"csv": pl.read_csv, "json": pl.read_json}[format_](shown)
    assert len(read) == len(detection.events)


def test_the_format_asked_for_wins_over_the_ending(detection, tmp_path: Path) -> None:
    out = tmp_path / "events.csv"
    terminal.show_events(detection, out, "json")
    assert len(json.loads(out.read_text())) == len(detection.events)


def test_the_highest_scores_are_shown_in_order_of_time(detection: Detection, capsys) -> None:
    terminal.show_scores(detection, None, None)
    shown = capsys.readouterr().out
    rows = [int(line.split("row ")[1].split()[0]) for line in shown.splitlines() if "row " in line]
    assert len(rows) == terminal.SHOWN_ROWS
    assert rows == sorted(rows)
    assert int(np.nanargmax(detection.score)) in rows
    assert "200 rows; write all of them" in shown


def test_thresholds_stand_side_by_side_with_the_one_in_force(detection, capsys) -> None:
    terminal.show_thresholds(detection, None, None)
    shown = capsys.readouterr().out
    for row in detection.threshold_table():
        assert row.method in shown
    assert f"in force: {detection.threshold.title}" in shown
    assert "precision" not in shown


def test_thresholds_are_rated_where_the_file_has_labels(capsys) -> None:
    terminal.show_thresholds(load(KEPT).detect(series(label=True)), None, None)
    assert "precision" in capsys.readouterr().out


def judged(name: str, *, label: bool = True, clock: bool = True, **figures: object) -> Evaluation:
    accuracy = Accuracy(
        30, 4, 3, 1, 24, vus_pr=0.5, auc_pr=0.25, median_delay=6.0, mean_delay=8.0,
        events=PrecisionRecall(0.75, 0.75, 0.75), nab=NABScore(41.0, -7.5),
    )  # fmt: skip
    told = Evaluation(
        detector=name, threshold="1 false alarm a day", n_learned=200, n_judged=300,
        n_unscored=12, first_judged=200, rows_per_day=288.0 if clock else None, flagged=0.05,
        n_events=4, accuracy=accuracy if label else None, fit_seconds=2.0, score_seconds=0.5,
        rows_per_second=1000.0,
    )  # fmt: skip
    return replace(told, **figures)


def test_a_comparison_is_a_line_a_detector_with_what_holds_for_all_above(capsys) -> None:
    found = Comparison((judged("lstm"), judged("random", notes=("[odd] note",))))
    terminal.show_comparison(found, None, None)
    shown = capsys.readouterr().out
    assert "learned 200 rows (16 h 40 min), judged the next 300 rows (1 day 1 h)" in shown
    assert "cut at 1 false alarm a day" in shown
    assert "30 judged rows labelled, in 4 events; VUS with a buffer of 24 rows" in shown
    for cell in ("lstm", "0.500", "0.250", "3 of 4", "0.75", "30 min", "5.0 %", "alarms a day"):
        assert cell in shown
    assert "random: [odd] note" in shown


def test_one_that_failed_is_a_line_and_its_reason_stands_below(capsys) -> None:
    failed = Failure("arima", "ARIMA needs [statsmodels]: pip install 'offbeat[arima]'")
    terminal.show_comparison(Comparison((judged("lstm"),), (failed,)), None, None)
    shown = capsys.readouterr().out
    assert "failed" in shown
    assert "arima failed: ARIMA needs [statsmodels]: pip install 'offbeat[arima]'" in shown


def test_without_labels_and_clock_alarms_are_told_in_rows(capsys) -> None:
    terminal.show_comparison(Comparison((judged("lstm", label=False, clock=False),)), None, None)
    shown = capsys.readouterr().out
    assert "no labels: name their column with --label" in shown
    assert "alarms / 1,000 rows" in shown
    assert "13.9" in shown
    assert "VUS" not in shown


def test_a_note_of_all_is_told_once_and_of_nobody(capsys) -> None:
    each = [judged(name, notes=("too short",)) for name in ("lstm", "random")]
    terminal.show_comparison(Comparison(tuple(each)), None, None)
    assert capsys.readouterr().out.splitlines()[-1] == "too short"


def test_an_evaluation_is_a_line_a_figure(capsys) -> None:
    found = Comparison((judged("lstm"), judged("random", accuracy=Accuracy(0, 0, 0, 4, 24))))
    terminal.show_evaluation(found, None, None)
    shown = capsys.readouterr().out
    for words in ("VUS-PR", "0.75 / 0.75 / 0.75", "6 rows (30 min)", "41.0 (at random -7.5)"):
        assert words in shown
    for words in ("rows scored a second", "1,000", "rows without a score", "12", "0 of 0"):
        assert words in shown


def test_a_model_alone_says_why_nothing_stands_beside_it(capsys) -> None:
    terminal.show_evaluation(Comparison((judged("lstm", fit_seconds=None),)), None, None)
    shown = capsys.readouterr().out
    assert "judged 300 rows (1 day 1 h) that it has not seen" in shown
    assert "no random score beside it" in shown


def test_evaluations_are_written_as_one_row_a_detector(tmp_path: Path, capsys) -> None:
    found = Comparison((judged("lstm"), judged("random")), (Failure("arima", "not there"),))
    terminal.show_comparison(found, tmp_path / "x.csv", None)
    assert capsys.readouterr().out == f"comparison: {tmp_path / 'x.csv'} (3 rows)\n"
    assert pl.read_csv(tmp_path / "x.csv")["detector"].to_list() == ["lstm", "random", "arima"]
    terminal.show_evaluation(found, None, "json")
    assert json.loads(capsys.readouterr().out)[2]["failed"] == "not there"


@pytest.mark.parametrize("show", [terminal.show_events, terminal.show_scores])
def test_an_unknown_format_is_named_with_the_nearest(detection, show) -> None:
    with pytest.raises(ConfigError, match="did you mean 'parquet'"):
        show(detection, None, "parket")


def test_a_table_goes_to_the_terminal_only(detection: Detection, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--format table goes to the terminal"):
        terminal.show_events(detection, tmp_path / "x.csv", "table")
    assert not list(tmp_path.iterdir())


def test_the_check_is_text_for_people_and_json_for_programs(tmp_path: Path, capsys) -> None:
    report = check(series())
    terminal.show_check(report, None, None)
    assert capsys.readouterr().out == report.to_text() + "\n"
    terminal.show_check(report, None, "json")
    assert json.loads(capsys.readouterr().out)["rows"] == 200
    terminal.show_check(report, tmp_path / "check.json", None)
    assert json.loads((tmp_path / "check.json").read_text())["rows"] == 200
    terminal.show_check(report, tmp_path / "check.txt", None)
    assert (tmp_path / "check.txt").read_text() == report.to_text() + "\n"


def test_the_check_is_no_table_of_numbers(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"must end in \.txt or \.json"):
        terminal.show_check(check(series()), tmp_path / "check.parquet", None)
    with pytest.raises(ConfigError, match="format='csv' is unknown"):
        terminal.show_check(check(series()), None, "csv")
    assert not list(tmp_path.iterdir())


def test_a_trained_detector_is_described_in_words(capsys) -> None:
    terminal.show_training(load(KEPT), Path("[new].offbeat"))
    shown = capsys.readouterr().out
    assert "learned 120 rows" in shown
    assert "window 8" in shown
    assert "smoothing windows 12, 24, 48 (centred)" in shown
    assert "model: [new].offbeat" in shown
    assert not set("{}'") & set(shown)


def test_a_training_part_in_which_nothing_moved_is_told_in_one_line(capsys) -> None:
    settings = {"chosen": {"stood_still": ["a", "b"], "covariates": []}}
    terminal.warn_of_stillness(settings, ("a", "b"))
    shown = capsys.readouterr()
    assert "nothing moved in the training part (a, b)" in shown.err
    assert shown.err.count("\n") == 1
    assert not shown.out


def test_one_channel_that_stood_still_is_no_news_unless_it_is_the_only_one_judged(capsys) -> None:
    settings = {"chosen": {"stood_still": ["a"], "covariates": []}}
    terminal.warn_of_stillness(settings, ("a", "b"))
    assert not capsys.readouterr().err
    settings["chosen"]["covariates"] = ["b"]
    terminal.warn_of_stillness(settings, ("a", "b"))
    assert "nothing moved" in capsys.readouterr().err
