"""Detections, thresholds, checks and trainings as tables and words."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
from rich.markup import escape
from rich.table import Table

from offbeat import wording
from offbeat.errors import ConfigError, one_of
from offbeat.io import atomic_path
from offbeat.terminal.writing import plain_console, written

if TYPE_CHECKING:
    from offbeat.checks import CheckReport
    from offbeat.detection import Detection
    from offbeat.detector import Detector
    from offbeat.events import Event

__all__ = [
    "show_check",
    "show_events",
    "show_scores",
    "show_thresholds",
    "show_training",
    "warn_of_stillness",
]

SHOWN_CHANNELS = 3
SHOWN_ROWS = 20
CHECK_SUFFIXES = ("", ".txt", ".md", ".log", ".json")


def show_events(detection: Detection, out: Path | None, format_: str | None) -> None:
    """The events, the most severe marked, and the sentence that sums them up."""
    if written(detection.events_frame(), out, format_, "events"):
        return
    console = plain_console()
    if detection.events:
        console.print(_events_table(detection))
    console.print(escape(wording.summary(detection)))
    console.print(f"[dim]{escape(_footnote(detection))}[/dim]")
    for line in _muted(detection):
        console.print(f"[dim]{escape(line)}[/dim]")
    for line in _against_labels(detection):
        console.print(escape(line))


def show_scores(detection: Detection, out: Path | None, format_: str | None) -> None:
    """One line a row: time, score, threshold, label, and what was expected of each channel."""
    if written(detection.to_frame(), out, format_, "scores"):
        return
    console = plain_console()
    frame = detection.to_frame().select("time", "score", "threshold", "label")
    order = detection.score.argsort()[::-1]  # NaN first
    rows = [int(row) for row in order if detection.score[row] == detection.score[row]]
    table = Table("time", "score", "threshold", "label", title="the highest scores")
    for row in sorted(rows[:SHOWN_ROWS]):
        _, score, cut, label = frame.row(row)
        when = wording.moment(detection, detection.time[row])
        table.add_row(when, wording.number(score), wording.number(cut), str(label))
    console.print(table)
    console.print(f"{len(frame)} rows; write all of them with --out scores.csv or --format csv")


def show_thresholds(detection: Detection, out: Path | None, format_: str | None) -> None:
    """All ways to cut, side by side."""
    rows = detection.threshold_table()
    frame = pl.DataFrame(
        [{k: v for k, v in row.to_dict().items() if k != "threshold"} for row in rows]
    )
    if written(frame, out, format_, "thresholds"):
        return
    labelled = any(row.f1 is not None for row in rows)
    columns = ["method", "cut", "flagged", "events", "alarms a day"]
    columns += ["precision", "recall", "F1"] if labelled else []
    table = Table(*columns, "note")
    for row in rows:
        cells = [row.method, wording.number(row.cut), wording.percent(row.flagged)]
        cells += [str(row.events), wording.number(row.alarms_per_day, 3)]
        if labelled:
            cells += [wording.number(figure, 3) for figure in (row.precision, row.recall, row.f1)]
        current = row.method == detection.threshold.title
        table.add_row(*cells, row.note, style="bold" if current else None)
    console = plain_console()
    console.print(table)
    console.print(f"in force: {escape(detection.threshold.title)} (bold where it is in the table)")


def show_check(report: CheckReport, out: Path | None, format_: str | None) -> None:
    """The data check as lines, or as JSON."""
    if format_ is not None:
        one_of("format", format_, ("table", "json"))
    if out is not None and out.suffix not in CHECK_SUFFIXES:
        raise ConfigError(f"the check is text or JSON: {out} must end in .txt or .json")
    if format_ == "json" or (out is not None and format_ is None and out.suffix == ".json"):
        text = json.dumps(report.to_dict(), indent=2)
    else:
        text = report.to_text()
    if out is None:
        sys.stdout.write(text.rstrip() + "\n")
    else:
        with atomic_path(out) as unfinished:
            unfinished.write_text(text.rstrip() + "\n", encoding="utf-8")
        print(f"check: {out}")


def show_training(detector: Detector, out: Path) -> None:
    """What was learned, and where the model lies."""
    chosen: dict[str, Any] = detector.record_.settings["chosen"]
    words = ", ".join(
        f"{name.replace('_', ' ')} {_choice(value)}"
        for name, value in chosen.items()
        if value not in (None, [])
    )
    console = plain_console()
    console.print(escape(f"learned {detector.n_learned_} rows: {words}"))
    left_out = detector.record_.settings["left_out"]
    if left_out:
        console.print(
            f"left out, as they are off themselves: {wording.plural(len(left_out), 'part')} of the "
            "rows learned; offbeat report lists them"
        )
    n_odd = len(detector.record_.outliers)
    if n_odd:
        action = "replaced" if detector.preparation.outliers == "apply" else "left as they are"
        console.print(
            f"{wording.plural(n_odd, 'value')} of the training part stood out from the "
            f"neighbours ({action}); offbeat report lists them"
        )
    console.print(f"model: {escape(str(out))}")


def warn_of_stillness(settings: Mapping[str, Any], channels: Sequence[str]) -> None:
    """One line on standard error if nothing moved in the training part."""
    still = settings["chosen"].get("stood_still", [])
    if set(channels) - set(settings["chosen"].get("covariates", [])) <= set(still):
        print(
            f"offbeat: nothing moved in the training part ({', '.join(still[:SHOWN_CHANNELS])}"
            f"{', ...' if len(still) > SHOWN_CHANNELS else ''}): any change will be an event; "
            "train on rows that show what is normal",
            file=sys.stderr,
        )


# ---------------------------------------------------------------- pieces


def _choice(value: object) -> str:
    """A choice of the training in words: `trailing 12, centred 24` for a mapping."""
    if isinstance(value, Mapping):
        return " and ".join(f"{_choice(each)} ({name})" for name, each in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _events_table(detection: Detection) -> Table:
    table = Table("start", "lasted", "severity", "what", "expected", "came", "leading channels")
    for event in detection.events:
        style = "dim" if detection.learned[event.start : event.end].any() else None
        table.add_row(
            wording.moment(detection, event.start_time),
            wording.lasted(event.length, detection.rows_per_day),
            wording.number(event.severity, 3),
            escape(f"{event.channel} {event.direction}"),
            wording.number(event.expected),
            wording.number(event.actual),
            escape(_leading(event)),
            style=style,
        )
    return table


def _leading(event: Event) -> str:
    shown: Sequence[tuple[str, float]] = event.channels[:SHOWN_CHANNELS]
    return ", ".join(f"{name} {share:.0%}" for name, share in shown)


def _footnote(detection: Detection) -> str:
    n_learned = int(detection.learned.sum())
    text = f"cut at {detection.threshold.title}; severity 1 is the limit"
    if n_learned:
        text += f"; trained on {n_learned} of {len(detection.series)} rows (events there are dim)"
    return text


def _muted(detection: Detection) -> list[str]:
    """The events that are kept quiet, and why."""
    muted = detection.muted_events
    lines = [
        f"muted: {wording.moment(detection, event.start_time)}, {event.channel} ({event.muted_by})"
        for event in muted[:SHOWN_ROWS]
    ]
    more = len(muted) - SHOWN_ROWS
    return [*lines, f"muted: {more} more"] if more > 0 else lines


def _against_labels(detection: Detection) -> list[str]:
    """How the events stand against the labels of the file, where it has some."""
    truth = detection.series.label
    if truth is None or not truth.any():
        return []
    from offbeat.metrics import event_scores

    found = event_scores(truth, detection.label)
    return [
        f"against the labels: {found.n_found} of {found.n_true} anomalies found, "
        f"{found.n_false} false (the labels took no part in training or in the cut)"
    ]
