"""Detection <-> safetensors: kept scores, so that a moved cut needs no scoring."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from offbeat.detection import Detection, TrainingRecord
from offbeat.errors import DataError
from offbeat.rules import rules_from_plain
from offbeat.series import Series
from offbeat.storable import plain
from offbeat.thresholds import Calibration, threshold_from_dict

__all__ = ["read_detection", "write_detection"]

METADATA_KEY = "offbeat"
TABLES = (
    *("score", "expected", "lower", "upper", "imputed", "learned"),
    *("channel_shares", "signal_shares", "slot"),
)


def write_detection(detection: Detection, path: Path) -> None:
    """All arrays of a detection; the series as it came is kept elsewhere."""
    series, calibration = detection.series, detection.calibration
    arrays: dict[str, np.ndarray] = {name: getattr(detection, name) for name in TABLES}
    arrays |= {"values": series.values, "time": series.time.astype(np.int64)}
    arrays["calibration.score"] = calibration.score
    if series.label is not None:
        arrays["label"] = series.label
    if calibration.y_true is not None:
        arrays["calibration.y_true"] = calibration.y_true
    about = {
        "channels": series.channels,
        "zone": series.zone,
        "name": series.name,
        "has_clock": series.has_clock,
        "signals": detection.signals,
        "threshold": detection.threshold.to_dict(),
        "rules": plain(detection.rules),
        "rows_per_day": detection.rows_per_day,
        "calibration": [calibration.rows_per_day, calibration.merge_gap],
        "record": detection.record.to_dict(),
    }
    tensors = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    save_file(tensors, path, metadata={METADATA_KEY: json.dumps(about)})


def read_detection(path: Path, source: Series) -> Detection:
    """What `write_detection` wrote.

    Parameters
    ----------
    path
        The file.
    source
        The series as it came.

    Raises
    ------
    DataError
        If the file is damaged.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            about = json.loads(file.metadata()[METADATA_KEY])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return _detection(about, arrays, source)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as problem:
        raise DataError(f"{path.name} holds no scores of this server: {problem}") from None


def _detection(about: dict[str, Any], arrays: dict[str, np.ndarray], source: Series) -> Detection:
    threshold = threshold_from_dict(about["threshold"])
    rows_per_day, merge_gap = about["calibration"]
    calibration = Calibration(
        arrays["calibration.score"], rows_per_day, arrays.get("calibration.y_true"), merge_gap
    )
    time = arrays["time"]
    series = Series(
        values=arrays["values"],
        time=time.view("datetime64[ns]") if about["has_clock"] else time,
        channels=tuple(about["channels"]),
        label=arrays.get("label"),
        zone=about["zone"],
        name=about["name"],
    )
    return Detection(
        source=source,
        series=series,
        cut=threshold.cut(calibration, arrays["score"]),
        signals=tuple(about["signals"]),
        calibration=calibration,
        threshold=threshold,
        rules=rules_from_plain(**about["rules"]),
        rows_per_day=about["rows_per_day"],
        record=TrainingRecord.from_dict(about["record"]),
        **{name: arrays[name] for name in TABLES},
    )
