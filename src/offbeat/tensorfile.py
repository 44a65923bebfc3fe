"""Files of arrays: one safetensors file, whose header holds the rest as JSON and a checksum of all.

Reading runs no code: nothing is unpickled, and what was altered or cut short is refused.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from offbeat.errors import ModelFileError
from offbeat.io import atomic_path

__all__ = ["checked_text", "parse_tensors", "read_tensors", "tensor_bytes", "write_tensors"]

MAX_BYTES = 1 << 30


def write_tensors(
    path: str | Path,
    key: str,
    state: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
    header: Mapping[str, str],
) -> Path:
    """Write arrays and a state, atomically: an older file of that name is kept until all is there.

    Parameters
    ----------
    path
        Where to.
    key
        Under which the state stands in the header.
    state
        JSON-able.
    arrays
        By name.
    header
        Further entries.
    """
    data = tensor_bytes(key, state, arrays, header)
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)
    return Path(path)


def tensor_bytes(
    key: str,
    state: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
    header: Mapping[str, str],
) -> bytes:
    """What `write_tensors` writes."""
    tensors = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    text = json.dumps(state, sort_keys=True, allow_nan=True)
    return save(tensors, metadata={**header, key: text, "digest": _digest(text, tensors)})


def read_tensors(
    path: str | Path, key: str, what: tuple[str, str]
) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """The header's own entries and the arrays.

    Parameters
    ----------
    path
        A file that `write_tensors` wrote.
    key
        As it was written.
    what
        What the file is and what it should hold, for messages.

    Raises
    ------
    ModelFileError
        If the file is missing, truncated, oversized, foreign or carries a pickle.
    """
    return parse_tensors(_read_bytes(Path(path), what[0]), str(path), key, what)


def parse_tensors(
    data: bytes, path: str, key: str, what: tuple[str, str]
) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """`read_tensors` of bytes that are read already; `path` is what messages call them."""
    try:
        length = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + length]).get("__metadata__", {})
        tensors = load(data)
    except (SafetensorError, ValueError, AttributeError, RecursionError):
        if data[:2] == b"PK" or data[:1] == b"\x80":
            raise ModelFileError(
                f"{path} carries a pickle, which can run code: it is never loaded"
            ) from None
        raise ModelFileError(
            f"{path} is no {what[0]} of offbeat, or it is truncated: train again or copy it anew"
        ) from None
    if key not in header:
        raise ModelFileError(f"{path} holds tensors, but not {what[1]}")
    return header, tensors


def checked_text(
    path: str | Path, key: str, header: Mapping[str, str], tensors: Mapping[str, np.ndarray]
) -> str:
    """The state as JSON text.

    Raises
    ------
    ModelFileError
        If text or arrays are not those that were written.
    """
    if header.get("digest") != _digest(header[key], tensors):
        raise ModelFileError(f"{path} was altered after it was written: its checksum does not fit")
    return header[key]


def _read_bytes(path: Path, what: str) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ModelFileError(f"{path} is no {what}: {size} bytes, at most {MAX_BYTES}")
        return path.read_bytes()
    except OSError as reason:
        raise ModelFileError(f"{path} cannot be read: {reason.strerror}") from None


def _digest(text: str, tensors: Mapping[str, np.ndarray]) -> str:
    """SHA-256 over the JSON and every tensor, name, type and shape included."""
    sha = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        array = np.ascontiguousarray(tensors[name])
        sha.update(f"{name} {array.dtype} {array.shape}".encode())
        sha.update(array.tobytes())
    return sha.hexdigest()
