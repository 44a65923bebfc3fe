"""Model files: one safetensors file, weights as tensors and the rest as JSON in its header.

Loading runs no code: nothing is unpickled, no name from the file is imported, and every option goes
through the same checks as one typed by hand.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as read_tensors
from safetensors.numpy import save as tensor_bytes

from offbeat.detector import Detector
from offbeat.ensemble import EnsembleDetector
from offbeat.errors import ModelFileError, NotFittedError, OffbeatError
from offbeat.io import atomic_path
from offbeat.registry import MEMBERS

__all__ = ["load", "save"]

FORMAT = 3
"""Raised when older code could not read what newer code writes; 3 knows mutes and precedents."""
OLDEST = 2
"""Files of format 1 hold scores that were joined in another way: their cuts would be wrong."""
MAX_BYTES = 1 << 30
HEADER_KEY = "offbeat"
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
    if not hasattr(detector, "calibrations_"):
        raise NotFittedError("nothing to save: this detector knows nothing yet, call fit first")
    state, arrays = detector.state()
    tensors = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    text = json.dumps(state, sort_keys=True, allow_nan=True)
    header = {
        HEADER_KEY: text,
        "detector": type(detector).__name__,
        "format": str(FORMAT),
        "digest": _digest(text, tensors),
    }
    with atomic_path(path) as temporary:
        temporary.write_bytes(tensor_bytes(tensors, metadata=header))
    return Path(path)


def load(path: str | Path) -> Detector:
    """Read a detector back.

    Raises
    ------
    ModelFileError
        If the file is missing, truncated, altered, oversized, foreign, carries a pickle, or was
        written by a newer version. Nothing in the file is ever run.
    """
    data = _read_bytes(Path(path))
    header, tensors = _open(data, path)
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
    text = header[HEADER_KEY]
    if header.get("digest") != _digest(text, tensors):
        raise ModelFileError(f"{path} was altered after it was written: its checksum does not fit")
    kind = DETECTORS.get(header.get("detector", ""))
    if kind is None:
        raise ModelFileError(f"{path} holds a detector that this version does not know")
    try:
        return kind.from_state(json.loads(text), tensors)
    except ModelFileError:
        raise
    except (OffbeatError, KeyError, TypeError, ValueError, RuntimeError, AttributeError) as reason:
        first_line = str(reason).splitlines()[0] if str(reason) else type(reason).__name__
        raise ModelFileError(f"{path} does not hold a whole detector: {first_line}") from None


def _read_bytes(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ModelFileError(f"{path} is no model file: {size} bytes, at most {MAX_BYTES}")
        return path.read_bytes()
    except OSError as reason:
        raise ModelFileError(f"{path} cannot be read: {reason.strerror}") from None


def _open(data: bytes, path: str | Path) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """The header's own entries and the tensors."""
    try:
        length = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + length]).get("__metadata__", {})
        tensors = read_tensors(data)
    except (SafetensorError, ValueError, AttributeError, RecursionError):
        if data[:2] == b"PK" or data[:1] == b"\x80":
            raise ModelFileError(
                f"{path} carries a pickle, which can run code: it is never loaded"
            ) from None
        raise ModelFileError(
            f"{path} is no model file of offbeat, or it is truncated: train again or copy it anew"
        ) from None
    if HEADER_KEY not in header:
        raise ModelFileError(f"{path} holds tensors, but not a detector of offbeat")
    return header, tensors


def _digest(text: str, tensors: Mapping[str, np.ndarray]) -> str:
    """SHA-256 over the JSON and every tensor, name, type and shape included."""
    sha = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        array = np.ascontiguousarray(tensors[name])
        sha.update(f"{name} {array.dtype} {array.shape}".encode())
        sha.update(array.tobytes())
    return sha.hexdigest()
