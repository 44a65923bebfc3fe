"""Every error that the server raises on purpose, beside those of the library.

OffbeatError
├── NotThereError      404  there is no such series, model, job ...
├── ConflictError      409  it cannot be done in this state
├── NotAllowedError    403  the caller may not do this
├── UnknownCallerError 401  a token is needed, or the one that came is wrong
├── TooLargeError      413  larger than the limits
├── TooManyTriesError  429  wrong tokens, one after the other
└── StoreError         503  the store or the data folder cannot be used
"""

from __future__ import annotations

from offbeat.errors import OffbeatError

__all__ = [
    "ConflictError",
    "NotAllowedError",
    "NotThereError",
    "StoreError",
    "TooLargeError",
    "TooManyTriesError",
    "UnknownCallerError",
]


class NotThereError(OffbeatError):
    """There is no such thing in the store."""


class ConflictError(OffbeatError):
    """It cannot be done in this state; the message says what would have to change."""


class NotAllowedError(OffbeatError):
    """The caller may not do this."""


class UnknownCallerError(OffbeatError):
    """A token is needed, or the one that came is wrong."""


class TooLargeError(OffbeatError):
    """What came is larger than the limits."""


class TooManyTriesError(OffbeatError):
    """Too many wrong tokens came from this address."""

    def __init__(self, message: str, wait: int) -> None:
        super().__init__(message)
        self.wait = wait
        """Seconds until the next try."""


class StoreError(OffbeatError):
    """The store or the data folder cannot be used."""
