"""Roster: the detectors that `compare` puts side by side, and what they are called in tables.

This is the one place where a new detector has to be named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from offbeat.autoencoders import AutoencoderDetector, LSTMAutoencoderDetector
from offbeat.baselines import (
    ARDetector,
    ARIMADetector,
    IsolationForestDetector,
    KMeansDetector,
    OneClassSVMDetector,
    PersistenceDetector,
    RandomDetector,
    SeasonalNaiveDetector,
    SmoothedZDetector,
    WindowPCADetector,
)
from offbeat.detector import Detector
from offbeat.ensemble import EnsembleDetector
from offbeat.errors import ConfigError, nearest_names
from offbeat.lstm import LSTMDetector
from offbeat.windowed import ShapeMemoryDetector

__all__ = ["DETECTORS", "REFERENCES", "chosen_detectors", "name_of", "references_beside"]

REFERENCES: Mapping[str, type[Detector]] = {
    "smoothed-z": SmoothedZDetector,
    "random": RandomDetector,
}
"""What no figure should stand without: anything that is not clearly better has shown nothing."""
DETECTORS: Mapping[str, type[Detector]] = {
    "ensemble": EnsembleDetector,
    "lstm": LSTMDetector,
    "memory": ShapeMemoryDetector,
    "lstm-autoencoder": LSTMAutoencoderDetector,
    "autoencoder": AutoencoderDetector,
    "pca": WindowPCADetector,
    "kmeans": KMeansDetector,
    "isolation-forest": IsolationForestDetector,
    "one-class-svm": OneClassSVMDetector,
    "ar": ARDetector,
    "arima": ARIMADetector,
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
    for name in names:
        if name not in DETECTORS:
            raise ConfigError(f"no detector {name!r}: {nearest_names(name, DETECTORS)}")
    return {name: kind for name, kind in DETECTORS.items() if not names or name in names}


def name_of(detector: Detector) -> str:
    """What a detector is called in tables; one that is not on the roster, by its class."""
    names = {kind: name for name, kind in DETECTORS.items()}
    return names.get(type(detector), type(detector).__name__)


def references_beside(detector: Detector | None = None) -> dict[str, Detector]:
    """A smoothed |z| and a random score that look at the data as this detector does.

    They take over `smoothing`, `random_state`, `covariates` and the step.
    """
    references = {name: kind() for name, kind in REFERENCES.items()}
    if detector is None:
        return references
    for each in references.values():
        each.set_params(
            smoothing=detector.smoothing,
            random_state=detector.random_state,
            covariates=detector.covariates,
            preparation=replace(each.preparation, step=detector.preparation.step),
        )
    return references
