"""Job: what a run over a fleet was asked to do, as it is written down before anything is done."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import Any, Literal

from offbeat.errors import DataError
from offbeat.fleet.places import Place
from offbeat.io import ReadOptions
from offbeat.keeping import options_from_plain
from offbeat.lesson import Lesson
from offbeat.lstm import LSTMDetector

__all__ = ["JOB_FILE", "Job", "JobKind", "Way", "agreed"]

JobKind = Literal["train", "score"]
Way = Literal["own", "shared", "auto"]
JOB_FILE = "job.json"


@dataclass(frozen=True)
class Job:
    """What is done, to which data, and how; everything that the results depend on.

    How many workers do it, where, and in how much memory is not part of it.

    Parameters
    ----------
    kind
        "train" or "score".
    data
        Folder, glob, file or URL.
    key
        Column that names the series; None takes each file for one.
    reading
        Fields of `ReadOptions`.
    detector
        Options of the `LSTMDetector` that each series gets; of a training.
    train
        Where the training part ends, as in `Lesson`; None learns all of it.
    mode
        How the fleet learns: "own", "shared" or "auto".
    models
        The store of models; of a scoring.
    with_scores
        Whether every row's score is kept, not only events and totals.
    shard_series, shard_values
        A shard holds at most so many series, and values (rows x columns) unless one series has
        more.
    """

    kind: JobKind
    data: str
    key: str | None = None
    reading: Mapping[str, Any] = field(default_factory=dict)
    detector: Mapping[str, Any] = field(default_factory=dict)
    train: float | int | str | None = None
    mode: Way = "own"
    models: str | None = None
    with_scores: bool = True
    shard_series: int = 64
    shard_values: int = 1_000_000

    @property
    def options(self) -> ReadOptions:
        """How files are read."""
        given = dict(self.reading)
        if given.get("channels") is not None:
            given["channels"] = tuple(given["channels"])
        return ReadOptions(**given)

    @property
    def template(self) -> LSTMDetector:
        """An untrained detector."""
        return LSTMDetector(**options_from_plain(dict(self.detector)))

    @property
    def lesson(self) -> Lesson:
        """The training part of each series."""
        return Lesson(train=self.train, whole=self.train is None)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return json.loads(json.dumps(asdict(self)))  # type: ignore[no-any-return]

    @property
    def fingerprint(self) -> str:
        """Of everything that the results depend on."""
        text = json.dumps([self.to_dict(), version("offbeat")], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def agreed(job: Job, out: Place) -> None:
    """Write the job down, or find that it is the one that was begun there.

    Raises
    ------
    DataError
        If something else stands there, or another job was begun there.
    """
    place = out / JOB_FILE
    if not place.exists():
        if any(not each.name.startswith(".") for each in out.files()):
            raise DataError(f"{out.url} holds other files: name a folder that is new or empty")
        entry = {"fingerprint": job.fingerprint, "offbeat": version("offbeat"), **job.to_dict()}
        place.write(json.dumps(entry, indent=1).encode())
        return
    begun = json.loads(place.read())
    if begun.get("fingerprint") == job.fingerprint:
        return
    asked = job.to_dict()
    other = [name for name, value in asked.items() if begun.get(name) != value]
    if begun.get("offbeat") != version("offbeat"):
        other.append("offbeat's version")
    raise DataError(
        f"{out.url} holds another run (it differs in {', '.join(other) or 'its settings'}): "
        "give the same options to go on with it, or another --out"
    )
