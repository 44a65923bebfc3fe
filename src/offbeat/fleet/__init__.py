"""Fleets: thousands of series, one network for all of them or one each.

    from offbeat.fleet import SharedLSTM, learn_own, score_many

    detectors = SharedLSTM().learn(series)          # by key: a fitted LSTMDetector, or a Failure
    detectors = learn_own(series, LSTMDetector())   # the same, with a network each
    found = score_many(detectors, later)            # by key: a Detection, or a Failure

`series` is a mapping of keys to `Series`. Every detector is an ordinary one: it detects, streams
and saves by itself. What cannot be learned or scored is a `Failure` with its reason, and the rest
goes on. More than fits into memory, on one machine or many:

    fleet = Fleet("sensors/*.parquet", key="sensor")
    fleet.train("models")
    fleet.score("models", "scores")
    rank_fleet("scores").report("fleet.html")

Names are imported when they are first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from offbeat.lazy import lazy_names

if TYPE_CHECKING:
    from offbeat.fleet.choosing import ModeChoice, choose_mode
    from offbeat.fleet.driver import FleetProgress, FleetRun
    from offbeat.fleet.failure import Failure
    from offbeat.fleet.learning import Learned
    from offbeat.fleet.own import learn_own
    from offbeat.fleet.ranking import FleetRanking, rank_fleet
    from offbeat.fleet.runs import Fleet, parse_memory
    from offbeat.fleet.scoring import score_each, score_many
    from offbeat.fleet.shared import SharedLSTM
    from offbeat.fleet.store import ModelStore

_HOME = {
    "Failure": "failure",
    "Fleet": "runs",
    "FleetProgress": "driver",
    "FleetRanking": "ranking",
    "FleetRun": "driver",
    "Learned": "learning",
    "ModeChoice": "choosing",
    "ModelStore": "store",
    "SharedLSTM": "shared",
    "choose_mode": "choosing",
    "learn_own": "own",
    "parse_memory": "runs",
    "rank_fleet": "ranking",
    "score_each": "scoring",
    "score_many": "scoring",
}

__all__ = [
    "Failure",
    "Fleet",
    "FleetProgress",
    "FleetRanking",
    "FleetRun",
    "Learned",
    "ModeChoice",
    "ModelStore",
    "SharedLSTM",
    "choose_mode",
    "learn_own",
    "parse_memory",
    "rank_fleet",
    "score_each",
    "score_many",
]

__getattr__, __dir__ = lazy_names(__name__, _HOME)
