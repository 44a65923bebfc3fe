"""Starts servers quickly, to be killed: what they import is imported once, then they are forked.

Reads a line of JSON for each server and answers with its process id. Uploads are read in the server
itself, so that it need not wait for a process; trainings have theirs.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from serving import Inline

from offbeat.server.launch import serve
from offbeat.server.options import ServerOptions
from offbeat.server.workbench import bench


def main() -> None:
    bench.Worker = Inline  # type: ignore[misc]
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # killed servers leave no trace
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            out = os.open(asked["out"], os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
            os.dup2(out, 1)
            os.dup2(out, 2)
            os.close(0)
            sys.stdout = os.fdopen(1, "w")
            store = asked.get("store")
            options = ServerOptions(port=0, data=Path(asked["data"]), store=store, trainings=1)
            serve(options)
            os._exit(0)
        print(child, flush=True)


if __name__ == "__main__":
    main()
