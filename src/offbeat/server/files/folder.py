"""The data folder: every file is written beside its place, settled on the disk, then put there.

A file that is in its place is whole. What a stop left half-done lies in `incoming` or has no row in
the store, and is swept at the next start.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, get_args

from offbeat.io import atomic_path
from offbeat.server.faults import StoreError

__all__ = ["DataFolder", "Shelf", "StoredFile"]

Shelf = Literal["series", "models", "scores"]
SHELVES: tuple[Shelf, ...] = get_args(Shelf)
FILE_NAME = re.compile(r"[a-z0-9]{1,64}\.[a-z]{1,16}")
BLOCK = 1 << 20


@dataclass(frozen=True)
class StoredFile:
    """A file on a shelf: its name there, its size and its SHA-256."""

    name: str
    bytes: int
    checksum: str


class DataFolder:
    """The folder that one server owns while it runs.

    Parameters
    ----------
    root
        Made if it is not there.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self._lock: IO[bytes] | None = None

    def open(self) -> None:
        """Make the folders, and take the lock that keeps a second server out.

        Raises
        ------
        StoreError
            If the folder cannot be written, or another server uses it.
        """
        try:
            for name in ("", "incoming", *SHELVES):
                (self.root / name).mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = (self.root / "lock").open("ab")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.close()
            raise StoreError(
                f"{self.root} is in use by another server: stop that one, or name another --data"
            ) from None
        except OSError as problem:
            raise StoreError(f"{self.root} cannot be used: {problem.strerror}") from None

    def close(self) -> None:
        """Give the lock back."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    @contextmanager
    def incoming(self, suffix: str = "") -> Iterator[Path]:
        """A new path for something that is still arriving; removed afterwards."""
        path = self.root / "incoming" / f"{secrets.token_hex(8)}{suffix}"
        try:
            yield path
        finally:
            with suppress(FileNotFoundError):
                path.unlink()

    def path(self, shelf: Shelf, name: str) -> Path:
        """Where a file lies; a name that leads elsewhere is refused."""
        if not FILE_NAME.fullmatch(name):
            raise StoreError(f"{name!r} is no name of a stored file")
        return self.root / shelf / name

    def keep(self, shelf: Shelf, name: str, write: Callable[[Path], object]) -> StoredFile:
        """Write a file whole, or not at all.

        Parameters
        ----------
        shelf, name
            Where to.
        write
            Writes it to the path that it gets.
        """
        target = self.path(shelf, name)
        with atomic_path(target) as unfinished:
            write(unfinished)
            stored = StoredFile(name, unfinished.stat().st_size, checksum_of(unfinished))
        settle_folder(target.parent)
        return stored

    def adopt(self, shelf: Shelf, name: str) -> StoredFile:
        """Take over a whole file that a worker put in its place."""
        path = self.path(shelf, name)
        settle_folder(path.parent)
        return StoredFile(name, path.stat().st_size, checksum_of(path))

    def check(self, shelf: Shelf, file: StoredFile) -> Path:
        """The path of a file whose content is what was written.

        Raises
        ------
        StoreError
            If it is missing or was altered.
        """
        path = self.path(shelf, file.name)
        try:
            found = checksum_of(path)
        except OSError as problem:
            raise StoreError(
                f"{shelf}/{file.name} cannot be read ({problem.strerror}): restore it from a backup"
            ) from None
        if found != file.checksum:
            raise StoreError(f"{shelf}/{file.name} was altered: restore it from a backup")
        return path

    def remove(self, shelf: Shelf, name: str) -> None:
        """Take a file away; one that is gone already is no mistake."""
        with suppress(FileNotFoundError):
            self.path(shelf, name).unlink()

    def sweep(self, known: Mapping[Shelf, Set[str]]) -> tuple[str, ...]:
        """Remove what a stop left half-done: all that is arriving, and files without a row.

        Parameters
        ----------
        known
            Names of the files that the store knows, by shelf.

        Returns
        -------
        What was removed.
        """
        swept: list[str] = []
        everywhere: tuple[Shelf | Literal["incoming"], ...] = ("incoming", *SHELVES)
        for shelf in everywhere:
            kept = set[str]() if shelf == "incoming" else known.get(shelf, set[str]())
            for path in (self.root / shelf).iterdir():
                if path.name not in kept:
                    path.unlink()
                    swept.append(f"{shelf}/{path.name}")
        return tuple(swept)

    def is_writable(self) -> bool:
        """Whether a file can be made here now."""
        try:
            with self.incoming() as path:
                path.touch()
        except OSError:
            return False
        return True


def checksum_of(path: Path) -> str:
    """SHA-256 of a file."""
    sha = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            sha.update(block)
    return sha.hexdigest()


def settle_folder(folder: Path) -> None:
    """Wait until the disk knows the names in a folder."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
