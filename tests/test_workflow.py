"""From files to results: what is learned, what a model knows, and what is left untouched."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import contract
from offbeat import (
    ConfigError,
    DataError,
    Label,
    Labels,
    LSTMDetector,
    PersistenceDetector,
    ReadOptions,
    Series,
    SmoothedZDetector,
    compare,
    evaluate,
    load,
    parse_mute,
    recalibrate,
)
from offbeat.checks import check
from offbeat.thresholds import CostThreshold, FBetaThreshold, PercentileThreshold, SigmaThreshold
from offbeat.training import EpochLog, Training
from offbeat.workflow import (
    Lesson,
    check_file,
    compare_file,
    detect_file,
    evaluate_file,
    recalibrate_file,
    refuse_same_file,
    set_model_threshold,
    train_file,
)

KEPT = Path(__file__).parent / "data" / "tiny.offbeat"
"""A model of two channels without a clock; see test_persist.py."""


def quick(**options: object) -> LSTMDetector:
    training = Training(max_epochs=1)
    return LSTMDetector(
        window=8, horizon=2, hidden_size=4, n_layers=1, training=training
    ).set_params(**options)


def write(path: Path, n_rows: int = 300, *, label: bool = False) -> str:
    data = contract.waves(n_rows)
    columns = {"channel_0": data[:, 0], "channel_1": data[:, 1]}
    if label:
        columns["label"] = (np.arange(n_rows) // 20 == n_rows // 40).astype(int)
    pl.DataFrame(columns).write_csv(path)
    return str(path)


@pytest.fixture
def table(tmp_path: Path) -> str:
    return write(tmp_path / "waves.csv")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "m.offbeat"
    path.write_bytes(KEPT.read_bytes())
    return path


# ---------------------------------------------------------------- files in, results out


def test_check_file_is_the_check_of_the_series(table: str) -> None:
    report = check_file(table)
    data = contract.waves(300)
    plain = check(Series(data, np.arange(300), ("channel_0", "channel_1"), name="waves"))
    assert report.to_dict() == plain.to_dict()


def test_a_trained_model_scores_as_the_detector_that_it_came_from(table: str, tmp_path) -> None:
    fitted = train_file(table, tmp_path / "new.offbeat", detector=quick())
    data = pl.read_csv(table)
    again = load(tmp_path / "new.offbeat").anomaly_score(data)
    assert again.equals(fitted.anomaly_score(data))
    assert fitted.n_learned_ == 300


def test_training_tells_the_hook_and_takes_the_threshold(table: str, tmp_path: Path) -> None:
    told = list[EpochLog]()
    cut = PercentileThreshold(90.0)
    fitted = train_file(
        table,
        tmp_path / "new.offbeat",
        detector=quick(),
        lesson=Lesson(train=200),
        threshold=cut,
        progress=told.append,
    )
    assert [each.epoch for each in told] == [1]
    assert fitted.n_learned_ == 200
    assert load(tmp_path / "new.offbeat").threshold_ == cut


def test_without_a_model_the_first_part_is_learned(table: str) -> None:
    detection = detect_file(table, detector=quick())
    assert detection.learned.tolist() == [True] * 120 + [False] * 180


def test_a_model_is_used_as_it_is_and_nothing_is_trained(table: str, model: Path) -> None:
    before = model.read_bytes()
    detection = detect_file(table, model=model)
    np.testing.assert_array_equal(detection.score, load(model).detect(pl.read_csv(table)).score)
    assert model.read_bytes() == before


def test_a_model_takes_its_channels_out_of_a_wider_file(table: str, model: Path, tmp_path) -> None:
    wider = tmp_path / "wider.csv"
    frame = pl.read_csv(table)
    frame.select(pl.lit(1.0).alias("extra"), "channel_1", "channel_0").write_csv(wider)
    one, other = (detect_file(str(each), model=model) for each in (table, wider))
    np.testing.assert_array_equal(one.score, other.score)


def test_a_channel_that_the_model_needs_is_named(table: str, model: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    pl.read_csv(table).rename({"channel_1": "chanel_1"}).write_csv(other)
    with pytest.raises(
        DataError, match=r"m.offbeat was trained on a channel 'channel_1'.*'chanel_1'"
    ):
        detect_file(str(other), model=model)


def test_a_threshold_cuts_elsewhere_and_leaves_the_scores(table: str, model: Path) -> None:
    plain, low = detect_file(table, model=model), PercentileThreshold(50.0)
    cut = detect_file(table, model=model, threshold=low)
    np.testing.assert_array_equal(cut.score, plain.score)
    assert cut.threshold == low
    assert cut.label.sum() > plain.label.sum()


def test_a_detector_beside_a_model_gives_its_smoothing_only(table: str, model: Path) -> None:
    looking_back = LSTMDetector(smoothing="centred", window=200)
    detection = detect_file(table, model=model, detector=looking_back)
    expected = load(model).set_params(smoothing="centred").detect(pl.read_csv(table))
    np.testing.assert_array_equal(detection.score, expected.score)


def test_finer_data_are_brought_to_the_step_of_the_model(tmp_path: Path) -> None:
    def timed(name: str, minutes: int, n_rows: int) -> str:
        wave = contract.waves(300)[:, 0].repeat(n_rows // 300)
        stamps = pl.Series(
            np.datetime64("2026-03-01", "us") + np.arange(n_rows) * np.timedelta64(minutes, "m")
        )
        pl.DataFrame({"time": stamps, "a": wave}).write_csv(tmp_path / name)
        return str(tmp_path / name)

    model = tmp_path / "new.offbeat"
    coarse, fine = timed("coarse.csv", 5, 300), timed("fine.csv", 1, 1500)
    train_file(coarse, model, detector=quick())
    with pytest.raises(DataError, match=r"fine.csv: .* a step of 5 min, these data have 1 min"):
        detect_file(fine, model=model)
    one, other = detect_file(coarse, model=model), detect_file(fine, model=model, step="5min")
    np.testing.assert_allclose(one.score, other.score, rtol=1e-5)


# ---------------------------------------------------------------- how good it is


def test_evaluate_file_is_the_evaluation_with_the_references_beside_it(tmp_path: Path) -> None:
    labelled = write(tmp_path / "labelled.csv", label=True)
    found = evaluate_file(labelled, ReadOptions(label="label"), detector=PersistenceDetector())
    assert [each.detector for each in found.evaluations] == ["persistence", "smoothed-z", "random"]
    data = pl.read_csv(labelled)
    expected = [
        evaluate(made, data).accuracy for made in (PersistenceDetector(), SmoothedZDetector())
    ]
    assert [each.accuracy for each in found.evaluations[:2]] == expected


def test_a_model_is_evaluated_on_what_it_has_not_learned(tmp_path: Path) -> None:
    labelled, model = write(tmp_path / "labelled.csv", label=True), tmp_path / "new.offbeat"
    train_file(labelled, model, detector=SmoothedZDetector(), lesson=Lesson(train=100))
    found = evaluate_file(labelled, model=model, buffer=5)
    assert [each.detector for each in found.evaluations] == ["smoothed-z", "smoothed-z", "random"]
    model_, reference, chance = found.evaluations
    assert (model_.n_judged, chance.n_judged) == (200, 200)
    assert model_.accuracy == reference.accuracy
    assert reference.n_learned == 100
    lesson = Lesson(train=100)
    again = evaluate_file(labelled, detector=SmoothedZDetector(), lesson=lesson, buffer=5)
    assert again.evaluations[0].accuracy == model_.accuracy


def test_a_model_on_a_clock_of_a_zone_has_its_references_on_the_same_rows(tmp_path: Path) -> None:
    wave = contract.waves(300)[:, 0]
    stamps = np.datetime64("2026-03-01", "us") + np.arange(300) * np.timedelta64(5, "m")
    data, model = tmp_path / "timed.csv", tmp_path / "new.offbeat"
    pl.DataFrame({"time": pl.Series(stamps), "a": wave}).write_csv(data)
    options = ReadOptions(zone="Asia/Tokyo")
    train_file(str(data), model, options, detector=quick(), lesson=Lesson(train=0.5))
    found = evaluate_file(str(data), options, model=model).evaluations
    assert [(each.n_learned, each.n_judged) for each in found] == [(150, 150)] * 3
    assert found[0].first_judged == found[1].first_judged


def test_a_model_on_other_data_is_judged_on_all_of_them_alone(model: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    pl.DataFrame(contract.waves(300, seed=9), schema=["channel_0", "channel_1"]).write_csv(other)
    (found,) = evaluate_file(str(other), model=model).evaluations
    assert (found.detector, found.n_judged) == ("lstm", 300)


def test_compare_file_is_compare(tmp_path: Path) -> None:
    labelled = write(tmp_path / "labelled.csv", label=True)
    made = {"last": PersistenceDetector()}
    found = compare_file(labelled, detectors=made, lesson=Lesson(train=0.5))
    expected = compare(pl.read_csv(labelled), made, lesson=Lesson(train=0.5))
    assert [each.accuracy for each in found.evaluations] == [
        each.accuracy for each in expected.evaluations
    ]


def test_a_file_that_no_detector_can_learn_from_is_named(tmp_path: Path) -> None:
    short = write(tmp_path / "short.csv", 2)
    with pytest.raises(DataError, match=r"short\.csv: no detector could be evaluated \(last, "):
        compare_file(short, detectors={"last": PersistenceDetector()})
    with pytest.raises(DataError, match=r"short\.csv: the training part"):
        evaluate_file(short, detector=PersistenceDetector())


# ---------------------------------------------------------------- another cut


def test_a_model_is_cut_elsewhere_in_place(model: Path) -> None:
    weights = load(model).network_.state_dict()["head.weight"]
    set_model_threshold(model, SigmaThreshold(4.0))
    assert load(model).threshold_ == SigmaThreshold(4.0)
    assert (load(model).network_.state_dict()["head.weight"] == weights).all()


def test_a_method_that_learns_from_labels_takes_them_from_the_file(model: Path, tmp_path) -> None:
    labelled = write(tmp_path / "labelled.csv", label=True)
    set_model_threshold(model, FBetaThreshold(), labelled)
    assert load(model).threshold_ == FBetaThreshold()


def test_a_file_without_labels_is_refused_and_the_model_stays(table: str, model: Path) -> None:
    before = model.read_bytes()
    with pytest.raises(ConfigError, match="learns from labels"):
        set_model_threshold(model, FBetaThreshold(), table)
    assert model.read_bytes() == before


# ---------------------------------------------------------------- what is left untouched


def test_data_are_never_overwritten_by_their_model(table: str) -> None:
    before = Path(table).read_bytes()
    with pytest.raises(ConfigError, match="cannot be written too"):
        train_file(table, table, detector=quick())
    assert Path(table).read_bytes() == before


def test_the_same_file_is_known_under_another_name(table: str, tmp_path: Path) -> None:
    (tmp_path / "link.csv").symlink_to(table)
    with pytest.raises(ConfigError):
        refuse_same_file(table, tmp_path / "link.csv")
    refuse_same_file(table, tmp_path / "new.csv")
    refuse_same_file("-", tmp_path / "link.csv")
    refuse_same_file(tmp_path / "none.csv", table)


def test_a_model_stays_as_it_was_if_training_fails(model: Path, tmp_path: Path) -> None:
    before = model.read_bytes()
    short = write(tmp_path / "short.csv", 9)
    with pytest.raises(DataError, match=r"short\.csv: .* 9 rows"):
        train_file(short, model, detector=quick())
    assert model.read_bytes() == before


# ---------------------------------------------------------------- labels


@pytest.mark.parametrize("anew", [False, True])
def test_labels_act_on_a_model_and_a_file_as_in_the_library(
    table: str, model: Path, tmp_path: Path, anew: bool
) -> None:
    labels = Labels((Label(150, 170, "missed"), Label(200, 220, "expected")))
    path, before = labels.write(tmp_path / "labels.csv"), model.read_bytes()
    found = recalibrate_file(table, model, path, goal=CostThreshold(), anew=anew)
    assert found.labels == labels
    assert [e.start for e in found.before.events] == [
        e.start for e in load(model).detect(pl.read_csv(table)).events
    ]
    if anew:
        assert found.detector.n_learned_ == 140  # the old part, rows 0 to 119, and 20 expected
    else:
        plain = recalibrate(load(model), pl.read_csv(table), labels, goal=CostThreshold())
        assert found.to_dict() == plain.to_dict()
    assert model.read_bytes() == before


def test_a_mute_alone_is_worth_a_recalibration(table: str, model: Path) -> None:
    found = recalibrate_file(table, model, None, mutes=[parse_mute("channels=channel_1")])
    assert found.rules.mutes == (parse_mute("channels=channel_1"),)
    detection = detect_file(table, model=model, mutes=[parse_mute("channels=channel_1")])
    assert detection.rules.mutes == found.rules.mutes
    with pytest.raises(DataError, match="nothing to learn from"):
        recalibrate_file(table, model, None)
