"""Small steps run in one thread, and the setting is put back."""

from __future__ import annotations

import pytest
import torch

from offbeat.threads import threads_worth


@pytest.fixture(autouse=True)
def _two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_a_small_step_gets_one_thread_and_gives_the_others_back() -> None:
    with threads_worth(32, 64):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2


def test_a_large_step_keeps_them() -> None:
    with threads_worth(1000, 64):
        assert torch.get_num_threads() == 2


def test_they_come_back_after_an_error() -> None:
    with pytest.raises(RuntimeError), threads_worth(1, 8):
        raise RuntimeError
    assert torch.get_num_threads() == 2
