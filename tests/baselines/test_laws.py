"""Every detector that the LSTM is measured against keeps the laws of all detectors."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from inspect import signature
from pathlib import Path
from typing import get_type_hints

import numpy as np
import pytest
from sklearn.base import clone

import contract
import offbeat
from offbeat import (
    ARDetector,
    ARIMADetector,
    AutoencoderDetector,
    Detector,
    IsolationForestDetector,
    KMeansDetector,
    LSTMAutoencoderDetector,
    ModelFileError,
    OneClassSVMDetector,
    PersistenceDetector,
    PyODDetector,
    RandomDetector,
    SeasonalNaiveDetector,
    SmoothedZDetector,
    Training,
    WindowPCADetector,
)
from offbeat.registry import MEMBERS

Make = Callable[..., Detector]

MAKERS: dict[str, Make] = {
    kind.__name__: kind
    for kind in (
        ARDetector,
        PersistenceDetector,
        SeasonalNaiveDetector,
        SmoothedZDetector,
        RandomDetector,
        WindowPCADetector,
        KMeansDetector,
        OneClassSVMDetector,
    )
}
MAKERS["IsolationForestDetector"] = partial(IsolationForestDetector, n_trees=20)
QUICK = Training(max_epochs=2)
for kind in (AutoencoderDetector, LSTMAutoencoderDetector):
    MAKERS[kind.__name__] = partial(kind, hidden_size=8, training=QUICK)
if find_spec("statsmodels") is not None:
    MAKERS["ARIMADetector"] = partial(ARIMADetector, p=2, q=0)
if find_spec("pyod") is not None:
    MAKERS["PyODDetector"] = PyODDetector
SHARED = ("smoothing", "random_state", "covariates", "preparation", "scoring", "threshold", "rules")
every_detector = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS.keys())


@every_detector
@pytest.mark.parametrize("law", contract.LAWS, ids=lambda law: law.__name__)
def test_law(law, make: Make) -> None:
    law(make)


@every_detector
def test_save_and_load_give_equal_scores(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "m.offbeat"
    if make is PyODDetector:
        with pytest.raises(ModelFileError, match="cannot be saved"):
            make().fit(contract.waves(300)).save(path)
        assert not path.exists()
    else:
        contract.save_and_load_give_equal_scores(make, str(path))


@every_detector
def test_the_constructor_only_stores_and_names_every_option(make: Make) -> None:
    detector = make()
    names = set(signature(type(detector)).parameters)
    assert names == set(detector.get_params(deep=False)) >= set(SHARED)
    assert all(p.kind == p.KEYWORD_ONLY for p in signature(type(detector)).parameters.values())
    hints = get_type_hints(type(detector).__init__)
    assert names <= set(hints)
    again = clone(detector.set_params(random_state=3, smoothing="centred"))
    assert (again.random_state, again.smoothing) == (3, "centred")
    with pytest.raises(TypeError, match="hiden_size"):
        type(detector)(hiden_size=3)


@every_detector
def test_looking_back_scores_every_row_after_the_warm_up(make: Make) -> None:
    data = contract.waves()
    score = make(smoothing="centred").fit(data[:600]).anomaly_score(data)
    assert not np.isnan(score[72:-60]).any()


@every_detector
def test_a_detection_has_events_and_a_report(make: Make, tmp_path: Path) -> None:
    data = contract.waves(300)
    detection = make().fit(data[:200]).detect(data)
    assert detection.score.shape == (300,)
    assert detection.report(tmp_path / "r.html").stat().st_size > 1000


@every_detector
def test_a_hole_in_one_channel_does_not_silence_the_other(make: Make) -> None:
    data = contract.waves()
    holed = data.copy()
    holed[700:760, 0] = np.nan
    score = make().fit(data[:600]).anomaly_score(holed)
    assert not np.isnan(score[600:]).any()


@every_detector
@pytest.mark.parametrize("size", [1e-300, 1e140])
def test_absurd_sizes_are_no_trouble(make: Make, size: float) -> None:
    data = contract.waves(300, n_channels=1)
    data[250] *= size
    score = make().fit(data[:200]).anomaly_score(data)
    assert not np.isinf(score).any()
    assert make().fit(data * 1e-3).anomaly_score(data).shape == (300,)


@every_detector
def test_a_covariate_is_not_judged(make: Make) -> None:
    data = contract.waves()
    wild = data.copy()
    wild[700:720, 1] = 50
    detector = make(covariates=("channel_1",)).fit(data[:600])
    shares = detector.detect(wild).channel_shares
    assert np.nanmax(np.nan_to_num(shares[:, 1])) == 0


@pytest.mark.parametrize("name", MAKERS)
def test_it_is_known_by_its_name(name: str) -> None:
    assert getattr(offbeat, name) is MEMBERS[name]


def test_every_exported_detector_is_registered() -> None:
    exported = {n for n in offbeat.__all__ if n.endswith("Detector")}
    assert exported == {*MEMBERS, "Detector", "EnsembleDetector", "StreamDetector"}


def test_an_ensemble_can_be_made_of_them(tmp_path: Path) -> None:
    members = (PersistenceDetector(), SeasonalNaiveDetector(), SmoothedZDetector())
    contract.save_and_load_give_equal_scores(
        lambda: offbeat.EnsembleDetector(members=members), str(tmp_path / "m.offbeat")
    )
