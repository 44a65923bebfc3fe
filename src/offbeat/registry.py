"""Which detectors there are, by name: those that an ensemble can join and a file can hold."""

from __future__ import annotations

from collections.abc import Mapping

from offbeat.autoencoders import AutoencoderDetector, LSTMAutoencoderDetector
from offbeat.baselines import (
    ARDetector,
    ARIMADetector,
    IsolationForestDetector,
    KMeansDetector,
    OneClassSVMDetector,
    PersistenceDetector,
    PyODDetector,
    RandomDetector,
    SeasonalNaiveDetector,
    SmoothedZDetector,
    WindowPCADetector,
)
from offbeat.detector import Detector
from offbeat.lstm import LSTMDetector
from offbeat.windowed import ShapeMemoryDetector

__all__ = ["MEMBERS"]

_KINDS: tuple[type[Detector], ...] = (
    LSTMDetector,
    ShapeMemoryDetector,
    PersistenceDetector,
    SeasonalNaiveDetector,
    SmoothedZDetector,
    RandomDetector,
    WindowPCADetector,
    KMeansDetector,
    IsolationForestDetector,
    OneClassSVMDetector,
    AutoencoderDetector,
    LSTMAutoencoderDetector,
    ARDetector,
    ARIMADetector,
    PyODDetector,
)
MEMBERS: Mapping[str, type[Detector]] = {kind.__name__: kind for kind in _KINDS}
"""Detectors that can be a member of an ensemble, by class name."""
