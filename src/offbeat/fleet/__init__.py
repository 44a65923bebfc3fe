"""Fleets: thousands of series, one machine or many."""

from __future__ import annotations

from offbeat.fleet.driver import FleetProgress, FleetRun
from offbeat.fleet.failure import Failure
from offbeat.fleet.ranking import FleetRanking, rank_fleet
from offbeat.fleet.runs import Fleet, parse_memory
from offbeat.fleet.store import ModelStore

__all__ = [
    "Failure",
    "Fleet",
    "FleetProgress",
    "FleetRanking",
    "FleetRun",
    "ModelStore",
    "parse_memory",
    "rank_fleet",
]
