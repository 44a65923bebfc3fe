"""The live side: a trained detector scores rows as they come, as it would score the file.

detector     StreamDetector: what people call
options      how a stream is watched
incoming     values checked at the door;  arrival  which row of the grid a measurement is;
jumping      clocks that jump
intake       named series in, readings out
line         gaps let pass, engine driven;  engine  one step of all series
preparing -> foreseeing | tail -> signalling -> judging    the live score, a twin for each step
cutting      the cut;  happening  events;  sensors  no data, stuck;  drift  scores that moved away
readings     what is said of a row
checkpoint   where a stream stands;  retraining  a new model beside it
teaching     another cut, mute or model between two rows
journal      rows that are kept to train again;  aside  the process that does
perseries    arrays with one entry a series
"""

from __future__ import annotations

from offbeat.stream.arrival import POLICIES
from offbeat.stream.aside import Aside, RetrainOrder
from offbeat.stream.checkpoint import Checkpoint, fingerprint
from offbeat.stream.detector import StreamDetector
from offbeat.stream.drift import Drift
from offbeat.stream.happening import LiveEvent
from offbeat.stream.journal import Journal, Recorder, read_rows
from offbeat.stream.options import StreamOptions
from offbeat.stream.readings import AHEAD, Reading, Readings
from offbeat.stream.retraining import Retraining

__all__ = [
    "AHEAD",
    "POLICIES",
    "Aside",
    "Checkpoint",
    "Drift",
    "Journal",
    "LiveEvent",
    "Reading",
    "Readings",
    "Recorder",
    "RetrainOrder",
    "Retraining",
    "StreamDetector",
    "StreamOptions",
    "fingerprint",
    "read_rows",
]
