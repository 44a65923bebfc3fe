"""The report: one HTML file with figures, events, thresholds, data check and settings.

It opens without a network: Plotly and everything else is inside, and its content security policy
lets nothing be loaded and no script run but its own two.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from offbeat.figures import (
    histogram_figure,
    precision_recall_figure,
    score_figure,
    series_figure,
    share_figure,
    training_figure,
)
from offbeat.figures.canvas import CONFIG, NIGHT, shown_time
from offbeat.metrics import event_scores
from offbeat.report.shell import Page, template_part, tiles
from offbeat.report.tables import (
    events_table,
    imputed_table,
    muted_table,
    outliers_table,
    recipe,
    settings_list,
    thresholds_table,
)
from offbeat.wording import duration, moment, number, percent, plural, rate, summary

if TYPE_CHECKING:
    from offbeat.detection import Detection
    from offbeat.thresholds import ThresholdRow

__all__ = ["write_report"]

LEVELS = {"ok": "fine", "note": "note", "warning": "warning", "error": "error"}
LONG = 15  # rows from which a table gets its own scroll bar
MIN_VIEW = 30  # rows on either side of an event, at least, when a click shows it


def write_report(detection: Detection, path: str | Path, title: str | None = None) -> Path:
    """Write one HTML file that opens offline.

    Parameters
    ----------
    detection
        What to report on.
    path
        Where to; an existing file is replaced, and only by a complete one.
    title
        Heading; None takes the name of the series.

    Returns
    -------
    The path of the file.
    """
    rows = detection.threshold_table()
    figures = _figures(detection, rows)
    return Page(
        brand="Offbeat report",
        title=title or detection.series.name,
        span=_span(detection),
        summary=_unbroken(html.escape(summary(detection))),
        tiles=_tiles(detection),
        without_script="The figures need JavaScript. Tables and text are complete without it.",
        sections=_sections(detection, rows, figures),
        data=_data(detection, figures),
        scripts=(get_plotlyjs(), template_part("report.js")),
        images="data: blob:",
    ).write(path)


def _unbroken(text: str) -> str:
    """Time stamps that stay on one line."""
    return re.sub(r"\d{4}-\d\d-\d\d [\d:.]+\d", r'<span class="whole">\g<0></span>', text)


# ---------------------------------------------------------------- figures


def _figures(detection: Detection, rows: Sequence[ThresholdRow]) -> dict[str, go.Figure]:
    """The figures that these data allow, by name."""
    figures = {"series": series_figure(detection), "score": score_figure(detection)}
    if detection.series.n_channels > 1:
        figures["shares"] = share_figure(detection, height="score")
    if len(detection.signals) > 1:
        figures["signals"] = share_figure(detection, of="signals")
    if np.isfinite(detection.calibration.score).sum() > 1:
        figures["histogram"] = histogram_figure(detection, rows)
    label = detection.series.label
    if label is not None and label[np.isfinite(detection.score)].any():
        figures["precision_recall"] = precision_recall_figure(detection)
    if detection.training_log:
        figures["training"] = training_figure(detection)
    return figures


def _data(detection: Detection, figures: Mapping[str, go.Figure]) -> dict[str, Any]:
    """What the script needs."""
    series = detection.series
    return {
        "figures": {name: _lean(figure) for name, figure in figures.items()},
        "events": [_view(detection, event.start, event.end) for event in detection.events],
        "span": shown_time(series.time[[0, -1]], series.zone).tolist(),
        "night": NIGHT,
        "config": CONFIG,
    }


def _lean(figure: go.Figure) -> dict[str, Any]:
    """A figure in which traces that share their x name the trace that has it."""
    made: dict[str, Any] = json.loads(figure.to_json())
    for place, trace in enumerate(made["data"]):
        for earlier in range(place):
            if made["data"][earlier].get("x") == trace.get("x"):
                trace["x"] = earlier
                break
    return made


def _view(detection: Detection, start: int, end: int) -> list[Any]:
    """First and last moment shown when a person asks for an event."""
    margin = max(MIN_VIEW, end - start)
    rows = [max(0, start - margin), min(len(detection.series), end + margin) - 1]
    shown: list[Any] = shown_time(detection.time[rows], detection.series.zone).tolist()
    return shown


def _figure(name: str, label: str, *, over_time: bool = False, fit: bool = False) -> str:
    marks = (' data-time="yes"' if over_time else "") + (' data-fit="yes"' if fit else "")
    return f'<div class="figure" role="img" data-figure="{name}" aria-label="{label}"{marks}></div>'


# ---------------------------------------------------------------- head


def _span(detection: Detection) -> str:
    series = detection.series
    first, last = moment(detection, series.time[0]), moment(detection, series.time[-1])
    zone = f" ({series.zone})" if series.zone else ""
    step = ""
    if detection.rows_per_day is not None:
        step = f", one every {duration(86_400 / detection.rows_per_day)}"
    channels = plural(series.n_channels, "channel")
    return f"{first} to {last}{zone} · {len(series):,} rows{step} · {channels}"


def _tiles(detection: Detection) -> str:
    score = detection.score
    scored, n_rows = np.isfinite(score), len(detection.series)
    worst = max((event.severity for event in detection.events), default=None)
    if worst is None and scored.any():
        worst = float(np.nanmax(score / detection.cut))
    learned = float(detection.learned.mean())
    not_scored = plural(int(n_rows - scored.sum()), "row")
    often, unit = rate(detection)
    shown = [
        ("Events", f"{len(detection.events):,}", ""),
        ("Worst severity", f"{number(worst, 3)} \N{MULTIPLICATION SIGN}", "1 is the limit"),
        (f"Alarms {unit}", often, f"cut by {detection.threshold.title}"),
        ("Rows with a score", percent(float(scored.mean())), f"{not_scored} in warm-up or gaps"),
    ]
    if learned:
        shown.append(("Learned from", percent(learned), "of these rows"))
    label = detection.series.label
    if label is not None and label.any():
        truth = event_scores(label, detection.label)
        false = f"{plural(truth.n_false, 'false event')}"
        shown.append(("Marked anomalies found", f"{truth.n_found} of {truth.n_true}", false))
    return tiles(shown)


# ---------------------------------------------------------------- sections


def _sections(
    detection: Detection, rows: Sequence[ThresholdRow], figures: Mapping[str, go.Figure]
) -> dict[str, tuple[str, str]]:
    """Heading and body of each section, by anchor."""
    sections = {
        "events": ("What is off", _events_section(detection)),
        "score": ("How far off", _score_section(figures)),
        "cut": ("Where the cut lies", _cut_section(detection, rows, figures)),
        "data": ("The data", _data_section(detection)),
    }
    if "training" in figures or detection.train_outliers:
        sections["training"] = ("The training", _training_section(detection, figures))
    sections["settings"] = ("How it was made", _settings_section(detection))
    return sections


def _events_section(detection: Detection) -> str:
    shown = (
        "The blue line was measured, the dotted green line was expected, and the green band holds "
        f"what is usual.{' Events are shaded orange.' * bool(detection.events)} Drag over a figure "
        "to zoom in, double-click to see all."
    )
    figure = _figure("series", "Measured and expected values", over_time=True, fit=True)
    if not detection.events:
        quiet = muted_table(detection)
        return f'<p class="caption">{shown}</p>{figure}<p>No event was found.</p>{quiet}'
    tools = "".join(
        f'<button type="button" data-go="{go_to}">{text}</button>'
        for go_to, text in (
            ("previous", "Previous event"),
            ("next", "Next event"),
            ("all", "Whole span"),
        )
    )
    return (
        f'<p class="caption">{shown}</p><div class="tools">{tools}</div>{figure}'
        f'<h3>All events</h3><div class="{"long" if len(detection.events) > LONG else "short"}">'
        f"{events_table(detection)}</div>{muted_table(detection)}"
    )


def _score_section(figures: Mapping[str, go.Figure]) -> str:
    button = '<button type="button" data-log="score" aria-pressed="false">Logarithmic</button>'
    body = (
        '<p class="caption">The score is high where the data went another way than expected. '
        f'Above the dashed cut it is an event.</p><div class="tools">{button}</div>'
        + _figure("score", "Anomaly score and cut", over_time=True, fit=True)
    )
    if "shares" in figures:
        body += "<h3>Which channels make the score</h3>"
        body += _figure("shares", "Shares of the channels over time", over_time=True)
    if "signals" in figures:
        body += "<h3>Which signals make the score</h3>"
        body += _figure("signals", "Shares of the signals over time", over_time=True)
    return body


def _cut_section(
    detection: Detection, rows: Sequence[ThresholdRow], figures: Mapping[str, go.Figure]
) -> str:
    labelled = "precision_recall" in figures
    advice = (
        "Choose by what an alarm costs you. If each one wakes a person, start from the alarms a "
        "day that you can bear and take a budget such as one false alarm a week. If a miss is "
        "worse, take a lower cut and check the events it adds. "
    )
    if labelled:
        advice += "With marked anomalies, compare recall (how many were found) and precision. "
    advice += "No method needs training again: set_threshold(...) or offbeat threshold applies it."
    body = f"<p>{advice}</p>{thresholds_table(detection, rows)}"
    pictures = []
    if "histogram" in figures:
        pictures.append(_figure("histogram", "Histogram of the training scores with every cut"))
    if labelled:
        pictures.append(_figure("precision_recall", "Precision and recall against the cut"))
    heads = ["Training scores and cuts", "Precision and recall of rows"]
    shown = "".join(f"<div><h3>{h}</h3>{p}</div>" for h, p in zip(heads, pictures, strict=False))
    return body + (f'<div class="pair">{shown}</div>' if labelled else shown)


def _data_section(detection: Detection) -> str:
    report = detection.check
    filled = imputed_table(detection)
    if report is None:
        return f'<p class="caption">No data check was kept with this model.</p>{filled}'
    lines = "".join(
        f'<li><span><span class="tag {finding.level}">{LEVELS[finding.level]}</span></span>'
        f"<span>{html.escape(finding.text)}</span></li>"
        for finding in report.findings
    )
    note = "What the check found in the data as they came."
    return f'<p class="caption">{note}</p><ul class="findings">{lines}</ul>{filled}'


def _training_section(detection: Detection, figures: Mapping[str, go.Figure]) -> str:
    body = ""
    if "training" in figures:
        last = detection.training_log[-1]
        body += (
            f'<p class="caption">{plural(len(detection.training_log), "epoch")} in '
            f"{duration(last.seconds)}. The weights of the best epoch are used.</p>"
            + _figure("training", "Loss per epoch")
        )
    found = len(detection.train_outliers)
    if found:
        body += (
            f"<details><summary>{plural(found, 'outlier')} found in the training part</summary>"
            f"{outliers_table(detection)}</details>"
        )
    return body


def _settings_section(detection: Detection) -> str:
    return (
        "<p>These lines make the same scores again from the same data.</p>"
        f"<pre><code>{html.escape(recipe(detection))}</code></pre>"
        f"<details><summary>All settings, the seed and the versions</summary>"
        f"{settings_list(detection.settings)}</details>"
    )
