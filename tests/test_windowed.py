"""Detectors that look at windows keep the laws of all detectors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import contract
from offbeat import ConfigError, DataError, ModelFileError, ShapeMemoryDetector, load


@pytest.mark.parametrize("law", contract.LAWS, ids=lambda law: law.__name__)
def test_law(law) -> None:
    law(ShapeMemoryDetector)


def test_an_anomaly_stands_out() -> None:
    contract.an_anomaly_stands_out(ShapeMemoryDetector)


def test_save_and_load_give_equal_scores(tmp_path: Path) -> None:
    contract.save_and_load_give_equal_scores(ShapeMemoryDetector, str(tmp_path / "m.offbeat"))


def test_looking_back_puts_the_score_on_the_anomaly() -> None:
    data = contract.waves(n_channels=1)
    data[760:784] = 0.0
    detector = ShapeMemoryDetector(smoothing="centred").fit(data[:600])
    assert abs(int(np.nanargmax(detector.anomaly_score(data))) - 772) <= 4
    detector.set_params(smoothing="trailing")
    assert 772 <= int(np.nanargmax(detector.anomaly_score(data))) <= 807


def test_the_window_is_the_period() -> None:
    detector = ShapeMemoryDetector().fit(contract.waves())
    assert detector.window_ == 24
    assert detector.record_.settings["chosen"]["window"] == 24


def test_what_drifts_away_is_ever_further_away() -> None:
    data = contract.waves(1_200, n_channels=1)
    data[600:, 0] += np.linspace(0, 8, 600)
    score = ShapeMemoryDetector().fit(data[:600]).anomaly_score(data)
    assert score[1_150] > score[1_000] > score[800] > np.nanmax(score[:600])


@pytest.mark.parametrize("options", [{"window": 1}, {"window": 2.5}, {"n_windows": 0}])
def test_impossible_options_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="must be a whole number"):
        ShapeMemoryDetector(**options).fit(contract.waves())


def test_too_short_a_series_is_refused() -> None:
    with pytest.raises(DataError, match="at least"):
        ShapeMemoryDetector(window=50).fit(contract.waves(60))


def test_a_file_with_windows_of_another_length_is_refused(tmp_path: Path) -> None:
    fitted = ShapeMemoryDetector().fit(contract.waves())
    state, arrays = fitted.state()
    arrays["memory0.windows"] = arrays["memory0.windows"][:, :5]
    with pytest.raises(ValueError, match="windows of 24 rows"):
        ShapeMemoryDetector.from_state(state, arrays)
    path = fitted.save(tmp_path / "whole.offbeat")
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(ModelFileError):
        load(path)
