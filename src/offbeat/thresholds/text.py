"""Thresholds as text for the command line, and as dictionaries for files."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, fields
from datetime import timedelta
from itertools import islice
from typing import Any

import numpy as np

from offbeat.durations import parse_duration
from offbeat.errors import ConfigError, nearest_names, one_of
from offbeat.thresholds.base import StaticThreshold, Threshold
from offbeat.thresholds.budget import BudgetThreshold
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
from offbeat.thresholds.tail import POTThreshold
from offbeat.thresholds.telemanom import TelemanomThreshold

__all__ = ["METHODS", "parse_goal", "parse_threshold", "threshold_from_dict", "threshold_text"]

METHODS: dict[str, type[Threshold]] = {
    "fixed": FixedThreshold,
    "percentile": PercentileThreshold,
    "sigma": SigmaThreshold,
    "iqr": IQRThreshold,
    "mad": MADThreshold,
    "pot": POTThreshold,
    "telemanom": TelemanomThreshold,
    "rolling": RollingThreshold,
    "scaled": ScaledThreshold,
    "fbeta": FBetaThreshold,
    "cost": CostThreshold,
    "budget": BudgetThreshold,
}
EXAMPLES = "'1/week', 'percentile:99', 'pot:1e-4' or a number"


def threshold_from_dict(settings: Mapping[str, Any]) -> Threshold:
    """What `Threshold.to_dict` gave.

    Raises
    ------
    ConfigError
        If the kind or a key is unknown, a key is missing or a value is out of range.
    """
    if not isinstance(settings, Mapping) or not isinstance(settings.get("kind"), str):
        raise ConfigError(f"a threshold needs its 'kind' and settings, {settings!r} came")
    kind = one_of("threshold kind", settings["kind"], METHODS)
    values = {key: value for key, value in settings.items() if key != "kind"}
    known = {field.name: field.default is MISSING for field in fields(METHODS[kind])}
    for key in values:
        if key not in known:
            near = nearest_names(key, known)
            raise ConfigError(f"the {kind} threshold has no setting {key!r}: {near}")
    for key, needed in known.items():
        if needed and key not in values:
            raise ConfigError(f"the {kind} threshold needs the setting {key!r}")
    if "base" in values:
        values["base"] = threshold_from_dict(values["base"])
    if isinstance(values.get("span"), str):
        values["span"] = _span(values["span"])
    return METHODS[kind](**values)


def parse_threshold(text: str) -> Threshold:
    """Read a threshold as it is written on the command line.

    A name with numbers: `percentile:99`, `sigma:3`, `iqr:1.5`, `mad:3.5`, `pot:1e-4`,
    `fbeta:1`, `cost:10:1` (a miss : a false alarm), `fixed:2.5`; without the number the default
    holds. `telemanom`. `rolling:7d` or `rolling:1000` (rows), with another base
    `rolling:7d:mad:3.5`. `scaled:1.2:1/week` is 1.2 times as high. A budget: `1/week`,
    `2/1000rows`. A bare number is fixed. What has no such text is written as `Threshold.to_dict`
    gives it, in JSON.

    Raises
    ------
    ConfigError
        If it cannot be read.
    """
    if text.lstrip().startswith("{"):
        return _from_json(text)
    plain = text.strip().lower()
    name, *parts = (part.strip() for part in plain.split(":"))
    if re.match(r"[\d.]", plain) and ("/" in plain or " per " in plain):
        return BudgetThreshold(text.strip())
    if not parts and re.match(r"[-+\d.]", plain):
        return FixedThreshold(_number(text, plain))
    if name not in METHODS:
        near = nearest_names(name, METHODS)
        raise ConfigError(f"threshold {text!r} cannot be read: write {EXAMPLES}; {near}")
    if name == "budget":
        return BudgetThreshold(":".join(parts)) if parts else BudgetThreshold()
    if name == "rolling":
        return _rolling(parts)
    if name == "scaled":
        return _scaled(text, parts)
    return _with_numbers(text, name, parts)


def parse_goal(text: str) -> LabelledThreshold:
    """`fbeta:2` or `cost:10:1`, what a cut is chosen for."""
    goal = parse_threshold(text)
    if not isinstance(goal, LabelledThreshold):
        raise ConfigError(f"a goal is fbeta:1 or cost:10:1 (a miss : a false alarm), {text!r} came")
    return goal


def threshold_text(threshold: Threshold) -> str:
    """The shortest text that `parse_threshold` reads as this threshold."""
    for text in _short_texts(threshold):
        try:
            if parse_threshold(text) == threshold:
                return text
        except ConfigError:
            continue
    return json.dumps(threshold.to_dict())


def _short_texts(threshold: Threshold) -> Iterator[str]:
    """What a person would write, if it can be written so."""
    settings = threshold.to_dict()
    yield threshold.kind
    if isinstance(threshold, BudgetThreshold):
        yield threshold.false_alarms
    elif isinstance(threshold, CostThreshold):
        yield f"cost:{threshold.miss!r}:{threshold.false_alarm!r}"
    elif isinstance(threshold, RollingThreshold):
        yield f"rolling:{settings['span']}"
        yield f"rolling:{settings['span']}:{threshold_text(threshold.base)}"
    elif isinstance(threshold, ScaledThreshold):
        yield f"scaled:{threshold.factor!r}:{threshold_text(threshold.base)}"
    else:
        yield f"{threshold.kind}:{next(islice(settings.values(), 1, None))!r}"


def _from_json(text: str) -> Threshold:
    try:
        settings = json.loads(text)
    except ValueError:
        raise ConfigError(f"threshold {text!r} cannot be read: it is no JSON") from None
    return threshold_from_dict(settings)


def _with_numbers(text: str, name: str, parts: list[str]) -> Threshold:
    """A method whose settings are numbers."""
    numbers = [_number(text, part) for part in parts]
    readers: dict[str, tuple[Callable[..., Threshold], int]] = {
        "cost": (lambda miss=10.0, false=1.0: CostThreshold(false, miss), 2),
        "telemanom": (TelemanomThreshold, 0),
    }
    method, most = readers.get(name, (METHODS[name], 1))
    if len(numbers) > most:
        raise ConfigError(f"threshold {text!r} has {len(numbers)} numbers, at most {most} fit")
    if name == "fixed" and not numbers:
        raise ConfigError(f"threshold {text!r} needs its number: write 'fixed:2.5'")
    return method(*numbers)


def _rolling(parts: list[str]) -> RollingThreshold:
    if not parts:
        return RollingThreshold()
    if len(parts) == 1:
        return RollingThreshold(_span(parts[0]))
    base = parse_threshold(":".join(parts[1:]))
    if not isinstance(base, StaticThreshold):
        raise ConfigError(f"the base of a rolling threshold must be static, {base.title!r} came")
    return RollingThreshold(_span(parts[0]), base)


def _scaled(text: str, parts: list[str]) -> ScaledThreshold:
    if len(parts) < 2:  # noqa: PLR2004 - a factor and what it scales
        raise ConfigError(f"threshold {text!r} needs a factor and a method: scaled:1.2:1/week")
    return ScaledThreshold(_number(text, parts[0]), parse_threshold(":".join(parts[1:])))


def _span(text: str) -> int | timedelta:
    """Rows or a duration."""
    rows = re.fullmatch(r"(\d+)\s*(?:rows?)?", text)
    if rows:
        return int(rows[1])
    return timedelta(microseconds=int(parse_duration(text) / np.timedelta64(1, "us")))


def _number(text: str, part: str) -> float:
    try:
        return float(part)
    except ValueError:
        raise ConfigError(
            f"threshold {text!r} cannot be read: {part!r} is no number; write {EXAMPLES}"
        ) from None
