"""Model files: one safetensors file, weights as tensors and the rest as JSON in its header.

Loading runs no code: nothing is unpickled, no name from the file is imported, and every option goes
through the same checks as one typed by hand.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from offbeat.detector import Detector
from offbeat.ensemble import EnsembleDetector
from offbeat.errors import ModelFileError, NotFittedError, OffbeatError
from offbeat.keeping import Arrays, State
from offbeat.registry import MEMBERS
from offbeat.storable import beyond
from offbeat.tensorfile import (
    checked_text,
    parse_tensors,
    read_tensors,
    tensor_bytes,
    write_tensors,
)

__all__ = ["load", "model_bytes", "model_from_bytes", "save"]

FORMAT = 3
"""Raised when older code could not read what newer code writes; 3 knows mutes and precedents."""
OLDEST = 2
"""Files of format 1 hold scores that were joined in another way: their cuts would be wrong."""
HEADER_KEY, WHAT = "offbeat", ("model file", "a detector of offbeat")
DETECTORS: Mapping[str, type[Detector]] = {**MEMBERS, "EnsembleDetector": EnsembleDetector}


def save(detector: Detector, path: str | Path) -> Path:
    """Write a fitted detector to one file, atomically.

    Parameters
    ----------
    detector
        Fitted.
    path
        Where to, usually `*.offbeat`.

    Returns
    -------
    The path.

    Raises
    ------
    NotFittedError
        If there is nothing to save yet.
    OffbeatError
        If the file cannot be written; an older file of that name is kept.
    """
    state, arrays, header = _written(detector)
    return write_tensors(path, HEADER_KEY, state, arrays, header)


def model_bytes(detector: Detector, besides: Mapping[str, np.ndarray] | None = None) -> bytes:
    """What `save` writes, for a store that keeps many models.

    Parameters
    ----------
    detector
        Fitted.
    besides
        Arrays that the store keeps once for all models: those that are the same are left out.

    Raises
    ------
    NotFittedError
        If there is nothing to save yet.
    """
    state, arrays, header = _written(detector)
    return tensor_bytes(HEADER_KEY, state, beyond(besides or {}, arrays), header)


def load(path: str | Path) -> Detector:
    """Read a detector back.

    Raises
    ------
    ModelFileError
        If the file is missing, truncated, altered, oversized, foreign, carries a pickle, or was
        written by a newer version. Nothing in the file is ever run.
    """
    header, tensors = read_tensors(path, HEADER_KEY, WHAT)
    return _made(path, header, tensors, {})


def model_from_bytes(
    data: bytes, path: str, besides: Mapping[str, np.ndarray] | None = None
) -> Detector:
    """Read back what `model_bytes` gave; `path` is what messages call it.

    Raises
    ------
    ModelFileError
        As `load`.
    """
    header, tensors = parse_tensors(data, path, HEADER_KEY, WHAT)
    return _made(path, header, tensors, besides or {})


def _written(detector: Detector) -> tuple[State, Arrays, dict[str, str]]:
    """State, arrays and header of a model file."""
    if not hasattr(detector, "calibrations_"):
        raise NotFittedError("nothing to save: this detector knows nothing yet, call fit first")
    state, arrays = detector.state()
    return state, arrays, {"detector": type(detector).__name__, "format": str(FORMAT)}


def _made(
    path: str | Path,
    header: Mapping[str, str],
    tensors: Mapping[str, np.ndarray],
    besides: Mapping[str, np.ndarray],
) -> Detector:
    """The detector that a file holds, with the arrays that it shares with others."""
    written = header.get("format", "")
    if not written.isdigit() or int(written) > FORMAT:
        raise ModelFileError(
            f"{path} has format {written or 'unknown'}, this version reads up to {FORMAT}: "
            f"update offbeat"
        )
    if int(written) < OLDEST:
        raise ModelFileError(
            f"{path} has format {written}, whose scores were made in another way: train it again"
        )
    text = checked_text(path, HEADER_KEY, header, tensors)
    kind = DETECTORS.get(header.get("detector", ""))
    if kind is None:
        raise ModelFileError(f"{path} holds a detector that this version does not know")
    try:
        return kind.from_state(json.loads(text), {**besides, **tensors})
    except ModelFileError:
        raise
    except (OffbeatError, KeyError, TypeError, ValueError, RuntimeError, AttributeError) as reason:
        first_line = str(reason).splitlines()[0] if str(reason) else type(reason).__name__
        raise ModelFileError(f"{path} does not hold a whole detector: {first_line}") from None
