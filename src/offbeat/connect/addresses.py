"""Addresses: one URL names a source or a sink and how it is used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from offbeat.durations import parse_duration
from offbeat.errors import ConfigError, nearest_names

__all__ = ["Address"]

BARE = ("machine", "table")
"""Schemes of which there is only one: they need no host."""
OF_NOTIFICATIONS = ("remind", "cooldown", "merge", "mute", "text")
"""Options of `notify:` that are not Apprise's."""


@dataclass(frozen=True)
class Address:
    """A URL, taken apart.

    Parameters
    ----------
    scheme
        What kind of source or sink it is; "file" for a path, "-" for the standard streams.
    url
        What a client connects to: without path and options where `topic` holds the path.
    topic
        The path: a file, a subject, a stream, a queue.
    options
        What followed the question mark.
    """

    scheme: str
    url: str
    topic: str
    options: Mapping[str, str]

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read one.

        Raises
        ------
        ConfigError
            If there is nothing to read, or an option stands there twice.
        """
        if not text.strip():
            raise ConfigError("an address such as readings.ndjson or nats://127.0.0.1 was expected")
        scheme, found, _ = text.partition("://")
        bare, colon, query = text.partition(":")
        if colon and bare in BARE:
            return cls(bare, text.partition("?")[0], "", _options(query.lstrip("/?")))
        if bare == "notify":
            return _notification(query)
        if not found:
            path, _, query = text.partition("?")
            return cls("-" if path == "-" else "file", path, path, _options(query))
        parts = urlsplit(text, allow_fragments=False)  # MQTT has topics such as plant/#
        topic = unquote(parts.path.removeprefix("/"))
        if scheme == "file":
            topic = unquote(parts.netloc + parts.path)
        return cls(scheme, f"{scheme}://{parts.netloc}", topic, _options(parts.query))

    @property
    def name(self) -> str:
        """For messages and checkpoints: without a password and options."""
        if self.scheme in ("-", "file"):
            return self.topic
        scheme, _, rest = self.url.partition("://")
        return f"{scheme}://{rest.rpartition('@')[2]}" + (f"/{self.topic}" if self.topic else "")

    def option(self, name: str, default: str = "") -> str:
        """The value of an option."""
        return self.options.get(name, default)

    def number(self, name: str, default: float) -> float:
        """The value of an option that is a number above 0."""
        text = self.options.get(name)
        try:
            number = default if text is None else float(text)
        except ValueError:
            number = -1.0
        if not 0 < number < float("inf"):
            raise ConfigError(f"{self.name}: {name}={text} must be a number above 0")
        return number

    def seconds(self, name: str, default: str = "") -> float:
        """The value of an option that is a duration such as 15s; 0 if there is none."""
        text = self.options.get(name, default)
        return int(parse_duration(text).astype(int)) / 1e9 if text else 0.0

    def yes(self, name: str, default: bool) -> bool:
        """The value of an option that is yes or no."""
        text = self.options.get(name, "yes" if default else "no")
        if text not in ("yes", "no"):
            raise ConfigError(f"{self.name}: {name}={text} must be yes or no")
        return text == "yes"

    def knows(self, *names: str) -> Address:
        """Itself, if no other option was given.

        Raises
        ------
        ConfigError
            If one was.
        """
        for name in self.options:
            if name not in names:
                raise ConfigError(f"{self.name}: no option {name!r}: {nearest_names(name, names)}")
        return self

    def needs_topic(self, what: str) -> Address:
        """Itself, if it names a topic."""
        if not self.topic:
            raise ConfigError(f"{self.name} names no {what}: write {self.url}/NAME")
        return self


def _notification(text: str) -> Address:
    """A URL of Apprise, which has options of its own: ours are taken out of it."""
    url, _, query = text.partition("?")
    ours = {name: value for name, value in _options(query).items() if name in OF_NOTIFICATIONS}
    rest = [part for part in query.split("&") if part.partition("=")[0] not in ours]
    return Address("notify", "notify:", url + (f"?{'&'.join(rest)}" if any(rest) else ""), ours)


def _options(query: str) -> dict[str, str]:
    pairs = parse_qsl(query, keep_blank_values=True)
    options = dict(pairs)
    if len(options) < len(pairs):
        raise ConfigError(f"an option stands there twice: {query}")
    return options
