"""Starts servers quickly: what they import is imported once, then they are forked.

Reads a line of JSON for each server and answers with its process id. Uploads are read in the server
itself, so that nothing has to wait for a process; trainings and scorings too, if that is asked for.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from serving import Inline

import offbeat.server.page  # noqa: F401 - imported before the fork
from offbeat.server.jobs import runner
from offbeat.server.launch import serve
from offbeat.server.options import ServerOptions
from offbeat.server.workbench import bench


def main() -> None:
    bench.Worker = Inline  # type: ignore[misc]
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # ended servers leave no trace
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            _serve(Path(asked["out"]), asked["options"], inline=asked["inline"])
            os._exit(0)
        print(child, flush=True)


def _serve(out: Path, options: dict[str, Any], *, inline: bool) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    said = os.open(out, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    os.dup2(said, 1)
    os.dup2(said, 2)
    os.close(0)
    sys.stdout = os.fdopen(1, "w")
    if inline:
        runner.Worker = Inline  # type: ignore[misc]
    serve(ServerOptions(**{"port": 0, **options, "data": Path(options["data"])}))


if __name__ == "__main__":
    main()
