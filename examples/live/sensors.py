"""A boiler: rows late and missing, a sensor that sticks, one that drifts, a line that goes dead."""

import numpy as np

from offbeat import LSTMDetector, Scoring, Series, StreamDetector, StreamOptions, Training

START, MINUTE, CYCLE = np.datetime64("2026-03-02T00:00:00"), np.timedelta64(60, "s"), 240
CHANNELS = ("inlet", "outlet", "pressure")


def boiler(n_rows: int, seed: int) -> np.ndarray:
    """Two temperatures and a pressure that follow one load, a cycle of four hours, (T, 3)."""
    draw = np.random.default_rng(seed)
    load = np.sin(2 * np.pi * np.arange(n_rows) / CYCLE)
    level = np.column_stack([40 + 5 * load, 65 + 8 * load, 2.2 + 0.3 * load])
    return level + draw.normal(0, [0.3, 0.4, 0.02], (n_rows, 3))


history, live = boiler(12 * CYCLE, 0), boiler(8 * CYCLE, 1)
stamps = START + MINUTE * np.arange(len(history) + len(live))
live[400:480, 1] = live[400, 1]  # the outlet sticks for 80 minutes
live[900:, 2] += 0.00015 * np.arange(len(live) - 900)  # the pressure gauge drifts, slowly
draw, arrival = np.random.default_rng(2), np.arange(len(live), dtype=float)
arrival[draw.random(len(live)) < 0.03] += 3.5  # some come out of order
lost = draw.random(len(live)) < 0.02
lost[1700:] = True  # the line is dead

detector = LSTMDetector(training=Training(max_epochs=8), scoring=Scoring(smoothing_window=(5, 30)))
detector.fit(Series(history, stamps[: len(history)], CHANNELS))
stream = StreamDetector(detector, StreamOptions(lateness="5min"))
events = []
for i in np.argsort(arrival, kind="stable"):
    if not lost[i]:
        reading = stream.update(stamps[len(history) + i], live[i])
        events += [event for r in (*reading.before, reading) for event in r.events]
for event in (*events, *stream.stalled(stamps[-1])):
    if event.phase != "going on":
        print(f"{str(event.end_time)[5:16]}  {event.kind:8} {event.phase:7} {event.message}")
print(dict(stream.counts))
