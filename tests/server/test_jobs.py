"""Jobs in processes of their own: trained, cancelled, parked by a stop and taken up again."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from serving import QUICK

from offbeat import LSTMDetector, read_series
from offbeat.lesson import Lesson
from offbeat.server.faults import ConflictError
from offbeat.server.jobs.tasks import ReadTask
from offbeat.server.jobs.worker import TaskFailedError, Worker, WorkerLostError
from offbeat.server.options import ServerOptions
from offbeat.server.workbench import TrainingRequest, Workbench
from offbeat.settings import with_settings

LONG = TrainingRequest(settings=("training.max_epochs=100000", "training.patience=100000"))


@pytest.fixture(scope="module", autouse=True)
def equal_rights() -> Iterator[None]:
    """Workers that stand back would wait for the other tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("offbeat.server.jobs.worker.NICENESS", 0)
        yield


@pytest.fixture(scope="module")
def bench(options: ServerOptions) -> Iterator[Workbench]:
    made = Workbench(options)
    made.open()
    yield made
    made.close()


@pytest.fixture(scope="module")
def series_id(bench: Workbench, table: Path) -> str:
    return bench.series.upload(table, name="waves", by="x").id


def until_it_runs(bench: Workbench, job_id: str) -> None:
    for job in bench.jobs.watch(job_id):
        if job.epochs:
            return
    pytest.fail(f"job {job.state} before its first epoch: {job.problem}")


def test_a_process_learns_what_the_library_learns(
    bench: Workbench, series_id: str, table: Path
) -> None:
    job = bench.training.start(series_id, TrainingRequest(train=0.6, settings=QUICK), by="x")
    seen = list(bench.jobs.watch(job.id))
    done = seen[-1]
    assert (done.state, len(done.epochs)) == ("done", 2)
    assert done.model_id is not None
    series = read_series(table)
    fitted = with_settings(LSTMDetector(), QUICK).fit(Lesson(train=0.6).part(series))
    log = [each.train_loss for each in fitted.record_.log]
    assert [epoch["train_loss"] for epoch in done.epochs] == log
    made = bench.models.detector(done.model_id)
    np.testing.assert_array_equal(made.anomaly_score(series), fitted.anomaly_score(series))
    assert bench.series.get(series_id).channels == ("a", "b")


def test_cancelling_ends_the_process(bench: Workbench, series_id: str) -> None:
    job = bench.training.start(series_id, LONG, by="x")
    until_it_runs(bench, job.id)
    with pytest.raises(ConflictError, match="needed by job"):
        bench.series.delete(series_id)
    assert bench.jobs.cancel(job.id).state == "cancelled"
    after = bench.training.start(series_id, TrainingRequest(settings=QUICK), by="x")
    assert bench.jobs.wait(after.id, seconds=200).state == "done"
    assert bench.jobs.get(job.id).state == "cancelled"
    with pytest.raises(ConflictError, match="cancelled already"):
        bench.jobs.cancel(job.id)


def test_what_cannot_be_learned_fails_with_the_librarys_sentence(
    bench: Workbench, tmp_path: Path
) -> None:
    path = tmp_path / "short.csv"
    path.write_text("a\n" + "1\n2\n" * 3)
    short = bench.series.upload(path, name="short", by="x")
    job = bench.training.start(short.id, TrainingRequest(), by="x")
    ended = bench.jobs.wait(job.id, seconds=200)
    assert ended.state == "failed"
    assert ended.problem is not None
    assert "rows" in ended.problem


@pytest.mark.slow
def test_a_stop_parks_a_training_and_the_next_start_takes_it_up(
    table: Path, tmp_path: Path
) -> None:
    options = ServerOptions(data=tmp_path, grace=0.0)
    first = Workbench(options)
    first.open()
    series = first.series.upload(table, name="waves", by="x")
    job = first.training.start(series.id, LONG, by="x")
    waiting = first.training.start(series.id, TrainingRequest(settings=QUICK), by="x")
    until_it_runs(first, job.id)
    first.close()
    second = Workbench(replace(options, trainings=2))
    second.open()
    try:
        until_it_runs(second, job.id)
        assert second.jobs.wait(waiting.id, seconds=200).state == "done"
        second.jobs.cancel(job.id)
    finally:
        second.close()
    assert not list((tmp_path / "incoming").iterdir())


def test_a_worker_that_is_lost_is_started_again(table: Path, tmp_path: Path) -> None:
    worker = Worker("test")
    task = ReadTask(str(table), str(tmp_path / "a.parquet"), {}, 10**6, 10**6)
    try:
        assert worker.run(task)["n_rows"] == 900
        assert worker._process is not None
        assert worker._process.pid is not None
        os.kill(worker._process.pid, signal.SIGTERM)  # meant for the server
        assert worker.run(task)["n_rows"] == 900
        os.kill(worker._process.pid, signal.SIGKILL)
        for _ in range(200):
            if not worker.is_alive:
                break
            time.sleep(0.01)
        assert worker.run(task)["n_rows"] == 900
        (tmp_path / "none.csv").write_text("")
        with pytest.raises(TaskFailedError, match=r"none\.csv is empty"):
            worker.run(replace(task, source=str(tmp_path / "none.csv")))
    finally:
        worker.close()
    with pytest.raises(WorkerLostError, match="stops"):
        worker.run(task)
