"""Prometheus: what a query gives, polled with range queries, so that an outage leaves no gap."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from offbeat.connect.addresses import Address
from offbeat.connect.contract import Batch, Position, Source
from offbeat.connect.decoding import VALUE
from offbeat.errors import ConfigError, DataError
from offbeat.parts import optional_part

__all__ = ["PrometheusSource"]

MOST_STEPS = 1_000
"""Steps a query; Prometheus refuses more than 11,000."""
SECONDS = 10.0


class PrometheusSource(Source):
    """A row a step of each time series; its name is `metric{label="value"}`.

    The position is the time of the last step. After an outage the steps in between are asked for.

    Parameters
    ----------
    address
        `prometheus+http://host:9090?query=...`. Options: `step=` (15s), `since=` (how far back the
        first query reaches, 1h), `delay=` (how long a sample may take to arrive, one step),
        `channel=` a label whose values are the channels of one series.
    """

    def __init__(self, address: Address) -> None:
        address.knows("query", "step", "since", "delay", "channel")
        self.name, self._query = address.name, address.option("query")
        if not self._query:
            raise ConfigError(f"{self.name} asks nothing: write {self.name}?query=...")
        self._step = address.seconds("step", "15s")
        self._since = address.seconds("since", "1h")
        self._delay = address.seconds("delay", f"{self._step:g}s")
        self._channel = address.option("channel")
        scheme, _, rest = address.url.partition("+")[2].partition("://")
        path = f"/{address.topic}" if address.topic else ""
        self._httpx = optional_part("httpx", extra="live", needed_by="prometheus+http://")
        self._client = self._httpx.Client(base_url=f"{scheme}://{rest}{path}", timeout=SECONDS)
        self._last = 0.0

    def open(self, position: Position | None) -> None:
        """As `Source.open`."""
        start = position["time"] if position else time.time() - self._since
        self._last = start // self._step * self._step

    def take(self, patience: float) -> Batch | None:
        """As `Source.take`."""
        newest = (time.time() - self._delay) // self._step * self._step
        if newest <= self._last:
            missing = self._last + self._step + self._delay - time.time()
            time.sleep(max(0.0, min(patience, missing)))
            return Batch()
        start = self._last + self._step
        end = min(newest, self._last + MOST_STEPS * self._step)
        found = self._ask(start, end)
        self._last = end
        rows: dict[tuple[float, str], dict[str, Any]] = {}
        for each in found:
            series, channel = self._named(each["metric"])
            for at, text in each["values"]:
                row = rows.setdefault((at, series), {"time": at, "series": series})
                row[channel] = _number(text)
        return Batch([rows[key] for key in sorted(rows)])

    def position(self) -> Position:
        """As `Source.position`."""
        return {"time": self._last}

    def close(self) -> None:
        """As `Source.close`."""
        self._client.close()

    def _ask(self, start: float, end: float) -> list[Any]:
        asked = {"query": self._query, "start": start, "end": end, "step": self._step}
        try:
            answer = self._client.get("/api/v1/query_range", params=asked)
            told = answer.json()
        except (self._httpx.HTTPError, ValueError) as problem:
            raise ConnectionError(str(problem) or type(problem).__name__) from None
        if told.get("errorType") == "bad_data":
            raise DataError(f"{self.name}: {told.get('error')}")
        if told.get("status") != "success":
            raise ConnectionError(f"HTTP {answer.status_code}: {told.get('error')}")
        return list(told["data"]["result"])

    def _named(self, metric: Mapping[str, str]) -> tuple[str, str]:
        """The series and the channel of a time series."""
        rest = {k: v for k, v in metric.items() if k not in ("__name__", self._channel)}
        labels = ",".join(f'{name}="{rest[name]}"' for name in sorted(rest))
        name = metric.get("__name__", "")
        series = f"{name}{{{labels}}}" if labels else name or "query"
        return series, metric.get(self._channel, VALUE) if self._channel else VALUE


def _number(text: str) -> float | None:
    """A sample; what Prometheus calls NaN or infinite is missing."""
    number = float(text)
    return number if np.isfinite(number) else None
