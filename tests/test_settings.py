"""Options as text: each lands where it belongs, in its own type, or is refused by name."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from offbeat import (
    ConfigError,
    EnsembleDetector,
    EventRules,
    LSTMDetector,
    Preparation,
    Scoring,
    parse_mute,
)
from offbeat.settings import settings_in, settings_text, with_settings
from offbeat.similarity import Precedent
from offbeat.thresholds import BudgetThreshold, SigmaThreshold


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("window=48", 48),
        ("window = 48 ", 48),
        ("window=auto", None),
        ("window=none", None),
        ("hidden_size=8", 8),
        ("dropout=0.25", 0.25),
        ("dropout=0", 0.0),
        ("loss=mae", "mae"),
        ("robust_state=no", False),
        ("robust_state=TRUE", True),
        ("robust_state=0", False),
        ("device=cpu", "cpu"),
        ("covariates=valve, fan", ("valve", "fan")),
        ("threshold=sigma:4", SigmaThreshold(4.0)),
    ],
)
def test_an_option_is_read_in_its_own_type(setting: str, value: object) -> None:
    made = with_settings(LSTMDetector(), [setting])
    read = made.get_params()[setting.partition("=")[0].strip()]
    assert read == value
    assert isinstance(read, bool) == isinstance(value, bool)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("training.max_epochs=50", 50),
        ("training.learning_rate=1e-4", 1e-4),
        ("training.max_seconds=none", None),
        ("training.max_seconds=2.5", 2.5),
        ("training.keep_on_interrupt=yes", True),
        ("preparation.impute=knn", "knn"),
        ("preparation.step=5min", "5min"),
        ("preparation.step=3", 3),
        ("scoring.skewness=0.5", 0.5),
        ("rules.min_length=4", 4),
        (
            "rules.mutes=Sat,Sun; Mon 02:00-03:00",
            (parse_mute("Sat,Sun"), parse_mute("Mon 02:00-03:00")),
        ),
    ],
)
def test_an_option_of_a_group_is_set_and_its_neighbours_stay(setting: str, value: object) -> None:
    name, _, field = setting.partition("=")[0].partition(".")
    made, plain = with_settings(LSTMDetector(), [setting]), LSTMDetector()
    group, usual = vars(made)[name], vars(plain)[name]
    assert vars(group)[field] == value
    assert {k: v for k, v in vars(group).items() if k != field} == {
        k: v for k, v in vars(usual).items() if k != field
    }


def test_settings_are_taken_in_their_order_and_the_last_one_wins() -> None:
    texts = ["training.patience=2", "training.max_epochs=5", "training.patience=3"]
    made = with_settings(LSTMDetector(), texts)
    assert (made.training.patience, made.training.max_epochs) == (3, 5)


def test_the_defaults_of_the_library_are_not_touched() -> None:
    with_settings(LSTMDetector(), ["training.max_epochs=1", "window=5"])
    assert LSTMDetector().training.max_epochs != 1
    assert LSTMDetector().window is None


@pytest.mark.parametrize(
    ("setting", "match"),
    [
        ("horizon", "a setting is name=value, 'horizon' came"),
        ("horizn=3", "no option 'horizn': did you mean 'horizon'"),
        ("trainig.patience=3", "no option 'trainig': did you mean 'training'"),
        ("training.patence=3", "no option training.patence: did you mean 'patience'"),
        ("window.size=3", "option 'window' has no parts"),
        ("window=big", "window is a number, 'big' came"),
        ("window=3.5", "window is a number, '3.5' came"),
        ("dropout=", "dropout is a number, '' came"),
        ("robust_state=maybe", "robust_state is yes or no, 'maybe' came"),
    ],
)
def test_what_cannot_be_set_is_named(setting: str, match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        with_settings(LSTMDetector(), [setting])


@pytest.mark.parametrize("setting", ["loss=huber", "preparation.impute=guess"])
def test_a_word_out_of_a_list_is_refused_when_it_is_fitted(setting: str) -> None:
    with pytest.raises(ConfigError, match="is unknown"):
        with_settings(LSTMDetector(), [setting]).fit([0.0] * 99)


@pytest.mark.parametrize("group", ["preparation", "training", "scoring", "rules"])
def test_a_whole_group_cannot_be_a_word(group: str) -> None:
    with pytest.raises(ConfigError, match=f"option '{group}' is a group: set its parts"):
        with_settings(LSTMDetector(), [f"{group}=fast"])


@pytest.mark.parametrize(
    "detector",
    [
        LSTMDetector(),
        LSTMDetector(
            window=48,
            covariates=("valve: 1", "#fan"),
            threshold=BudgetThreshold("1/2 weeks"),
            preparation=Preparation(step="5min", max_gap=0),
            scoring=Scoring(smoothing_window=(3, 9), rate_of_change=1e-5),
        ),
        LSTMDetector(covariates=()),
        LSTMDetector(
            rules=EventRules(3, mutes=(parse_mute("Sat,Sun"), parse_mute("Mon 02:00-03:00")))
        ),
    ],
)
def test_every_option_comes_back_from_a_file(detector: LSTMDetector, tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(settings_text(detector))
    again = with_settings(LSTMDetector(), settings_in(path))
    assert again.get_params(deep=False) == detector.get_params(deep=False)


def test_a_duration_is_written_as_people_write_it() -> None:
    detector = LSTMDetector(preparation=Preparation(step=timedelta(minutes=5)))
    assert 'preparation.step: "5min"' in settings_text(detector)


def test_what_fits_on_no_line_is_left_out() -> None:
    judged = Precedent("false alarm", (("a", 1.0),), "above", 3, 2.0)
    text = settings_text(LSTMDetector(rules=EventRules(precedents=(judged,))))
    assert "precedents" not in text
    text = settings_text(EnsembleDetector(members=(LSTMDetector(),)))
    assert "members" not in text
    assert "offbeat evaluate FILE --detector ensemble --set @settings.yaml" in text


@pytest.mark.parametrize(
    ("text", "match"),
    [("a\n", "line 1"), ('# x\n\na: 1\nb: "x\n', "line 4"), (None, "No such file")],
)
def test_bad_files_of_settings_are_refused(tmp_path: Path, text: str | None, match: str) -> None:
    path = tmp_path / "settings.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=match):
        settings_in(path)
