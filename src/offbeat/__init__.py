"""Offbeat: what did not go as foreseen.

    from offbeat import LSTMDetector

    detection = LSTMDetector().fit(train).detect(data)
    detection.events
    detection.plot()

Names are imported when they are first asked for, so that `import offbeat` and the command line
start quickly.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from offbeat.autoencoders import AutoencoderDetector, LSTMAutoencoderDetector
    from offbeat.baselines import (
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
    from offbeat.checks import CheckReport, check
    from offbeat.comparison import Comparison, compare
    from offbeat.detection import Detection, EventRules
    from offbeat.detector import Detector
    from offbeat.ensemble import EnsembleDetector
    from offbeat.errors import (
        ConfigError,
        DataError,
        MissingPartError,
        ModelFileError,
        NotFittedError,
        OffbeatError,
    )
    from offbeat.evaluation import Evaluation, evaluate
    from offbeat.events import Event
    from offbeat.io import ReadOptions, aggregate_events, as_series, read_series, split_time
    from offbeat.lesson import Lesson
    from offbeat.lstm import LSTMDetector
    from offbeat.persist import load, save
    from offbeat.preparation import Preparation
    from offbeat.scores import Scoring
    from offbeat.series import Series
    from offbeat.sliding import sliding_windows
    from offbeat.thresholds import parse_threshold
    from offbeat.training import Training
    from offbeat.windowed import ShapeMemoryDetector

_HOME = {
    "ARIMADetector": "baselines",
    "AutoencoderDetector": "autoencoders",
    "CheckReport": "checks",
    "Comparison": "comparison",
    "ConfigError": "errors",
    "DataError": "errors",
    "Detection": "detection",
    "Detector": "detector",
    "EnsembleDetector": "ensemble",
    "Evaluation": "evaluation",
    "Event": "events",
    "EventRules": "detection",
    "IsolationForestDetector": "baselines",
    "KMeansDetector": "baselines",
    "LSTMAutoencoderDetector": "autoencoders",
    "LSTMDetector": "lstm",
    "Lesson": "lesson",
    "MissingPartError": "errors",
    "ModelFileError": "errors",
    "NotFittedError": "errors",
    "OffbeatError": "errors",
    "OneClassSVMDetector": "baselines",
    "PersistenceDetector": "baselines",
    "Preparation": "preparation",
    "PyODDetector": "baselines",
    "RandomDetector": "baselines",
    "ReadOptions": "io",
    "Scoring": "scores",
    "SeasonalNaiveDetector": "baselines",
    "Series": "series",
    "ShapeMemoryDetector": "windowed",
    "SmoothedZDetector": "baselines",
    "Training": "training",
    "WindowPCADetector": "baselines",
    "aggregate_events": "io",
    "as_series": "io",
    "check": "checks",
    "compare": "comparison",
    "evaluate": "evaluation",
    "load": "persist",
    "parse_threshold": "thresholds",
    "read_series": "io",
    "save": "persist",
    "sliding_windows": "sliding",
    "split_time": "io",
}

__all__ = [
    "ARIMADetector",
    "AutoencoderDetector",
    "CheckReport",
    "Comparison",
    "ConfigError",
    "DataError",
    "Detection",
    "Detector",
    "EnsembleDetector",
    "Evaluation",
    "Event",
    "EventRules",
    "IsolationForestDetector",
    "KMeansDetector",
    "LSTMAutoencoderDetector",
    "LSTMDetector",
    "Lesson",
    "MissingPartError",
    "ModelFileError",
    "NotFittedError",
    "OffbeatError",
    "OneClassSVMDetector",
    "PersistenceDetector",
    "Preparation",
    "PyODDetector",
    "RandomDetector",
    "ReadOptions",
    "Scoring",
    "SeasonalNaiveDetector",
    "Series",
    "ShapeMemoryDetector",
    "SmoothedZDetector",
    "Training",
    "WindowPCADetector",
    "aggregate_events",
    "as_series",
    "check",
    "compare",
    "evaluate",
    "load",
    "parse_threshold",
    "read_series",
    "save",
    "sliding_windows",
    "split_time",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'offbeat' has no attribute {name!r}")
    value = getattr(import_module(f"offbeat.{_HOME[name]}"), name)
    globals()[name] = value  # asked for once
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
