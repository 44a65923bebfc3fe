"""Fleetwide: one network for a whole fleet, learned from a sample and kept once in the store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256

import numpy as np

from offbeat.errors import DataError
from offbeat.fleet.asking import Learn, lessons
from offbeat.fleet.choosing import choose_mode
from offbeat.fleet.failure import Failure
from offbeat.fleet.job import Job
from offbeat.fleet.learning import Learned
from offbeat.fleet.own import learn_own
from offbeat.fleet.places import Place
from offbeat.fleet.plan import Plan, Shard, Wanted
from offbeat.fleet.shared import SharedLSTM
from offbeat.lstm import LSTMDetector
from offbeat.series import Series
from offbeat.tensorfile import checked_text, parse_tensors, tensor_bytes

__all__ = ["BEGIN_AT", "SHARED", "besides", "learn_fleetwide", "sample_of", "way_of"]

SHARED = "shared"
BEGIN_AT = 200
"""In a fleet of so many series networks of their own begin as one that learned from all: its
training costs what twenty single fits do."""
SAMPLE_SHARDS, SAMPLE_SERIES = 64, 2_000
"""Shards that the sample is drawn from, and series in it, at most."""
MODEL, BEGIN, CHOICE = "shared.safetensors", "begin.safetensors", "shared.json"
KEY = "offbeat-shared"


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


def learn_fleetwide(job: Job, out: Place, series: Mapping[str, Series], n_series: int) -> str:
    """Choose the way if that is asked for, learn what the fleet shares, and keep it; the reason.

    Parameters
    ----------
    job, out
        Of the run.
    series
        A sample of the fleet.
    n_series
        How many the fleet has.

    Raises
    ------
    DataError
        If nothing in the sample can be learned from.
    """
    parts, failures = lessons(job, series)
    if not parts and job.mode != "own":
        first = next((f"{each.key}: {each.reason}" for each in failures.values()), "it is empty")
        raise DataError(f"no series of the sample can be learned: {first}")
    mode, reason = job.mode, "as given"
    if mode == "auto":
        choice = choose_mode(parts, job.template)
        mode, reason = choice.mode, choice.reason
    if mode == "shared":
        _learn_and_keep(job, parts, out / MODEL)
    elif n_series >= BEGIN_AT:
        with suppress(DataError):  # then each begins afresh
            _learn_and_keep(job, parts, out / BEGIN)
    (out / CHOICE).write(json.dumps({"mode": mode, "reason": reason}).encode())
    return reason


def _learn_and_keep(job: Job, parts: Mapping[str, Series], place: Place) -> None:
    shared = SharedLSTM(job.template).fit(parts)
    place.write(tensor_bytes(KEY, *shared.state(), {}))


def way_of(out: Place) -> tuple[Learn, Mapping[str, np.ndarray] | None]:
    """How the series of a shard are learned, and the arrays that their models share."""
    place = out / CHOICE
    if not place.exists():  # a small fleet of networks of their own shares nothing
        return learn_own, None
    if json.loads(place.read())["mode"] == "own":
        begin = out / BEGIN
        return (_begun_as(_read(begin)) if begin.exists() else learn_own), None
    shared = _read(out / MODEL)

    def lend(parts: Mapping[str, Series], template: LSTMDetector) -> Learned:  # noqa: ARG001
        return shared.admit_all(parts)

    return lend, shared.weights()


def _begun_as(shared: SharedLSTM) -> Learn:
    """Networks of their own that begin as the fleet's; what is not like the fleet begins afresh."""

    def learn(parts: Mapping[str, Series], template: LSTMDetector) -> Learned:
        made = learn_own(parts, template, start=shared)
        others = {key: parts[key] for key, each in made.items() if isinstance(each, Failure)}
        return {**made, **learn_own(others, template)}

    return learn


def besides(models: Place) -> Mapping[str, np.ndarray] | None:
    """The arrays that all models of a store share; None if each has its own."""
    place = models / MODEL
    return _read(place).weights() if place.exists() else None


def _read(place: Place) -> SharedLSTM:
    what = ("shared model", "a network of a fleet")
    header, arrays = parse_tensors(place.read(), place.url, KEY, what)
    return SharedLSTM.from_state(json.loads(checked_text(place.url, KEY, header, arrays)), arrays)


def _drawn(key: str) -> bytes:
    """An order of keys that has nothing to do with their names."""
    return sha256(key.encode()).digest()
