"""Parameters by name, as scikit-learn's tools expect them."""

from __future__ import annotations

import subprocess
import sys

import pytest
from sklearn.base import clone
from sklearn.ensemble import IsolationForest
from sklearn.model_selection import ParameterGrid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import get_tags

from offbeat import EnsembleDetector, LSTMDetector, PersistenceDetector, PyODDetector, Training
from offbeat.errors import ConfigError


def test_what_was_given_is_read_back_and_shown() -> None:
    detector = LSTMDetector(window=32, training=Training(max_epochs=3))
    assert detector.get_params()["window"] == 32
    assert list(detector.get_params()) == sorted(detector.get_params())
    assert repr(PersistenceDetector(random_state=3)) == "PersistenceDetector(random_state=3)"
    assert repr(LSTMDetector()) == "LSTMDetector()"
    assert "window=32" in repr(detector)
    assert "max_epochs=3" in repr(detector)


def test_an_unknown_name_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ConfigError, match="no parameter 'windo': it has window, horizon"):
        LSTMDetector().set_params(windo=3)


def test_parameters_of_a_parameter() -> None:
    detector = PyODDetector(model=IsolationForest(n_estimators=7))
    assert detector.get_params()["model__n_estimators"] == 7
    assert detector.set_params(model__n_estimators=9).model.n_estimators == 9
    assert "model__n_estimators" not in detector.get_params(deep=False)


def test_a_fresh_one_shares_nothing_and_knows_nothing() -> None:
    model = IsolationForest().fit([[0.0], [1.0]])
    inner = LSTMDetector(window=16)
    inner.calibrations_ = {}
    joined = EnsembleDetector(members=(inner, PyODDetector(model=model))).fresh()
    assert joined.members is not None
    assert joined.members[0] is not inner
    assert joined.members[0].get_params()["window"] == 16
    assert not hasattr(joined.members[0], "calibrations_")
    assert not hasattr(joined.members[1].get_params()["model"], "estimators_")


def test_scikit_learns_tools_take_it() -> None:
    detector = PersistenceDetector(smoothing="centred")
    assert clone(detector).smoothing == "centred"
    assert get_tags(detector).estimator_type is None
    line = make_pipeline(FunctionTransformer(), detector)
    for each in ParameterGrid({"persistencedetector__random_state": [1, 2]}):
        line.set_params(**each)
    assert detector.random_state == 2
    assert line.fit([[float(i % 7)] for i in range(60)]).predict([[1.0]] * 30).shape == (30,)


def test_nothing_of_scikit_learn_is_loaded_for_a_detector() -> None:
    code = (
        "import sys, offbeat; offbeat.EnsembleDetector(); "
        "print([name for name in ('sklearn', 'scipy', 'pandas') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
