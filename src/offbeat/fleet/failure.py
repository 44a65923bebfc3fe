"""What could not be done for one series of a fleet, and why; the rest goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from offbeat.series import Series

__all__ = ["Failure", "Fleet"]

Fleet = Mapping[str, Series]
"""Series by key."""


@dataclass(frozen=True)
class Failure:
    """A series that was left out.

    Parameters
    ----------
    key
        Of the series in the fleet.
    reason
        One line: what was expected, what came, what to do.
    """

    key: str
    reason: str

    @classmethod
    def of(cls, key: str, problem: Exception) -> Failure:
        """What an error says, in one line, without the series' name before it."""
        lines = str(problem).splitlines()
        text = lines[0] if lines else type(problem).__name__
        return cls(key, text.removeprefix(f"{key} ") if key else text)
