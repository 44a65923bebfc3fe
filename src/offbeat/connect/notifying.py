"""Notifications through Apprise: opened, still on, recovered."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from string import Formatter

import numpy as np

from offbeat.connect.addresses import Address
from offbeat.connect.contract import Outcome, Position, Sink, short_digest
from offbeat.connect.outcome import moment_text
from offbeat.errors import ConfigError, nearest_names
from offbeat.mutes import Mute, parse_mute
from offbeat.parts import optional_part
from offbeat.stream import LiveEvent

__all__ = ["FIELDS", "NotificationSink"]

TEMPLATE = "{state}: {series}, {message} (since {since})"
FIELDS = ("state", "series", "kind", "message", "severity", "channel", "since", "id")
"""What a template can name."""
OPENED, STILL_ON, RECOVERED = "opened", "still on", "recovered"
SHOWN = 20
"""Lines of a merged notification; the rest is counted."""


@dataclass
class _Told:
    """What was told of an event, and when by the wall clock."""

    event: LiveEvent
    at: float = 0.0


class NotificationSink(Sink):
    """One notification a batch at most, for all that opened, went on for long or recovered.

    What opens again within the cool-down after it recovered is the same trouble and kept quiet;
    what is not heard when it opens is not heard when it recovers.

    Parameters
    ----------
    address
        `notify:URL`, a URL of Apprise: `notify:mailto://user:pw@host`, `notify:slack://...`,
        `notify:json://host/path`. Options, after the URL: `remind=` (how often what goes on is told
        again, 1h), `cooldown=` (5min), `merge=` (how long is waited for more, 0), `mute=` as
        `parse_mute` reads it, several with a semicolon, `text=` with the names in `FIELDS`.
    clock
        Seconds; monotonic.
    """

    def __init__(self, address: Address, clock: Callable[[], float] = time.monotonic) -> None:
        url = address.topic
        self.name = f"notify:{url.partition('://')[0]} {short_digest(url)[:4]}"
        self._remind = address.seconds("remind", "1h")
        self._cool_down = address.seconds("cooldown", "5min")
        self._merge = address.seconds("merge")
        self._mutes = tuple(parse_mute(each) for each in address.option("mute").split(";") if each)
        self._template = _checked(address.option("text", TEMPLATE))
        self._clock = clock
        apprise = optional_part("apprise", extra="live", needed_by="notify:")
        self._apprise = apprise.Apprise()
        if not self._apprise.add(url):
            raise ConfigError(f"{self.name}: this is no URL of Apprise")
        self._open = dict[str, _Told]()
        self._quiet_until = dict[tuple[str, str], float]()
        self._lines, self._heard = list[str](), set[str]()
        self._since = 0.0

    def open(self, position: Position | None) -> None:
        """As `Sink.open`: what was told before a kill is not told again."""
        self._heard |= set((position or {}).get("heard", ()))
        self._lines += (position or {}).get("waiting", ())

    def put(self, outcome: Outcome) -> None:
        """As `Sink.put`."""
        now = self._clock()
        for event in outcome.events:
            self._take(event, now)
        for told in self._open.values():
            if now - told.at >= self._remind:
                self._say(STILL_ON, told.event, now)
                told.at = now

    def flush(self) -> None:
        """As `Sink.flush`."""
        if not self._lines or self._clock() - self._since < self._merge:
            return
        shown, rest = self._lines[:SHOWN], len(self._lines) - SHOWN
        body = "\n".join([*shown, *([f"and {rest} more"] if rest > 0 else [])])
        if not self._apprise.notify(title="Offbeat", body=body):
            raise ConnectionError("the notification was not taken")
        self._lines.clear()

    def position(self) -> Position:
        """As `Sink.position`."""
        return {"heard": sorted(self._heard), "waiting": list(self._lines)}

    def close(self) -> None:
        """As `Sink.close`; what waited to be merged is told now."""
        self._merge = 0.0
        try:
            self.flush()
        except OSError:
            return

    def _take(self, event: LiveEvent, now: float) -> None:
        key = (event.series, event.kind)
        if event.phase == "closed":
            self._open.pop(event.id, None)
            if event.id in self._heard:
                self._heard.discard(event.id)
                self._quiet_until[key] = now + self._cool_down
                self._say(RECOVERED, event, now)
        elif event.id in self._heard:
            self._open.setdefault(event.id, _Told(event, now)).event = event
        elif now >= self._quiet_until.get(key, now) and not self._is_muted(event):
            self._heard.add(event.id)
            self._open[event.id] = _Told(event, now)
            self._say(OPENED, event, now)

    def _is_muted(self, event: LiveEvent) -> bool:
        if event.event is not None and event.event.muted_by:
            return True
        return any(_mutes(mute, event) for mute in self._mutes)

    def _say(self, state: str, event: LiveEvent, now: float) -> None:
        if not self._lines:
            self._since = now
        about = event.event
        self._lines.append(
            self._template.format(
                state=state,
                series=event.series,
                kind=event.kind,
                message=event.message,
                severity="" if about is None else f"{about.severity:.2f}",
                channel="" if about is None else about.channel,
                since=moment_text(event.start_time),
                id=event.id,
            )
        )


def _mutes(mute: Mute, event: LiveEvent) -> bool:
    if event.event is not None:
        return mute.mutes(event.event)
    is_clocked = isinstance(event.start_time, np.datetime64)
    return is_clocked and not mute.channels and bool(mute.covers(np.array([event.start_time]))[0])


def _checked(template: str) -> str:
    """The template, if it names only what there is."""
    try:
        names = [name for _, name, _, _ in Formatter().parse(template) if name is not None]
    except ValueError as problem:
        raise ConfigError(f"notify: text={template!r}: {problem}") from None
    for name in names:
        if name not in FIELDS:
            raise ConfigError(f"notify: text has no {name!r}: {nearest_names(name, FIELDS)}")
    return template
