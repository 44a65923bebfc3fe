"""A plant of pumps behind a real exporter and a real Prometheus; `kills.py` watches it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily
from watchers import Running, free_port, lines, until

from live_data import CHANNELS, QUICK, rows
from offbeat import LSTMDetector, Series

PUMPS = ("a", "b", "c")
SECOND = np.timedelta64(1, "s")
SETTLES = 6.0
"""Seconds after which Prometheus has begun, and has given what was scraped before."""


class Plant:
    """Answers every scrape with the next row of each pump.

    Parameters
    ----------
    folder
        Where Prometheus keeps its data.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._row = folder, 0
        self._over: float | None = None
        self._values = {pump: rows(5000, seed) for seed, pump in enumerate(PUMPS)}
        self.model = folder / "seconds.offbeat"
        time_ = np.datetime64("2026-03-01", "s") + SECOND * np.arange(480)
        train = Series(rows(480), time_.astype("datetime64[ns]"), CHANNELS)
        LSTMDetector(hidden_size=8, training=QUICK).fit(train).save(self.model)

    def __enter__(self) -> Plant:
        registry, exporter, self._port = CollectorRegistry(), free_port(), free_port()
        registry.register(self)
        self._server, _ = start_http_server(exporter, "127.0.0.1", registry)
        (self._folder / "prometheus.yml").write_text(
            "global: {scrape_interval: 1s}\nscrape_configs:\n"
            f"  [{{job_name: o, static_configs: [{{targets: ['127.0.0.1:{exporter}']}}]}}]\n"
        )
        command = ["prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data"]
        command += [f"--web.listen-address=127.0.0.1:{self._port}"]
        self._process = subprocess.Popen(command, cwd=self._folder, stderr=subprocess.DEVNULL)
        time.sleep(SETTLES)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()
        self._server.shutdown()
        self._server.server_close()

    def collect(self) -> Iterator[Any]:
        """As Prometheus's client asks for it."""
        family = GaugeMetricFamily("pump_value", "of a channel", labels=("pump", "channel"))
        for pump, values in self._values.items():
            for channel, value in zip(CHANNELS, values[self._row].tolist(), strict=True):
                family.add_metric((pump, channel), value)
        self._row += 1
        yield family

    def source(self, since: int) -> str:
        """From so many seconds ago."""
        asked = f"query=pump_value&step=1s&since={since}s&delay=2s&channel=channel"
        return f"prometheus+http://127.0.0.1:{self._port}?{asked}"

    def is_over(self) -> bool:
        """Whether a while has passed since the last kill: all that came before it was asked for."""
        if self._over is None:
            self._over = time.monotonic() + SETTLES
        return time.monotonic() > self._over

    def ask_again(self, first: str, to: list[str]) -> None:
        """From the first time on, by a watch that lives."""
        begin = datetime.now(UTC)
        since = (begin - datetime.fromisoformat(first)).total_seconds()

        def is_there() -> bool:
            came = lines(Path(to[0]), "reading")
            return any(each["time"] >= begin.isoformat() for each in came)

        with Running(self.source(round(since) + 3), to, [str(self.model)]):
            until(is_there, "the same span does not come again")
