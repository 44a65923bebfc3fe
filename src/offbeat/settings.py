"""Options as text: `training.max_epochs=50` sets one field of one group of a detector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from offbeat.detector import Detector
from offbeat.errors import ConfigError, nearest_names
from offbeat.mutes import Mute, parse_mute
from offbeat.similarity import Precedent
from offbeat.thresholds import Threshold, parse_threshold

__all__ = ["with_settings"]

D = TypeVar("D", bound=Detector)


def with_settings(detector: D, settings: Sequence[str]) -> D:
    """The detector with each `name=value` or `group.name=value` set, in the order given.

    Raises
    ------
    ConfigError
        If a name is unknown (the nearest are named) or a value is not of its kind.
    """
    for text in settings:
        name, equals, value = text.partition("=")
        if not equals:
            raise ConfigError(f"a setting is name=value, {text!r} came")
        group, dot, field = name.strip().partition(".")
        known = detector.get_params(deep=False)
        if group not in known:
            raise ConfigError(f"no option {group!r}: {nearest_names(group, known)}")
        if dot:
            detector.set_params(**{group: _with_field(known[group], group, field, value)})
        elif is_dataclass(known[group]) and group != "threshold":
            first = fields(known[group])[0].name
            raise ConfigError(f"option {group!r} is a group: set its parts, {group}.{first}=...")
        else:
            kinds = get_type_hints(type(detector).__init__)
            detector.set_params(**{group: _read(name, value, kinds[group])})
    return detector


def _with_field(options: Any, group: str, field: str, value: str) -> Any:
    if not is_dataclass(options) or isinstance(options, type):
        raise ConfigError(f"option {group!r} has no parts: set it as {group}=...")
    names = [each.name for each in fields(options)]
    if field not in names:
        raise ConfigError(f"no option {group}.{field}: {nearest_names(field, names)}")
    kind = get_type_hints(type(options))[field]
    return replace(options, **{field: _read(f"{group}.{field}", value, kind)})


def _read(name: str, text: str, kind: Any) -> Any:
    """The text as the first type of `kind` that takes it; a `Literal` is checked by `fit`."""
    text = text.strip()
    kinds = get_args(kind) or (kind,)
    if text.lower() in ("none", "auto") and type(None) in kinds:
        return None
    if Threshold in kinds:
        return parse_threshold(text)
    if kind == tuple[Mute, ...]:
        return tuple(parse_mute(part) for part in text.split(";") if part.strip())
    if kind == tuple[Precedent, ...]:
        raise ConfigError(f"{name} cannot be written as text: labels make them, see recalibrate")
    if get_origin(kind) is tuple or tuple[str, ...] in kinds:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if "," in text and tuple[int, ...] in kinds:
        return tuple(_read(name, part, int) for part in text.split(",") if part.strip())
    if bool in kinds:
        if text.lower() in ("true", "false", "yes", "no", "1", "0"):
            return text.lower() in ("true", "yes", "1")
        raise ConfigError(f"{name} is yes or no, {text!r} came")
    for number in (int, float):
        if number in kinds:
            try:
                return number(text)
            except ValueError:
                continue
    if (int in kinds or float in kinds) and str not in kinds:
        raise ConfigError(f"{name} is a number, {text!r} came")
    return text
