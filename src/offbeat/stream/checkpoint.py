"""Checkpoints: where a stream stands, as arrays and JSON in one file, written atomically."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from offbeat.detector import Detector
from offbeat.errors import ModelFileError
from offbeat.keeping import Arrays, State
from offbeat.persist import DETECTORS
from offbeat.tensorfile import checked_text, read_tensors, write_tensors

__all__ = ["Checkpoint", "fingerprint", "kept_model", "model_kept"]

FORMAT = 2
HEADER_KEY, WHAT = "offbeat-stream", ("checkpoint", "where a stream stands")


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Where a stream stands.

    Parameters
    ----------
    plain
        Names of the series, counts, open events, rows that wait, fingerprint of the model;
        JSON-able.
    arrays
        States of the networks, last rows and sums, by name.
    positions
        Where its sources stand, as they say it; JSON-able.
    """

    plain: dict[str, Any]
    arrays: dict[str, np.ndarray]
    positions: dict[str, Any] = field(default_factory=dict)

    def write(self, path: str | Path) -> Path:
        """Write to one file: it is whole and on the disk before it takes the place of an older one.

        Raises
        ------
        DataError
            If it cannot be written; the older one is kept.
        """
        state = {"plain": self.plain, "positions": self.positions}
        return write_tensors(path, HEADER_KEY, state, self.arrays, {"format": str(FORMAT)})

    @classmethod
    def read(cls, path: str | Path) -> Checkpoint:
        """Read one back. Nothing in the file is ever run.

        Raises
        ------
        ModelFileError
            If it is missing, truncated, altered, foreign or of a newer version.
        """
        header, arrays = read_tensors(path, HEADER_KEY, WHAT)
        if header.get("format") != str(FORMAT):
            raise ModelFileError(f"{path} was written by another version: this one reads {FORMAT}")
        state = json.loads(checked_text(path, HEADER_KEY, header, arrays))
        return cls(state["plain"], arrays, state["positions"])


def fingerprint(detector: Detector) -> str:
    """What tells a model from another: its kind, its channels and its training scores."""
    sha = hashlib.sha256(repr((type(detector).__name__, detector.channels_)).encode())
    for calibration in detector.calibrations_.values():
        sha.update(np.ascontiguousarray(calibration.score).tobytes())
    return sha.hexdigest()[:16]


def kept_model(detector: Detector) -> tuple[State, Arrays]:
    """A model as a checkpoint keeps it: JSON-able values, and arrays by name."""
    state, arrays = detector.state()
    return {"detector": type(detector).__name__, "state": state}, arrays


def model_kept(kept: State, arrays: Arrays) -> Detector:
    """What `kept_model` gave.

    Raises
    ------
    ModelFileError
        If this version does not know its kind.
    """
    kind = DETECTORS.get(kept["detector"])
    if kind is None:
        raise ModelFileError(f"a detector {kept['detector']!r} is not known here")
    return kind.from_state(kept["state"], arrays)
