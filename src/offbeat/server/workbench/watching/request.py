"""What is asked for when a stream is to be watched, and whether it may be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from offbeat.connect import Fields
from offbeat.errors import ConfigError, nearest_names
from offbeat.server.workbench.models import ModelShelf
from offbeat.server.workbench.series import clean_name
from offbeat.server.workbench.watching.guarding import checked_sink, checked_source
from offbeat.stream import StreamDetector, StreamOptions

__all__ = ["WatcherRequest", "check_request", "checked_models"]

MOST_SINKS, MOST_MODELS = 8, 20
OPTIONS = ("lateness", "stall_after", "stuck_after", "drift_span", "zone", "history")
MOST_HISTORY = 20_000


@dataclass(frozen=True)
class WatcherRequest:
    """What is to be watched.

    Parameters
    ----------
    name
        What people call it.
    source, sinks
        Addresses, as `offbeat watch` takes them.
    models
        A pattern of names and the id of a model each, in the order in which they are tried.
    fields
        What stands where in a record: `Fields`.
    options
        Of `StreamOptions`: lateness, stall_after, stuck_after, drift_span, zone, history.
    """

    name: str
    source: str
    models: Sequence[tuple[str, str]]
    sinks: Sequence[str] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)


def checked_models(wanted: Sequence[tuple[str, str]], models: ModelShelf) -> list[dict[str, str]]:
    """Patterns and models as they are written down.

    Raises
    ------
    ConfigError
        If a model cannot watch: it has no clock, or cannot be told row by row.
    """
    if not 0 < len(wanted) <= MOST_MODELS:
        raise ConfigError(f"a watcher has 1 to {MOST_MODELS} models, {len(wanted)} came")
    made = list[dict[str, str]]()
    if len({pattern for pattern, _ in wanted}) < len(wanted):
        raise ConfigError("a pattern of names stands there twice")
    for pattern, model_id in wanted:
        clean_name(pattern)
        detector = models.detector(model_id)
        if not detector.has_clock_:
            raise ConfigError(
                f"the model {model_id} has no clock: a watcher needs one that was trained on "
                f"data with a time column"
            )
        StreamDetector(detector)  # refuses what cannot be told row by row
        made.append({"pattern": pattern, "model_id": model_id})
    return made


def check_request(
    request: WatcherRequest, readable: Sequence[Path], writable: Sequence[Path]
) -> None:
    """Refuse addresses and options that cannot be, or may not be on a server.

    Parameters
    ----------
    request
        What is asked for.
    readable, writable
        Folders whose files may be read, and written.
    """
    for name in request.options:
        if name not in OPTIONS:
            raise ConfigError(f"no option {name!r}: {nearest_names(name, OPTIONS)}")
    history = request.options.get("history", 1)
    if not isinstance(history, int) or not 0 < history <= MOST_HISTORY:
        raise ConfigError(f"history is 1 to {MOST_HISTORY} rows, {history!r} came")
    chosen = StreamOptions(**request.options)
    chosen.check()
    chosen.lateness_units(has_clock=True)
    try:
        Fields(**request.fields)
    except TypeError:
        raise ConfigError(
            "fields are time, series, values and zone: where each stands in a record"
        ) from None
    if len(request.sinks) > MOST_SINKS or len(set(request.sinks)) < len(request.sinks):
        raise ConfigError(f"a watcher has at most {MOST_SINKS} different sinks")
    checked_source(request.source, readable)
    for url in request.sinks:
        checked_sink(url, writable)
