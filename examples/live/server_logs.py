"""Requests become rows of five minutes: an error burst, and a slow-down that breaks no limit."""

import numpy as np
import pandas as pd

from offbeat import LSTMDetector, Scoring, StreamDetector, Training, aggregate_events

DAY, AGG = 288, "count,sum(failed),mean(latency)"


def requests(start: str, n_days: int, seed: int) -> pd.DataFrame:
    """When, how long in milliseconds, and whether it failed; busier by day than at night."""
    draw = np.random.default_rng(seed)
    buckets = pd.date_range(start, periods=n_days * DAY, freq="5min")
    rate = 100 + 60 * np.sin(2 * np.pi * np.arange(len(buckets)) / DAY)
    time = np.repeat(buckets, draw.poisson(rate))
    time += pd.to_timedelta(draw.uniform(0, 300, len(time)), unit="s")
    failed, latency = 1.0 * (draw.random(len(time)) < 0.01), draw.lognormal(4.0, 0.4, len(time))
    return pd.DataFrame({"time": time, "failed": failed, "latency": latency})


past, today = requests("2026-03-01", 6, 0), requests("2026-03-07", 1, 1)
broken = today["time"].between("2026-03-07 08:00", "2026-03-07 08:30")
today.loc[broken & (np.arange(len(today)) % 4 == 0), "failed"] = 1.0  # every fourth answer is 500
slow = today["time"].between("2026-03-07 19:00", "2026-03-07 20:30")
today.loc[slow, "latency"] *= 1.35  # each answer a third slower: usual for one, not for all

soon = Scoring(smoothing_window=(3, 12))  # rows: an alarm ends soon after the trouble
detector = LSTMDetector(training=Training(max_epochs=8), scoring=soon)
before, live = (aggregate_events(table, every="5min", agg=AGG) for table in (past, today))
stream = StreamDetector(detector.fit(before))
stream.update_many(before.time, before.values, ["series"] * len(before))  # no warm-up today
for time, values in zip(live.time, live.values, strict=True):
    reading = stream.update(time, dict(zip(live.channels, values, strict=True)))
    if reading.event is not None and reading.event.phase == "opened":
        print(f"{str(time)[5:16]}  {reading.event.message}")
        print("    came    ", " ".join(f"{v:8.3f}" for v in reading.values))
        print("    expected", " ".join(f"{v:8.3f}" for v in reading.expected))
