"""What tests of the page ask a server for, and how long they wait for it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any
from urllib.request import Request, urlopen

PATIENCE = 30.0


def asked(address: str, path: str, body: Any = None, token: str | None = None) -> Any:
    """What the API answers; bytes are sent as CSV."""
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": "text/csv" if isinstance(body, bytes) else "application/json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    with urlopen(Request(f"{address}/api/v1{path}", data, headers), timeout=PATIENCE) as answer:
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
