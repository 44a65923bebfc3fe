"""LSTMDetector: the laws, every option with all its values, frames in and frames out."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone

import contract
from offbeat import ConfigError, DataError, LSTMDetector, NotFittedError, Preparation, Scoring
from offbeat.clean import ImputeMethod, ScaleMethod
from offbeat.outliers import RepairFill
from offbeat.scores import Aggregate, ErrorKind, Smoothing
from offbeat.thresholds import PercentileThreshold, SigmaThreshold
from offbeat.training import Training

QUICK = Training(max_epochs=4)


def quick(**options: object) -> LSTMDetector:
    return LSTMDetector(**{"window": 24, "hidden_size": 16, "training": QUICK, **options})


@pytest.mark.parametrize("law", contract.LAWS, ids=lambda law: law.__name__)
@pytest.mark.parametrize("preset", ["default", "tutorial"])
def test_laws(law, preset: str) -> None:
    def make() -> LSTMDetector:
        if preset == "tutorial":
            return LSTMDetector.tutorial(window=24).set_params(hidden_size=16, training=QUICK)
        return quick(training=Training(max_epochs=8))

    law(make)


def test_an_anomaly_stands_out() -> None:
    contract.an_anomaly_stands_out(lambda: quick(training=Training(max_epochs=20)))


def test_save_and_load(tmp_path: Path) -> None:
    contract.save_and_load_give_equal_scores(quick, tmp_path / "m.offbeat")


OPTIONS = [
    *({"loss": loss} for loss in ("gaussian", "mse", "mae")),
    *({"smoothing": smoothing} for smoothing in get_args(Smoothing)),
    *({"robust_state": robust} for robust in (True, False)),
    *({"n_layers": n} for n in (1, 3)),
    *({"horizon": n} for n in (1, 5)),
    *({"preparation": Preparation(impute=way)} for way in get_args(ImputeMethod)),
    *({"preparation": Preparation(scaling=way)} for way in get_args(ScaleMethod)),
    *({"preparation": Preparation(difference=way)} for way in ("never", "always", "auto")),
    *({"preparation": Preparation(outliers=way)} for way in ("off", "report", "apply")),
    *(
        {"preparation": Preparation(outliers="apply", outlier_fill=way)}
        for way in get_args(RepairFill)
    ),
    *({"scoring": Scoring(error=way)} for way in get_args(ErrorKind)),
    *({"scoring": Scoring(aggregate=way)} for way in get_args(Aggregate)),
    {"scoring": Scoring(rate_of_change=0.5, skewness=0.5, kurtosis=0.5)},
    {"scoring": Scoring(forecast=0.0, spike=0.0, rate_of_change=1.0)},
    {"training": Training(max_epochs=2, validation=0.0)},
    {"training": Training(max_epochs=2, trim=0.0, gradient_clip=0.5)},
    {"training": Training(max_epochs=50, max_seconds=0.5)},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_every_option(options: dict[str, object]) -> None:
    data = contract.waves()
    data[100, 0] = np.nan
    data[200, 0] = 40.0
    detector = quick(**options).fit(data[:600])
    detection = detector.detect(data)
    assert not np.isnan(detection.score[-200:]).any()
    assert detection.channel_shares[-1].sum() == pytest.approx(1)
    assert detection.signal_shares.shape[1] == len(detection.signals)
    treatment = detector.preparation.outliers
    assert bool(detection.train_outliers) == (treatment != "off")
    if treatment == "apply":
        assert all(each.replaced_by is not None for each in detection.train_outliers)


def test_frames_come_back_as_they_came() -> None:
    data = contract.waves()
    index = pd.date_range("2026-01-01", periods=len(data), freq="5min", name="when")
    frame = pd.DataFrame(data, index=index, columns=["a", "b"])
    detector = quick().fit(frame[:600])
    score = detector.anomaly_score(frame)
    assert isinstance(score, pd.DataFrame)
    assert score.index.equals(index)
    assert list(score.columns) == ["score"]
    polars = pl.DataFrame({"when": index.to_numpy(), "a": data[:, 0], "b": data[:, 1]})
    label = detector.predict(polars)
    assert isinstance(label, pl.DataFrame)
    assert set(label["label"].unique()) <= {0, 1}
    np.testing.assert_allclose(detector.anomaly_score(polars)["score"], score["score"], rtol=1e-6)
    arrow = detector.anomaly_score(polars.to_arrow())
    assert arrow.column_names == ["when", "score"]


def test_one_channel_array() -> None:
    data = contract.waves(n_channels=1)[:, 0]
    assert quick().fit(data[:600]).predict(data).shape == (900,)


def test_scikit_learn_conventions() -> None:
    detector = quick(horizon=3)
    twin = clone(detector)
    assert twin is not detector
    assert twin.get_params()["horizon"] == 3
    assert clone(detector.set_params(loss="mae")).loss == "mae"
    with pytest.raises(NotFittedError, match="call fit first"):
        detector.anomaly_score(contract.waves())


def test_threshold_moves_without_training() -> None:
    data = contract.waves()
    data[700:720, 0] += 2
    detector = quick().fit(data[:600])
    weights = detector.network_.state_dict()["head.weight"].clone()
    low = detector.set_threshold(PercentileThreshold(90.0)).predict(data).sum()
    high = detector.set_threshold(SigmaThreshold(20.0)).predict(data).sum()
    assert low > high
    assert (weights == detector.network_.state_dict()["head.weight"]).all()


def test_covariates_are_read_and_not_judged() -> None:
    data = contract.waves()
    detection = quick(covariates=("channel_1",)).fit(data[:600]).detect(data)
    assert np.nan_to_num(detection.channel_shares[:, 1]).max() == 0


def test_normal_and_excluded_spans() -> None:
    data = contract.waves()
    data[100:130] = 30
    detector = quick().fit(data, normal=[(150, 650)])
    assert detector.n_learned_ == 500
    assert quick().fit(data[:700], exclude=[(90, 140)]).n_learned_ == 650
    assert any(95 < event.start < 125 for event in detector.detect(data).events)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"window": 1}, "window must be a whole number >= 2"),
        ({"horizon": 0}, "horizon"),
        ({"dropout": 1.0}, "dropout"),
        ({"loss": "huber"}, "loss"),
        ({"smoothing": "both"}, "smoothing"),
        ({"device": "abacus"}, "device 'abacus'"),
        ({"covariates": ("nobody",)}, "nobody"),
        ({"preparation": Preparation(impute="guess")}, "impute"),
        ({"preparation": Preparation(max_gap=-1)}, "max_gap"),
        ({"scoring": Scoring(forecast=0.0, spike=0.0)}, "not all 0"),
        ({"training": Training(max_epochs=0)}, "max_epochs"),
    ],
    ids=str,
)
def test_options_that_cannot_be(options: dict[str, object], match: str) -> None:
    with pytest.raises((ConfigError, DataError), match=match):
        quick(**options).fit(contract.waves())


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (np.zeros((20, 1)), "20 rows"),
        (np.full((300, 1), np.nan), "no value"),
        (np.full((300, 1), np.inf), "infinite"),
    ],
    ids=["short", "nan", "infinite"],
)
def test_data_that_cannot_be_learned(data, match: str) -> None:
    with pytest.raises(DataError, match=match):
        quick().fit(data)


def test_other_channels_than_in_training() -> None:
    detector = quick().fit(contract.waves()[:600])
    with pytest.raises(DataError, match="2 channel"):
        detector.anomaly_score(contract.waves(n_channels=3))


def test_another_step_than_in_training() -> None:
    def frame(freq: str) -> pd.DataFrame:
        index = pd.date_range("2026-01-01", periods=900, freq=freq)
        return pd.DataFrame(contract.waves(), index=index, columns=["a", "b"])

    detector = quick().fit(frame("5min")[:600])
    with pytest.raises(DataError, match="step of"):
        detector.anomaly_score(frame("1min"))


def test_a_drop_inside_the_normal_range_is_found() -> None:
    """Night values at noon: every single value is usual, the shape is not."""
    data = contract.waves(1_500, 1)
    data[1_300:1_324] = -0.6  # sines reach -1
    detection = quick(training=Training(max_epochs=15)).fit(data[:1_000]).detect(data)
    assert any(event.start < 1_330 and event.end > 1_300 for event in detection.events)
    assert not [event for event in detection.events if event.start < 1_290]


def test_ctrl_c_keeps_the_best_weights_if_asked() -> None:
    def stop(log) -> None:
        if log.epoch == 2:
            raise KeyboardInterrupt

    data = contract.waves()
    with pytest.raises(KeyboardInterrupt):
        quick().fit(data, progress=stop)
    kept = quick(training=Training(max_epochs=9, keep_on_interrupt=True))
    assert kept.fit(data, progress=stop).training_log_.ended == "interrupted"
    assert not np.isnan(kept.anomaly_score(data)[-100:]).any()
