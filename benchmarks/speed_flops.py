"""Floating-point operations a second, beside a plain matrix product of the same shapes.

An LSTM step of one layer is (B, D + I) x (D + I, 4 D), and the head (B, D + I) x (D + I, N). The
plain product is the LSTM's, step by step, on tensors that lie ready and into one that does, so that
what is less than 100 % is not arithmetic. Training counts three times the forward pass. One thread,
as a second one measures what else the machine does. Runs in a process of its own, kept as
`out/speed/flops.json`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable

import torch

from offbeat.networks import LSTMForecaster
from speed_runs import KEPT, calm
from speed_tables import Bar

__all__ = ["table"]

STEPS, HORIZON, LAYERS, HIDDEN = 64, 8, 2, 64
REPEATS, LARGE_BATCH, LEAST_SHARE = 9, 1000, 0.6
CASES = [
    (work, channels, hidden, batch)
    for work, batches in (("scoring", (1, 32, 1000, 4000)), ("training", (32, 1000)))
    for channels, hidden in ((1, 32), (1, 64), (38, 64))
    for batch in batches
]


def table() -> tuple[list[str], list[Bar]]:
    """The lines of the page, and the bar."""
    kept = KEPT / "flops.json"
    if not kept.exists():
        done = subprocess.run(
            [sys.executable, __file__], capture_output=True, text=True, check=True, env=calm()
        )
        kept.write_text(done.stdout)
    rows = json.loads(kept.read_text())
    lines = [
        "## Distance to the limit",
        "",
        f"GFLOP/s, {LAYERS} layers, {STEPS} steps, one thread; share = of the plain product "
        "in the same run.",
        "",
        "| | channels | hidden | batch | rows/s | plain product | nn.LSTM | share "
        "| whole network | share |",
        "|---" * 10 + "|",
    ]
    for row in rows:
        lines.append(
            f"| {row['work']} | {row['channels']} | {row['hidden']} | {row['batch']} | "
            f"{row['rows_a_second']:,.0f} | {row['plain']:.1f} | {row['lstm']:.1f} | "
            f"{row['lstm'] / row['plain']:.0%} | {row['network']:.1f} | "
            f"{row['network'] / row['plain']:.0%} |"
        )
    return [*lines, ""], bars(rows)


def bars(rows: list[dict[str, float | str]]) -> list[Bar]:
    """The default hidden size in large batches: the LSTM alone, and the network around it."""
    large = [
        r
        for r in rows
        if r["work"] == "scoring" and r["batch"] >= LARGE_BATCH and r["hidden"] == HIDDEN
    ]
    made = []
    for part, title in (("lstm", "nn.LSTM"), ("network", "whole network")):
        for channels in sorted({r["channels"] for r in large}):
            least = min(r[part] / r["plain"] for r in large if r["channels"] == channels)
            what = f"scoring at batch {LARGE_BATCH:,} and more, {title}, {channels} channel(s): "
            what += f"{LEAST_SHARE:.0%} of a plain product"
            made.append(Bar(what, least >= LEAST_SHARE, f"{least:.0%}"))
    return made


def measure(work: str, channels: int, hidden: int, batch: int) -> dict[str, float | str]:
    """GFLOP/s of the plain product, the LSTM alone and the whole network."""
    network = LSTMForecaster(
        channels,
        channels,
        horizon=HORIZON,
        hidden_size=hidden,
        n_layers=LAYERS,
        dropout=0.0,
        gaussian=True,
    )
    rows = torch.randn(batch, STEPS, channels)
    widths = [channels + hidden] + [2 * hidden] * (LAYERS - 1)
    lstm_flops = sum(2 * width * 4 * hidden for width in widths) * batch * STEPS
    head_flops = 2 * (hidden + channels) * 2 * HORIZON * channels * batch * STEPS
    training = work == "training"

    def whole() -> torch.Tensor:
        forecast, _ = network(rows)
        return forecast.mean.sum() + forecast.scale.sum()

    def alone() -> torch.Tensor:
        return network.lstm(rows)[0].sum()

    passes = [backward(whole), backward(alone)] if training else [whole, alone]
    with torch.set_grad_enabled(training):
        whole_seconds, alone_seconds, plain_seconds = best_of(
            [*passes, plain_products(channels, hidden, batch)]
        )
    times = 3 if training else 1
    return {
        "work": work,
        "channels": channels,
        "hidden": hidden,
        "batch": batch,
        "rows_a_second": batch * STEPS / whole_seconds,
        "plain": lstm_flops / plain_seconds / 1e9,
        "lstm": times * lstm_flops / alone_seconds / 1e9,
        "network": times * (lstm_flops + head_flops) / whole_seconds / 1e9,
    }


def backward(forward: Callable[[], torch.Tensor]) -> Callable[[], None]:
    """A forward pass and its gradient."""
    return lambda: forward().backward()


def plain_products(channels: int, hidden: int, batch: int) -> Callable[[], None]:
    """The multiplications of the LSTM's layers and nothing else."""
    layers = []
    for width in [channels] + [hidden] * (LAYERS - 1):
        shapes = ((batch, width + hidden), (width + hidden, 4 * hidden), (batch, 4 * hidden))
        layers.append([torch.randn(*shape) for shape in shapes])

    @torch.no_grad()
    def work() -> None:
        for rows, weights, gates in layers:
            for _ in range(STEPS):
                torch.mm(rows, weights, out=gates)

    return work


def best_of(works: list[Callable[[], object]]) -> list[float]:
    """The quickest of a few runs of each, in turns, so that all see the same machine."""
    times = [[] for _ in works]
    for _ in range(REPEATS + 1):  # the first is warm-up and seldom the quickest
        for own, work in zip(times, works, strict=True):
            start = time.perf_counter()
            work()
            own.append(time.perf_counter() - start)
    return [min(own) for own in times]


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(json.dumps([measure(*case) for case in CASES]))
