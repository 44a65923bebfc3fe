"""ModelStore: the detectors of a fleet in one place, each an ordinary model file inside a pack.

A pack holds the model files of a shard one after the other; an index says in which pack, where and
how long each is. One detector is one read of its own bytes, whatever the size of the fleet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from offbeat.detector import Detector
from offbeat.errors import DataError, ModelFileError, nearest_names
from offbeat.fleet.frames import frame_at, read_table, write_frame_at
from offbeat.fleet.places import Place
from offbeat.lstm import LSTMDetector
from offbeat.persist import model_bytes, model_from_bytes

__all__ = ["ModelPacks", "ModelStore", "Packed", "settle_index", "write_pack"]

INDEX = {"key": pl.String, "pack": pl.String, "offset": pl.Int64, "length": pl.Int64}
PACKS, INDICES, WHOLE_INDEX = "packs", "index", "index.parquet"
NEAREST_OF = 10_000
"""Keys among which a near one is looked for."""


@dataclass(frozen=True)
class Packed:
    """Where a model file lies: its pack, its first byte and its length."""

    pack: str
    offset: int
    length: int


def write_pack(
    models: Place,
    name: str,
    detectors: Mapping[str, Detector],
    besides: Mapping[str, np.ndarray] | None = None,
) -> None:
    """Write the detectors of a shard, and their index after them.

    Parameters
    ----------
    models
        The store.
    name
        Of the pack.
    detectors
        By key, fitted.
    besides
        Arrays that the store keeps once for all.
    """
    offset, files, rows = 0, [], []
    for key, detector in detectors.items():
        data = model_bytes(detector, besides)
        files.append(data)
        rows.append((key, name, offset, len(data)))
        offset += len(data)
    (models / PACKS / f"{name}.pack").write(b"".join(files))
    write_frame_at(
        pl.DataFrame(rows, schema=INDEX, orient="row"), models / INDICES / f"{name}.parquet"
    )


class ModelPacks:
    """The packs of a store, for those who know where in them a model lies.

    Parameters
    ----------
    url
        The store.
    besides
        Arrays that all models share.
    """

    def __init__(self, url: str, besides: Mapping[str, np.ndarray] | None = None) -> None:
        self._place, self._besides = Place(url), besides

    def read(self, key: str, where: Packed) -> LSTMDetector:
        """The detector of a series.

        Raises
        ------
        ModelFileError
            If it was altered or cut short, or is another kind.
        """
        pack = self._place / PACKS / f"{where.pack}.pack"
        data = pack.read(where.offset, where.offset + where.length)
        name = f"the model of {key!r} in {self._place.url}"
        made = model_from_bytes(data, name, self._besides)
        if not isinstance(made, LSTMDetector):
            raise ModelFileError(f"{name} is a {type(made).__name__}: an LSTMDetector was expected")
        return made


class ModelStore:
    """The models of a fleet.

    Parameters
    ----------
    url
        Folder or URL that a training wrote.
    besides
        Arrays that all models share.

    Raises
    ------
    ModelFileError
        If there are no models.
    """

    def __init__(self, url: str, besides: Mapping[str, np.ndarray] | None = None) -> None:
        self._place, self._packs = Place(url), ModelPacks(url, besides)
        self._index = self._read_index()

    def __len__(self) -> int:
        return len(self._index)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._row(key) is not None

    def __iter__(self) -> Iterator[str]:
        """Keys, in order."""
        return iter(self._index["key"].to_list())

    def where(self, key: str) -> Packed:
        """Where the model file of a series lies.

        Raises
        ------
        DataError
            If there is none; the message names the nearest keys.
        """
        row = self._row(key)
        if row is None:
            near = nearest_names(key, self._index["key"].head(NEAREST_OF))
            raise DataError(f"no model of {key!r} in {self._place.url}: {near}")
        return Packed(*self._index.row(row)[1:])

    def places(self) -> Iterator[tuple[str, Packed]]:
        """Where all lie, in the order of the keys."""
        for key, *where in self._index.iter_rows():
            yield key, Packed(*where)

    def detector(self, key: str) -> LSTMDetector:
        """The detector of a series, as `offbeat.load` would give it.

        Raises
        ------
        DataError
            If there is none.
        ModelFileError
            If it was altered or cut short.
        """
        return self._packs.read(key, self.where(key))

    def detectors(self) -> Iterator[tuple[str, LSTMDetector]]:
        """All, one after the other."""
        for key, where in self.places():
            yield key, self._packs.read(key, where)

    def _row(self, key: str) -> int | None:
        row = self._index["key"].search_sorted(key)
        return int(row) if row < len(self._index) and self._index["key"][row] == key else None

    def _read_index(self) -> pl.DataFrame:
        whole = self._place / WHOLE_INDEX
        if whole.exists():
            return frame_at(whole)
        index = read_table(self._place, INDICES, INDEX)
        if not len(index):
            raise ModelFileError(
                f"{self._place.url} holds no models: name the --out of offbeat fleet train"
            )
        return index.sort("key")


def settle_index(models: Place) -> None:
    """Join the indices of all packs into one, which is what a store is opened by."""
    whole = models / WHOLE_INDEX
    if not whole.exists():
        write_frame_at(ModelStore(models.url)._index, whole)
