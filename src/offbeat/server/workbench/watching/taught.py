"""The models of a watcher, swapped between two rows when a cut, a mute or a version changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from offbeat.connect import ModelRule, Router
from offbeat.connect.contract import Outcome, Refused
from offbeat.connect.fields import Row
from offbeat.connect.outcome import kept_rows
from offbeat.detector import Detector
from offbeat.errors import OffbeatError
from offbeat.server.faults import NotThereError, StoreError
from offbeat.server.store import Store
from offbeat.server.workbench.models import ModelShelf, version_row
from offbeat.server.workbench.series import LONGEST_NAME
from offbeat.stream import Checkpoint, Readings, StreamOptions

__all__ = ["InUse", "ModelBook", "TaughtRouter", "in_use_at"]

NO_NAME = f"the name of a series is 1 to {LONGEST_NAME} printable characters"
SHARES = 5
"""Channels of a reading of which it is kept how much of the score they made."""


@dataclass(frozen=True)
class InUse:
    """A version of a model under a cut; None is the one that it came with."""

    version_id: str
    number: int
    cut_id: str | None

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return dict(vars(self))


class ModelBook:
    """Which model, version and cut the store wants for each pattern of names.

    Parameters
    ----------
    store, models
        Where they are.
    patterns
        The model of each pattern, in the order in which they are tried.

    Attributes
    ----------
    patterns
        As given.
    """

    def __init__(self, store: Store, models: ModelShelf, patterns: Mapping[str, str]) -> None:
        self._store, self._models, self.patterns = store, models, patterns

    def wanted(self) -> dict[str, InUse]:
        """What is in force now."""
        with self._store.reading() as session:
            rows = {name: version_row(session, each) for name, each in self.patterns.items()}
            return {name: InUse(row.id, row.number, row.cut_id) for name, row in rows.items()}

    def detector(self, in_use: InUse) -> Detector:
        """The detector of a version under a cut."""
        return self._models.under(in_use.version_id, in_use.cut_id)

    def rules(self, in_use: Mapping[str, InUse]) -> list[ModelRule]:
        """As a router takes them."""
        return [ModelRule(name, self.detector(in_use[name])) for name in self.patterns]


class TaughtRouter(Router):
    """A router that looks before each batch whether its models are still the ones in force.

    Parameters
    ----------
    book
        What is in force.
    in_use
        What is begun with.
    options
        How series are watched; with a history, for another version to begin on.
    say
        Where it is told what cannot be used.

    Attributes
    ----------
    in_use
        Version and cut of each pattern that judge now.
    """

    def __init__(
        self,
        book: ModelBook,
        in_use: Mapping[str, InUse],
        options: StreamOptions,
        say: Callable[[str], None],
    ) -> None:
        super().__init__(book.rules(in_use), options)
        self._book, self._say = book, say
        self.in_use = dict(in_use)
        self._refused = dict[str, InUse]()

    def update(self, rows: Sequence[Row], source: str) -> Outcome:
        """As `Router.update`, under what is in force when these rows have come."""
        self.heed()
        odd = [row for row in rows if not _is_name(row.series)]
        if not odd:
            return super().update(rows, source)
        said = super().update([row for row in rows if _is_name(row.series)], source)
        refused = [Refused.of(row.record, NO_NAME, source) for row in odd]
        return replace(said, refused=[*said.refused, *refused])

    def model_of(self, series: str) -> str:
        """Id of the model that watches a series; "" if none does."""
        return self._book.patterns.get(self._key(series), "")

    def heed(self) -> None:
        """Take up what has changed in the store; one that is away is asked again."""
        try:
            wanted = self._book.wanted()
        except (StoreError, NotThereError):
            return
        for pattern, new in wanted.items():
            old = self.in_use[pattern]
            if new in (old, self._refused.get(pattern)):
                continue
            try:
                detector = self._book.detector(new)
                same_model = new.version_id == old.version_id
                self.exchange(pattern, detector, same_model=same_model)
            except StoreError:
                return
            except OffbeatError as problem:
                self._refused[pattern] = new
                self._say(f"version {new.number} cannot watch, the one before goes on: {problem}")
                continue
            self.in_use[pattern] = new

    def _plain(self, said: Readings) -> list[dict[str, Any]]:
        """As `Router._plain`, with the filled channels and the shares of the score."""
        plain = super()._plain(said)
        channels = said.channels
        for reading, i in zip(plain, kept_rows(said).tolist(), strict=True):
            reading["imputed"] = [channels[c] for c in np.flatnonzero(said.imputed[i])]
            shares = said.shares[i]
            order = np.argsort(-np.nan_to_num(shares), kind="stable")[:SHARES].tolist()
            reading["shares"] = {channels[c]: float(shares[c]) for c in order if shares[c] > 0}
        return plain


def _is_name(series: str) -> bool:
    return 0 < len(series) <= LONGEST_NAME and series.isprintable()


def in_use_at(checkpoint: Path, name: str) -> dict[str, InUse]:
    """What judged when a checkpoint was written; nothing where there is none.

    Parameters
    ----------
    checkpoint
        The file.
    name
        Of the sink that wrote it down.
    """
    if not checkpoint.exists():
        return {}
    position = Checkpoint.read(checkpoint).positions.get(f"sink {name}", {})
    return {key: InUse(**each) for key, each in position.get("models", {}).items()}
