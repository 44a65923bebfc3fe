"""A nightly job alarms again and again: two labels teach it away, and a cut alone could not."""

import numpy as np

from offbeat import Labels, LSTMDetector, label_event, recalibrate, similar_events

generator = np.random.default_rng(0)
rows = np.arange(6_000)
load = 10 + 3 * np.sin(2 * np.pi * rows / 60) + generator.normal(0, 0.3, len(rows))
disk = 5 + generator.normal(0, 0.3, len(rows))
for start in range(3_200, 6_000, 400):
    disk[start : start + 20] += 6.0  # the job, in order but loud
for start in (3_400, 4_600, 5_400):
    load[start : start + 20] += 2.5  # faults, fainter

data = np.column_stack([load, disk])
detector = LSTMDetector().fit(data[:3_000])
detection = detector.detect(data)
print(len(detection.events), "events at first")

jobs = [
    event for event in detection.events if event.start >= 3_000 and event.channel == "channel_1"
]
labels = Labels(tuple(label_event(detection, job, "false alarm", who="ann") for job in jobs[:2]))
proposal = recalibrate(detector, detection, labels)
print(proposal.to_frame().select("state", "cut", "events", "muted", "f1"))

taught = proposal.apply()
for event in taught.detect(data).muted_events:
    print("muted:", event.start, event.channel, event.muted_by)
for near in similar_events(proposal.before, jobs[-1], k=2):
    print("like the last job:", near.event.start, f"distance {near.distance:.2f}")
