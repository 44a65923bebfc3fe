"""Traffic of three sites, one model, one call a row of time: a port scan and a leak at night."""

import numpy as np

from offbeat import LSTMDetector, Scoring, Series, StreamDetector, Training

SITES, DAY = ("berlin", "lyon", "porto"), 288  # rows of five minutes
CHANNELS = ("megabit", "flows", "ports")
START, STEP = np.datetime64("2026-03-02T00:00:00"), np.timedelta64(300, "s")


def traffic(n_rows: int, seed: int) -> np.ndarray:
    """Megabit a second, flows and distinct ports, with a season of a day and bursts, (T, 3)."""
    draw = np.random.default_rng(seed)
    busy = 1.2 + np.sin(2 * np.pi * (np.arange(n_rows) / DAY - 0.3))
    burst = np.where(draw.random(n_rows) < 0.02, draw.gamma(2.0, 20.0, n_rows), 0.0)
    megabit = 90 * busy * draw.lognormal(0.0, 0.08, n_rows) + burst
    flows = 400 * busy * draw.lognormal(0.0, 0.05, n_rows)
    return np.column_stack([megabit, flows, draw.poisson(30 + 12 * busy)])


history = traffic(10 * DAY, 0)
stamps = START + STEP * np.arange(len(history))
soon = Scoring(smoothing_window=(3, 12))  # an hour at most: an alarm ends soon after the trouble
detector = LSTMDetector(training=Training(max_epochs=8), scoring=soon)
detector.fit(Series(history, stamps, CHANNELS))

live = np.stack([traffic(2 * DAY, seed) for seed in (1, 2, 3)], axis=1)  # (T, sites, C)
live[150:162, 1, 2] += 55  # a scan: one address knocks at many ports of lyon
live[320:350, 2, 0] += 140  # a leak: what is usual at noon leaves porto at night

stream = StreamDetector(detector)
for row, values in enumerate(live):
    readings = stream.update_many(stamps[-1] + STEP * (row + 1), values, SITES)
    for event in readings.events:
        if event.kind == "anomaly" and event.phase != "going on":
            at = str(readings.time[0])[5:16]
            print(f"{at}  {event.series:7} {event.phase:7} {event.message}")
print("rows:", stream.counts["scored"], " still open:", len(stream.finish().events))
