"""Many networks trained in step are those of single fits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from fleets import clocked, quick, wave

from offbeat import LSTMDetector, Series, Training
from offbeat.fleet import Failure, SharedLSTM, learn_own
from offbeat.fleet.cells import Workspace, stacked_layer
from offbeat.fleet.stacked import StackedForecaster
from offbeat.networks import LSTMForecaster


def assert_like_single_fits(
    fleet: dict[str, Series], template: LSTMDetector, atol: float = 1e-5
) -> dict[str, LSTMDetector | Failure]:
    learned = learn_own(fleet, template)
    assert list(learned) == list(fleet)
    for key, series in fleet.items():
        own, single = learned[key], template.fresh().fit(series)
        assert isinstance(own, LSTMDetector)
        assert own.training_log_.ended == single.training_log_.ended
        assert own.training_log_.best_epoch == single.training_log_.best_epoch
        np.testing.assert_allclose(
            own.anomaly_score(series), single.anomaly_score(series), rtol=1e-4, atol=atol
        )
        assert own.threshold_ == single.threshold_
        assert own.left_out_ == single.left_out_
    return learned


def test_equals_single_fits_with_dropout_different_periods_and_lengths() -> None:
    fleet = {f"k{i}": wave(i, 150 + 30 * (i % 3)) for i in range(5)}
    assert_like_single_fits(fleet, quick())


@pytest.mark.parametrize(
    "options",
    [
        {"n_layers": 1, "dropout": 0.0, "loss": "mse"},
        {"n_layers": 3, "loss": "mae", "robust_state": False},
        {"horizon": 2, "window": 10, "training": Training(max_epochs=2, validation=0.0, trim=0.0)},
        {"hidden_size": 48, "window": 8},  # large: by torch's own layer, on threads
    ],
)
def test_equals_single_fits_whatever_the_options(options: dict[str, object]) -> None:
    fleet = {f"k{i}": wave(i, 130) for i in range(2)}
    assert_like_single_fits(fleet, quick(**options))


def test_equals_single_fits_of_many_channels() -> None:
    names = tuple(f"c{i}" for i in range(6))
    fleet = {f"k{i}": wave(i, 160, channels=names) for i in range(2)}
    assert_like_single_fits(fleet, quick(hidden_size=4, training=Training(max_epochs=2)))


def test_equals_single_fits_where_series_end_at_different_epochs() -> None:
    fleet = {f"k{i}": wave(i, 150, period=16) for i in range(4)}
    fleet["noise"] = Series(
        np.random.default_rng(9).normal(size=(150, 1)), np.arange(150), ("value",)
    )
    template = quick(training=Training(max_epochs=6, patience=1, learning_rate=0.03))
    learned = assert_like_single_fits(fleet, template, atol=1e-3)
    ends = {len(d.training_log_.epochs) for d in learned.values() if isinstance(d, LSTMDetector)}
    assert len(ends) > 1


def test_equals_single_fits_with_gaps_and_odd_rows() -> None:
    values = wave(1, 400).values.copy()
    values[100:130] = np.nan
    values[200] = 500.0
    fleet = {"gap": Series(values, np.arange(400), ("value",)), "whole": wave(2, 400)}
    assert_like_single_fits(fleet, quick(), atol=1e-4)


def test_the_global_random_state_is_left_alone() -> None:
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    learn_own({"a": wave(0, 150)}, quick())
    assert torch.rand(1) == expected


def test_what_cannot_be_learned_is_told_and_the_rest_goes_on() -> None:
    fleet = {
        "good": wave(0),
        "short": wave(1, 9),
        "still": Series(np.full((100, 1), 7.0), np.arange(100), ("value",), name="still"),
        "empty": Series(np.full((100, 1), np.nan), np.arange(100), ("value",), name="empty"),
        "clock": clocked(wave(2), 60),
        "wide": wave(3, channels=("a", "b")),
    }
    learned = learn_own(fleet, quick())
    reasons = {key: each.reason for key, each in learned.items() if isinstance(each, Failure)}
    assert set(reasons) == {"short", "still", "empty"}
    assert "9 rows" in reasons["short"]
    assert "never moves" in reasons["still"]


def test_goes_on_from_the_fleets_network_in_a_fifth_of_the_epochs() -> None:
    fleet = {f"k{i}": wave(i) for i in range(3)} | {"other": wave(4, channels=("a", "b"))}
    template = quick(training=Training(max_epochs=10))
    shared = SharedLSTM(template).fit(fleet)
    before = {name: w.clone() for name, w in shared.network_.state_dict().items()}
    learned = learn_own(fleet, template, start=shared)
    assert isinstance(learned["other"], Failure)
    for key in ("k0", "k1", "k2"):
        own = learned[key]
        assert isinstance(own, LSTMDetector)
        assert len(own.training_log_.epochs) <= 2
        assert not torch.equal(own.network_.head.weight, shared.network_.head.weight)
    for name, weights in shared.network_.state_dict().items():
        assert torch.equal(weights, before[name])


def test_a_stacked_layer_has_the_gradient_of_differences() -> None:
    torch.manual_seed(0)
    rows = torch.randn(5, 2, 3, 2, requires_grad=True)
    weights = (torch.randn(2, 2 + 4 + 1, 16) / 2).requires_grad_()
    space = Workspace()
    direction = torch.randn(5, 2, 3, 4)
    (stacked_layer(rows, weights, space) * direction).sum().backward()
    for array in (rows, weights):
        gradient, step = array.grad, torch.randn_like(array)
        assert gradient is not None
        slope = (gradient * step).sum()
        with torch.no_grad():
            sides = []
            for side in (1e-2, -1e-2):
                moved = {id(rows): rows, id(weights): weights} | {id(array): array + side * step}
                hidden = stacked_layer(moved[id(rows)], moved[id(weights)], space)
                sides.append(float((hidden * direction).sum()))
        assert float(slope) == pytest.approx((sides[0] - sides[1]) / 2e-2, rel=2e-2)


def test_stacked_forecasters_say_what_each_network_says() -> None:
    torch.manual_seed(0)
    networks = [
        LSTMForecaster(2, 1, horizon=3, hidden_size=5, n_layers=2, dropout=0.0, gaussian=True)
        for _ in range(3)
    ]
    stack = StackedForecaster([n.state_dict() for n in networks], networks[0])
    rows = torch.randn(9, 3, 4, 2)  # (W, S, B, n_inputs)
    said = stack.forward(rows, 1, None)
    for i, network in enumerate(networks):
        forecast, _ = network(rows[:, i].transpose(0, 1))
        torch.testing.assert_close(said.mean[:, i].transpose(0, 1), forecast.mean)
        for name, weights in network.state_dict().items():
            assert torch.equal(stack.state_of(i)[name], weights)


def test_a_template_with_a_bad_option_fails_each_with_the_reason() -> None:
    bad = quick(training=replace(Training(), patience=0))
    learned = learn_own({"a": wave(0)}, bad)
    assert isinstance(learned["a"], Failure)
    assert "patience" in learned["a"].reason
