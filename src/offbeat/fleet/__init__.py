"""Fleets: thousands of series, one network for all of them or one each.

    from offbeat.fleet import SharedLSTM, learn_own, score_many

    detectors = SharedLSTM().learn(fleet)          # by key: a fitted LSTMDetector, or a Failure
    detectors = learn_own(fleet, LSTMDetector())   # the same, with a network each
    found = score_many(detectors, later)           # by key: a Detection, or a Failure

A fleet is a mapping of keys to `Series`. Every detector is an ordinary one: it detects, streams and
saves by itself. What cannot be learned or scored is a `Failure` with its reason; the rest goes on.
"""

from __future__ import annotations

from offbeat.fleet.choosing import Mode, ModeChoice, choose_mode
from offbeat.fleet.failure import Failure, Fleet
from offbeat.fleet.learning import Learned
from offbeat.fleet.own import learn_own
from offbeat.fleet.scoring import score_each, score_many
from offbeat.fleet.shared import SharedLSTM

__all__ = [
    "Failure",
    "Fleet",
    "Learned",
    "Mode",
    "ModeChoice",
    "SharedLSTM",
    "choose_mode",
    "learn_own",
    "score_each",
    "score_many",
]
