"""Choices: what a detector chose from its training part, and why."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from offbeat.detection import TrainingRecord
from offbeat.judging import DEFAULT_SMOOTHING
from offbeat.series import Series
from offbeat.stamps import step_text, time_text
from offbeat.storable import plain
from offbeat.training import EpochLog

if TYPE_CHECKING:
    from offbeat.detector import Detector

__all__ = ["Choice", "choices_in", "training_record"]


@dataclass(frozen=True)
class Choice:
    """Something that was chosen from the training part.

    Parameters
    ----------
    name, value
        What, JSON-able; of a member of an ensemble, "Member: name".
    reason
        Why.
    """

    name: str
    value: object
    reason: str


def training_record(
    detector: Detector, log: tuple[EpochLog, ...], series: Series
) -> TrainingRecord:
    """What is remembered of the training of a detector on a regular series, for the report."""
    first, last = detector.origin_.span
    settings = {
        "detector": type(detector).__name__,
        "options": {k: plain(value) for k, value in detector.get_params(deep=False).items()},
        "chosen": {**_shared_choices(detector), **detector._chosen()},
        "left_out": [
            f"{time_text(series.time[start])} to {time_text(series.time[end - 1])}"
            for start, end in detector.left_out_
        ],
        "reasons": {**_shared_reasons(detector), **detector._reasons()},
        "trained_on": f"{first} to {last}",
        "versions": {
            "offbeat": _version("offbeat"),
            "torch": _version("torch"),
            "python": platform.python_version(),
        },
    }
    return TrainingRecord(settings, log, detector.prepared_by_.outliers)


@cache
def _version(package: str) -> str:
    """Reading it takes a millisecond, which thousands of detectors would each spend."""
    return version(package)


def choices_in(record: TrainingRecord) -> list[Choice]:
    """The choices that a record holds, with their reasons."""
    reasons = record.settings.get("reasons", {})
    return [
        Choice(name, value, reasons.get(name, ""))
        for name, value in _flat(record.settings["chosen"])
    ]


def _flat(chosen: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """Choices by name; those of members as "Member: name"."""
    for name, value in chosen.items():
        if isinstance(value, Mapping) and name[:1].isupper():
            yield from ((f"{name}: {inner}", each) for inner, each in value.items())
        else:
            yield name, value


def _shared_choices(detector: Detector) -> dict[str, object]:
    """What every detector chooses."""
    origin, season = detector.origin_, detector.season_
    wanders = zip(origin.channels, detector.prepared_by_.wanders, strict=True)
    return {
        "period": season.period if season else None,
        "smoothing_windows": {mode: list(rows) for mode, rows in detector.windows_.items()},
        "learned_by_changes": [name for name, is_one in wanders if is_one],
        "threshold": detector.threshold_.title,
        "stood_still": list(origin.still),
        "covariates": [n for i, n in enumerate(origin.channels) if i not in origin.targets],
        "step": step_text(origin.step) if origin.has_clock else f"{origin.step} row",
    }


def _shared_reasons(detector: Detector) -> dict[str, str]:
    season = detector.season_
    return {
        "period": f"the training part repeats so, with strength {season.strength:.2f}"
        if season
        else "nothing repeats clearly enough in the training part",
        "smoothing_windows": "as given"
        if detector.scoring.smoothing_window
        else "shares and multiples of the period"
        if season
        else f"no period: as if it were {DEFAULT_SMOOTHING} rows",
        "learned_by_changes": "channels whose level wanders slowly in the training part",
        "threshold": "as given"
        if detector.threshold
        else "the rarest alarms that so long a training part can vouch for",
        "stood_still": "channels that never moved in the training part",
        "covariates": "read, not judged: as given"
        if detector.covariates is not None
        else "read, not judged: channels of 0 and 1 that look like switches",
        "step": "the usual distance of rows" if detector.preparation.step is None else "as given",
    }
