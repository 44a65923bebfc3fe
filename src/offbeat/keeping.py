"""Keeping: a fitted detector as plain values and arrays, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from offbeat.detection import TrainingRecord
from offbeat.origin import Origin
from offbeat.preparation import FittedPreparation, Preparation
from offbeat.rules import rules_from_plain
from offbeat.scores import MODES, Scoring, Standard
from offbeat.season import Season
from offbeat.storable import part, plain, under
from offbeat.thresholds import Calibration, threshold_from_dict
from offbeat.training import Training

if TYPE_CHECKING:
    from offbeat.detector import Detector

__all__ = ["Arrays", "State", "options_from_plain", "restore", "state_of"]

State = dict[str, Any]
Arrays = dict[str, np.ndarray]

GROUPS: Mapping[str, Callable[..., object]] = {
    "preparation": Preparation,
    "training": Training,
    "scoring": Scoring,
    "rules": rules_from_plain,
}


def options_from_plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """Constructor options from their JSON; a key that no group knows raises `TypeError`."""
    made = dict(options)
    for name, group in GROUPS.items():
        if name in made:
            fields = made[name].items()  # JSON knows no tuples
            made[name] = group(**{k: tuple(v) if isinstance(v, list) else v for k, v in fields})
    if made.get("threshold") is not None:
        made["threshold"] = threshold_from_dict(made["threshold"])
    if made.get("covariates") is not None:
        made["covariates"] = tuple(made["covariates"])
    return made


def state_of(detector: Detector) -> tuple[State, Arrays]:
    """What every fitted detector knows: JSON-able values, and arrays by name."""
    state = {
        "options": {k: plain(value) for k, value in detector.get_params(deep=False).items()},
        **detector.origin_.to_dict(),
        "season": asdict(detector.season_) if detector.season_ else None,
        "n_learned": detector.n_learned_,
        "smoothing_windows": {mode: list(rows) for mode, rows in detector.windows_.items()},
        "threshold": detector.threshold_.to_dict(),
        "record": detector.record_.to_dict(),
    }
    arrays = {"band": detector.band_, **under("preparation", detector.prepared_by_.state())}
    for mode in MODES:
        calibration = detector.calibrations_[mode]
        if mode in detector.standards_:
            standard = detector.standards_[mode]
            arrays[f"{mode}.location"] = standard.location
            arrays[f"{mode}.unit"] = standard.unit
            arrays[f"{mode}.wild"] = detector.wild_[mode]
        arrays[f"{mode}.score"] = calibration.score
        if calibration.y_true is not None:
            arrays[f"{mode}.y_true"] = calibration.y_true
    return state, arrays


def restore(detector: Detector, state: State, arrays: Arrays) -> None:
    """Give a detector with the same options what `state_of` gave."""
    detector.origin_ = Origin.from_dict(state)
    detector.season_ = Season(**state["season"]) if state["season"] else None
    detector.threshold_ = threshold_from_dict(state["threshold"])
    detector.record_ = TrainingRecord.from_dict(state["record"])
    detector.band_ = arrays["band"]
    detector.prepared_by_ = FittedPreparation(
        detector.preparation, detector.origin_.targets
    ).restore(part("preparation", arrays))
    detector.n_learned_ = int(state["n_learned"])
    detector._configure(detector.n_learned_)
    detector.windows_ = {mode: tuple(state["smoothing_windows"][mode]) for mode in MODES}
    by_mode = {mode: part(mode, arrays) for mode in MODES}
    measured = {mode: own for mode, own in by_mode.items() if "location" in own}
    detector.standards_ = {m: Standard(own["location"], own["unit"]) for m, own in measured.items()}
    detector.wild_ = {mode: own["wild"].astype(bool) for mode, own in measured.items()}
    detector.calibrations_ = {
        mode: Calibration(
            own["score"], detector.rows_per_day_, own.get("y_true"), detector._merge_gap(mode)
        )
        for mode, own in by_mode.items()
    }
