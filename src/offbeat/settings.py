"""Options as text: `training.max_epochs=50` sets one field of one group of a detector.

In a file one option is a line of YAML, `training.max_epochs: 50`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from offbeat.detector import Detector
from offbeat.durations import duration_text
from offbeat.errors import ConfigError, nearest_names
from offbeat.mutes import Mute, parse_mute
from offbeat.roster import name_of
from offbeat.similarity import Precedent
from offbeat.thresholds import Threshold, parse_threshold, threshold_text

__all__ = ["settings_in", "settings_text", "with_settings"]

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


def settings_text(detector: Detector) -> str:
    """Every option of a detector as YAML, one a line; `settings_in` reads it."""
    name = name_of(detector)
    use = "train FILE" if name == "lstm" else f"evaluate FILE --detector {name}"
    lines = [
        f"# every option of this {type(detector).__name__}: offbeat {use} --set @settings.yaml"
    ]
    for name, value in detector.get_params(deep=False).items():
        if is_dataclass(value) and not isinstance(value, Threshold | type):
            lines += [
                f"{name}.{field.name}: {_written(getattr(value, field.name))}"
                for field in fields(value)
                if _is_writable(getattr(value, field.name))
            ]
        elif _is_writable(value):
            lines.append(f"{name}: {_written(value)}")
    return "\n".join(lines) + "\n"


def settings_in(path: str | Path) -> list[str]:
    """The settings in a file of YAML with one option a line, as `with_settings` takes them.

    Raises
    ------
    ConfigError
        If it cannot be read, or a line is no option.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        reason = getattr(problem, "strerror", None) or "it is no text"
        raise ConfigError(f"the settings {path} cannot be read: {reason}") from None
    found: list[str] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, colon, value = line.partition(":")
        try:
            text = json.loads(value) if value.lstrip().startswith('"') else value.strip()
        except ValueError:
            colon, text = "", ""
        if not colon:
            raise ConfigError(f"{path}, line {number}: a setting is `name: value`, {line!r} came")
        found.append(f"{name.strip()}={'none' if text == 'null' else text}")
    return found


def _is_writable(value: object) -> bool:
    """Whether a value fits on a line: the members of an ensemble and judged events do not."""
    parts = value if isinstance(value, tuple) else (value,)
    kinds = (str, int, float, timedelta, Threshold, Mute, type(None))
    return all(isinstance(part, kinds) for part in parts)


def _written(value: object) -> str:
    """A value as YAML that `_read` takes back."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Threshold):
        value = threshold_text(value)
    if isinstance(value, timedelta):
        value = duration_text(value)
    if isinstance(value, tuple):
        mutes = [each.text for each in value if isinstance(each, Mute)]
        value = "; ".join(mutes) if mutes else ", ".join(map(str, value))
    return json.dumps(value, ensure_ascii=False)


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
    if kind == tuple[Precedent, ...] and text:
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
