"""Offbeat: what did not go as foreseen.

    from offbeat import LSTMDetector

    detection = LSTMDetector().fit(train).detect(data)
    detection.events
    detection.plot()

Names are imported when they are first asked for, so that `import offbeat` and the command line
start quickly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from offbeat.lazy import lazy_names

if TYPE_CHECKING:
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
    from offbeat.labels import Label, Labels, label_event
    from offbeat.lesson import Lesson
    from offbeat.lstm import LSTMDetector
    from offbeat.mutes import Mute, parse_mute
    from offbeat.persist import load, save
    from offbeat.preparation import Preparation
    from offbeat.ranking import rank_span
    from offbeat.recalibration import Recalibration, recalibrate, retrain
    from offbeat.scores import Scoring
    from offbeat.series import Series
    from offbeat.similarity import similar_events
    from offbeat.sliding import sliding_windows
    from offbeat.stream import (
        Checkpoint,
        LiveEvent,
        Reading,
        Readings,
        StreamDetector,
        StreamOptions,
    )
    from offbeat.thresholds import parse_threshold
    from offbeat.training import Training
    from offbeat.windowed import ShapeMemoryDetector

_HOME = {
    "ARDetector": "baselines",
    "ARIMADetector": "baselines",
    "AutoencoderDetector": "autoencoders",
    "CheckReport": "checks",
    "Checkpoint": "stream",
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
    "Label": "labels",
    "Labels": "labels",
    "Lesson": "lesson",
    "LiveEvent": "stream",
    "MissingPartError": "errors",
    "ModelFileError": "errors",
    "Mute": "mutes",
    "NotFittedError": "errors",
    "OffbeatError": "errors",
    "OneClassSVMDetector": "baselines",
    "PersistenceDetector": "baselines",
    "Preparation": "preparation",
    "PyODDetector": "baselines",
    "RandomDetector": "baselines",
    "ReadOptions": "io",
    "Reading": "stream",
    "Readings": "stream",
    "Recalibration": "recalibration",
    "Scoring": "scores",
    "SeasonalNaiveDetector": "baselines",
    "Series": "series",
    "ShapeMemoryDetector": "windowed",
    "SmoothedZDetector": "baselines",
    "StreamDetector": "stream",
    "StreamOptions": "stream",
    "Training": "training",
    "WindowPCADetector": "baselines",
    "aggregate_events": "io",
    "as_series": "io",
    "check": "checks",
    "compare": "comparison",
    "evaluate": "evaluation",
    "label_event": "labels",
    "load": "persist",
    "parse_mute": "mutes",
    "parse_threshold": "thresholds",
    "rank_span": "ranking",
    "read_series": "io",
    "recalibrate": "recalibration",
    "retrain": "recalibration",
    "save": "persist",
    "similar_events": "similarity",
    "sliding_windows": "sliding",
    "split_time": "io",
}

__all__ = [
    "ARDetector",
    "ARIMADetector",
    "AutoencoderDetector",
    "CheckReport",
    "Checkpoint",
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
    "Label",
    "Labels",
    "Lesson",
    "LiveEvent",
    "MissingPartError",
    "ModelFileError",
    "Mute",
    "NotFittedError",
    "OffbeatError",
    "OneClassSVMDetector",
    "PersistenceDetector",
    "Preparation",
    "PyODDetector",
    "RandomDetector",
    "ReadOptions",
    "Reading",
    "Readings",
    "Recalibration",
    "Scoring",
    "SeasonalNaiveDetector",
    "Series",
    "ShapeMemoryDetector",
    "SmoothedZDetector",
    "StreamDetector",
    "StreamOptions",
    "Training",
    "WindowPCADetector",
    "aggregate_events",
    "as_series",
    "check",
    "compare",
    "evaluate",
    "label_event",
    "load",
    "parse_mute",
    "parse_threshold",
    "rank_span",
    "read_series",
    "recalibrate",
    "retrain",
    "save",
    "similar_events",
    "sliding_windows",
    "split_time",
]


__getattr__, __dir__ = lazy_names(__name__, _HOME)
