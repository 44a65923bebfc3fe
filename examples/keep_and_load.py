"""Train once, keep the model in a file, score tomorrow's data with it."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from offbeat import LSTMDetector, load

index = pd.date_range("2024-01-01", periods=4_000, freq="5min")
day = 2 * np.pi * np.arange(len(index)) / 288
noise = np.random.default_rng(1).normal(0, 0.2, (len(index), 2))
waves = np.column_stack([np.sin(day), np.cos(day)]) + noise
sensors = pd.DataFrame(waves, columns=["inlet", "outlet"], index=index)
sensors.loc["2024-01-12 10:00":"2024-01-12 14:00", "outlet"] = 0.9  # a sensor that sticks

with TemporaryDirectory() as folder:
    path = Path(folder) / "sensors.offbeat"
    LSTMDetector().fit(sensors[:2_500]).save(path)
    detector = load(path)  # weights and JSON: loading runs no code
    scored = detector.anomaly_score(sensors)  # a frame with the same index

print(scored.loc["2024-01-12 09:00":"2024-01-12 15:00"].iloc[::12])
for event in detector.detect(sensors[2_500:]).events:
    share = event.channels[0][1]
    print(f"which sensor was it? {event.channel} ({share:.0%}) at {str(event.start_time)[:16]}")
