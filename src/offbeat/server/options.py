"""What a person may set for the server, and the limits that it keeps."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from offbeat.errors import ConfigError

__all__ = ["Limits", "ServerOptions", "is_loopback"]

MIB = 1 << 20
HIGHEST_PORT = 65_535
SHORTEST_TOKEN = 16
"""Characters; a shorter token can be guessed."""


@dataclass(frozen=True)
class Limits:
    """What is refused however kindly it is asked.

    Parameters
    ----------
    upload_bytes
        Of one uploaded file, as it is sent.
    unpacked_bytes
        Of one uploaded file, once unpacked.
    rows, cells
        Of one series; cells are rows times channels.
    body_bytes
        Of any other request.
    reading_bytes
        Memory of the process that reads uploads.
    log_in_tries
        Wrong tokens an address may send in a minute.
    watchers
        Streams that are watched.
    live_series, live_rows
        Series of one watcher, and readings that are kept of each.
    """

    upload_bytes: int = 512 * MIB
    unpacked_bytes: int = 2048 * MIB
    rows: int = 5_000_000
    cells: int = 100_000_000
    body_bytes: int = 8 * MIB
    reading_bytes: int = 12 * 1024 * MIB
    log_in_tries: int = 10
    watchers: int = 20
    live_series: int = 200
    live_rows: int = 20_000


@dataclass(frozen=True)
class ServerOptions:
    """How the server is run.

    Parameters
    ----------
    host, port
        Where it listens. Any address but loopback needs a token.
    data
        Folder of the series, models and scores; it is made if it is not there.
    store
        `postgresql://user@host/name`; None takes an SQLite file in the data folder.
    token, read_token
        What a caller must send to do anything, or to read only.
    sources
        Folders whose files may be registered by their path; none if empty.
    trainings
        Trainings at a time, each in a process of its own.
    grace
        Seconds that a stop waits for running jobs before they are parked for the next start.
    secure_cookies
        Whether the page's cookie is sent over HTTPS only.
    example
        Whether a new store begins with the shipped recording.
    limits
        See `Limits`.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    data: Path = Path("offbeat-data")
    store: str | None = None
    token: str | None = None
    read_token: str | None = None
    sources: tuple[Path, ...] = ()
    trainings: int = 1
    grace: float = 10.0
    secure_cookies: bool = False
    example: bool = False
    limits: Limits = Limits()

    def check(self) -> None:
        """Raise a `ConfigError` for the first value that it cannot have."""
        if not 0 <= self.port <= HIGHEST_PORT:
            raise ConfigError(f"a port is a number up to {HIGHEST_PORT}, {self.port} came")
        if self.trainings < 1:
            raise ConfigError(f"one training at a time is the least, {self.trainings} came")
        for name, token in (("OFFBEAT_TOKEN", self.token), ("OFFBEAT_READ_TOKEN", self.read_token)):
            if token is not None and len(token) < SHORTEST_TOKEN:
                raise ConfigError(
                    f"{name} has {len(token)} characters, at least {SHORTEST_TOKEN} are needed: "
                    "python -c 'import secrets; print(secrets.token_urlsafe())' makes a good one"
                )
        if self.token is None and self.read_token is not None:
            raise ConfigError("OFFBEAT_READ_TOKEN needs OFFBEAT_TOKEN too: set both")
        if self.token is None and not is_loopback(self.host):
            raise ConfigError(
                f"--host {self.host} can be reached by others and needs a token: set OFFBEAT_TOKEN "
                "in the environment, or leave --host out to serve this machine only"
            )
        for folder in self.sources:
            if not folder.is_dir():
                raise ConfigError(f"--source {folder} is no folder")

    @classmethod
    def tokens_from(cls, environment: Mapping[str, str]) -> tuple[str | None, str | None]:
        """The tokens that the environment holds; an empty one is none."""
        return environment.get("OFFBEAT_TOKEN") or None, environment.get(
            "OFFBEAT_READ_TOKEN"
        ) or None


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
