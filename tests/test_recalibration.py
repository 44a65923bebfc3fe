"""Recalibration: labels move the cut and mute look-alikes, on demand, and the rest gets better."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import contract
from offbeat import (
    ConfigError,
    DataError,
    Detector,
    EnsembleDetector,
    Label,
    Labels,
    LSTMDetector,
    Mute,
    PersistenceDetector,
    ShapeMemoryDetector,
    SmoothedZDetector,
    Training,
    WindowPCADetector,
    label_event,
    load,
    parse_mute,
    read_series,
    recalibrate,
    retrain,
    split_time,
)
from offbeat.detection import Detection
from offbeat.events import Event
from offbeat.recalibration import labelled_scores
from offbeat.runs import label_runs
from offbeat.thresholds import CostThreshold, FBetaThreshold, FixedThreshold, SigmaThreshold

MACHINE = Path(__file__).parent.parent / "examples" / "machine" / "machine.csv"
TRAINED = MACHINE.parents[2] / "src" / "offbeat" / "server" / "example" / "machine.offbeat"
BAD, JOB = (
    [(1_300, 1_312), (1_900, 1_912), (2_500, 2_512), (3_100, 3_112)],
    range(1_150, 3_500, 300),
)


def jobs_and_faults() -> np.ndarray:
    """A nightly job that is loud on channel 2, and faults that are fainter on channel 0."""
    data = contract.waves(3_600, 3)
    for start in JOB:
        data[start : start + 15, 2] += 6.0
    for start, end in BAD:
        data[start:end, 0] += 3.0
    return data


@pytest.fixture(scope="module")
def detector() -> Detector:
    return SmoothedZDetector(covariates=()).fit(jobs_and_faults()[:1_000])


@pytest.fixture(scope="module")
def detection(detector: Detector) -> Detection:
    return detector.detect(jobs_and_faults())


def judged(detection: Detection) -> list[Event]:
    """Events after the training part."""
    return [event for event in detection.events if event.start >= 1_000]


def said(detection: Detection, *, jobs: int = 2, faults: int = 1) -> Labels:
    """The first so many events of each kind, labelled."""
    labels = list[Label]()
    for event in judged(detection):
        is_fault = any(event.start < end and start < event.end for start, end in BAD)
        kind = "true alarm" if is_fault else "false alarm"
        if sum(label.verdict == kind for label in labels) < (faults if is_fault else jobs):
            labels.append(label_event(detection, event, kind))
    return Labels(tuple(labels))


def test_false_alarms_that_no_cut_takes_away_are_taught_away(detector, detection) -> None:
    """The job is louder than the faults: a cut above it would lose them."""
    assert len(judged(detection)) == len(JOB) + len(BAD)
    found = recalibrate(detector, detection, said(detection))
    assert [e.channel for e in judged(found.after)] == ["channel_0"] * len(BAD)
    assert len(found.after.muted_events) == len(JOB)
    assert found.factor < 1.5
    assert all("like the false alarm at" in e.muted_by for e in found.after.muted_events)
    assert len([event for event in found.lost if event.start >= 1_000]) == len(JOB)
    assert not found.gained
    assert found.scores_after.f1 == 1.0 > found.scores_before.f1
    louder = jobs_and_faults()
    louder[JOB[4] : JOB[4] + 15, 2] += 20.0
    heard = found.apply().detect(louder).events
    assert JOB[4] in [event.start // 5 * 5 for event in heard]  # far worse than what was forgiven


def test_nothing_changes_until_it_is_applied(detector, detection) -> None:
    before = detector.threshold_, detector.rules, detector.calibrations_
    found = recalibrate(detector, detection, said(detection), mutes=())
    assert (detector.threshold_, detector.rules, detector.calibrations_) == before
    taught = found.apply()
    assert (detector.threshold_, detector.rules, detector.calibrations_) == before
    assert [e.start for e in taught.detect(jobs_and_faults()).events] == [
        e.start for e in found.after.events
    ]
    assert taught.record_.settings["taught"]["labels"] == 3
    assert "taught" not in detector.record_.settings


def test_a_taught_detector_is_kept_in_its_file(detector, detection, tmp_path) -> None:
    nights = parse_mute("Mon-Fri 02:00-03:00 Europe/Berlin channels=channel_1")
    taught = recalibrate(detector, detection, said(detection)).apply()
    taught.set_params(rules=taught.rules.with_mutes([nights]))
    again = load(taught.save(tmp_path / "m.offbeat"))
    assert again.rules == taught.rules
    assert again.threshold_ == taught.threshold_
    assert {each.verdict for each in again.rules.precedents} == {"true alarm", "false alarm"}


def test_the_same_labels_always_lead_to_the_same_cut(detector, detection) -> None:
    labels = Labels(tuple(Label(*run, "missed") for run in BAD))
    start = detection.with_threshold(FixedThreshold(2.0 * float(detection.cut[0])))
    first = recalibrate(detector, start, labels)
    again = recalibrate(first.apply(), first.after, labels)
    assert first.factor < 1.0
    assert again.threshold == first.threshold
    assert [e.start for e in again.after.events] == [e.start for e in first.after.events]


def test_a_label_taken_back_is_forgotten(detector, detection) -> None:
    taught = recalibrate(detector, detection, said(detection))
    right_only = said(detection, jobs=0)
    after = recalibrate(taught.apply(), taught.after, right_only).after
    assert not after.rules.precedents
    assert len(judged(after)) == len(judged(detection))


def test_missed_ones_lower_the_cut_and_false_ones_raise_it(detector, detection) -> None:
    level = float(detection.cut[0])
    high = detection.with_threshold(FixedThreshold(4 * level))
    missed = Labels(tuple(Label(*run, "missed") for run in BAD[:3]))
    lowered = recalibrate(detector, high, missed)
    assert lowered.factor < 1
    assert lowered.scores_before.recall == 0 < lowered.scores_after.recall
    low = detection.with_threshold(FixedThreshold(0.8 * level))
    false = [e for e in low.events if e.severity < 1.5]
    labels = Labels(tuple(label_event(low, e, "false alarm") for e in false))
    if false:
        assert recalibrate(detector, low, labels, alike=False).factor > 1


def test_right_alarms_alone_and_expected_ones_silence_nothing(detector, detection) -> None:
    for verdict in ("true alarm", "expected"):
        labels = Labels(tuple(label_event(detection, e, verdict) for e in judged(detection)[:5]))
        found = recalibrate(detector, detection, labels)
        assert found.factor == pytest.approx(1.0, abs=0.05)
        assert not found.after.rules.precedents
        assert len(judged(found.after)) == len(judged(detection))
    assert found.threshold == detection.threshold


def test_one_false_alarm_is_an_accident_and_mutes_nothing(detector, detection) -> None:
    found = recalibrate(detector, detection, said(detection, jobs=1))
    assert not found.after.muted_events


@pytest.mark.parametrize("goal", [FBetaThreshold(2.0), CostThreshold(1.0, 5.0)], ids=str)
def test_before_and_after_stand_side_by_side(detector, detection, goal) -> None:
    found = recalibrate(detector, detection, said(detection), goal=goal)
    table = found.to_frame()
    assert table["state"].to_list() == ["before", "after"]
    assert table["events"].to_list() == [len(found.before.events), len(found.after.events)]
    plain = found.to_dict()
    assert plain["goal"] == goal.title
    assert len(plain["lost"]) == len(found.lost)
    assert len(found.kept) + len(found.gained) == len(found.after.events)


def test_what_cannot_teach_is_refused(detector, detection) -> None:
    with pytest.raises(DataError, match="nothing to learn from"):
        recalibrate(detector, detection, Labels())
    with pytest.raises(DataError, match="holds no row"):
        recalibrate(detector, detection, Labels((Label(9_000, 9_100, "missed"),)))
    with pytest.raises(ConfigError, match="the goal is"):
        recalibrate(detector, detection, said(detection), goal=SigmaThreshold())


def test_scores_are_counted_on_the_labelled_part_only(detector, detection) -> None:
    found = labelled_scores(detection, said(detection, jobs=3, faults=2))
    assert (found.n_true, found.n_found, found.n_false) == (2, 2, 3)
    assert found.precision == pytest.approx(0.4)
    assert labelled_scores(detection, Labels((Label(1_050, 1_060, "false alarm"),))).n_false == 0


def test_one_alarm_over_everything_finds_no_label(detector, detection) -> None:
    giant = detection.with_threshold(FixedThreshold(1e-9))
    assert len(giant.events) == 1
    found = labelled_scores(giant, said(detection, jobs=0, faults=2))
    assert (found.n_found, found.n_false, found.f1) == (0, 1, 0.0)


def test_a_detector_that_cut_by_labels_is_recalibrated_from_that_number(detector) -> None:
    data = jobs_and_faults()
    y_true = np.zeros(len(data), dtype=int)
    y_true[slice(*BAD[0])] = 1
    taught = recalibrate(detector, data, Labels((Label(*BAD[0], "missed"),))).apply()
    taught.set_threshold(FBetaThreshold(), data, y_true)
    found = recalibrate(taught, data, Labels((Label(JOB[0], JOB[0] + 15, "false alarm"),)))
    assert not found.threshold.needs_labels


# ---------------------------------------------------------------- training anew


def maintained() -> np.ndarray:
    """A week whose maintenance looks odd, and a fault in the training part."""
    data = contract.waves(2_000)
    data[1_500:1_600] *= 0.2
    data[500:540, 0] += 4.0
    return data


QUICK = {
    "lstm": lambda: LSTMDetector(hidden_size=16, training=Training(max_epochs=15)),
    "memory": ShapeMemoryDetector,
    "pca": WindowPCADetector,
    "ensemble": lambda: EnsembleDetector(members=(PersistenceDetector(), ShapeMemoryDetector())),
}


@pytest.mark.parametrize("name", QUICK)
def test_what_was_expected_is_learned_and_what_was_wrong_is_not(name: str) -> None:
    data = maintained()
    fitted = QUICK[name]().fit(data[:1_000])
    labels = Labels((Label(1_500, 1_600, "expected"), Label(500, 540, "true alarm")))
    again = retrain(fitted, data, labels)
    n_left_out = sum(end - start for start, end in again.left_out_)
    assert again.n_learned_ == 1_000 + 100 - 40 - n_left_out
    assert not any(start < 1_600 and end > 1_500 for start, end in again.left_out_)
    first, second = (each.detect(data) for each in (fitted, again))
    calm = slice(1_530, 1_600)
    was, now = (float(np.nanmax((d.score / d.cut)[calm])) for d in (first, second))
    assert now < was


def test_cut_and_rules_outlive_the_training(detector, detection) -> None:
    taught = recalibrate(detector, detection, said(detection)).apply()
    again = retrain(taught, jobs_and_faults(), said(detection))
    assert again.threshold_ == taught.threshold_
    assert again.rules == taught.rules


def test_another_cut_has_the_runs_of_its_events(detection: Detection) -> None:
    names = detection.series.channels
    for mutes in ((), (Mute(channels=names[:1]),), (Mute(channels=names),)):
        shown = detection.with_rules(replace(detection.rules, mutes=mutes))
        lower = shown.with_threshold(FixedThreshold(0.8 * float(detection.cut[0])))
        runs = [(event.start, event.end) for event in lower.events]
        assert [tuple(run) for run in shown.runs_at(lower.cut).tolist()] == runs
        assert shown.preview(lower.threshold).events == len(runs)
        assert bool(runs) == (len(mutes) == 0 or mutes[0].channels != names)


# ---------------------------------------------------------------- the bar


@pytest.mark.slow
def test_ten_labels_make_the_rest_better_from_a_cut_that_alarms_too_much() -> None:
    series = read_series(MACHINE)
    assert_the_rest_gets_better(WindowPCADetector().fit(split_time(series, 0.4)[0]), ["sigma:3"])


@pytest.mark.slow
def test_ten_labels_make_the_rest_better_with_the_flagship_network() -> None:
    starts = ["default", "0.7 x", "1/day", "sigma:3"]
    assert_the_rest_gets_better(load(TRAINED), starts, by=0.01)  # on the first 40 %


def assert_the_rest_gets_better(detector: Detector, starts: list[str], by: float = 0.02) -> None:
    """As `benchmarks/teaching.py` measures it, over fewer draws."""
    import runpy

    teaching = runpy.run_path(str(MACHINE.parent.parent.parent / "benchmarks" / "teaching.py"))
    series = read_series(MACHINE)
    assert len(label_runs(series.label)) == 12
    detection = detector.detect(series)
    whole = teaching["Tally"].empty()
    for start in starts:
        whole.join(teaching["teach"](detector, teaching["start_at"](detection, start), n_labels=10))
    assert teaching["f1"](whole.after) > teaching["f1"](whole.before) + by
    assert whole.rose > 1.5 * whole.fell
