"""Places: folders on a disk or behind a URL (`s3://`, `gs://`, `memory://`, all that fsspec knows).

A file appears whole or not at all: on a disk it is written beside its name and renamed, elsewhere
it is one put.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from offbeat.errors import DataError, MissingPartError
from offbeat.parts import optional_part

__all__ = ["GLOB_SIGNS", "Place", "Stored"]

SHOWN_CHARS = 160
GLOB_SIGNS = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class Stored:
    """A file below a place: its name relative to it, and its size in bytes."""

    name: str
    size: int


@dataclass(frozen=True)
class Place:
    """A folder or a file.

    Parameters
    ----------
    url
        Path, or URL with a protocol of fsspec.
    """

    url: str

    def __truediv__(self, name: str) -> Place:
        return Place(f"{self.url.rstrip('/')}/{name}")

    @property
    def is_local(self) -> bool:
        """Whether it lies on a disk of this machine."""
        return "://" not in self.url or self.url.startswith("file://")

    @property
    def is_in_memory(self) -> bool:
        """Whether no other process can see it."""
        return self.url.startswith("memory://")

    @cached_property
    def _path(self) -> str:
        """As its file system calls it."""
        if self.is_local:
            return os.path.abspath(self.url.removeprefix("file://"))
        return str(self._fs._strip_protocol(self.url))

    @cached_property
    def _fs(self) -> Any:
        core = optional_part("fsspec.core", extra="fleet", needed_by="a fleet")
        with self._refusals("opened"):
            return core.url_to_fs("file://" + self._path if self.is_local else self.url)[0]

    def read(self, start: int | None = None, end: int | None = None) -> bytes:
        """All of it, or the bytes [start, end).

        Raises
        ------
        DataError
            If it cannot be read.
        """
        with self._refusals("read"):
            return bytes(self._fs.cat_file(self._path, start=start, end=end))

    def open(self) -> IO[bytes]:
        """A file to read from, wherever in it."""
        with self._refusals("read"):
            opened: IO[bytes] = self._fs.open(self._path, "rb")
            return opened

    def write(self, data: bytes) -> None:
        """Put these bytes there, whole or not at all.

        Raises
        ------
        DataError
            If it cannot be written.
        """
        with self._refusals("written"):
            if not self.is_local:
                self._fs.pipe_file(self._path, data)
                return
            target = Path(self._path)
            target.parent.mkdir(parents=True, exist_ok=True)
            unfinished = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
            try:
                with unfinished.open("wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(unfinished, target)
            finally:
                with suppress(OSError):
                    unfinished.unlink()

    def exists(self) -> bool:
        """Whether there is such a file or folder."""
        with self._refusals("read"):
            return bool(self._fs.exists(self._path))

    def is_folder(self) -> bool:
        """Whether there are files below it."""
        with self._refusals("read"):
            return bool(self._fs.isdir(self._path))

    def files(self) -> list[Stored]:
        """Everything below it, by name; nothing if there is no such folder."""
        with self._refusals("read"):
            self._fs.invalidate_cache()
            found = self._fs.find(self._path, detail=True)
            start = len(self._path.rstrip("/")) + 1
            return [
                Stored(str(path)[start:], int(entry["size"] or 0))
                for path, entry in sorted(found.items())
                if len(str(path)) > start
            ]

    def matching(self) -> list[tuple[Place, str, int | None]]:
        """What this glob means: each place, its name below the last folder that is no pattern, and
        the bytes of a file, None of a folder; one listing."""
        with self._refusals("read"):
            found = sorted(self._fs.glob(self._path, detail=True).items())
            fixed = len(GLOB_SIGNS.split(self._path, maxsplit=1)[0].rpartition("/")[0]) + 1
            return [
                (self._named(path), str(path)[fixed:], self._bytes(path, entry))
                for path, entry in found
            ]

    def _named(self, path: str) -> Place:
        return Place(str(self._fs.unstrip_protocol(path)).removeprefix("file://"))

    def _bytes(self, path: str, entry: dict[str, Any]) -> int | None:
        # a link on a disk is neither: it is a folder where it leads to one
        is_file = entry["type"] == "file" or not self._fs.isdir(path)
        return int(entry["size"] or 0) if is_file else None

    def size(self) -> int:
        """Bytes of the file."""
        with self._refusals("read"):
            return int(self._fs.info(self._path)["size"] or 0)

    def remove(self) -> None:
        """Take it away with all below it, if it is there."""
        with self._refusals("removed"), suppress(FileNotFoundError):
            self._fs.rm(self._path, recursive=True)

    @contextmanager
    def _refusals(self, what: str) -> Iterator[None]:
        """What the file system refuses, as one line."""
        try:
            yield
        except (DataError, MissingPartError):
            raise
        except FileNotFoundError:
            raise DataError(f"there is no {self.url}") from None
        except ImportError as problem:
            protocol = self.url.partition("://")[0]
            text = " ".join(str(problem).split())
            raise MissingPartError(f"{protocol}:// needs another package: {text}") from None
        except Exception as problem:  # each file system has errors of its own
            raise DataError(_told(self.url, what, problem)) from None


def _told(url: str, what: str, problem: Exception) -> str:
    text = " ".join(str(getattr(problem, "strerror", None) or problem).split())
    words = f"{url} cannot be {what}: {text[:SHOWN_CHARS] or type(problem).__name__}"
    kind = f"{type(problem).__name__} {text}".lower()
    is_denied = isinstance(problem, PermissionError)
    if "://" in url and (
        is_denied or any(s in kind for s in ("credential", "forbidden", "denied"))
    ):
        words += "; check the credentials of this store and what they may do"
    return words
