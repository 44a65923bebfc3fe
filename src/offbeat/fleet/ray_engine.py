"""The same tasks on a Ray cluster: every machine reads and writes the same place."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from typing import Any

from offbeat.errors import ConfigError, OffbeatError
from offbeat.fleet.engine import GIVEN_UP_AFTER, ONE_THREAD, Answer, tried_again
from offbeat.fleet.work import do_task
from offbeat.parts import optional_part
from offbeat.processes import Message

__all__ = ["RayWorkers"]

AHEAD = 2
"""Tasks in flight for each core, so that none waits for the driver."""
PATIENCE = 5.0
"""Seconds in which a cluster must take a connection."""


class RayWorkers:
    """Tasks of Ray, one core each, or a share of a GPU.

    Parameters
    ----------
    address
        "auto" for the cluster that this machine belongs to, or an address.
    n_workers
        At most so many tasks at a time; None takes all cores of the cluster.
    gpu_share
        GPUs that a task takes: 0.25 lets four share one; 0 computes on the CPU.
    task_memory
        Bytes that Ray sets aside for a task; None leaves that to Ray.

    Raises
    ------
    MissingPartError
        If Ray is not installed.
    ConfigError
        If no cluster answers there.
    """

    def __init__(
        self,
        address: str,
        n_workers: int | None = None,
        *,
        gpu_share: float = 0.0,
        task_memory: int | None = None,
    ) -> None:
        self._ray: Any = optional_part("ray", extra="ray", needed_by="--ray")
        if not self._ray.is_initialized():
            self._connect(address)
        wants: dict[str, Any] = {"num_cpus": 1, "num_gpus": gpu_share, "max_retries": 0}
        if task_memory is not None:
            wants["memory"] = task_memory
        self._do = self._ray.remote(**wants)(do_task)
        cores = int(self._ray.cluster_resources().get("CPU", 1))
        self._most = n_workers if n_workers is not None else AHEAD * cores

    def run(self, tasks: Sequence[Message]) -> Iterator[Answer]:
        """See `Engine`."""
        ray = self._ray
        waiting = list(reversed(tasks))
        losses: dict[str, int] = {}
        running: dict[Any, Message] = {}
        while waiting or running:
            while waiting and len(running) < self._most:
                task = waiting.pop()
                number = losses.get(task["name"], 0)
                running[self._do.remote(tried_again(task, number))] = task
            ready, _ = ray.wait(list(running), num_returns=1)
            task = running.pop(ready[0])
            answer = self._answer(ready[0], task)
            if answer.lost:
                losses[task["name"]] = losses.get(task["name"], 0) + 1
                if losses[task["name"]] >= GIVEN_UP_AFTER:
                    answer = Answer(task, problem=f"its worker ended {GIVEN_UP_AFTER} times")
                else:
                    waiting.append(task)
            yield answer

    def close(self) -> None:
        """Leave the cluster; what still runs for this driver is ended there."""
        self._ray.shutdown()

    def _connect(self, address: str) -> None:
        try:
            _knock(address)
            self._ray.init(
                address=address,
                log_to_driver=False,
                logging_level="error",
                runtime_env={"env_vars": dict(ONE_THREAD)},
            )
        except (OSError, ValueError, RuntimeError) as problem:
            text = " ".join(str(problem).split())[:160]
            raise ConfigError(
                f"no Ray cluster answers at {address!r} ({text}): start one with `ray start --head`"
            ) from None

    def _answer(self, ready: Any, task: Message) -> Answer:
        errors = self._ray.exceptions
        gone = (errors.WorkerCrashedError, errors.NodeDiedError, errors.OutOfMemoryError)
        try:
            return Answer(task, self._ray.get(ready))
        except gone:
            return Answer(task, lost=True)
        except errors.RayTaskError as problem:
            cause = problem.cause
            if isinstance(cause, OffbeatError):
                return Answer(task, problem=str(cause))
            return Answer(task, problem=f"{type(cause).__name__}: {' '.join(str(cause).split())}")


def _knock(address: str) -> None:
    """Raise an `OSError` at once where Ray would wait for minutes: nobody listens there."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon and port.isdigit():
        socket.create_connection((host, int(port)), timeout=PATIENCE).close()
