"""Live chart: the newest readings of a series, as the library draws a detection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from offbeat.figures.canvas import EVENT, NUMBER, VALUE, axis_name, line, short, stack
from offbeat.figures.canvas import shown_time as shown
from offbeat.figures.lanes import draw_course
from offbeat.figures.shading import EVENT_EDGE, EVENT_FILL, box
from offbeat.series import FloatArray
from offbeat.server.workbench.moments import moment_number

__all__ = ["live_figure"]

LANE_PX = {1: 260, 2: 170}
LOW_LANE_PX = 130
PARTS = ("values", "expected", "lower", "upper")
Reading = Mapping[str, Any]


def live_figure(
    readings: Sequence[Reading], events: Sequence[Mapping[str, Any]], channels: Sequence[str]
) -> go.Figure:
    """Measured against expected, a lane a channel, and the score with the cut below.

    Parameters
    ----------
    readings
        The oldest first, at least one.
    events
        With `start` and `end` in nanoseconds.
    channels
        Which are shown.
    """
    times = np.array([moment_number(each["time"]) for each in readings]).view("datetime64[ns]")
    x = np.atleast_1d(shown(times, None))
    height = LANE_PX.get(len(channels), LOW_LANE_PX)
    lanes = [(short(name, 36), name, height) for name in channels]
    figure = stack([*lanes, ("score", "", height)])
    for lane, name in enumerate(channels, 1):
        _draw_channel(figure, x, readings, name, lane)
    _draw_score(figure, x, readings, len(channels) + 1)
    figure.update_layout(shapes=_boxes(times, events))
    figure.update_xaxes(type="date", range=[x[0], x[-1]], title_text="time (UTC)")
    return figure


def _draw_channel(
    figure: go.Figure, x: Any, readings: Sequence[Reading], name: str, lane: int
) -> None:
    measured, *foreseen = (_column(readings, part, name) for part in PARTS)
    at = {"yaxis": axis_name("y", lane), "hovertemplate": NUMBER, "showlegend": lane == 1}
    draw_course(figure, x, measured, foreseen, at)


def _draw_score(figure: go.Figure, x: Any, readings: Sequence[Reading], lane: int) -> None:
    at = axis_name("y", lane)
    for name, key, look in (
        ("score", "score", line(VALUE)),
        ("cut", "threshold", line(EVENT, dash="dash")),
    ):
        y = np.array([np.nan if each[key] is None else each[key] for each in readings], float)
        figure.add_scatter(
            x=x, y=y, name=name, line=look, mode="lines", yaxis=at, hovertemplate=NUMBER
        )
    figure.update_layout({axis_name("yaxis", lane): {"rangemode": "tozero"}})


def _column(readings: Sequence[Reading], part: str, channel: str) -> FloatArray:
    found = [each[part].get(channel) for each in readings]
    return np.array([np.nan if each is None else each for each in found], dtype=float)


def _boxes(times: np.ndarray, events: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Where anomalies were, as far as it is seen."""
    first, last = times[[0, -1]].astype(np.int64).tolist()
    boxes = list[dict[str, Any]]()
    for each in events:
        if each["kind"] != "anomaly" or each["end"] < first or each["start"] > last:
            continue
        ends = np.array([max(first, each["start"]), min(last, each["end"])]).view("datetime64[ns]")
        x0, x1 = shown(ends, None).tolist()
        boxes.append(box(x0, x1, EVENT_FILL, EVENT_EDGE) | {"name": "event"})
    return boxes
