"""Models of windows against scikit-learn, SciPy and loops."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.decomposition import PCA
from sklearn.svm import OneClassSVM

import contract
from offbeat import (
    ConfigError,
    DataError,
    Detector,
    IsolationForestDetector,
    KMeansDetector,
    OneClassSVMDetector,
    Preparation,
    WindowPCADetector,
)
from offbeat.baselines.windows import _Components, _Support
from offbeat.series import FloatArray

DETECTORS = [WindowPCADetector, KMeansDetector, IsolationForestDetector, OneClassSVMDetector]
every_detector = pytest.mark.parametrize("kind", DETECTORS)


def windows_of(column: FloatArray, window: int = 24) -> FloatArray:
    """All windows, one after the other."""
    return np.array([column[at : at + window] for at in range(len(column) - window + 1)])


def errors_of(detector: Detector, data: FloatArray) -> FloatArray:
    """What a fitted detector says of each window of one channel, before it is made a score."""
    prepared = detector.prepared_by_.prepare(detector._scored_grid(data)[1], causal=True)
    return detector._foresee(prepared).error[23:, 0]


def standardised(distance: FloatArray, trained: FloatArray) -> FloatArray:
    usual, unusual = np.quantile(trained, (0.5, 0.99))
    return np.maximum(distance - usual, 0) / max(unusual - usual, 0.02)


def scaled(data: FloatArray) -> FloatArray:
    return (data - data[:600].mean()) / data[:600].std()


def test_components_leave_over_what_those_of_scikit_learn_do() -> None:
    data = contract.waves(n_channels=1)[:, 0]
    detector = WindowPCADetector(n_windows=10_000).fit(data[:600])
    windows, trained = windows_of(scaled(data)), windows_of(scaled(data)[:600])
    pca = PCA(0.9).fit(trained)
    assert len(detector.models_[0].axes) == pca.n_components_

    def left(of: FloatArray) -> FloatArray:
        return np.sqrt(((of - pca.inverse_transform(pca.transform(of))) ** 2).mean(axis=1))

    expected = standardised(left(windows), left(trained))
    np.testing.assert_allclose(errors_of(detector, data), expected, atol=1e-8)


@pytest.mark.parametrize(("n_components", "kept"), [(1, 1), (3, 3), (500, 23), (0.999999, 23)])
def test_one_direction_is_left_to_judge_by(n_components: float, kept: int) -> None:
    draw = np.random.default_rng(0)
    detector = WindowPCADetector(n_components=n_components, window=24)
    detector.fit(draw.normal(size=600))
    assert detector.models_[0].axes.shape == (kept, 24)


def test_the_distance_to_the_nearest_centre_is_that_of_scipy() -> None:
    data = contract.waves(n_channels=1)[:, 0]
    detector = KMeansDetector(n_windows=10_000, n_clusters=5).fit(data[:600])
    centres = detector.models_[0].centres
    assert centres.shape == (5, 24)
    windows, trained = windows_of(scaled(data)), windows_of(scaled(data)[:600])

    def far(of: FloatArray) -> FloatArray:
        return cdist(of, centres).min(axis=1) / np.sqrt(24)

    expected = standardised(far(windows), far(trained))
    np.testing.assert_allclose(errors_of(detector, data), expected, atol=1e-8)


def test_centres_are_where_the_windows_are() -> None:
    data = np.tile([0.0, 1.0, 3.0, 1.0], 100)
    detector = KMeansDetector(window=4).fit(data)
    assert len(detector.models_[0].centres) == 4  # no more than there are different windows
    assert np.nanmax(detector.anomaly_score(data)) == 0


def test_the_support_is_that_of_scikit_learn() -> None:
    draw = np.random.default_rng(0)
    windows, other = draw.normal(size=(300, 6)), 2 * draw.normal(size=(100, 6))
    model = OneClassSVMDetector()._learn_model(windows)
    assert isinstance(model, _Support)
    reference = OneClassSVM(nu=0.1, gamma="scale").fit(windows)
    expected = 1 - reference.score_samples(other) / reference.dual_coef_.sum()
    np.testing.assert_allclose(model.distance(other), expected, rtol=1e-6)


def test_the_forest_is_that_of_scikit_learn() -> None:
    data = contract.waves(n_channels=1)[:, 0]
    detector = IsolationForestDetector(n_trees=10).fit(data[:600])
    windows = windows_of(scaled(data))
    forest = detector.models_[0].forest
    assert len(forest.estimators_) == 10
    far, trained = -forest.score_samples(windows), -forest.score_samples(windows[:577])
    expected = standardised(far, trained)
    np.testing.assert_allclose(errors_of(detector, data), expected, atol=1e-2)


@every_detector
def test_an_odd_shape_stands_out(kind: type[Detector]) -> None:
    data = contract.waves(n_channels=1)
    data[760:784] = -data[760:784]
    detector = kind(smoothing="centred").fit(data[:600])
    assert abs(int(np.nanargmax(detector.anomaly_score(data))) - 772) <= 24


@pytest.mark.parametrize("view", ["level", "shape"])
@every_detector
def test_a_view_without_level_does_not_mind_a_drift(kind: type[Detector], view: str) -> None:
    data = contract.waves(1_200, n_channels=1)
    data[600:, 0] += np.linspace(0, 6, 600)
    blind = kind(view=view).fit(data[:600]).anomaly_score(data)
    seeing = kind().fit(data[:600]).anomaly_score(data)
    assert blind[1_100:].mean() < 0.5 * seeing[1_100:].mean()


@every_detector
def test_windows_are_drawn_and_no_more_than_asked_for(kind: type[Detector], monkeypatch) -> None:
    seen = []
    learn = kind._learn_model
    monkeypatch.setattr(
        kind, "_learn_model", lambda self, windows: (seen.append(windows), learn(self, windows))[1]
    )
    kind(n_windows=50).fit(contract.waves())
    assert [windows.shape for windows in seen] == [(50, 24), (50, 24)]
    kind(n_windows=50, random_state=1).fit(contract.waves())
    assert not np.array_equal(seen[0], seen[2])


def test_blocks_change_nothing(monkeypatch) -> None:
    data = contract.waves()
    detector = WindowPCADetector().fit(data[:600])
    whole = detector.anomaly_score(data)
    monkeypatch.setattr("offbeat.baselines.windows.BLOCK", 37)
    np.testing.assert_allclose(detector.anomaly_score(data), whole, rtol=1e-9, atol=1e-12)


@every_detector
def test_a_channel_without_a_whole_window_is_not_judged(kind: type[Detector]) -> None:
    data = contract.waves()
    data[:600:5, 1] = np.nan
    fitted = kind(preparation=Preparation(difference="never", max_gap=0)).fit(data[:600])
    assert fitted.models_[1] is None
    assert not np.isnan(fitted.anomaly_score(data)[23:]).any()


@pytest.mark.parametrize(
    ("detector", "match"),
    [
        (WindowPCADetector(n_components=0), "n_components must be a whole number >= 1, 0 came"),
        (WindowPCADetector(n_components=1.0), r"n_components as a share must lie in \(0, 1\)"),
        (WindowPCADetector(window=1), "window must be a whole number >= 2, 1 came"),
        (WindowPCADetector(view="form"), "view='form' is unknown"),
        (KMeansDetector(n_clusters=0), "n_clusters must be a whole number >= 1, 0 came"),
        (KMeansDetector(n_windows=0), "n_windows must be a whole number >= 1, 0 came"),
        (IsolationForestDetector(n_trees=2.5), "n_trees must be a whole number >= 1, 2.5 came"),
        (OneClassSVMDetector(nu=0.0), r"nu must lie in \(0, 1\], 0.0 came"),
    ],
)
def test_impossible_options_are_refused(detector: Detector, match: str) -> None:
    with pytest.raises(ConfigError, match=match) as told:
        detector.fit(contract.waves())
    assert "\n" not in str(told.value)


def test_too_short_a_series_is_refused() -> None:
    with pytest.raises(DataError, match="at least"):
        KMeansDetector(window=50).fit(contract.waves(60))


def test_a_file_with_windows_of_another_length_is_refused() -> None:
    state, arrays = KMeansDetector().fit(contract.waves()).state()
    arrays["model0.centres"] = arrays["model0.centres"][:, :5]
    with pytest.raises(ValueError, match="centres of 24 rows"):
        KMeansDetector.from_state(state, arrays)


def test_windows_that_never_move_have_no_components() -> None:
    model = WindowPCADetector(window=4)
    model.window_ = 4
    made = model._learn_model(np.ones((9, 4)))
    assert isinstance(made, _Components)
    assert made.axes.shape == (0, 4)
    np.testing.assert_allclose(made.distance(np.array([[1.0, 1, 1, 3]])), [1.0])
