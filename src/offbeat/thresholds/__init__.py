"""Thresholds: from the scores of the training part to the cut. None of them needs retraining."""

from __future__ import annotations

from offbeat.thresholds.base import Calibration, StaticThreshold, Threshold
from offbeat.thresholds.budget import BudgetThreshold
from offbeat.thresholds.counting import alarm_reach, run_gap
from offbeat.thresholds.labelled import CostThreshold, FBetaThreshold, LabelledThreshold
from offbeat.thresholds.rolling import RollingThreshold
from offbeat.thresholds.scaled import ScaledThreshold
from offbeat.thresholds.static import (
    FixedThreshold,
    IQRThreshold,
    MADThreshold,
    PercentileThreshold,
    SigmaThreshold,
)
from offbeat.thresholds.table import (
    ThresholdRow,
    candidates,
    default_threshold,
    threshold_table,
)
from offbeat.thresholds.tail import POTThreshold
from offbeat.thresholds.telemanom import TelemanomThreshold
from offbeat.thresholds.text import parse_goal, parse_threshold, threshold_from_dict, threshold_text

__all__ = [
    "BudgetThreshold",
    "Calibration",
    "CostThreshold",
    "FBetaThreshold",
    "FixedThreshold",
    "IQRThreshold",
    "LabelledThreshold",
    "MADThreshold",
    "POTThreshold",
    "PercentileThreshold",
    "RollingThreshold",
    "ScaledThreshold",
    "SigmaThreshold",
    "StaticThreshold",
    "TelemanomThreshold",
    "Threshold",
    "ThresholdRow",
    "alarm_reach",
    "candidates",
    "default_threshold",
    "parse_goal",
    "parse_threshold",
    "run_gap",
    "threshold_from_dict",
    "threshold_table",
    "threshold_text",
]
