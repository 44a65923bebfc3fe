"""Every error that Offbeat raises on purpose.

    OffbeatError
    ├── DataError (ValueError)      the data cannot be used as they are
    ├── ConfigError (ValueError)    an option has a value that it cannot have
    ├── NotFittedError              asked for scores before `fit`
    ├── ModelFileError              a model file is truncated, altered, foreign or too new
    └── MissingPartError            an optional part is not installed

A message says what was expected, what came and where, and what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from numbers import Integral

__all__ = [
    "ConfigError",
    "DataError",
    "MissingPartError",
    "ModelFileError",
    "NotFittedError",
    "OffbeatError",
    "nearest_names",
    "one_of",
    "whole_number",
]

SHOWN_NAMES = 12


class OffbeatError(Exception):
    """Base of all errors that Offbeat raises on purpose."""


class DataError(OffbeatError, ValueError):
    """The data cannot be used as they are."""


class ConfigError(OffbeatError, ValueError):
    """An option has a value that it cannot have."""


class NotFittedError(OffbeatError):
    """The detector was asked for something that only a fitted one can give."""


class ModelFileError(OffbeatError):
    """A model file is truncated, altered, foreign or written by a newer version."""


class MissingPartError(OffbeatError):
    """An optional part is not installed; the message names the line that installs it."""


def one_of(what: str, name: str, known: Iterable[str]) -> str:
    """Give `name` back if it is one of `known`, else raise a `ConfigError` naming the nearest."""
    names = list(known)
    if name in names:
        return name
    raise ConfigError(f"{what}={name!r} is unknown: {nearest_names(name, names)}")


def whole_number(what: str, number: object, *, least: int) -> None:
    """Raise a `ConfigError` unless this is a whole number of at least `least`."""
    if not isinstance(number, Integral) or isinstance(number, bool) or int(number) < least:
        raise ConfigError(f"{what} must be a whole number >= {least}, {number!r} came")


def nearest_names(name: str, names: Iterable[str]) -> str:
    """`did you mean 'x'? (known: ...)`, for messages about a name that is not there."""
    known = [str(each) for each in names]
    near = difflib.get_close_matches(str(name), known, n=2, cutoff=0.5)
    rest = len(known) - SHOWN_NAMES
    shown = ", ".join(known[:SHOWN_NAMES]) + (f" and {rest} more" if rest > 0 else "")
    hint = f"did you mean {' or '.join(repr(each) for each in near)}? " if near else ""
    return f"{hint}known: {shown}" if known else "none are known"
