"""Roster: the detectors that `compare` puts side by side, and what they are called in tables.

This is the one place where a new detector has to be named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from offbeat.baselines import (
    PersistenceDetector,
    RandomDetector,
    SeasonalNaiveDetector,
    SmoothedZDetector,
)
from offbeat.detector import Detector
from offbeat.ensemble import EnsembleDetector
from offbeat.errors import one_of
from offbeat.lstm import LSTMDetector
from offbeat.windowed import ShapeMemoryDetector

__all__ = ["DETECTORS", "REFERENCES", "chosen_detectors"]

REFERENCES: Mapping[str, type[Detector]] = {
    "smoothed-z": SmoothedZDetector,
    "random": RandomDetector,
}
"""What no figure should stand without: anything that is not clearly better has shown nothing."""
DETECTORS: Mapping[str, type[Detector]] = {
    "ensemble": EnsembleDetector,
    "lstm": LSTMDetector,
    "memory": ShapeMemoryDetector,
    "seasonal-naive": SeasonalNaiveDetector,
    "persistence": PersistenceDetector,
    **REFERENCES,
}


def chosen_detectors(names: Sequence[str] = ()) -> dict[str, type[Detector]]:
    """The detectors of these names, or all of them, in the order of the roster.

    Raises
    ------
    ConfigError
        If a name is unknown; the nearest are named.
    """
    wanted = [one_of("detector", name, DETECTORS) for name in names] or list(DETECTORS)
    return {name: kind for name, kind in DETECTORS.items() if name in wanted}
