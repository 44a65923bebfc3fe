"""Bars of a minute from trades: a flash crash, and quotes that stop for twenty minutes."""

import numpy as np

from offbeat import EventRules, LSTMDetector, Scoring, Series, StreamDetector, Training

START, MINUTE = np.datetime64("2026-03-02T00:00:00"), np.timedelta64(60, "s")
CHANNELS = ("move", "spread", "volume")


def bars(n_rows: int, seed: int) -> np.ndarray:
    """Move and spread in basis points, and volume: busy at every full hour, (T, 3)."""
    draw = np.random.default_rng(seed)
    busy = 1 + 0.8 * np.cos(2 * np.pi * np.arange(n_rows) / 60)
    move = 4 * busy * draw.standard_t(5, n_rows)
    spread = 2 + busy * draw.gamma(8.0, 0.2, n_rows)
    return np.column_stack([move, spread, 900 * busy * draw.lognormal(0, 0.25, n_rows)])


past, today = bars(3_000, 0), bars(600, 1)
stamps = START + MINUTE * np.arange(3_600)
today[200:204, 0] = -60, -85, 70, 40  # the crash and the way back, four minutes
today[200:210, 1:] *= 5  # nobody quotes close, and much is sold
quoted = np.ones(600, dtype=bool)
quoted[380:400] = False  # quotes stop

soon, rules = Scoring(smoothing_window=(2, 10)), EventRules(merge_gap=30)  # an echo is no new alarm
detector = LSTMDetector(training=Training(max_epochs=8), scoring=soon, rules=rules)
stream = StreamDetector(detector.fit(Series(past, stamps[:3_000], CHANNELS)))
for now, values, came in zip(stamps[3_000:], today, quoted, strict=True):
    events = list(stream.update(now, values).events) if came else list(stream.stalled(now))
    for event in events:
        if event.phase != "going on":
            print(f"{str(now)[11:16]}  {event.kind:8} {event.phase:7} {event.message}")
            if event.event is not None:
                print("      ", " ".join(f"{n} {s:.0%}" for n, s in event.event.channels))
print("rows that nobody measured:", stream.counts["missing"])
