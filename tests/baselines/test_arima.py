"""ARIMA: the filter against statsmodels itself and against a loop."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.signal import lfilter
from threadpoolctl import threadpool_limits

import contract
from offbeat import ARIMADetector, ConfigError, DataError, MissingPartError, Scoring, load, parts
from offbeat.series import FloatArray

statsmodels = pytest.importorskip("statsmodels.tsa.arima.model", reason="needs statsmodels")
PLAIN = Scoring(error="mae", smoothing_window=1, spike=0.0)


def process(n_rows: int = 900, seed: int = 0) -> FloatArray:
    """x[t] = 0.6 x[t-1] + e[t] + 0.4 e[t-1]."""
    noise = np.random.default_rng(seed).normal(size=n_rows)
    return np.asarray(lfilter([1.0, 0.4], [1.0, -0.6], noise))


def expected_of(detector: ARIMADetector, data: FloatArray) -> FloatArray:
    prepared = detector.prepared_by_.prepare(detector._scored_grid(data)[1], causal=True)
    return detector._foresee(prepared).expected[:, 0]


def test_the_coefficients_of_a_known_process_are_found() -> None:
    detector = ARIMADetector(p=1, q=1, n_rows=5_000).fit(process(5_000))
    np.testing.assert_allclose(detector.ar_[0], [1, -0.6], atol=0.05)
    np.testing.assert_allclose(detector.ma_[0], [1, 0.4], atol=0.05)


def test_the_forecasts_are_those_of_statsmodels() -> None:
    data = process()
    detector = ARIMADetector(p=2, q=1, n_rows=600).fit(data[:600])
    scaled = (data - data[:600].mean()) / data[:600].std()
    with threadpool_limits(limits=1):  # many small matrices: threads would wait for each other
        model = statsmodels.ARIMA(scaled[:600], order=(2, 0, 1), trend="c").fit()
        theirs = model.apply(scaled).fittedvalues
    warm = detector.warm_up_
    np.testing.assert_allclose(expected_of(detector, data)[warm:], theirs[warm:], atol=2e-3)


@pytest.mark.parametrize("d", [0, 1, 2])
def test_the_filter_is_the_recursion_taken_by_hand(d: int) -> None:
    data = np.cumsum(process(400)) if d else process(400)
    detector = ARIMADetector(p=1, d=d, q=1).fit(data)
    scaled = (data - data.mean()) / data.std()
    ar, ma, mean = detector.ar_[0], detector.ma_[0], detector.mean_[0]
    residual = np.zeros(400)
    for row in range(400):
        total = sum(
            ar[lag] * (scaled[row - lag] - mean) for lag in range(len(ar)) if row - lag >= 0
        )
        residual[row] = total - (ma[1] * residual[row - 1] if row else 0.0)
    expected = scaled - residual
    warm = detector.warm_up_
    np.testing.assert_allclose(expected_of(detector, data)[warm:], expected[warm:], atol=1e-8)


def test_a_walk_taken_by_differences_is_persistence() -> None:
    walk = np.cumsum(np.random.default_rng(0).normal(size=500))
    detector = ARIMADetector(p=0, d=1, q=0).fit(walk)
    scaled = (walk - walk.mean()) / walk.std()
    warm = detector.warm_up_
    np.testing.assert_allclose(expected_of(detector, walk)[warm:], scaled[warm - 1 : -1])


def test_a_break_in_the_dynamics_stands_out() -> None:
    data = contract.waves(n_channels=1)
    data[760:790] = data[760:790:][::-1]
    data[770] += 1.5
    score = ARIMADetector(p=2, q=0).fit(data[:600]).anomaly_score(data)
    assert 760 <= int(np.nanargmax(score)) <= 800


def test_one_absurd_value_does_not_spoil_what_follows() -> None:
    data = process()
    wild = data.copy()
    wild[700] = 1e9
    detector = ARIMADetector(p=1, q=1, scoring=PLAIN).fit(data[:600])
    score = detector.anomaly_score(wild)
    np.testing.assert_allclose(score[760:], detector.anomaly_score(data)[760:], atol=1e-3)


def test_only_the_last_rows_are_fitted_on(monkeypatch) -> None:
    seen = []
    fit = ARIMADetector._fit_column
    monkeypatch.setattr(
        ARIMADetector,
        "_fit_column",
        lambda self, kind, column, values: (seen.append(values), fit(self, kind, column, values)),
    )
    data = process()
    data[600:640] = np.nan
    ARIMADetector(p=1, q=0, n_rows=100).fit(data)
    scaled = (data - np.nanmean(data)) / np.nanstd(data)
    np.testing.assert_allclose(seen[0], scaled[500:600], atol=0.1)


@pytest.mark.parametrize("data", [np.full(300, 7.0), process(120)], ids=["constant", "short"])
def test_what_tells_too_little_is_described_by_its_mean(data: FloatArray) -> None:
    detector = ARIMADetector(p=20, q=0).fit(np.concatenate([data, data[:30]]))
    assert detector.record_.settings["chosen"]["mean_only"] == 1
    assert not detector.ar_[0, 1:].any()


def test_a_saved_model_is_scored_without_statsmodels(tmp_path: Path, monkeypatch) -> None:
    data = process()
    fitted = ARIMADetector(p=1, q=0).fit(data[:600])
    path = fitted.save(tmp_path / "m.offbeat")
    missing(monkeypatch)
    np.testing.assert_array_equal(load(path).anomaly_score(data), fitted.anomaly_score(data))


def test_a_missing_package_is_named_with_the_line_that_installs_it(monkeypatch) -> None:
    missing(monkeypatch)
    with pytest.raises(MissingPartError) as told:
        ARIMADetector().fit(process())
    assert str(told.value) == 'ARIMADetector needs statsmodels: pip install "offbeat[arima]"'


def missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(parts, "import_module", fail)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"p": -1}, "p must be a whole number >= 0, -1 came"),
        ({"d": 0.5}, "d must be a whole number >= 0, 0.5 came"),
        ({"q": "two"}, "q must be a whole number >= 0, 'two' came"),
        ({"n_rows": 3}, "n_rows must be a whole number >= 50, 3 came"),
    ],
)
def test_impossible_options_are_refused(options: dict[str, object], match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        ARIMADetector(**options).fit(process())


def test_too_short_a_series_is_refused() -> None:
    with pytest.raises(DataError, match="at least 110"):
        ARIMADetector().fit(process(80))
