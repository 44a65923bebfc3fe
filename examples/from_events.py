"""A table of requests becomes a series a minute, and the hour of the errors is found."""

import numpy as np
import pandas as pd

from offbeat import LSTMDetector, aggregate_events, split_time

generator = np.random.default_rng(2)
minutes = pd.date_range("2024-03-01", periods=3 * 1_440, freq="min")
rate = 20 + 12 * np.sin(2 * np.pi * np.arange(len(minutes)) / 1_440)
requests = pd.DataFrame({"time": np.repeat(minutes, generator.poisson(rate))})
requests["latency"] = generator.gamma(4.0, 12.0, len(requests))
odd = requests["time"].between("2024-03-03 15:00", "2024-03-03 15:40")
requests.loc[odd, "latency"] *= 1.6

series = aggregate_events(requests, every="1min", agg="count,mean(latency)")
normal, rest = split_time(series, "2024-03-03")
detection = LSTMDetector().fit(normal).detect(rest)
print(detection.events_frame().select("start_time", "end_time", "severity", "channel"))
