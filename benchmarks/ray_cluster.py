"""A Ray cluster of this machine, for benchmarks and tests; ended with what it is used for."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["QUIET", "ray_cluster", "ray_workers"]

ROOT = Path(__file__).resolve().parents[1]
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}


@contextmanager
def ray_cluster(folder: Path, n_cores: int = 2) -> Iterator[str]:
    """Its address."""
    command = [sys.executable, "-m", "ray.scripts.scripts"]
    options = ["--head", f"--num-cpus={n_cores}", "--port=0", "--include-dashboard=false"]
    environment = {**os.environ, **QUIET, "PYTHONPATH": str(ROOT / "src")}
    said = subprocess.run(
        [*command, "start", *options, f"--temp-dir={folder}"],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
    ).stdout
    found = re.search(r"--address='([\d.:]+)'", said)
    assert found is not None, said
    try:
        yield found[1]
    finally:
        stop = [*command, "stop", "--force"]
        subprocess.run(stop, check=True, capture_output=True, env=environment)


def ray_workers(driver: int) -> list[int]:  # noqa: ARG001 - the cluster's, whoever drives
    """Processes of the cluster that do a task now."""
    found = list[int]()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            title = path.read_text()
        except OSError:
            continue
        if title.startswith("ray::do_task"):
            found.append(int(path.parent.name))
    return found
