"""What the command line shows: tables for people, and CSV, JSON or Parquet for programs."""

from offbeat.terminal.detections import (
    SHOWN_ROWS,
    show_check,
    show_events,
    show_scores,
    show_thresholds,
    show_training,
    warn_of_stillness,
)
from offbeat.terminal.evaluations import show_comparison, show_evaluation
from offbeat.terminal.fleets import show_fleet_run, show_ranking
from offbeat.terminal.teaching import show_recalibration
from offbeat.terminal.writing import is_piped

__all__ = [
    "SHOWN_ROWS",
    "is_piped",
    "show_check",
    "show_comparison",
    "show_evaluation",
    "show_events",
    "show_fleet_run",
    "show_ranking",
    "show_recalibration",
    "show_scores",
    "show_thresholds",
    "show_training",
    "warn_of_stillness",
]
