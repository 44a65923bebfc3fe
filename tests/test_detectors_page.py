"""The page of detectors names every detector and every option of its own."""

from __future__ import annotations

from inspect import signature
from pathlib import Path

import pytest

from offbeat import LSTMDetector
from offbeat.persist import DETECTORS

PAGE = (Path(__file__).parent.parent / "docs" / "detectors.md").read_text()


@pytest.mark.parametrize("name", DETECTORS)
def test_every_detector_stands_there_with_its_own_options(name: str) -> None:
    assert f"`{name}`" in PAGE
    own = set(signature(DETECTORS[name]).parameters) - set(signature(LSTMDetector).parameters)
    for option in own:
        assert f"`{option}`" in PAGE, option
