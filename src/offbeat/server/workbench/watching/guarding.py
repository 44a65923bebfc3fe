"""What the address of a source or a sink may be on a server, and what of it is shown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from offbeat.connect import sink_of, source_of
from offbeat.connect.addresses import Address
from offbeat.errors import ConfigError
from offbeat.server.faults import NotAllowedError

__all__ = ["checked_sink", "checked_source", "hidden", "masked", "secrets_of"]

LONGEST = 4_000
STARS = "***"
SECRET_NAMES = re.compile(r"pass|pwd|secret|token|key|auth|sig|cred", re.IGNORECASE)
LONE_TOKENS = ("nats", "redis", "prometheus+http", "prometheus+https", "kafka")
"""Schemes in which what stands alone before the @ is no name of a user but a token."""
OF_THE_TERMINAL = ("-", "table", "prometheus")
"""What belongs to whoever types `offbeat watch`: standard streams, a table, a port of its own."""
ON_THE_DISK = ("file", "sqlite")


def checked_source(url: str, readable: Sequence[Path]) -> None:
    """Refuse what no watcher of a server may read.

    Parameters
    ----------
    url
        As `offbeat watch` takes it.
    readable
        Folders whose files may be read.

    Raises
    ------
    ConfigError
        If it is no source, or an option cannot be.
    NotAllowedError
        If it is a file anywhere else, whatever links or dots lead there.
    """
    address = _address(url, "source")
    if address.scheme in ON_THE_DISK:
        _refuse_elsewhere(
            address, readable, "read: put it there, or start the server with --source FOLDER"
        )
    made = source_of(url)
    with suppress(OSError):
        made.close()


def checked_sink(url: str, writable: Sequence[Path]) -> None:
    """Refuse what no watcher of a server may write to; `writable` are folders for files."""
    address = _address(url, "sink")
    if address.scheme in ON_THE_DISK:
        _refuse_elsewhere(address, writable, "write")
    made = sink_of(url)
    with suppress(OSError):
        made.close()


def masked(url: str) -> str:
    """The address as it is shown: without passwords and tokens."""
    shown = hidden(url, secrets_of([url]))
    if url.startswith("notify:"):
        scheme, found, _ = url.removeprefix("notify:").partition("://")
        return f"notify:{scheme}://{STARS}" if found else f"notify:{STARS}"
    return shown


def secrets_of(urls: Iterable[str]) -> tuple[str, ...]:
    """What of these addresses nobody may see, the longest first."""
    found = set[str]()
    for url in urls:
        found |= _secrets(url)
    return tuple(sorted((each for each in found if each), key=len, reverse=True))


def hidden(text: str, secrets: Iterable[str]) -> str:
    """A text without these secrets, as they are and as a URL writes them."""
    for secret in secrets:
        text = text.replace(secret, STARS)
    return text


def _secrets(url: str) -> set[str]:
    scheme, found, rest = url.partition("://")
    if url.startswith("notify:"):
        return {rest, *re.split(r"[/@:?&=]", rest)} if found else {url.removeprefix("notify:")}
    if not found:
        query = url.partition("?")[2]
        return _secret_options(query)
    place, _, query = rest.partition("?")
    user, at, _ = place.partition("/")[0].rpartition("@")
    made = _secret_options(query)
    if at:
        _, colon, password = user.partition(":")
        made |= {password, unquote(password)} if colon else set()
        if not colon and scheme in LONE_TOKENS:
            made |= {user, unquote(user)}
    return made


def _secret_options(query: str) -> set[str]:
    made = set[str]()
    for part in query.split("&"):
        name, _, value = part.partition("=")
        if SECRET_NAMES.search(unquote(name)):
            made |= {value, unquote(value)}
    return made | {
        value for name, value in parse_qsl(query) if SECRET_NAMES.search(name)
    }  # with + as a space


def _address(url: str, what: str) -> Address:
    if len(url) > LONGEST or not url.isprintable():
        raise ConfigError(f"a {what} is an address of at most {LONGEST} printable characters")
    try:
        address = Address.parse(url)
        urlsplit(url).port  # noqa: B018 - refuses what is no port
    except ValueError as problem:
        if isinstance(problem, ConfigError):
            raise
        raise ConfigError(f"{masked(url)} is no address of a {what}") from None
    if "?" in address.topic:  # once more read as a URL, it would be another one
        raise ConfigError(f"{masked(url)}: no question mark may stand in a path")
    if address.scheme in OF_THE_TERMINAL:
        raise NotAllowedError(
            f"{address.scheme} is for `offbeat watch` in a terminal: a watcher of a server shows "
            f"itself on the page and in /metrics"
        )
    return address


def _refuse_elsewhere(address: Address, folders: Sequence[Path], may: str) -> None:
    """A path must lie in one of these folders after all links and dots are gone."""
    try:
        found = Path(address.topic).resolve()
    except (OSError, ValueError):
        raise ConfigError(f"{address.topic!r} is no path") from None
    if not address.topic or not any(found.is_relative_to(each.resolve()) for each in folders):
        raise NotAllowedError(f"this path is in no folder that a watcher may {may}")
