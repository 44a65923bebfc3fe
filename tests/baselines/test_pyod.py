"""Any model of PyOD on windows, as long as it judges each by itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.neighbors import NearestNeighbors

import contract
from offbeat import (
    ConfigError,
    DataError,
    EnsembleDetector,
    MissingPartError,
    ModelFileError,
    PersistenceDetector,
    PyODDetector,
    parts,
)
from offbeat.baselines.pyod import _seeded

pytest.importorskip("pyod", reason="needs pyod")


class Drawn(BaseEstimator):
    """Speaks PyOD's language and draws from the global random state, as some models do."""

    def __init__(self, random_state: int | None = None) -> None:
        self.random_state = random_state

    def fit(self, X: np.ndarray) -> None:
        if self.random_state is None:
            raise ValueError("no seed came\nnor anything else")
        self.weight_ = np.random.rand(X.shape[1])

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        return np.abs(X @ self.weight_)


def test_the_usual_model_is_the_distance_to_the_fifth_neighbour() -> None:
    draw = np.random.default_rng(0)
    windows, other = draw.normal(size=(200, 6)), draw.normal(size=(50, 6))
    made = PyODDetector()._learn_model(windows)
    neighbours = NearestNeighbors(n_neighbors=5).fit(windows)
    np.testing.assert_allclose(made.distance(other), neighbours.kneighbors(other)[0][:, -1])


@pytest.mark.parametrize(("module", "name"), [("lof", "LOF"), ("pca", "PCA")])
def test_an_odd_shape_stands_out_of_any_model(module: str, name: str) -> None:
    model = getattr(pytest.importorskip(f"pyod.models.{module}"), name)()
    data = contract.waves(n_channels=1)
    data[760:784] = 3.0
    detector = PyODDetector(model=model, n_windows=300).fit(data[:600])
    score = detector.anomaly_score(data)
    assert 760 <= int(np.nanargmax(score)) <= 808
    assert not hasattr(model, "decision_scores_")  # the model given is not the one fitted


def test_a_model_that_compares_what_it_judges_is_refused() -> None:
    model = pytest.importorskip("pyod.models.copod").COPOD()
    with pytest.raises(ConfigError, match="COPOD compares the windows"):
        PyODDetector(model=model).fit(contract.waves(n_channels=1))


def test_the_seed_reaches_the_model_and_the_global_state_stays() -> None:
    def make() -> PyODDetector:
        return PyODDetector(model=Drawn(), random_state=3)

    contract.same_seed_same_scores_and_global_state_untouched(make)
    fitted = make().fit(contract.waves())
    assert fitted.models_[0].model.random_state == 3
    kept = PyODDetector(model=Drawn(random_state=9)).fit(contract.waves())
    assert kept.models_[0].model.random_state == 9


def test_the_global_state_stays_where_a_model_fails() -> None:
    np.random.seed(1)
    expected = np.random.rand()
    np.random.seed(1)

    def fail() -> None:
        with _seeded(5):
            np.random.rand()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert np.random.rand() == expected


def test_a_copy_has_a_model_of_its_own() -> None:
    detector = PyODDetector(model=Drawn(random_state=2))
    again = clone(detector)
    assert again.model is not detector.model
    assert again.model.random_state == 2


def test_what_a_model_cannot_learn_from_is_told_in_one_line() -> None:
    detector = PyODDetector(model=Drawn(random_state=1))
    detector._fresh_model = Drawn  # without a seed
    with pytest.raises(DataError, match=r"Drawn cannot learn from 877 windows: no seed came$"):
        detector.fit(contract.waves())


@pytest.mark.parametrize("model", [3, "KNN", Drawn])
def test_what_is_no_model_is_refused(model: object) -> None:
    with pytest.raises(ConfigError, match="model must be a detector of PyOD"):
        PyODDetector(model=model).fit(contract.waves())


def test_it_is_never_pickled_not_even_inside_an_ensemble(tmp_path: Path) -> None:
    both = EnsembleDetector(members=(PersistenceDetector(), PyODDetector(model=Drawn())))
    with pytest.raises(ModelFileError, match="cannot be saved") as told:
        both.fit(contract.waves()).save(tmp_path / "m.offbeat")
    assert "\n" not in str(told.value)
    assert not list(tmp_path.iterdir())


def test_no_file_can_hold_one() -> None:
    state, arrays = PersistenceDetector().fit(contract.waves(n_channels=1)).state()
    arrays |= {"units": np.ones((1, 2)), "model0.pickle": np.zeros(3)}
    del state["options"]["scoring"]
    with pytest.raises(ModelFileError, match="cannot hold a model of PyOD"):
        PyODDetector.from_state(state, arrays)


def test_a_missing_package_is_named_with_the_line_that_installs_it(monkeypatch) -> None:
    def fail(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(parts, "import_module", fail)
    with pytest.raises(MissingPartError) as told:
        PyODDetector().fit(contract.waves())
    assert str(told.value) == 'PyODDetector needs pyod: pip install "offbeat[pyod]"'
