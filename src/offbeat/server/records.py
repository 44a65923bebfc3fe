"""What the workbench hands out: one frozen record a noun, JSON-able as it is.

Moments at which something was done are ISO text in UTC. Moments of a series are ISO text in UTC
too, or row numbers where the series has no clock; spans are half-open, [start, end).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from offbeat.labels import Verdict

__all__ = [
    "LIVE_STATES",
    "CutRecord",
    "DetectionRecord",
    "Feedback",
    "JobKind",
    "JobRecord",
    "JobState",
    "LabelRecord",
    "ModelRecord",
    "Moment",
    "SeriesRecord",
    "VersionRecord",
    "WatcherRecord",
    "WatcherState",
]

Moment = str | int
"""A time stamp of a series as ISO text in UTC, or a row number."""
JobKind = Literal["train", "score"]
JobState = Literal["queued", "running", "done", "failed", "cancelled"]
WatcherState = Literal["starting", "running", "restarting", "stopped", "failed", "ended"]
LIVE_STATES = ("starting", "running", "restarting")
"""Of a watcher that watches, or is about to."""
Feedback = Literal[Verdict, "clear"]
"""What a person says of an event: a verdict, or taking it back."""


@dataclass(frozen=True)
class SeriesRecord:
    """One series in the store.

    Parameters
    ----------
    id, name
        How it is asked for, and what people call it.
    origin
        "upload", or the path it was registered from.
    n_rows, channels
        Its size; rows as they came.
    start, end
        First and last moment.
    has_clock, has_label, zone
        Whether it has time stamps and a label column, and in which zone it is shown.
    notes
        What was found and decided while it was read.
    n_labels
        Labels that people gave, beside the label column.
    bytes
        Size in the data folder.
    created_at, created_by
        When it came, and from whom.
    """

    id: str
    name: str
    origin: str
    n_rows: int
    channels: tuple[str, ...]
    start: Moment | None
    end: Moment | None
    has_clock: bool
    has_label: bool
    zone: str | None
    notes: tuple[str, ...]
    n_labels: int
    bytes: int
    created_at: str
    created_by: str


@dataclass(frozen=True)
class VersionRecord:
    """One version of a model.

    Parameters
    ----------
    number
        1, 2, ... within the model.
    origin
        "training" or "upload".
    detector, channels, n_learned, step, trained_on
        What was learned, from how many rows, in the detector's own words.
    threshold
        Title of the cut in force.
    series_id, job_id
        What it was trained on, and by which job; None for an upload or where that is gone.
    bytes, checksum
        Of the file as trained: SHA-256.
    """

    id: str
    number: int
    origin: str
    detector: str
    channels: tuple[str, ...]
    n_learned: int
    step: str
    trained_on: str
    threshold: str
    series_id: str | None
    job_id: str | None
    bytes: int
    checksum: str
    created_at: str
    created_by: str


@dataclass(frozen=True)
class ModelRecord:
    """A model: a name, and the version that is in use."""

    id: str
    name: str
    active: VersionRecord
    n_versions: int
    created_at: str
    created_by: str


@dataclass(frozen=True)
class JobRecord:
    """A training or a scoring, from the queue to its end.

    Parameters
    ----------
    epochs
        The training's diary so far: `epoch`, `max_epochs`, `train_loss`, `validation_loss`,
        `seconds`.
    problem
        Why it failed, in one sentence.
    attempts
        How often it was begun; more than once if the server was stopped in between.
    model_id, version, detection_id
        What came of it.
    request
        What was asked for.
    """

    id: str
    kind: JobKind
    state: JobState
    series_id: str
    model_id: str | None
    version: int | None
    detection_id: str | None
    epochs: tuple[dict[str, Any], ...]
    problem: str | None
    attempts: int
    created_at: str
    started_at: str | None
    ended_at: str | None
    created_by: str
    request: dict[str, Any] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in ("done", "failed", "cancelled")


@dataclass(frozen=True)
class DetectionRecord:
    """Kept scores of one series by one version of a model."""

    id: str
    series_id: str
    model_id: str
    version: int
    n_rows: int
    bytes: int
    created_at: str
    created_by: str


@dataclass(frozen=True)
class CutRecord:
    """One entry in the history of cuts of a model version.

    Parameters
    ----------
    action
        "apply" or "undo".
    title, threshold
        The method, in words and as `Threshold.to_dict` gives it.
    series_id
        Whose labels it was taken from, for methods that learn from labels.
    in_force
        Whether it is the cut now.
    """

    id: str
    model_id: str
    version: int
    action: Literal["apply", "undo"]
    title: str
    threshold: dict[str, Any]
    series_id: str | None
    in_force: bool
    created_at: str
    created_by: str


@dataclass(frozen=True)
class LabelRecord:
    """What a person says of a span: a label of the library, and what the store knows beside.

    Parameters
    ----------
    start, end
        Half-open.
    verdict, channels, who, when, note
        See `offbeat.Label`; no channels are all, and `when` is ISO text in UTC.
    source
        "person", "feedback" on an event, or "import".
    model_id
        Whose event it was, for feedback.
    created_at, created_by
        When it came into the store, and from whom: not its author where a file was imported.
    """

    id: str
    series_id: str
    start: Moment
    end: Moment
    verdict: Verdict
    channels: tuple[str, ...]
    who: str
    when: str
    note: str
    source: str
    model_id: str | None
    created_at: str
    created_by: str


@dataclass(frozen=True)
class WatcherRecord:
    """A stream that the server watches.

    Parameters
    ----------
    source, sinks
        Addresses, without passwords and tokens.
    models
        `pattern` and `model_id` each, in the order in which they are tried.
    fields, options
        What stands where in a record, and how series are watched.
    state
        "starting", "running", "restarting" after a crash, "stopped" by a person, "failed", or
        "ended" with its source.
    problem
        Why it failed or had to begin anew, in one line.
    note
        What is away now, or could not be taken up.
    restarts
        How often it began anew after a crash.
    rows, refused, events, open_events
        Readings, messages that became no row, events that opened, and those that go on.
    last_refused
        The last of them: `content`, `reason` and `at`.
    severity
        The highest of the newest rows of its series; 1 is the limit.
    last_time, last_at, lag
        Time of the newest row, when it came, and how many seconds lie between.
    in_use
        Version and cut that judge now, by pattern.
    series
        Names of the series that were heard of.
    """

    id: str
    name: str
    source: str
    sinks: tuple[str, ...]
    models: tuple[dict[str, str], ...]
    fields: dict[str, Any]
    options: dict[str, Any]
    state: WatcherState
    problem: str | None
    note: str | None
    restarts: int
    rows: int
    refused: int
    last_refused: tuple[dict[str, Any], ...]
    events: int
    open_events: int
    severity: float | None
    last_time: Moment | None
    last_at: str | None
    lag: float | None
    in_use: dict[str, Any]
    series: tuple[str, ...]
    created_at: str
    created_by: str

    @property
    def is_live(self) -> bool:
        """Whether it watches, or is about to."""
        return self.state in LIVE_STATES
