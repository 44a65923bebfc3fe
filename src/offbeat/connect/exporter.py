"""Prometheus: the newest reading of each series, to be scraped."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from threading import Lock
from typing import Any

from offbeat.connect.addresses import Address
from offbeat.connect.contract import Outcome, Position, Sink
from offbeat.errors import ConfigError
from offbeat.parts import optional_part

__all__ = ["METRICS", "PrometheusSink"]

METRICS: Mapping[str, str] = {
    "offbeat_score": "Anomaly score of the newest row.",
    "offbeat_severity": "Score by threshold: 1 is the limit.",
    "offbeat_value": "The newest value of a channel.",
    "offbeat_expected": "What was expected of it.",
    "offbeat_lower": "Lower edge of what was expected.",
    "offbeat_upper": "Upper edge of what was expected.",
    "offbeat_event_open": "1 while an event of this kind is going on.",
}
"""Gauges and what they say; `offbeat_rows_total` counts."""
OF_ROWS = {"offbeat_score": "score", "offbeat_severity": "severity"}
OF_CHANNELS = {
    "offbeat_value": "values",
    "offbeat_expected": "expected",
    "offbeat_lower": "lower",
    "offbeat_upper": "upper",
}
STALE = 300.0
"""Seconds after which a series of which nothing came is shown no more, as in Prometheus."""
LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"')


class PrometheusSink(Sink):
    """Answers scrapes of `/metrics`; labels of a series that came from Prometheus are its own.

    Parameters
    ----------
    address
        `prometheus://0.0.0.0:9464`, where it listens. Option: `stale=` seconds.
    """

    def __init__(self, address: Address) -> None:
        self._stale = address.knows("stale").number("stale", STALE)
        self.name = address.name
        host, _, port = address.url.partition("://")[2].rpartition(":")
        if not port.isdigit():
            raise ConfigError(f"{self.name} names no port: write prometheus://127.0.0.1:9464")
        self._host, self._port = host or "127.0.0.1", int(port)
        self._lock, self._server, self._n_rows = Lock(), None, 0
        self._newest: dict[str, tuple[float, Mapping[str, Any]]] = {}
        self._open: dict[tuple[str, str], set[str]] = {}

    def open(self, position: Position | None) -> None:
        """As `Sink.open`; it listens from here on."""
        if self._server is not None:
            return
        client = optional_part("prometheus_client", extra="live", needed_by="prometheus://")
        registry = client.CollectorRegistry(auto_describe=False)
        registry.register(self)
        for series, kind, name in (position or {}).get("open", ()):
            self._open.setdefault((series, kind), set()).add(name)
        self._server, _ = client.start_http_server(self._port, self._host, registry)

    def put(self, outcome: Outcome) -> None:
        """As `Sink.put`."""
        now = time.monotonic()
        with self._lock:
            for reading in outcome.readings:
                self._newest[reading["series"]] = (now, reading)
            for event in outcome.events:
                ids = self._open.setdefault((event.series, event.kind), set())
                ids.discard(event.id) if event.phase == "closed" else ids.add(event.id)
            self._n_rows += len(outcome.readings)

    def flush(self) -> None:
        """As `Sink.flush`: what is put is shown."""

    def position(self) -> Position:
        """As `Sink.position`: the events that are going on."""
        return {"open": [[*key, name] for key, names in self._open.items() for name in names]}

    def close(self) -> None:
        """As `Sink.close`."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def collect(self) -> Iterator[Any]:
        """What `prometheus_client` shows."""
        core = optional_part("prometheus_client.core", extra="live", needed_by="prometheus://")
        with self._lock:
            oldest = time.monotonic() - self._stale
            self._newest = {k: each for k, each in self._newest.items() if each[0] >= oldest}
            readings = [reading for _, reading in self._newest.values()]
            opened = {key: len(names) for key, names in self._open.items()}
            n_rows = self._n_rows
        families = {name: core.GaugeMetricFamily(name, text) for name, text in METRICS.items()}
        for reading in readings:
            labels = labels_of(reading["series"])
            for name, key in OF_ROWS.items():
                _add(families[name], labels, reading.get(key))
            for name, key in OF_CHANNELS.items():
                for channel, number in reading.get(key, {}).items():
                    _add(families[name], {**labels, "channel": channel}, number)
        for (series, kind), n_open in opened.items():
            labels = {**labels_of(series), "kind": kind}
            _add(families["offbeat_event_open"], labels, float(n_open > 0))
        yield from families.values()
        yield core.CounterMetricFamily("offbeat_rows", "Rows that were scored.", value=n_rows)


def labels_of(series: str) -> dict[str, str]:
    """Labels of `cpu{instance="a"}`; of any other name only `series`."""
    name, found, rest = series.partition("{")
    pairs = dict(LABEL.findall(rest)) if found and rest.endswith("}") else {}
    taken = {"series": series} if not pairs else {"series": name, **pairs}
    return {f"exported_{key}" if key in ("channel", "kind") else key: taken[key] for key in taken}


def _add(family: Any, labels: Mapping[str, str], number: float | None) -> None:
    if number is not None:
        family.add_sample(family.name, dict(labels), number)
