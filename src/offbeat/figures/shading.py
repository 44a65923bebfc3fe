"""Shading: stretches of time behind the lines, for events, gaps, marks and the training part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from offbeat.figures.canvas import axis_name, shown_time
from offbeat.runs import label_runs
from offbeat.series import BoolArray, IntArray

if TYPE_CHECKING:
    from offbeat.detection import Detection
    from offbeat.events import Event

__all__ = [
    "EVENT_EDGE",
    "EVENT_FILL",
    "box",
    "event_boxes",
    "hide_axis",
    "run_boxes",
    "strip_boxes",
    "strips_of",
    "unscored_boxes",
    "worst_events",
]

EVENT_FILL, EVENT_EDGE = "rgba(213,94,0,0.15)", "rgba(213,94,0,0.5)"
SOFT_EDGE = "rgba(213,94,0,0.25)"  # of many events, or their edges would fill the figure
MANY = 25
TRUTH_FILL, LEARNED_FILL = "rgba(204,121,167,0.9)", "rgba(134,141,151,0.55)"
UNSCORED_FILL, NO_EDGE = "rgba(134,141,151,0.2)", "rgba(0,0,0,0)"

MAX_SHADED = 400  # events; browsers draw more only slowly


def worst_events(detection: Detection) -> list[Event]:
    """The events that are drawn: all, or the worst where there are very many."""
    return sorted(detection.events, key=lambda event: -event.severity)[:MAX_SHADED]


def box(x0: Any, x1: Any, fill: str, edge: str) -> dict[str, Any]:
    """A stretch of time over the whole height; an edge keeps the shortest visible."""
    look = {"fillcolor": fill, "line": {"color": edge, "width": 1}, "layer": "below"}
    return {
        "type": "rect",
        "xref": "x",
        "yref": "paper",
        "x0": x0,
        "x1": x1,
        "y0": 0,
        "y1": 1,
    } | look


def event_boxes(detection: Detection) -> list[dict[str, Any]]:
    """Where the detector alarmed."""
    return run_boxes(detection, np.array([[e.start, e.end] for e in worst_events(detection)]))


def run_boxes(detection: Detection, runs: IntArray) -> list[dict[str, Any]]:
    """Where it would alarm under another cut; the longest where there are very many.

    Parameters
    ----------
    detection
        Whose rows.
    runs
        Shape (n, 2): rows [start, end) of each alarm.
    """
    if not len(runs):
        return []
    if len(runs) > MAX_SHADED:
        runs = runs[np.argsort(runs[:, 0] - runs[:, 1], kind="stable")[:MAX_SHADED]]
    zone = detection.series.zone
    starts = shown_time(detection.time[runs[:, 0]], zone).tolist()
    ends = shown_time(detection.time[runs[:, 1] - 1], zone).tolist()
    group = {"name": "event", "legendgroup": "event"}
    edge = EVENT_EDGE if len(runs) < MANY else SOFT_EDGE
    return [
        box(x0, x1, EVENT_FILL, edge) | group | {"showlegend": i == 0}
        for i, (x0, x1) in enumerate(zip(starts, ends, strict=True))
    ]


def _run_boxes(detection: Detection, mask: BoolArray, fill: str, edge: str) -> list[dict[str, Any]]:
    """Boxes over the runs of a mask, the longest if there are very many."""
    runs = label_runs(mask)
    runs = runs[np.argsort(runs[:, 0] - runs[:, 1], kind="stable")[:MAX_SHADED]]
    starts = shown_time(detection.time[runs[:, 0]], detection.series.zone).tolist()
    ends = shown_time(detection.time[runs[:, 1] - 1], detection.series.zone).tolist()
    return [box(x0, x1, fill, edge) for x0, x1 in zip(starts, ends, strict=True)]


def unscored_boxes(detection: Detection) -> list[dict[str, Any]]:
    """Warm-up and long gaps."""
    boxes = _run_boxes(detection, np.isnan(detection.score), UNSCORED_FILL, NO_EDGE)
    group = {"name": "not scored", "legendgroup": "unscored"}
    return [each | group | {"showlegend": i == 0} for i, each in enumerate(boxes)]


def strips_of(detection: Detection) -> list[tuple[str, BoolArray, str]]:
    """Thin lanes below the channels: what people marked, what was learned from."""
    strips = []
    if detection.series.label is not None:
        strips.append(("marked as anomaly", detection.series.label == 1, TRUTH_FILL))
    if detection.learned.any():
        strips.append(("learned from", detection.learned, LEARNED_FILL))
    return strips


def strip_boxes(
    figure: go.Figure, detection: Detection, mask: BoolArray, fill: str, lane: int
) -> list[dict[str, Any]]:
    """The runs of a mask, in one lane only."""
    low, high = figure.layout[axis_name("yaxis", lane)].domain
    boxes = _run_boxes(detection, mask, fill, fill)
    return [each | {"y0": low, "y1": high} for each in boxes]


def hide_axis(figure: go.Figure, detection: Detection, title: str, lane: int) -> None:
    """A strip has no scale; an empty line keeps its axis on the figure."""
    hidden = {"visible": False, "range": [0, 1], "fixedrange": True}
    figure.update_layout({axis_name("yaxis", lane): hidden})
    ends = shown_time(detection.time[[0, -1]], detection.series.zone)
    figure.add_scatter(
        x=ends, y=[None, None], yaxis=axis_name("y", lane), name=title, showlegend=False,
        hoverinfo="skip",
    )  # fmt: skip
