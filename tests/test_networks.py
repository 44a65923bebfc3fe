"""The network keeps its laws: shapes, what it learns from, what it cannot see, what it carries."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from offbeat.networks import (
    MAX_SCALE,
    MIN_SCALE,
    DenseAutoencoder,
    LSTMAutoencoder,
    LSTMForecaster,
    RowNetwork,
)

B, W, H, C, N_INPUTS = 3, 7, 4, 2, 5


def made(*, gaussian: bool = True, n_layers: int = 2, dropout: float = 0.0) -> LSTMForecaster:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return LSTMForecaster(
            N_INPUTS,
            C,
            horizon=H,
            hidden_size=6,
            n_layers=n_layers,
            dropout=dropout,
            gaussian=gaussian,
        )


def rows(n: int = W) -> Tensor:
    return torch.randn(B, n, N_INPUTS, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("n_layers", [1, 3])
@pytest.mark.parametrize("gaussian", [True, False])
def test_every_row_forecasts_every_channel_for_every_step_ahead(gaussian, n_layers) -> None:
    forecast, (hidden, cell) = made(gaussian=gaussian, n_layers=n_layers)(rows())
    assert forecast.mean.shape == (B, W, H, C)
    assert hidden.shape == cell.shape == (n_layers, B, 6)
    assert (forecast.scale is None) is not gaussian
    if forecast.scale is not None:
        assert forecast.scale.shape == (B, W, H, C)


def test_a_scale_lies_within_its_bounds_however_odd_the_rows() -> None:
    forecast, _ = made()(1e4 * rows())
    assert forecast.scale is not None
    assert forecast.scale.min() >= MIN_SCALE
    assert forecast.scale.max() <= MAX_SCALE
    assert forecast.mean.isfinite().all()


@pytest.mark.parametrize("gaussian", [True, False])
@pytest.mark.parametrize("n_layers", [1, 2])
def test_the_gradient_reaches_every_parameter(gaussian: bool, n_layers: int) -> None:
    network = made(gaussian=gaussian, n_layers=n_layers)
    forecast, _ = network(rows())
    total = forecast.mean.square().sum()
    if forecast.scale is not None:
        total = total + forecast.scale.square().sum()
    total.backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert (parameter.grad != 0).any(), name


def test_the_jacobian_to_the_future_is_zero_and_to_the_past_is_not() -> None:
    network = made()

    def summed(one: Tensor) -> Tensor:
        forecast, _ = network(one[None])
        assert forecast.scale is not None
        return (forecast.mean + forecast.scale)[0].sum(dim=(1, 2))  # (W,)

    jacobian = torch.autograd.functional.jacobian(summed, rows()[0])  # (W, W, n_inputs)
    moved = (jacobian != 0).any(dim=2)
    assert torch.equal(moved, torch.tril(torch.ones(W, W, dtype=torch.bool)))


def test_series_of_a_batch_do_not_see_each_other() -> None:
    network, data = made(), rows()
    alone, _ = network(data[1:2])
    together, _ = network(data)
    torch.testing.assert_close(together.mean[1:2], alone.mean)


@pytest.mark.parametrize("cuts", [(0, 3, 7), (0, 1, 2, 3, 4, 5, 6, 7), (0, 6, 7)])
def test_the_state_carried_over_pieces_equals_one_call(cuts: tuple[int, ...]) -> None:
    network, data = made().eval(), rows()
    whole, last = network(data)
    state, pieces = None, []
    for start, end in itertools.pairwise(cuts):
        piece, state = network(data[:, start:end], state)
        pieces.append(piece.mean)
    torch.testing.assert_close(torch.cat(pieces, dim=1), whole.mean)
    assert state is not None
    torch.testing.assert_close(state, last)


def test_a_fresh_start_forgets_what_came_before() -> None:
    network, data = made().eval(), rows()
    carried, _ = network(data, network(data)[1])
    afresh, _ = network(data)
    assert not torch.allclose(carried.mean, afresh.mean)


def test_dropout_is_at_work_in_training_only() -> None:
    network, data = made(dropout=0.5), rows()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        assert not torch.equal(network(data)[0].mean, network(data)[0].mean)
    network.eval()
    assert torch.equal(network(data)[0].mean, network(data)[0].mean)


def test_one_layer_with_dropout_warns_of_nothing() -> None:
    made(n_layers=1, dropout=0.5)(rows())  # torch warns, and warnings are errors here


def test_memory_starts_open() -> None:
    network = made()
    for name, bias in network.lstm.named_parameters():
        if name.startswith("bias_ih"):
            assert bias.tolist() == [0.0] * 6 + [1.0] * 6 + [0.0] * 12


# ---------------------------------------------------------------- autoencoders


def autoencoder(kind: str) -> RowNetwork:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        if kind == "lstm":
            return LSTMAutoencoder(N_INPUTS, C, hidden_size=6)
        return DenseAutoencoder(N_INPUTS, C, window=W, hidden_size=6, code_size=3)


both = pytest.mark.parametrize("kind", ["dense", "lstm"])


@both
def test_every_target_of_every_row_is_said_again(kind: str) -> None:
    network = autoencoder(kind)
    said, _ = network(rows())
    assert said.mean.shape == (B, W, 1, C)
    assert said.scale is None
    assert (network.horizon, network.first_ahead) == (1, 0)


@both
def test_the_gradient_reaches_every_parameter_of_an_autoencoder(kind: str) -> None:
    network = autoencoder(kind)
    network(rows())[0].mean.square().sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert (parameter.grad != 0).any(), name


@both
def test_every_row_said_again_depends_on_every_row_read(kind: str) -> None:
    network = autoencoder(kind)
    jacobian = torch.autograd.functional.jacobian(
        lambda one: network(one[None])[0].mean[0, :, 0].sum(dim=1), rows()[0]
    )
    assert (jacobian != 0).any(dim=2).all()


def test_no_more_gets_through_than_the_code_holds() -> None:
    network = autoencoder("dense")
    assert isinstance(network, DenseAutoencoder)
    jacobian = torch.autograd.functional.jacobian(
        lambda one: network(one[None])[0].mean.flatten(), rows()[0]
    )
    assert torch.linalg.matrix_rank(jacobian.reshape(W * C, W * N_INPUTS)) <= 3
