"""A plant of pumps behind a real exporter and a real Prometheus; `kills.py` watches it."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily
from watchers import lines

from live_data import CHANNELS, QUICK, rows
from offbeat import LSTMDetector, Series
from offbeat.connect import watch

PUMPS = ("a", "b", "c")
SECOND = np.timedelta64(1, "s")


class Plant:
    """Answers every scrape with the next row of each pump.

    Parameters
    ----------
    folder
        Where Prometheus keeps its data.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._row = folder, 0
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
        time.sleep(6)
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
        self._until = getattr(self, "_until", time.monotonic() + 6)
        return time.monotonic() > self._until

    def ask_again(self, first: str, to: list[str]) -> None:
        """From the first time on, by a watch that lives."""
        stop, since = Event(), datetime.now(UTC) - datetime.fromisoformat(first)
        said = list[str]()

        def say(text: str) -> None:
            said.append(text)

        from threading import Thread

        named = {"stop": stop, "say": say}
        source = self.source(round(since.total_seconds()) + 3)
        thread = Thread(target=watch, args=(source, to, [str(self.model)]), kwargs=named)
        thread.start()
        last = datetime.now(UTC).isoformat()
        end = time.monotonic() + 30
        while time.monotonic() < end:
            came = [each["time"] for each in lines(Path(to[0]), "reading")]
            if came and max(came) >= last:
                break
            time.sleep(0.2)
        stop.set()
        thread.join()


def free_port() -> int:
    """One that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
