"""What sequences cost against windows: the same network, trained and scored both ways.

Ratios within one run, because machines differ. Writes `benchmarks/cost.md`.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from offbeat.networks import LSTMForecaster

ROWS, WINDOW, HORIZON, HIDDEN = 20_000, 50, 8, 64
REPEATS = 3


def network() -> LSTMForecaster:
    torch.manual_seed(0)
    return LSTMForecaster(
        1, 1, horizon=HORIZON, hidden_size=HIDDEN, n_layers=2, dropout=0.0, gaussian=True
    )


def seconds(work: Callable[[], None]) -> float:
    """The quickest of a few runs."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def one_pass(batches: torch.Tensor, *, last_only: bool) -> Callable[[], None]:
    """Forward and backward over batches (n, B, W, 1)."""
    model = network()

    def work() -> None:
        for batch in batches:
            mean = model(batch)[0].mean
            (mean[:, -1:] if last_only else mean).square().mean().backward()

    return work


def main() -> None:
    """Measure, print and keep the table."""
    rows = torch.randn(ROWS, 1)
    chunks = rows[: ROWS // 128 * 128].view(-1, 1, 128, 1)
    chunks = chunks[: len(chunks) // 32 * 32].reshape(-1, 32, 128, 1)
    windows = rows.unfold(0, WINDOW, 1).transpose(1, 2)  # (T, 1, W) -> (N, W, 1)
    batches = windows[: len(windows) // 32 * 32].reshape(-1, 32, WINDOW, 1)[:60]
    training_sequences = seconds(one_pass(chunks, last_only=False)) * ROWS / chunks.numel()
    training_windows = seconds(one_pass(batches, last_only=True)) * ROWS / (60 * 32)
    model = network().eval()
    with torch.no_grad():
        scoring_state = seconds(lambda: model(rows[None]) and None)
        part = windows[: ROWS // 4]
        scoring_windows = 4 * seconds(lambda: model(part) and None)
    lines = [
        "| 20,000 rows, 2 layers of 64 | windows of 50 | sequences, carried state | ratio |",
        "|---|---|---|---|",
        row("one pass of training", training_windows, training_sequences),
        row("scoring", scoring_windows, scoring_state),
    ]
    table = "\n".join(lines)
    versions = f"torch {torch.__version__}, NumPy {np.__version__}, {platform.machine()}, "
    versions += f"{torch.get_num_threads()} threads"
    Path(__file__).with_suffix(".md").write_text(f"# Cost\n\n{table}\n\n{versions}\n")
    print(table)
    assert training_windows > 10 * training_sequences, "training is less than 10 times as fast"
    assert scoring_windows > 5 * scoring_state, "scoring is less than 5 times as fast"


def row(what: str, windows: float, sequences: float) -> str:
    """One line of the table."""
    return f"| {what} | {windows:.2f} s | {sequences:.2f} s | {windows / sequences:.0f} x |"


if __name__ == "__main__":
    main()
