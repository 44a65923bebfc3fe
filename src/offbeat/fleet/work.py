"""Work: what a worker process does with one task, wherever it runs.

A task is either a file to stage or a shard to train or score. All that it writes are whole files
with names of its own, and the mark that says "done" comes last: killed at any moment, it leaves
nothing that is taken for done, and done again it writes the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from offbeat.errors import OffbeatError
from offbeat.fleet.asking import detect_all, learn_all
from offbeat.fleet.failure import Failure
from offbeat.fleet.finding import DataFile
from offbeat.fleet.fleetwide import besides, learn_fleetwide, way_of
from offbeat.fleet.frames import write_frame_at
from offbeat.fleet.job import Job
from offbeat.fleet.loading import STAGING, load_shard, portions
from offbeat.fleet.places import Place
from offbeat.fleet.plan import Shard
from offbeat.fleet.results import Done, ShardTables, failures_frame
from offbeat.fleet.staging import stage_file
from offbeat.fleet.store import ModelPacks, Packed, write_pack
from offbeat.processes import Message, Tell
from offbeat.series import Series

__all__ = ["do_task"]

KEYS_IN_A_ROW = 2
"""Ends of a worker over one series, alone, after which the series is given up."""


def do_task(task: Message, tell: Tell | None = None) -> Message:  # noqa: ARG001 - the pool's face
    """One task to its end; says how many series went well and how many failed."""
    import torch

    torch.set_num_threads(1)  # one core a worker, and the same digits on every machine
    job, out = Job(**task["job"]), Place(task["out"])
    what = {"stage": _stage, "shared": _shared, "shard": _shard}
    done = what[task["do"]](job, out, task)
    done.write(out)
    return {"name": done.name, "succeeded": done.succeeded, "failed": done.failed}


def _stage(job: Job, out: Place, task: Message) -> Done:
    assert job.key is not None  # only long tables are staged
    file, name = DataFile(**task["file"]), task["name"]
    try:
        staged = stage_file(
            file, job.key, job.options, out / STAGING, name, int(task["spill_bytes"])
        )
    except OffbeatError as problem:
        return Done(name, 0, 1, extra={"file": file.name, "reason": str(problem)})
    extra = {"file": file.name, "spills": staged.spills, "nameless": staged.nameless}
    return Done(name, 1, 0, staged.rows, extra)


def _shared(job: Job, out: Place, task: Message) -> Done:
    """What the whole fleet shares, from a sample of it."""
    sample = Shard.from_dict(task["shard"])
    loaded = load_shard(job, out, sample, task["memory"])
    series = {key: each for key, each in loaded if isinstance(each, Series)}
    return Done(
        task["name"], 0, 0, extra={"mode": learn_fleetwide(job, out, series, task["n_series"])}
    )


def _shard(job: Job, out: Place, task: Message) -> Done:
    shard = Shard.from_dict(task["shard"])
    given_up = _given_up(out, shard) if task.get("alone") else {}
    good: dict[str, Series] = {}
    failures = [Failure(key, reason) for key, reason in given_up.items()]
    for key, series in load_shard(job, out, shard, task["memory"]):
        if isinstance(series, Failure):
            failures.append(series)
        elif key not in given_up:
            good[key] = series
    rows = sum(len(each) for each in good.values())
    alone = task.get("alone")
    groups = _one_by_one(out, shard, good) if alone else portions(good, task["memory"])
    if job.kind == "train":
        succeeded = _train(job, out, shard, groups, failures)
    else:
        succeeded = _score(job, out, shard, groups, failures, task)
    if failures:
        write_frame_at(failures_frame(failures), out / "failures" / f"{shard.name}.parquet")
    return Done(shard.name, succeeded, len(failures), rows)


def _train(
    job: Job,
    out: Place,
    shard: Shard,
    groups: Iterator[dict[str, Series]],
    failures: list[Failure],
) -> int:
    detectors = {}
    learn, arrays = way_of(out)
    for group in groups:
        for key, made in learn_all(job, group, learn).items():
            if isinstance(made, Failure):
                failures.append(made)
            else:
                detectors[key] = made
    if detectors:
        write_pack(out, shard.name, detectors, arrays)
    return len(detectors)


def _score(
    job: Job,
    out: Place,
    shard: Shard,
    groups: Iterator[dict[str, Series]],
    failures: list[Failure],
    task: Message,
) -> int:
    assert job.models is not None  # a scoring has models
    places = {key: Packed(*where) for key, *where in task["models"]}
    packs, detections = ModelPacks(job.models, besides(Place(job.models))), {}
    for group in groups:
        for key, found in detect_all(packs, places, group).items():
            if isinstance(found, Failure):
                failures.append(found)
            else:
                detections[key] = found
    ShardTables.of(detections, with_scores=job.with_scores).write(out, shard.name)
    return len(detections)


# ---------------------------------------------------------------- series that end their worker


def _one_by_one(
    out: Place, shard: Shard, series: Mapping[str, Series]
) -> Iterator[dict[str, Series]]:
    """Each series alone, with a note of which one it is, so that it is known if it ends us."""
    place = _note_of(out, shard)
    for key, each in series.items():
        note = _read_note(place)
        place.write(json.dumps({**note, "at": key}).encode())
        yield {key: each}
        place.write(json.dumps({**note, "at": None}).encode())


def _given_up(out: Place, shard: Shard) -> dict[str, str]:
    """Series over which the worker ended too often, and what is said of them."""
    place = _note_of(out, shard)
    note = _read_note(place)
    ends: dict[str, int] = dict(note["ends"])
    if note["at"] is not None:
        ends[note["at"]] = ends.get(note["at"], 0) + 1
        place.write(json.dumps({"at": None, "ends": ends}).encode())
    return {
        key: f"its worker ended {count} times over it: it needs more memory than there is, or "
        "something ends the process"
        for key, count in ends.items()
        if count >= KEYS_IN_A_ROW
    }


def _note_of(out: Place, shard: Shard) -> Place:
    return out / "alone" / f"{shard.name}.json"


def _read_note(place: Place) -> dict[str, Any]:
    if not place.exists():
        return {"at": None, "ends": {}}
    note: dict[str, Any] = json.loads(place.read())
    return note
