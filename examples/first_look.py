"""From a file to a table of events: what is off on a recorded machine."""

from offbeat import LSTMDetector, check, read_series, split_time

series = read_series("examples/machine/machine.csv")
print(check(series).to_text())

normal, rest = split_time(series, 0.4)  # the first part is known to be calm
detection = LSTMDetector().fit(normal).detect(rest)
for event in detection.events:
    print(f"{str(event.start_time)[:19]}  {event.severity:5.2f} times the limit  {event.channel}")
