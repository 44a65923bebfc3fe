"""Fleetwide: one network for a whole fleet, learned from a sample and kept once in the store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from hashlib import sha256

import numpy as np

from offbeat.errors import DataError
from offbeat.fleet.asking import Learn, lessons
from offbeat.fleet.gathering import Common
from offbeat.fleet.job import Job
from offbeat.fleet.learning import Learned
from offbeat.fleet.own import learn_own
from offbeat.fleet.places import Place
from offbeat.fleet.plan import Plan, Shard, Wanted
from offbeat.fleet.shared import SharedLSTM
from offbeat.lstm import LSTMDetector
from offbeat.persist import model_bytes, model_from_bytes
from offbeat.series import Series

__all__ = ["SHARED", "besides", "learn_fleetwide", "sample_of", "way_of"]

SHARED = "shared"
SAMPLE_SHARDS, SAMPLE_SERIES = 64, 2_000
"""Shards that the sample is drawn from, and series in it, at most."""
WEIGHTS = "network."
"""How the arrays of a network begin in a model file."""


def sample_of(plan: Plan, most_cost: int) -> Shard:
    """Series from all over the plan, the same ones whenever it is asked.

    Parameters
    ----------
    plan
        Of the run.
    most_cost
        What they may cost together; one is taken whatever it costs.
    """
    shards = sorted(plan.shards(), key=lambda shard: shard.number)
    places = np.unique(np.linspace(0, len(shards) - 1, min(len(shards), SAMPLE_SHARDS)).astype(int))
    chosen = [shards[place] for place in places]
    ranked = sorted(
        (each for shard in chosen for each in shard.series), key=lambda each: _drawn(each.key)
    )
    taken, spent = list[Wanted](), 0
    for each in ranked[:SAMPLE_SERIES]:
        if taken and spent + each.cost > most_cost:
            continue
        taken.append(each)
        spent += each.cost
    keys = {each.key for each in taken}
    groups: dict[str, list[int]] = {}
    for shard in chosen:
        if any(each.key in keys for each in shard.series):
            for spill, numbers in shard.groups.items():
                groups[spill] = sorted({*groups.get(spill, ()), *numbers})
    return Shard(-1, tuple(sorted(taken, key=lambda each: each.key)), groups)


def learn_fleetwide(job: Job, out: Place, series: Mapping[str, Series]) -> str:
    """Learn from the sample what the fleet shares, and keep it; the mode and why.

    Raises
    ------
    DataError
        If nothing in the sample can be learned from.
    """
    parts, failures = lessons(job, series)
    if not parts:
        first = next(iter(failures.values()), None)
        raise DataError(
            f"no series of the sample can be learned: {first.reason if first else 'it is empty'}"
        )
    shared = SharedLSTM(job.template).fit(parts)
    first_one = next(
        made for made in shared.admit_all(parts).values() if isinstance(made, LSTMDetector)
    )
    (out / f"{SHARED}.offbeat").write(model_bytes(first_one))
    entry = {"mode": "shared", "common": asdict(shared.common_)}
    (out / f"{SHARED}.json").write(json.dumps(entry).encode())
    return "shared"


def way_of(job: Job, out: Place) -> tuple[Learn, Mapping[str, np.ndarray] | None]:
    """How the series of a shard are learned, and the arrays that their models share."""
    if job.mode == "own":
        return learn_own, None
    common = json.loads((out / f"{SHARED}.json").read())["common"]
    kept = _kept(out)
    shared = SharedLSTM(job.template)
    shared.network_, shared.training_log_ = kept.network_, kept.training_log_
    for name in ("channels", "covariates"):  # JSON knows no tuples
        common[name] = tuple(common[name])
    shared.common_, shared._biases = Common(**common), {}

    def lend(parts: Mapping[str, Series], template: LSTMDetector) -> Learned:  # noqa: ARG001
        return shared.admit_all(parts)

    return lend, _weights(kept)


def besides(models: Place) -> Mapping[str, np.ndarray] | None:
    """The arrays that all models of a store share; None if each has its own."""
    if not (models / f"{SHARED}.offbeat").exists():
        return None
    return _weights(_kept(models))


def _kept(out: Place) -> LSTMDetector:
    place = out / f"{SHARED}.offbeat"
    kept = model_from_bytes(place.read(), place.url)
    assert isinstance(kept, LSTMDetector)  # `learn_fleetwide` wrote it
    return kept


def _weights(detector: LSTMDetector) -> dict[str, np.ndarray]:
    _, arrays = detector.state()
    return {name: array for name, array in arrays.items() if name.startswith(WEIGHTS)}


def _drawn(key: str) -> bytes:
    """An order of keys that has nothing to do with their names."""
    return sha256(key.encode()).digest()
