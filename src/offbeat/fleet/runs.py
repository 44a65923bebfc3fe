"""Fleet: many series in one place, learned, judged and ranked, on one machine or many."""

from __future__ import annotations

import re
from dataclasses import asdict, replace
from typing import Any, get_args

from offbeat.errors import ConfigError, one_of, whole_number
from offbeat.fleet.driver import FleetRun, Hook, Limits, run_job
from offbeat.fleet.engine import Engine, Inline, LocalWorkers, usual_workers
from offbeat.fleet.fleetwide import besides
from offbeat.fleet.job import Job, Way
from offbeat.fleet.places import Place
from offbeat.fleet.ray_engine import RayWorkers
from offbeat.fleet.store import ModelStore
from offbeat.io import ReadOptions
from offbeat.lstm import LSTMDetector
from offbeat.storable import plain

__all__ = ["Fleet", "parse_memory"]

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
DRIVER_BYTES = 300_000_000
"""What the driver is taken to need with PyTorch loaded."""
WORKER_BYTES = 300_000_000
"""What a worker is taken to need before it holds a series."""
LEAST_SERIES_BYTES = 100_000_000
"""What a worker must have for its series to be of use."""
SPILLS_IN_MEMORY = 8
"""A spill that is sorted and written takes so many times its size."""
MOST_SPILL = 128_000_000
GPU_SHARE = 0.25


class Fleet:
    """Many series: a folder, a glob, a long table or a Parquet data set, on a disk or at a URL.

    Parameters
    ----------
    data
        Path, glob or URL.
    key
        Column that names the series. None takes each file for one series, called by its path.
    options
        How the tables are read.
    workers
        How many work at a time; None takes all cores, 0 works in this process.
    memory
        How much may be used, such as "4GB": fewer workers, and series that do not fit are
        recorded. None sets no limit.
    ray
        "auto" or the address of a Ray cluster; None works on this machine.
    shard_series
        Series that are done together, at most: a kill loses no more work than that.

    Examples
    --------
    fleet = Fleet("sensors/*.parquet", key="sensor")
    fleet.train("models")
    fleet.score("models", "scores")
    Fleet.open("models").detector("pump 1")
    """

    def __init__(
        self,
        data: str,
        *,
        key: str | None = None,
        options: ReadOptions = ReadOptions(),
        workers: int | None = None,
        memory: str | int | None = None,
        ray: str | None = None,
        shard_series: int = 64,
    ) -> None:
        self.data = data
        self.key = key
        self.options = options
        self.workers = workers
        self.memory = memory
        self.ray = ray
        self.shard_series = shard_series

    @staticmethod
    def open(models: str) -> ModelStore:
        """The models that `train` wrote.

        Raises
        ------
        ModelFileError
            If there are none.
        """
        return ModelStore(models, besides(Place(models)))

    def train(
        self,
        out: str,
        template: LSTMDetector | None = None,
        *,
        train: float | int | str | None = None,
        mode: Way = "own",
        progress: Hook | None = None,
    ) -> FleetRun:
        """Learn what is normal of each series, and keep the models in one store.

        Parameters
        ----------
        out
            Folder or URL of the store. Called again after a kill, it goes on there.
        template
            What each series gets a copy of; None takes `LSTMDetector()`.
        train
            Where the training part of each series ends: fraction, row or time stamp; None learns
            all of it.
        mode
            "own", "shared" or "auto".
        progress
            Called whenever something is done.

        Raises
        ------
        DataError
            If the data are not there or nothing may be written.
        """
        made = LSTMDetector() if template is None else template
        one_of("mode", mode, get_args(Way))
        job = Job(
            "train",
            **self._what(),
            detector={name: plain(each) for name, each in made.get_params(deep=False).items()},
            train=train,
            mode=mode,
        )
        return self._run(job, out, made.device, progress)

    def score(
        self,
        models: str,
        out: str,
        *,
        with_scores: bool = True,
        progress: Hook | None = None,
    ) -> FleetRun:
        """Judge each series by its model, and keep scores, events and totals as Parquet.

        Parameters
        ----------
        models
            The store that `train` wrote.
        out
            Folder or URL of the results. Called again after a kill, it goes on there.
        with_scores
            Whether every row's score is kept, not only events and totals.
        progress
            Called whenever something is done.

        Raises
        ------
        DataError
            If the data are not there or nothing may be written.
        ModelFileError
            If there are no models.
        """
        job = Job("score", **self._what(), models=models, with_scores=with_scores)
        return self._run(job, out, "cpu", progress)

    def _what(self) -> dict[str, Any]:
        whole_number("shard_series", self.shard_series, least=1)
        return {
            "data": self.data,
            "key": self.key,
            "reading": asdict(self.options),
            "shard_series": self.shard_series,
        }

    def _run(self, job: Job, out: str, device: str, progress: Hook | None) -> FleetRun:
        n_workers, limits = self._limits()
        in_memory = any(Place(each).is_in_memory for each in (self.data, out, job.models or ""))
        engine: Engine
        if self.ray is not None:
            engine = self._on_ray(device, limits, in_memory)
        elif n_workers == 0 or in_memory:  # what is in memory is seen by this process only
            engine = Inline()
        else:
            engine = LocalWorkers(n_workers, _n_gpus() if device.startswith("cuda") else 0)
        try:
            return run_job(job, out, engine, limits, progress)
        finally:
            engine.close()

    def _on_ray(self, device: str, limits: Limits, in_memory: bool) -> Engine:
        assert self.ray is not None  # asked for
        if in_memory:
            raise ConfigError("memory:// is seen by one process only: give --ray a shared folder")
        return RayWorkers(
            self.ray,
            self.workers,
            gpu_share=GPU_SHARE if device.startswith("cuda") else 0.0,
            task_memory=None
            if limits.series_memory is None
            else limits.series_memory + WORKER_BYTES,
        )

    def _limits(self) -> tuple[int, Limits]:
        """How many workers, and what each may hold."""
        wanted = usual_workers() if self.workers is None else self.workers
        whole_number("workers", wanted, least=0)
        if self.memory is None:
            return wanted, Limits()
        memory = parse_memory(self.memory) if isinstance(self.memory, str) else self.memory
        least = DRIVER_BYTES + WORKER_BYTES + LEAST_SERIES_BYTES
        if memory < least:
            raise ConfigError(
                f"memory={self.memory} is too little: PyTorch alone takes most of it; "
                f"at least {least // 10**6}MB are needed"
            )
        most = (memory - DRIVER_BYTES) // (WORKER_BYTES + LEAST_SERIES_BYTES)
        n_workers = min(wanted, most)
        each = (memory - DRIVER_BYTES) // max(1, n_workers) - WORKER_BYTES
        spill = min(MOST_SPILL, each // SPILLS_IN_MEMORY)
        return n_workers, replace(Limits(), series_memory=each, spill_bytes=spill)


def parse_memory(text: str) -> int:
    """`1GB`, `500 MB`, `2.5G` in bytes.

    Raises
    ------
    ConfigError
        If it is no size.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)i?B?\s*", text, re.IGNORECASE)
    if found is None:
        raise ConfigError(f"memory={text!r} is no size: write it as 4GB or 500MB")
    return int(float(found[1]) * UNITS[found[2].upper()])


def _n_gpus() -> int:
    import torch

    return torch.cuda.device_count()
