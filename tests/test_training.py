"""The training loop: what it learns, when it ends, what it keeps and what it leaves alone."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from offbeat import ConfigError, DataError, chunks
from offbeat import training as loop
from offbeat.losses import Loss, absolute_loss, gaussian_loss, squared_loss, trimmed_mean
from offbeat.networks import DenseAutoencoder, Forecast, LSTMForecaster
from offbeat.training import (
    EpochLog,
    Material,
    Training,
    TrainingLog,
    train,
)

LOSSES = {"gaussian": gaussian_loss, "mse": squared_loss, "mae": absolute_loss}
H = 2


def network(*, gaussian: bool = True) -> LSTMForecaster:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return LSTMForecaster(
            1, 1, horizon=H, hidden_size=8, n_layers=1, dropout=0.1, gaussian=gaussian
        )


def sine(n_rows: int = 240) -> Material:
    wave = torch.sin(2 * torch.pi * torch.arange(n_rows) / 12)[:, None]
    return Material(wave, wave, [(0, n_rows)], chunk=24, warm_up=4)


def trained(
    options: Training = Training(max_epochs=3),
    *,
    of: LSTMForecaster | None = None,
    material: Material | None = None,
    seed: int = 0,
    progress: Callable[[EpochLog], None] | None = None,
    loss: Loss = gaussian_loss,
) -> tuple[LSTMForecaster, TrainingLog]:
    made = network() if of is None else of
    given = sine() if material is None else material
    cpu = torch.device("cpu")
    return made, train(made, given, loss, options, seed=seed, device=cpu, progress=progress)


def weights(of: LSTMForecaster) -> Tensor:
    return torch.cat([each.detach().flatten() for each in of.parameters()])


def judged_as(monkeypatch: pytest.MonkeyPatch, losses: list[float]) -> None:
    """Let the rows held back give these losses, epoch by epoch."""
    left = iter(losses)
    monkeypatch.setattr(loop, "_validation_loss", lambda *_: next(left))


# ---------------------------------------------------------------- losses


def forecast_and_target() -> tuple[Forecast, Tensor]:
    draw = torch.Generator().manual_seed(0)
    shape = (2, 3, H, 1)
    scale = 0.5 + torch.rand(shape, generator=draw)
    return Forecast(torch.randn(shape, generator=draw), scale), torch.randn(shape, generator=draw)


def test_the_gaussian_loss_is_the_likelihood_of_torch_without_its_constant() -> None:
    forecast, target = forecast_and_target()
    normal = torch.distributions.Normal(forecast.mean, forecast.scale)
    constant = 0.5 * math.log(2 * math.pi)
    torch.testing.assert_close(gaussian_loss(forecast, target), -normal.log_prob(target) - constant)


def test_the_other_losses_are_those_of_torch() -> None:
    forecast, target = forecast_and_target()
    for ours, theirs in ((squared_loss, torch.nn.MSELoss), (absolute_loss, torch.nn.L1Loss)):
        expected = theirs(reduction="none")(forecast.mean, target)
        torch.testing.assert_close(ours(forecast, target), expected)


@pytest.mark.parametrize("name", LOSSES)
def test_each_loss_falls_while_a_sine_is_learned(name: str) -> None:
    of = network(gaussian=name == "gaussian")
    _, log = trained(Training(max_epochs=8), of=of, loss=LOSSES[name])
    assert log.epochs[-1].train_loss < log.epochs[0].train_loss
    assert log.epochs[-1].validation_loss < log.epochs[0].validation_loss


# ---------------------------------------------------------------- trimming, and what is not known


def test_trimming_leaves_out_the_worst_points_only() -> None:
    losses = torch.ones(1, 100, H, 1)
    losses[0, 7] = 1e6
    known = torch.ones_like(losses, dtype=torch.bool)
    assert trimmed_mean(losses, known, 0.02) == 1
    assert trimmed_mean(losses, known, 0.0) > 1e3


def test_few_points_are_never_trimmed() -> None:
    losses = torch.ones(1, 50, H, 1)
    losses[0, 7] = 51.0
    assert trimmed_mean(losses, torch.ones_like(losses, dtype=torch.bool), 0.5) == 2


def test_what_is_not_known_counts_for_nothing() -> None:
    losses = torch.zeros(1, 4, H, 1)
    known = torch.zeros_like(losses, dtype=torch.bool)
    losses[0, 1, 0], known[0, 1, 0] = 3.0, True
    assert trimmed_mean(losses, known, 0.0) == 3
    assert trimmed_mean(losses, torch.zeros_like(known), 0.0) == 0


def test_rows_without_a_value_and_the_end_of_a_segment_teach_nothing() -> None:
    given = sine(60)
    holed = given.targets.clone()
    holed[30:] = torch.nan
    parts = [
        Material(given.inputs, holed, [(0, 60)], chunk=60, warm_up=4),
        Material(given.inputs, given.targets, [(0, 30)], chunk=60, warm_up=4),
    ]
    start = np.array([0])
    of, plain = network().eval(), Training(trim=0.0)
    cpu = torch.device("cpu")
    losses = [
        loop._chunk_loss(of, part, gaussian_loss, start, np.array([end]), plain, cpu)
        for part, end in zip(parts, (60, 30), strict=True)
    ]
    torch.testing.assert_close(losses[0], losses[1])


# ---------------------------------------------------------------- what is held back


@pytest.mark.parametrize(
    ("segments", "learned", "judged"),
    [
        ([(0, 100)], [(0, 80)], [(76, 100)]),
        ([(0, 50), (60, 110)], [(0, 50), (60, 90)], [(86, 110)]),
        ([(0, 80), (90, 110)], [(0, 80)], [(90, 110)]),
        ([(0, 60), (70, 90), (95, 115)], [(0, 60), (70, 90)], [(95, 115)]),
    ],
)
def test_the_last_rows_in_time_order_judge_after_a_warm_up(segments, learned, judged) -> None:
    whole = Material(torch.zeros(120, 1), torch.zeros(120, 1), segments, chunk=24, warm_up=4)
    first, last = chunks.hold_back(whole, 0.2)
    assert last is not None
    assert list(first.segments) == learned
    assert list(last.segments) == judged


@pytest.mark.parametrize("share", [0.0, 0.1])
def test_few_rows_are_not_held_back(share: float) -> None:
    given = sine(100)
    assert chunks.hold_back(given, share) == (given, None)


def test_without_rows_held_back_the_training_loss_judges() -> None:
    _, log = trained(Training(max_epochs=2, validation=0.0))
    assert all(epoch.validation_loss == epoch.train_loss for epoch in log.epochs)


def test_the_rows_held_back_do_not_teach() -> None:
    spoilt = sine()
    changed = spoilt.targets.clone()
    changed[210:] = 50.0
    other = Material(spoilt.inputs, changed, spoilt.segments, chunk=24, warm_up=4)
    one, _ = trained(Training(max_epochs=1, validation=0.2))
    two, log = trained(Training(max_epochs=1, validation=0.2), material=other)
    assert torch.equal(weights(one), weights(two))
    assert log.epochs[0].validation_loss > 100 * log.epochs[0].train_loss


def test_a_chunk_never_starts_after_the_last_row() -> None:
    part = Material(
        torch.zeros(100, 1), torch.zeros(100, 1), [(5, 9), (20, 100)], chunk=24, warm_up=4
    )
    starts, ends = chunks.draw_chunks(part, 5_000, np.random.default_rng(0))
    assert set(ends) == {9, 100}
    assert (starts[ends == 9] == 5).all()
    assert starts[ends == 100].min() == 20
    assert starts[ends == 100].max() == 75


# ---------------------------------------------------------------- when it ends, and what it keeps


def test_it_stops_early_and_restores_the_best_weights(monkeypatch) -> None:
    judged_as(monkeypatch, [5.0, 3.0, 4.0, 3.5, 3.2, 1.0])
    of, seen = network(), list[Tensor]()
    _, log = trained(
        Training(max_epochs=9, patience=3), of=of, progress=lambda _: seen.append(weights(of))
    )
    assert len(log.epochs) == 5
    assert log.best_epoch == 2
    assert log.ended == "no better validation loss for 3 epochs"
    assert torch.equal(weights(of), seen[1])
    assert not torch.equal(seen[1], seen[4])
    assert not of.training


def test_a_loss_that_is_no_number_is_never_the_best(monkeypatch) -> None:
    judged_as(monkeypatch, [2.0, math.nan, 3.0])
    _, log = trained()
    assert log.best_epoch == 1


def test_all_epochs_are_done_where_each_is_better(monkeypatch) -> None:
    judged_as(monkeypatch, [3.0, 2.0, 1.0])
    _, log = trained(Training(max_epochs=3, patience=1))
    assert (log.best_epoch, log.ended) == (3, "all 3 epochs done")


def test_it_stops_when_its_time_is_up() -> None:
    start = time.monotonic()
    _, log = trained(Training(max_epochs=100_000, patience=100_000, max_seconds=0.3))
    assert time.monotonic() - start < 10
    assert log.ended == "stopped after max_seconds=0.3"


def interrupt_after(epochs: int) -> Callable[[EpochLog], None]:
    def stop(log: EpochLog) -> None:
        if log.epoch == epochs:
            raise KeyboardInterrupt

    return stop


def test_ctrl_c_gives_up() -> None:
    with pytest.raises(KeyboardInterrupt):
        trained(progress=interrupt_after(2))


def test_ctrl_c_keeps_the_best_weights_so_far_if_asked(monkeypatch) -> None:
    judged_as(monkeypatch, [1.0, 2.0, 3.0])
    of, seen, stop = network(), list[Tensor](), interrupt_after(3)

    def watch(log: EpochLog) -> None:
        seen.append(weights(of))
        stop(log)

    _, log = trained(Training(max_epochs=9, keep_on_interrupt=True), of=of, progress=watch)
    assert (log.best_epoch, log.ended) == (1, "interrupted")
    assert torch.equal(weights(of), seen[0])
    assert not of.training


def test_ctrl_c_before_the_first_epoch_is_over_gives_up_even_if_asked_to_keep(monkeypatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(loop, "_chunk_loss", interrupted)
    with pytest.raises(KeyboardInterrupt):
        trained(Training(keep_on_interrupt=True))


# ---------------------------------------------------------------- steps, seeds, hooks


def test_no_gradient_is_longer_than_its_clip(monkeypatch) -> None:
    norms = list[float]()
    step = loop.AdamW.step

    def watched(self: loop.AdamW) -> None:
        norms.append(float(torch.cat([p.grad.flatten() for p in self.parameters]).norm()))
        step(self)

    monkeypatch.setattr(loop.AdamW, "step", watched)
    trained(Training(max_epochs=2, gradient_clip=1e-3))
    assert len(norms) == 2 * chunks.MIN_EPOCH_STEPS
    assert max(norms) <= 1e-3 * 1.001


def test_the_same_seed_gives_the_same_weights_and_another_seed_others() -> None:
    one, other, third = (trained(seed=seed)[0] for seed in (4, 4, 5))
    assert torch.equal(weights(one), weights(other))
    assert not torch.equal(weights(one), weights(third))


def test_the_global_random_state_is_left_alone() -> None:
    torch.manual_seed(7)
    np.random.seed(7)
    before = torch.get_rng_state(), np.random.get_state()[1]
    trained(Training(max_epochs=1))
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (np.random.get_state()[1] == before[1]).all()


def test_the_global_random_state_does_not_matter() -> None:
    torch.manual_seed(1)
    one, _ = trained(Training(max_epochs=1))
    torch.manual_seed(2)
    other, _ = trained(Training(max_epochs=1))
    assert torch.equal(weights(one), weights(other))


def test_the_hook_is_told_of_every_epoch_its_loss_and_the_time_left() -> None:
    told = list[EpochLog]()
    _, log = trained(Training(max_epochs=3), progress=told.append)
    assert tuple(told) == log.epochs
    assert [epoch.epoch for epoch in told] == [1, 2, 3]
    assert all(math.isfinite(epoch.train_loss + epoch.validation_loss) for epoch in told)
    assert all(one.seconds < other.seconds for one, other in itertools.pairwise(told))
    assert told[0].seconds_left == pytest.approx(2 * told[0].seconds)
    assert told[2].seconds_left == 0


def test_nothing_to_learn_from_is_said() -> None:
    empty = Material(torch.zeros(9, 1), torch.zeros(9, 1), [], chunk=4, warm_up=1)
    with pytest.raises(DataError, match="nothing to learn from"):
        trained(material=empty)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("learning_rate", 0.0),
        ("learning_rate", 1.5),
        ("batch_size", 0),
        ("max_epochs", 0),
        ("patience", 0),
        ("validation", -0.1),
        ("validation", 1.0),
        ("gradient_clip", 0.0),
        ("trim", 0.6),
        ("trim", math.nan),
        ("max_seconds", 0.0),
    ],
)
def test_an_option_out_of_its_range_is_named(option: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"{option} must lie in .*{value!r} came"):
        trained(Training(**{option: value}))


# ---------------------------------------------------------------- windows that are said again


def windows(n_windows: int, n_rows: int = 8) -> Material:
    wave = torch.sin(torch.arange(n_windows * n_rows) / 3)[:, None]
    segments = [(at, at + n_rows) for at in range(0, n_windows * n_rows, n_rows)]
    return Material(wave, wave, segments, chunk=n_rows, warm_up=0, whole=True)


def test_a_window_teaches_or_judges_and_is_never_cut() -> None:
    learned, judged = chunks.hold_back(windows(9), 0.3)
    assert judged is not None
    assert len(learned.segments) == 6
    assert [*learned.segments, *judged.segments] == list(windows(9).segments)


def test_a_single_window_is_not_held_back() -> None:
    given = windows(1, 32)
    assert chunks.hold_back(given, 0.9) == (given, None)


def test_an_autoencoder_is_told_the_rows_themselves() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        of = DenseAutoencoder(1, 1, window=8, hidden_size=16, code_size=3)
    given, plain, cpu = windows(40), Training(trim=0.0), torch.device("cpu")
    starts = np.array([0, 16])
    before = loop._chunk_loss(of, given, squared_loss, starts, starts + 8, plain, cpu)
    rows = torch.stack([given.inputs[:8], given.inputs[16:24]])
    expected = (of(rows)[0].mean[:, :, 0] - rows).square().mean()
    torch.testing.assert_close(before, expected)
    log = train(of, given, squared_loss, Training(max_epochs=20), seed=0, device=cpu)
    assert log.epochs[-1].validation_loss < 0.8 * log.epochs[0].validation_loss
