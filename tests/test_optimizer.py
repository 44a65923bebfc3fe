"""AdamW and the one-cycle schedule, against torch's own."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from offbeat.optimizer import AdamW, OneCycle


@pytest.mark.parametrize("n_steps", [4, 11, 250])
def test_a_whole_cycle_equals_torch(n_steps: int) -> None:
    torch.manual_seed(0)
    network = torch.nn.Linear(3, 2)
    twin = torch.nn.Linear(3, 2)
    twin.load_state_dict(network.state_dict())
    optimizer = AdamW(network.parameters(), OneCycle(3e-3, n_steps))
    theirs = torch.optim.AdamW(twin.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(theirs, 3e-3, total_steps=n_steps)
    for step in range(n_steps - 1):
        rows = torch.randn(5, 3)
        group = theirs.param_groups[0]
        assert OneCycle(3e-3, n_steps).at(step) == (group["lr"], group["betas"][0])
        for model, own in ((network, optimizer), (twin, theirs)):
            own.zero_grad()
            model(rows).square().sum().backward()
            own.step()
        schedule.step()
    for mine, other in zip(network.parameters(), twin.parameters(), strict=True):
        assert torch.equal(mine, other)


def test_training_does_not_import_the_compiler() -> None:
    code = (
        "import sys, numpy as np\n"
        "from offbeat import LSTMDetector, Training\n"
        "rows = np.sin(np.arange(200) / 5)\n"
        "LSTMDetector(window=8, training=Training(max_epochs=1)).fit(rows).anomaly_score(rows)\n"
        "assert 'torch._dynamo' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
