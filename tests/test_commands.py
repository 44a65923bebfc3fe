"""Which channels are switches."""

from __future__ import annotations

import numpy as np

from offbeat.commands import find_commands

ROWS = 100
WAVE, STILL, SWITCH = np.sin(np.arange(ROWS)), np.zeros(ROWS), np.arange(ROWS) // 10 % 2.0


def found(*channels: np.ndarray) -> list[bool]:
    return find_commands(np.stack(channels, axis=1)).tolist()


def test_a_channel_that_switches_is_a_command() -> None:
    holed = SWITCH.copy()
    holed[3] = np.nan
    assert found(WAVE, WAVE, SWITCH, holed) == [False, False, True, True]


def test_a_channel_that_stood_still_is_none_unless_most_are_switches() -> None:
    assert found(WAVE, WAVE, STILL) == [False, False, False]
    assert found(WAVE, STILL, SWITCH, SWITCH) == [False, True, True, True]


def test_one_channel_is_left_to_watch() -> None:
    assert found(SWITCH, SWITCH) == [False, False]
    assert found(STILL) == [False]


def test_three_values_are_no_switch() -> None:
    assert found(WAVE, np.arange(ROWS) % 3.0) == [False, False]
