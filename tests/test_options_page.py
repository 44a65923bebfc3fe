"""The guide of options names every option with every value it can take."""

from __future__ import annotations

from dataclasses import fields
from inspect import signature
from pathlib import Path
from typing import Literal, get_args, get_origin, get_type_hints

import pytest

from offbeat import EventRules, LSTMDetector, Preparation, ReadOptions, Scoring, Training

PAGE = (Path(__file__).parent.parent / "docs" / "options.md").read_text()
GROUPS = [Preparation, Training, Scoring, EventRules, ReadOptions]


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.__name__)
def test_every_option_of_a_group_stands_there_with_its_values(group: type) -> None:
    hints = get_type_hints(group)
    for field in fields(group):
        assert f"`{field.name}`" in PAGE, field.name
        assert_values_stand_there(hints[field.name])


def test_every_argument_of_the_detector_stands_there_with_its_values() -> None:
    hints = get_type_hints(LSTMDetector.__init__)
    for name in signature(LSTMDetector).parameters:
        assert f"`{name}`" in PAGE, name
        assert_values_stand_there(hints[name])


def assert_values_stand_there(kind: object) -> None:
    if get_origin(kind) is Literal:
        for value in get_args(kind):
            assert f'`"{value}"`' in PAGE, value
