"""Finding: which files the data of a fleet are, and what each is called."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote

from offbeat.errors import DataError
from offbeat.fleet.places import GLOB_SIGNS, Place

__all__ = ["DataFile", "find_files", "hive_value", "named_twice"]

ENDINGS = frozenset(
    [
        *(".csv", ".tsv", ".txt", ".log", ".json", ".jsonl", ".ndjson"),
        *(".parquet", ".pq", ".arrow", ".feather"),
    ]
)
PACKED = ".gz"


@dataclass(frozen=True)
class DataFile:
    """One file of the data.

    Parameters
    ----------
    url
        Where it lies.
    name
        Its path below the data; of a glob, below the last folder before its first sign.
    size
        Bytes.
    """

    url: str
    name: str
    size: int

    @property
    def key(self) -> str:
        """What a series that fills the file is called: its path without the ending."""
        return str(PurePosixPath(self.name.removesuffix(PACKED)).with_suffix(""))


def find_files(data: str) -> list[DataFile]:
    """The files of a folder, a glob or a single file, by name.

    In a folder, files that begin with a dot or an underscore and those whose ending names no table
    are passed over.

    Raises
    ------
    DataError
        If there is none.
    """
    place = Place(data)
    if GLOB_SIGNS.search(data):
        return _globbed(place)
    if not place.exists():
        raise DataError(f"there is no file or folder {data}: check the name")
    if not place.is_folder():
        return [DataFile(data, PurePosixPath(data).name, place.size())]
    stored = place.files()
    found = [
        DataFile((place / each.name).url, each.name, each.size)
        for each in stored
        if _is_table(each.name)
    ]
    if not found:
        raise DataError(
            f"{data} holds no table ({len(stored)} other files): CSV, JSON lines, Parquet or Arrow "
            "was expected"
        )
    return found


def named_twice(files: Sequence[DataFile]) -> Mapping[str, list[str]]:
    """Keys that more than one file claims, and the names of these files."""
    claims = defaultdict(list)
    for file in files:
        claims[file.key].append(file.name)
    return {key: names for key, names in claims.items() if len(names) > 1}


def hive_value(name: str, column: str) -> str | None:
    """The value of a column that stands in the path, as in `sensor=a/part-0.parquet`."""
    for part in PurePosixPath(name).parts[:-1]:
        left, sign, right = part.partition("=")
        if sign and left == column:
            return unquote(right)
    return None


def _globbed(place: Place) -> list[DataFile]:
    found = place.matching()
    if not found:
        raise DataError(f"nothing fits {place.url}: check the pattern and the folder")
    files = [DataFile(each.url, name, size) for each, name, size in found if size is not None]
    if not files:
        raise DataError(f"only folders fit {place.url}: write {place.url.rstrip('/')}/* for files")
    return files


def _is_table(name: str) -> bool:
    path = PurePosixPath(name.removesuffix(PACKED))
    hidden = any(part.startswith((".", "_")) for part in path.parts)
    return not hidden and path.suffix.lower() in ENDINGS
