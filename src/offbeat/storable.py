"""What a model file is made of: values as JSON knows them, and arrays by dotted names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import timedelta
from typing import Any, Protocol, runtime_checkable

import numpy as np

from offbeat.durations import duration_text

__all__ = ["beyond", "part", "plain", "under"]


@runtime_checkable
class _Written(Protocol):
    """What says itself how it is written."""

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""


def plain(value: object) -> Any:
    """A value as JSON knows it; what is unknown becomes its text."""
    if isinstance(value, str | int | float | bool | None):
        return value.item() if isinstance(value, np.number) else value
    if isinstance(value, _Written) and not isinstance(value, type):
        return value.to_dict()
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple | list):
        return [plain(each) for each in value]
    if isinstance(value, timedelta):
        return duration_text(value)
    if isinstance(value, np.number | np.bool_) and not isinstance(value, np.timedelta64):
        return value.item()
    return str(value)


def under(name: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays as `name.key`, so that they can stand beside others."""
    return {f"{name}.{key}": array for key, array in arrays.items()}


def part(name: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What `under` put there, by its own keys."""
    start = f"{name}."
    return {k.removeprefix(start): v for k, v in arrays.items() if k.startswith(start)}


def beyond(
    kept: Mapping[str, np.ndarray], arrays: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """The arrays that are not kept already, of the same name and with the same values."""
    return {
        name: array
        for name, array in arrays.items()
        if name not in kept or not np.array_equal(array, kept[name])
    }
