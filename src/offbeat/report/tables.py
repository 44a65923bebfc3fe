"""The tables and lists of the report, as HTML. Every name that came with the data is escaped."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from offbeat.wording import cut_middle, lasted, moment, number, percent, plural

if TYPE_CHECKING:
    from offbeat.detection import Detection
    from offbeat.events import Event
    from offbeat.thresholds import ThresholdRow

__all__ = [
    "Cell",
    "events_table",
    "imputed_table",
    "muted_table",
    "outliers_table",
    "recipe",
    "settings_list",
    "table",
    "thresholds_table",
]

MIN_SHARE = 0.05  # of an event, to be named among its channels
MAX_OUTLIERS = 100  # listed; more are counted
GROUPS = {"preparation": "Preparation", "training": "Training", "scoring": "Scoring"}
GROUPS |= {"rules": "EventRules"}
LISTED = ("mutes", "precedents")
"""Parts of `EventRules` that the model file keeps; too long for the recipe."""
SIDES = {"above": "above expected", "below": "below expected", "mixed": "above and below"}


class Cell(NamedTuple):
    """One cell: what is shown (HTML), what it is sorted by, whether it is a number."""

    shown: str
    value: float | str = ""
    is_number: bool = False


def short_name(name: str, length: int = 30) -> str:
    """A name that fits a column; the mouse shows all of it."""
    shown = html.escape(cut_middle(name, length))
    return shown if len(name) <= length else f'<span title="{html.escape(name)}">{shown}</span>'


def text(value: object) -> Cell:
    """A cell of plain text."""
    return Cell(html.escape(str(value)), str(value))


def figure(shown: str, value: float | None) -> Cell:
    """A cell of a number."""
    return Cell(html.escape(shown), float("inf") if value is None else value, True)


def table(
    caption: str,
    head: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    *,
    attributes: Sequence[str] | None = None,
    sortable: bool = False,
) -> str:
    """A table that becomes a list of cards on a narrow screen.

    Parameters
    ----------
    caption
        What the table is, for the eye and for screen readers; plain text.
    head, rows
        Column names and cells.
    attributes
        Attributes of each row, as HTML.
    sortable
        Whether a click on a column name sorts.
    """
    numeric = [bool(rows) and rows[0][i].is_number for i in range(len(head))]
    marks = [' class="number"' if is_number else "" for is_number in numeric]
    names = [html.escape(name) for name in head]
    titles = [f'<button type="button">{name}</button>' if sortable else name for name in names]
    top = "".join(
        f'<th scope="col"{mark}>{title}</th>' for mark, title in zip(marks, titles, strict=True)
    )
    lines = []
    for row, extra in zip(rows, attributes or [""] * len(rows), strict=True):
        cells = "".join(
            f'<td{mark} data-label="{name}" data-value="{html.escape(str(cell.value))}">'
            f"<span>{cell.shown}</span></td>"
            for mark, name, cell in zip(marks, names, row, strict=True)
        )
        lines.append(f"<tr{extra}>{cells}</tr>")
    return (
        f'<table class="stack"><caption>{html.escape(caption)}</caption>'
        f"<thead><tr>{top}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
    )


# ---------------------------------------------------------------- events


def events_table(detection: Detection) -> str:
    """One row an event; a click shows it in the figure."""
    head = [
        "Event",
        "Began",
        "Ended",
        "Lasted",
        "Severity",
        "What",
        "Measured",
        "Expected",
        "Share",
    ]
    rows = [_event_cells(detection, i, event) for i, event in enumerate(detection.events)]
    caption = "Severity is the score as a multiple of the limit. Click an event to look at it."
    attributes = [f' data-event="{i}"' for i in range(len(rows))]
    return table(caption, head, rows, attributes=attributes, sortable=True)


def muted_table(detection: Detection) -> str:
    """The events that are kept quiet, and why; nothing where there is none."""
    if not detection.muted_events:
        return ""
    head = ["Began", "Lasted", "Severity", "What", "Muted by"]
    rows = [
        [
            Cell(_time(moment(detection, event.start_time)), event.start),
            figure(
                lasted(event.end - event.start, detection.rows_per_day), event.end - event.start
            ),
            figure(f"{number(event.severity, 3)} \N{MULTIPLICATION SIGN}", event.severity),
            Cell(f"{short_name(event.channel)} {SIDES[event.direction]}", event.channel),
            text(event.muted_by),
        ]
        for event in detection.muted_events
    ]
    return f"<h3>Kept quiet</h3>{table('Events that no alarm is raised for.', head, rows)}"


def _event_cells(detection: Detection, place: int, event: Event) -> list[Cell]:
    name = short_name(event.channel)
    side = SIDES[event.direction]
    button = f'<button type="button" aria-label="Show event {place + 1}">{place + 1}</button>'
    return [
        Cell(button, place),
        Cell(_time(moment(detection, event.start_time)), event.start),
        Cell(_time(moment(detection, event.end_time)), event.end),
        figure(lasted(event.end - event.start, detection.rows_per_day), event.end - event.start),
        figure(f"{number(event.severity, 3)} \N{MULTIPLICATION SIGN}", event.severity),
        Cell(f'<b>{name}</b><span class="sub">{side}</span>', event.channel),
        figure(number(event.actual), event.actual),
        figure(number(event.expected), event.expected),
        _shares(event),
    ]


def _time(shown: str) -> str:
    """A time stamp that breaks between day and hour only."""
    return " ".join(f'<span class="whole">{part}</span>' for part in html.escape(shown).split(" "))


def _shares(event: Event) -> Cell:
    """The leading three channels with their shares, and how many more took part."""
    part = [(name, share) for name, share in event.channels if share >= MIN_SHARE]
    leading = [f"{short_name(name, 24)} {percent(share)}" for name, share in part[:3]]
    others = len(part[3:])
    more = f'<span class="sub">and {plural(others, "other")}</span>' if others else ""
    return Cell("<br>".join(leading) + more, event.channels[0][1] if event.channels else 0.0)


# ---------------------------------------------------------------- thresholds


def thresholds_table(detection: Detection, rows: Sequence[ThresholdRow]) -> str:
    """All methods side by side; the one in force is marked."""
    labelled = any(row.recall is not None for row in rows)
    clock = detection.rows_per_day is not None
    head = ["Method", "Cut", "Flagged", "Events"] + ["Alarms a day"] * clock
    head += ["Precision", "Recall", "F1"] * labelled
    now = detection.threshold.title
    cells, attributes = [], []
    for row in sorted(rows, key=lambda row: row.cut):
        current = row.method == now
        mark = ' <span class="tag">in force</span>' if current else ""
        note = f'<span class="sub">{html.escape(row.note)}</span>' if row.note else ""
        line = [
            Cell(html.escape(row.method) + mark + note, row.method),
            figure(number(row.cut), row.cut),
            figure(percent(row.flagged), row.flagged),
            figure(f"{row.events:,}", row.events),
        ]
        line += [_optional(row.alarms_per_day)] * clock
        line += [_optional(v) for v in (row.precision, row.recall, row.f1)] * labelled
        cells.append(line)
        attributes.append(' class="now"' if current else "")
    caption = "Every method on these data, from the lowest cut to the highest."
    return table(caption, head, cells, attributes=attributes, sortable=True)


def _optional(value: float | None) -> Cell:
    return figure(number(value, 3), value)


# ---------------------------------------------------------------- data


def outliers_table(detection: Detection) -> str:
    """What the Hampel filter found in the training part."""
    found = detection.train_outliers
    rows = [
        [
            Cell(html.escape(moment(detection, each.time)), i),
            Cell(short_name(each.channel), each.channel),
            figure(number(each.value), each.value),
            figure("left as it was" if each.replaced_by is None else number(each.replaced_by), 0.0),
        ]
        for i, each in enumerate(found[:MAX_OUTLIERS])
    ]
    more = len(found) - MAX_OUTLIERS
    rest = f"; {more:,} more are not listed" if more > 0 else ""
    caption = f"{plural(len(found), 'value')} in the training part{rest}."
    return table(caption, ["Time", "Channel", "Value", "Replaced by"], rows)


def imputed_table(detection: Detection) -> str:
    """How many values of each channel were filled in; empty if none were."""
    counts = detection.imputed.sum(axis=0)
    filled = [(n, int(c)) for n, c in zip(detection.series.channels, counts, strict=True) if c]
    if not filled:
        return ""
    rows = [
        [
            Cell(short_name(name), name),
            figure(f"{count:,}", count),
            figure(percent(count / len(detection.series)), 0),
        ]
        for name, count in sorted(filled, key=lambda each: -each[1])
    ]
    return table("Values that were filled in, not measured.", ["Channel", "Values", "Share"], rows)


# ---------------------------------------------------------------- settings


def settings_list(settings: Mapping[str, object]) -> str:
    """Names and values, groups below their own heading; beside what was chosen stands why."""
    groups = {name: value for name, value in settings.items() if isinstance(value, Mapping)}
    reasons = groups.pop("reasons", {})
    plain = {name: value for name, value in settings.items() if not isinstance(value, Mapping)}
    parts = [_definitions(plain, {})] if plain else []
    for name, value in groups.items():
        if value:
            why = reasons if name == "chosen" else {}
            parts.append(f"<h3>{_title(name)}</h3>{_definitions(_flat(value), why)}")
    return "".join(parts)


def _definitions(items: Mapping[str, object], reasons: Mapping[str, object]) -> str:
    lines = (
        f"<dt>{_title(name)}</dt><dd>{_shown(value)}{_because(reasons.get(name))}</dd>"
        for name, value in items.items()
    )
    return f'<dl class="settings">{"".join(lines)}</dl>'


def _because(reason: object) -> str:
    return f" ({html.escape(str(reason))})" if reason else ""


def _title(name: str) -> str:
    return html.escape(name.replace("_", " ").capitalize() if name.islower() else name)


def _shown(value: object) -> str:
    if value is None:
        return "chosen from the data"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return html.escape(", ".join(str(each) for each in value)) or "none"
    return html.escape(str(value))


def _flat(items: Mapping[str, object]) -> dict[str, object]:
    """Groups inside a group, as `group: name`."""
    flat: dict[str, object] = {}
    for name, value in items.items():
        if isinstance(value, Mapping):
            flat |= {f"{name}: {inner}": each for inner, each in _flat(value).items()}
        else:
            flat[name] = value
    return flat


def recipe(detection: Detection) -> str:
    """Python lines that make this detection again, given the same data."""
    settings = detection.settings
    detector = str(settings.get("detector", "LSTMDetector"))
    options = settings.get("options", {})
    lines, names = [], {detector}
    for name, value in options.items() if isinstance(options, Mapping) else ():
        if value is None or value == []:
            continue
        if isinstance(value, Mapping):
            names.add(GROUPS.get(name, "threshold_from_dict"))
            value = _call(name, value)  # noqa: PLW2901
        else:
            value = repr(tuple(value) if isinstance(value, list) else value)  # noqa: PLW2901
        lines.append(f"    {name}={value},\n")
    made = f"{detector}(\n{''.join(lines)})" if lines else f"{detector}()"
    learned = settings.get("trained_on")
    span = f"  # rows {learned}" if learned else ""
    return (
        f"from offbeat import {', '.join(sorted(names))}\n\n"
        f"detector = {made}\n"
        f"detector.fit(train){span}\n"
        f"detection = detector.detect(data)\n"
    )


def _call(name: str, value: Mapping[str, object]) -> str:
    if name not in GROUPS:
        return f"threshold_from_dict({dict(value)!r})"
    plain = {k: each for k, each in value.items() if each is not None and k not in LISTED}
    given = ", ".join(f"{inner}={each!r}" for inner, each in plain.items())
    return f"{GROUPS[name]}({given})"
