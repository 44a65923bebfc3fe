"""One row at a time gives what the network gives for all rows."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from offbeat import LSTMDetector, Training
from offbeat.networks import LSTMForecaster
from offbeat.stepper import Stepper


@pytest.mark.parametrize("gaussian", [True, False])
@pytest.mark.parametrize("n_layers", [1, 2])
def test_steps_equal_the_network(gaussian: bool, n_layers: int) -> None:
    torch.manual_seed(0)
    network = LSTMForecaster(
        3, 2, horizon=4, hidden_size=5, n_layers=n_layers, dropout=0.3, gaussian=gaussian
    ).eval()
    rows = torch.randn(1, 30, 3)
    with torch.no_grad():
        first, state = network(rows[:, :10])
        rest, after = network(rows[:, 10:], state)
    stepper = Stepper(network)
    hidden, cell = stepper.stand(state)
    steps = np.stack([stepper.step(row, hidden, cell) for row in rows[0, 10:].numpy()])
    np.testing.assert_allclose(steps[:, 0], rest.mean[0], atol=1e-5)
    if gaussian:
        np.testing.assert_allclose(steps[:, 1], rest.scale[0], atol=1e-5)
    for mine, theirs in zip((hidden, cell), after, strict=True):
        np.testing.assert_allclose(mine, theirs[:, 0], atol=1e-5)
    hidden, cell = stepper.stand(None)
    afresh = np.stack([stepper.step(row, hidden, cell) for row in rows[0, :10].numpy()])
    np.testing.assert_allclose(afresh[:, 0], first.mean[0], atol=1e-5)


@pytest.mark.parametrize("loss", ["gaussian", "mse"])
def test_stepping_where_much_is_odd_changes_no_score(monkeypatch, loss: str) -> None:
    rng = np.random.default_rng(3)
    rows = np.sin(np.arange(600) / 5)[:, None] + 0.05 * rng.standard_normal((600, 2))
    detector = LSTMDetector(window=16, loss=loss, training=Training(max_epochs=3)).fit(rows[:300])
    rows[400:480] += rng.choice([0.0, 4.0], size=(80, 2))
    stepped = detector.anomaly_score(rows)
    monkeypatch.setattr("offbeat.walk.NEXT_GUESS", 1)
    np.testing.assert_allclose(stepped, detector.anomaly_score(rows), atol=1e-5)
