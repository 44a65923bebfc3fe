"""Driver: plan, stage, shards, settle. Killed at any moment and started again, it goes on.

job.json      what was asked for            plan/      which series make up which shard
staging/      long tables laid out          done/      a mark for each task that is done
packs/, index/, index.parquet               the models of a training
scores/, events/, series/                   the tables of a scoring, a file a shard
failures/     key and reason                finished.json  all is done
"""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import polars as pl

from offbeat.errors import DataError, OffbeatError
from offbeat.fleet.engine import Engine
from offbeat.fleet.finding import DataFile, find_files, named_twice
from offbeat.fleet.fleetwide import BEGIN_AT, SHARED, sample_of
from offbeat.fleet.frames import frame_at, read_table, write_frame_at
from offbeat.fleet.job import JOB_FILE, Job, agreed
from offbeat.fleet.loading import STAGING, too_large
from offbeat.fleet.places import Place
from offbeat.fleet.plan import FAILURES, SHARD, Plan, Shard, Wanted
from offbeat.fleet.results import done_marks
from offbeat.fleet.staging import INDEX
from offbeat.fleet.store import ModelStore, settle_index
from offbeat.processes import Message

__all__ = ["FleetProgress", "FleetRun", "Limits", "run_job"]

FILE_BYTES_OF_A_SHARD = 8_000_000
"""A shard of files holds at most so many bytes of them, unless one file has more."""
STAGE = "stage-"
"""What the names of the tasks begin with that lay files out."""
SAMPLE_OF_SHARDS = 2
"""What a fleet shares is learned from as much as so many shards hold."""


@dataclass(frozen=True)
class Limits:
    """What may be used; none of it changes a result.

    Parameters
    ----------
    series_memory
        Bytes that one series may take in a worker; None sets no limit.
    spill_bytes
        Bytes of a long table that a worker holds at a time while it is laid out.
    """

    series_memory: int | None = None
    spill_bytes: int = 128_000_000


@dataclass(frozen=True)
class FleetProgress:
    """How far a run is.

    Parameters
    ----------
    phase
        "staging" counts files, "series" counts series.
    done, total
        Series or files; what an earlier start did counts as done.
    failed
        Of those that are done.
    fresh
        Done by this start.
    seconds
        Since this phase began.
    lost
        Workers that ended before their time.
    """

    phase: Literal["staging", "series"]
    done: int
    total: int
    failed: int
    fresh: int
    seconds: float
    lost: int


@dataclass(frozen=True, eq=False)
class FleetRun:
    """What came of a run.

    Parameters
    ----------
    out
        Where the results lie.
    succeeded, failed
        Series.
    failures
        Columns key, reason.
    fresh
        Shards that this start did; the others were done before.
    shards
        All.
    seconds
        That this start took.
    """

    out: str
    succeeded: int
    failed: int
    failures: pl.DataFrame
    fresh: int
    shards: int
    seconds: float


Hook = Callable[[FleetProgress], None]


def run_job(
    job: Job,
    out: str,
    engine: Engine,
    limits: Limits = Limits(),
    progress: Hook | None = None,
) -> FleetRun:
    """Do a job to its end, from wherever an earlier start of it was.

    Raises
    ------
    DataError
        If the data cannot be found or nothing may be written to `out`; a series that fails is
        recorded instead.
    OffbeatError
        If a task fails as a whole.
    """
    began, place = time.monotonic(), Place(out)
    with _alone(place):
        agreed(job, place)
        _list_files(job, place)
        plan = Plan.read(place / "plan")
        if plan is None:
            plan = _plan(job, place, engine, limits, progress)
            plan.write(place / "plan")
        if job.mode != "own" or (job.kind == "train" and plan.n_series >= BEGIN_AT):
            _learn_shared(job, place, plan, engine, limits)
        fresh = _do_shards(job, place, plan, engine, limits, progress)
        _settle(job, place, plan)
    return _run_of(place, fresh, time.monotonic() - began)


# ---------------------------------------------------------------- the plan


def _plan(job: Job, out: Place, engine: Engine, limits: Limits, progress: Hook | None) -> Plan:
    listed = frame_at(out / "plan" / "files.parquet")
    files = [DataFile(*row) for row in listed.iter_rows()]
    if job.key is None:
        twice = named_twice(files)
        wanted = [Wanted(each.key, each.url, each.size) for each in files if each.key not in twice]
        failures = [
            (key, f"{len(names)} files are called so: {', '.join(names[:3])}; rename them")
            for key, names in sorted(twice.items())
        ]
        most_cost, index = FILE_BYTES_OF_A_SHARD, None
    else:
        wanted, failures, index = _stage(job, out, files, engine, limits, progress)
        most_cost = job.shard_values
    if job.kind == "score":
        wanted, without = _with_models(job, wanted)
        failures += without
    return Plan.made(
        wanted, failures, most_series=job.shard_series, most_cost=most_cost, index=index
    )


def _list_files(job: Job, out: Place) -> None:
    """Keep which files there are when the run first begins; what cannot be begun leaves nothing."""
    if (out / "plan" / "files.parquet").exists():
        return
    try:
        files = find_files(job.data)
        if job.models is not None:
            ModelStore(job.models)
    except OffbeatError:
        (out / JOB_FILE).remove()
        raise
    rows = [(each.url, each.name, each.size) for each in files]
    schema = {"url": pl.String, "name": pl.String, "size": pl.Int64}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    write_frame_at(frame, out / "plan" / "files.parquet")


def _with_models(job: Job, wanted: Sequence[Wanted]) -> tuple[list[Wanted], list[tuple[str, str]]]:
    assert job.models is not None  # a scoring has models
    known = set(ModelStore(job.models))
    reason = f"{job.models} has no model of it"
    return (
        [each for each in wanted if each.key in known],
        [(each.key, reason) for each in wanted if each.key not in known],
    )


# ---------------------------------------------------------------- long tables


def _stage(
    job: Job,
    out: Place,
    files: Sequence[DataFile],
    engine: Engine,
    limits: Limits,
    progress: Hook | None,
) -> tuple[list[Wanted], list[tuple[str, str]], pl.DataFrame]:
    """Lay the files out; series, what failed, and which spill and group hold which key."""
    tasks = [
        {
            "do": "stage",
            "name": f"{STAGE}{number:06d}",
            "job": job.to_dict(),
            "out": out.url,
            "file": asdict(file),
            "spill_bytes": limits.spill_bytes,
        }
        for number, file in enumerate(files)
    ]
    counter = _Counter("staging", len(tasks), progress)
    done = done_marks(out, STAGE, read=False)
    counter.start(len([task for task in tasks if task["name"] in done]), 0)
    left = [task for task in tasks if task["name"] not in done]
    for result in _answers(engine, left, counter):
        counter.add(1, int(result["failed"]))
    return _staged(job, out, limits)


def _staged(
    job: Job, out: Place, limits: Limits
) -> tuple[list[Wanted], list[tuple[str, str]], pl.DataFrame]:
    failures: list[tuple[str, str]] = []
    parts = [pl.DataFrame(schema={**INDEX, "spill": pl.String})]
    for name, done in sorted(done_marks(out, STAGE).items()):
        if done.failed:
            failures.append((done.extra["file"], done.extra["reason"]))
            continue
        if done.extra["nameless"]:
            text = f"{done.extra['nameless']:,} rows have no {job.key!r}: they were left out"
            failures.append((done.extra["file"], text))
        for number in range(done.extra["spills"]):
            spill = f"{name}-{number}"
            index = frame_at(out / STAGING / f"{spill}.index")
            parts.append(index.with_columns(spill=pl.lit(spill)))
    index = pl.concat(parts)
    totals = index.group_by("key").agg(values=pl.col("rows").sum() * (pl.col("width").max() - 1))
    wanted = []
    for key, values in totals.iter_rows():
        problem = too_large(values, limits.series_memory)
        if problem is None:
            wanted.append(Wanted(key, "", values))
        else:
            failures.append((key, problem))
    return wanted, failures, index


# ---------------------------------------------------------------- the shards


def _learn_shared(job: Job, out: Place, plan: Plan, engine: Engine, limits: Limits) -> None:
    """What all shards need before they begin."""
    if done_marks(out, SHARED, read=False) or not len(plan.series):
        return
    most = SAMPLE_OF_SHARDS * (FILE_BYTES_OF_A_SHARD if job.key is None else job.shard_values)
    sample = sample_of(plan, most)
    task = _task(job, out, sample, limits, {}) | {"do": "shared", "name": SHARED}
    task["n_series"] = plan.n_series
    for _ in _answers(engine, [task], _Counter("series", 0, None)):
        pass


def _do_shards(
    job: Job, out: Place, plan: Plan, engine: Engine, limits: Limits, progress: Hook | None
) -> int:
    """Have the shards done that are not; how many that were."""
    marks = done_marks(out, SHARD)
    shards = list(plan.shards())
    done = [marks[shard.name] for shard in shards if shard.name in marks]
    left = [shard for shard in shards if shard.name not in marks]
    counter = _Counter("series", plan.n_series, progress)
    failed = sum(each.failed for each in done) + len(plan.failures)
    counter.start(sum(each.succeeded for each in done) + failed, failed)
    models = _places(job) if job.kind == "score" and left else {}
    tasks = [_task(job, out, shard, limits, models) for shard in left]
    for result in _answers(engine, tasks, counter):
        counter.add(int(result["succeeded"]) + int(result["failed"]), int(result["failed"]))
    return len(left)


def _places(job: Job) -> Mapping[str, Sequence[object]]:
    assert job.models is not None  # a scoring has models
    found = ModelStore(job.models).places()
    return {key: (key, each.pack, each.offset, each.length) for key, each in found}


def _task(
    job: Job,
    out: Place,
    shard: Shard,
    limits: Limits,
    models: Mapping[str, Sequence[object]],
) -> Message:
    return {
        "do": "shard",
        "name": shard.name,
        "job": job.to_dict(),
        "out": out.url,
        "shard": shard.to_dict(),
        "memory": limits.series_memory,
        "models": [models[each.key] for each in shard.series] if models else [],
    }


def _answers(engine: Engine, tasks: Sequence[Message], counter: _Counter) -> Iterator[Message]:
    for answer in engine.run(tasks):
        if answer.lost:
            counter.lose()
            continue
        if answer.result is None:
            raise OffbeatError(f"{answer.task['name']} failed as a whole: {answer.problem}")
        yield answer.result


# ---------------------------------------------------------------- the end


def _settle(job: Job, out: Place, plan: Plan) -> None:
    """Everything is there: say so, and clear what only the run needed."""
    if (out / "finished.json").exists():
        return
    if len(plan.failures):
        write_frame_at(plan.failures, out / "failures" / "plan.parquet")
    marks = list(done_marks(out, SHARD).values())
    if job.kind == "train" and any(each.succeeded for each in marks):
        settle_index(out)
    n_shards = plan.series["shard"].n_unique()
    if len(marks) != n_shards:  # someone took marks away meanwhile
        raise OffbeatError(
            f"{len(marks)} of {n_shards} shards are marked as done in {out.url}: start it again"
        )
    entry = {
        "succeeded": sum(each.succeeded for each in marks),
        "failed": sum(each.failed for each in marks) + len(plan.failures),
        "rows": sum(each.rows for each in marks),
        "shards": len(marks),
    }
    (out / "finished.json").write(json.dumps(entry).encode())
    for folder in (STAGING, "alone"):
        (out / folder).remove()
    for each in out.files():
        if each.name.endswith(".part"):  # of a worker that was killed while it wrote
            (out / each.name).remove()


def _run_of(out: Place, fresh: int, seconds: float) -> FleetRun:
    entry = json.loads((out / "finished.json").read())
    failures = read_table(out, "failures", FAILURES).sort("key")
    return FleetRun(
        out.url,
        entry["succeeded"],
        entry["failed"],
        failures,
        fresh,
        entry["shards"],
        seconds,
    )


class _Counter:
    """Counts what is done, and tells whoever watches."""

    def __init__(self, phase: Literal["staging", "series"], total: int, hook: Hook | None) -> None:
        self._phase, self._total, self._hook = phase, total, hook
        self._done = self._failed = self._fresh = self._lost = 0
        self._began = time.monotonic()

    def start(self, done: int, failed: int) -> None:
        self._done, self._failed = done, failed
        self._tell()

    def add(self, done: int, failed: int) -> None:
        self._done, self._fresh = self._done + done, self._fresh + done
        self._failed += failed
        self._tell()

    def lose(self) -> None:
        self._lost += 1
        self._tell()

    def _tell(self) -> None:
        if self._hook is not None:
            counts = (self._done, self._total, self._failed, self._fresh)
            seconds = time.monotonic() - self._began
            self._hook(FleetProgress(self._phase, *counts, seconds, self._lost))


@contextmanager
def _alone(out: Place) -> Iterator[None]:
    """No other run writes here meanwhile; the system lets go when this process ends."""
    if not out.is_local:
        yield
        return
    folder = Path(out.url.removeprefix("file://"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    except OSError as problem:
        raise DataError(f"{folder} cannot be written: {problem.strerror}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise DataError(f"another run writes to {folder} now: wait for it, or end it") from None
        yield
