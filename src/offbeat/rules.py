"""EventRules: when flagged rows are one event, and which events are kept quiet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from offbeat.errors import ConfigError
from offbeat.events import Event
from offbeat.mutes import Mute, mute_from_dict
from offbeat.similarity import Precedent, muting_precedent, precedent_from_dict

__all__ = ["EventRules", "rules_from_plain"]


@dataclass(frozen=True)
class EventRules:
    """When flagged rows are one event, and which events are kept quiet.

    Parameters
    ----------
    merge_gap
        Runs at most so many rows apart are one; None takes the smoothing window.
    min_length
        Shorter runs are dropped.
    mutes
        Times in which events are kept quiet, see `Mute`.
    precedents
        Events that a person has judged; what is like a false alarm is kept quiet. `recalibrate`
        fills them in.
    """

    merge_gap: int | None = None
    min_length: int = 1
    mutes: tuple[Mute, ...] = ()
    precedents: tuple[Precedent, ...] = ()

    @property
    def silence_some(self) -> bool:
        """Whether any event could be kept quiet."""
        return bool(self.mutes or self.precedents)

    def with_mutes(self, mutes: Sequence[Mute]) -> EventRules:
        """With these as well."""
        new = tuple(mute for mute in mutes if mute not in self.mutes)
        return replace(self, mutes=(*self.mutes, *new))

    def heard_and_muted(
        self, events: Sequence[Event], zone: str | None, *, has_clock: bool = True
    ) -> tuple[tuple[Event, ...], tuple[Event, ...]]:
        """The events that are heard, and those kept quiet, which say why.

        Raises
        ------
        ConfigError
            If there is a mute by time and the data have no clock.
        """
        if not self.silence_some:
            return tuple(events), ()
        for mute in self.mutes:
            if mute.needs_clock and not has_clock:
                raise ConfigError(f"the mute {mute.text!r} needs data with a time column")
        marked = [replace(event, muted_by=self._reason(event, zone)) for event in events]
        heard = tuple(event for event in marked if not event.muted_by)
        return heard, tuple(event for event in marked if event.muted_by)

    def _reason(self, event: Event, zone: str | None) -> str:
        for mute in self.mutes:
            if mute.mutes(event, zone):
                return mute.note or mute.text
        like = muting_precedent(event, self.precedents)
        return "" if like is None else f"like the false alarm at {like.start_time}"


def rules_from_plain(**plain: Any) -> EventRules:
    """Rules from their JSON."""
    read = {"mutes": mute_from_dict, "precedents": precedent_from_dict}
    for name, reader in read.items():
        given = plain.get(name, ())
        if not isinstance(given, list | tuple):
            raise ConfigError(f"{name} must be a list, {given!r} came")
        plain[name] = tuple(reader(each) for each in given)
    return EventRules(**plain)
