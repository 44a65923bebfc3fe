"""The contract: what comes from a source, what goes to a sink, and what both must be able to do.

A source may be away and a sink may refuse: both raise an `OSError` then (`ConnectionError` if a
network lies between), lose nothing, and are asked again. Every other error ends the watch.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from offbeat.stream import LiveEvent

__all__ = ["Batch", "Outcome", "Position", "Record", "Refused", "Sink", "Source", "short_digest"]

Position = dict[str, Any]
"""Where a source or a sink stands, in its own words; JSON-able."""
Record = Mapping[str, Any]
"""One message or line, decoded."""
SHOWN_CHARACTERS = 1_000


def short_digest(text: str | bytes) -> str:
    """Sixteen hexadecimal digits that follow from a text."""
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()[:16]


@dataclass(frozen=True)
class Refused:
    """What cannot be a row.

    Parameters
    ----------
    content
        The message, its first characters if it is long.
    reason
        What was expected and what came.
    source
        Where it came from.
    """

    content: str
    reason: str
    source: str

    @classmethod
    def of(cls, content: object, reason: str, source: str) -> Refused:
        """One whose content is cut short."""
        if isinstance(content, bytes):
            content = content[:SHOWN_CHARACTERS].decode(errors="replace")
        return cls(str(content)[:SHOWN_CHARACTERS], reason, source)

    @property
    def digest(self) -> str:
        """Sixteen digits that tell it from others."""
        return short_digest(f"{self.source}\n{self.reason}\n{self.content}")

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {"content": self.content, "reason": self.reason, "source": self.source}


@dataclass(frozen=True)
class Batch:
    """What came from a source in one go, in its order."""

    records: Sequence[Record] = ()
    refused: Sequence[Refused] = ()

    def __len__(self) -> int:
        return len(self.records) + len(self.refused)

    @classmethod
    def joined(cls, parts: Iterable[Batch]) -> Batch:
        """One after the other."""
        records, refused = list[Record](), list[Refused]()
        for each in parts:
            records += each.records
            refused += each.refused
        return cls(records, refused)


@dataclass(frozen=True)
class Outcome:
    """What was made of a batch.

    Parameters
    ----------
    readings
        One a row, JSON-able; see `offbeat.connect.outcome`.
    events
        What opened, went on or closed.
    refused
        What became no row.
    """

    readings: Sequence[Mapping[str, Any]] = ()
    events: Sequence[LiveEvent] = ()
    refused: Sequence[Refused] = ()


class Source(ABC):
    """Where rows come from.

    Attributes
    ----------
    name
        What it is called in checkpoints and messages: its address, without a password.
    is_live
        Whether silence means that nothing was measured; not for a file that is read to its end.
    holds_back
        Whether little comes before what came is acknowledged: it is then, batch by batch.
    """

    name: str
    is_live = True
    holds_back = False

    @abstractmethod
    def open(self, position: Position | None) -> None:
        """Go on after this position, or where the source itself knows that it was left."""

    @abstractmethod
    def take(self, patience: float) -> Batch | None:
        """What has come since, after at most `patience` seconds; None if nothing will come."""

    @abstractmethod
    def position(self) -> Position:
        """Where it stands after all that was taken."""

    def acknowledge(self) -> None:  # noqa: B027 (not every source is asked)
        """All that was taken is safe: it need not be delivered again."""

    def close(self) -> None:  # noqa: B027
        """Let go of it. What was not acknowledged comes again."""


class Sink(ABC):
    """Where readings and events go; the same one may come twice after a kill.

    Attributes
    ----------
    name
        Its address, without a password.
    events_only
        Whether it is given no readings.
    """

    name: str
    events_only = False

    def open(self, position: Position | None) -> None:  # noqa: B027
        """Go on from where it stood at the checkpoint, if it is asked to go on from one."""

    @abstractmethod
    def put(self, outcome: Outcome) -> None:
        """Take this; it may wait inside until `flush`."""

    @abstractmethod
    def flush(self) -> None:
        """Return once all that was put is safe there; after an `OSError` it is called again."""

    def position(self) -> Position:
        """Where it stands after the last `flush`."""
        return {}

    def close(self) -> None:  # noqa: B027
        """Let go of it."""
