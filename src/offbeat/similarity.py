"""How alike two events are: by whose they are, which way, how long and how far they went.

    distance^2 = moved^2 + (0.1 log of lengths' ratio)^2 + (0.1 log of severities')^2 + side^2

`moved` is the part of the channels' shares that would have to move to others, 0 for the same and
1 for strangers; `side` is 0.2 if one lies above what was expected and the other below.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from offbeat.errors import ConfigError, DataError, one_of, whole_number
from offbeat.events import Direction, Event

if TYPE_CHECKING:
    from offbeat.detection import Detection

__all__ = ["Precedent", "SimilarEvent", "event_distance", "precedent_of", "similar_events"]

RATIO_WEIGHT = 0.1  # lengths that differ tenfold are as far apart as 23 % of the shares moved
SIDE_WEIGHT = 0.2
ALIKE = 0.2
"""Events nearer than this are alike: a fifth of the shares may have moved, or the length be seven
times another. Measured in docs/decisions/0012."""
MARGIN = 1.25
"""What is like a false alarm is one too, up to so many times its severity."""
SMALLEST_SHARE = 0.005


class EventShape(Protocol):
    """What events are compared by."""

    @property
    def channels(self) -> tuple[tuple[str, float], ...]: ...
    @property
    def direction(self) -> Direction: ...
    @property
    def length(self) -> int: ...
    @property
    def severity(self) -> float: ...


@dataclass(frozen=True)
class SimilarEvent:
    """An event, and how far it is from the one that was asked for: 0 is the same."""

    event: Event
    distance: float

    @property
    def is_alike(self) -> bool:
        """Whether it is near enough to count as the same kind."""
        return self.distance <= ALIKE


@dataclass(frozen=True)
class Precedent:
    """An event that a person has judged, remembered to judge those alike.

    Parameters
    ----------
    verdict
        "false alarm": what is alike and hardly more severe is muted. "true alarm": what is nearer
        to this one than to a false alarm is not.
    channels
        Names and shares.
    direction, length, severity
        As in `Event`; the length in rows.
    start_time
        When it began: ISO text in UTC, or a row number.
    """

    verdict: Literal["true alarm", "false alarm"]
    channels: tuple[tuple[str, float], ...]
    direction: Direction
    length: int
    severity: float
    start_time: str | int = ""

    def __post_init__(self) -> None:
        one_of("verdict of a precedent", self.verdict, ("true alarm", "false alarm"))
        one_of("direction", self.direction, ("above", "below", "mixed"))
        whole_number("length of a precedent", self.length, least=1)
        shares = [share for _, share in self.channels]
        if not (self.severity > 0 and shares and min(shares) >= 0 and sum(shares) > 0):
            raise ConfigError(f"a precedent needs a severity and shares > 0, {self!r} came")

    def to_dict(self) -> dict[str, Any]:
        """JSON-able; `precedent_from_dict` reads it."""
        return {**asdict(self), "channels": [list(pair) for pair in self.channels]}


def precedent_from_dict(settings: Mapping[str, Any]) -> Precedent:
    """What `Precedent.to_dict` gave."""
    shares = tuple((str(name), float(share)) for name, share in settings["channels"])
    return Precedent(**{**settings, "channels": shares})


def precedent_of(event: Event, verdict: Literal["true alarm", "false alarm"]) -> Precedent:
    """A judged event as a precedent."""
    shares = tuple(
        (name, round(share, 4)) for name, share in event.channels if share >= SMALLEST_SHARE
    )
    began = event.to_dict()["start_time"]
    return Precedent(verdict, shares, event.direction, event.length, event.severity, began)


def muting_precedent(event: Event, precedents: tuple[Precedent, ...]) -> Precedent | None:
    """The false alarm that an event is too much like to be heard; None if it is to be heard."""
    alike = [
        (distance, place, each)
        for place, each in enumerate(precedents)
        if (distance := shape_distance(event, each)) <= ALIKE
    ]
    false = [row for row in alike if row[2].verdict == "false alarm"]
    if not false:
        return None
    nearest, _, closest = min(false)
    right = min((row[0] for row in alike if row[2].verdict == "true alarm"), default=np.inf)
    if right <= nearest or event.severity > MARGIN * closest.severity:
        return None
    return closest


def shape_distance(one: EventShape, other: EventShape) -> float:
    """Distance without the severities."""
    mine, theirs = dict(one.channels), dict(other.channels)
    moved = (abs(mine.get(name, 0.0) - theirs.get(name, 0.0)) for name in {**mine, **theirs})
    far = sum(moved) / 2
    longer = RATIO_WEIGHT * math.log(one.length / other.length)
    side = SIDE_WEIGHT if {one.direction, other.direction} == {"above", "below"} else 0.0
    return math.hypot(far, longer, side)


def event_distance(one: EventShape, other: EventShape) -> float:
    """How far two events are apart, see the head of this file; 0 is the same."""
    worse = RATIO_WEIGHT * math.log(one.severity / other.severity)
    return math.hypot(shape_distance(one, other), worse)


def similar_events(
    detection: Detection, event: Event, k: int = 5, *, past_only: bool = True
) -> tuple[SimilarEvent, ...]:
    """The events most like one of them, the nearest first.

    Parameters
    ----------
    detection
        Where to look; muted events count as well.
    event
        One of its events, or one of another series with channels of the same names.
    k
        How many at most.
    past_only
        Whether only events that ended before this one began are looked at.

    Raises
    ------
    DataError
        If the event is by time and the detection by rows, or the other way round.
    """
    whole_number("k", k, least=1)
    found = list[SimilarEvent]()
    for other in (*detection.events, *detection.muted_events):
        if isinstance(other.start_time, int) != isinstance(event.start_time, int):
            raise DataError("events by time and events by rows cannot be compared")
        itself = (other.start_time, other.peak_time) == (event.start_time, event.peak_time)
        if itself or (past_only and not other.end_time < event.start_time):
            continue
        found.append(SimilarEvent(other, event_distance(event, other)))
    return tuple(sorted(found, key=lambda each: each.distance)[:k])
