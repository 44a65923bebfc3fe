"""Jobs: a queue in the store, and worker processes that train, score and read."""

from __future__ import annotations

from offbeat.server.jobs.queue import JobQueue, job_record
from offbeat.server.jobs.runner import JobRunner
from offbeat.server.jobs.tasks import (
    CheckTask,
    ReadTask,
    ScoreTask,
    Task,
    TrainTask,
    about_model,
)
from offbeat.server.jobs.worker import Worker, WorkerLostError

__all__ = [
    "CheckTask",
    "JobQueue",
    "JobRunner",
    "ReadTask",
    "ScoreTask",
    "Task",
    "TrainTask",
    "Worker",
    "WorkerLostError",
    "about_model",
    "job_record",
]
