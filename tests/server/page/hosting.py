"""A server with its page in a process of its own, as `offbeat serve` runs it.

One argument: the options as JSON. Uploads, trainings and scorings are done in the server itself, so
that nothing has to wait for a process.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

HERE = Path(__file__).resolve().parent
PATIENCE = 30.0


@contextmanager
def hosted(data: Path, **options: Any) -> Iterator[str]:
    """Its address; it is stopped afterwards."""
    asked = json.dumps({"data": str(data), **options})
    with (data.parent / f"{data.name}.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, str(Path(__file__).resolve()), asked],
            stdout=subprocess.PIPE, stderr=log, text=True,
        )  # fmt: skip
        assert server.stdout is not None
        try:
            line = server.stdout.readline()
            assert line.startswith("offbeat: http"), (data.parent / f"{data.name}.log").read_text()
            yield line.split()[1].rstrip(",")
        finally:
            server.terminate()
            server.wait(20)
            server.stdout.close()


def asked(address: str, path: str, body: Any = None) -> Any:
    """What the API answers; bytes are sent as CSV."""
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    kind = "text/csv" if isinstance(body, bytes) else "application/json"
    request = Request(f"{address}/api/v1{path}", data, {"Content-Type": kind})
    with urlopen(request, timeout=PATIENCE) as answer:
        return json.load(answer)


def until(condition: Callable[[], Any], what: str) -> Any:
    """The first true answer."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"never came: {what}")


def main() -> None:
    sys.path.insert(0, str(HERE.parent))
    from serving import Inline

    from offbeat.server.jobs import runner
    from offbeat.server.launch import serve
    from offbeat.server.options import ServerOptions
    from offbeat.server.workbench import bench

    bench.Worker = runner.Worker = Inline  # type: ignore[misc]
    asked = json.loads(sys.argv[1])
    serve(ServerOptions(**{"port": 0, "grace": 0.5, **asked, "data": Path(asked["data"])}))


if __name__ == "__main__":
    main()
