"""Two or more opinions of one series: how far off each holds it to be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from offbeat.figures.canvas import (
    EVENT,
    PALETTE,
    line,
    log_ticks,
    short,
    shown_time,
    stack,
    time_axis,
)
from offbeat.figures.thinning import shown_rows

if TYPE_CHECKING:
    from offbeat.detection import Detection

__all__ = ["severity_figure"]

LOWEST = 0.05
"""A severity below a twentieth of the limit is shown as one."""


def severity_figure(detections: Mapping[str, Detection], max_points: int = 4000) -> go.Figure:
    """Score in multiples of the cut, one line each; 1 is the limit.

    Parameters
    ----------
    detections
        Of the same series, by the name that the legend shows.
    max_points
        About how many points a line has.
    """
    figure = stack([("", "", 300)])
    looks = ("blue", "orange", "green", "purple")
    top = 2.0
    for (name, detection), colour in zip(detections.items(), looks, strict=False):
        severity = np.maximum(detection.score / detection.cut, LOWEST)
        rows = shown_rows(severity, max_points, [(e.start, e.end) for e in detection.events])
        known = severity[np.isfinite(severity)]
        top = max(top, float(known.max())) if len(known) else top
        figure.add_scatter(
            x=shown_time(detection.time[rows], detection.series.zone),
            y=severity[rows],
            name=short(name, 40),
            mode="lines",
            line=line(PALETTE[colour], width=1.5),
            hovertemplate="%{y:.3~g} times the limit",
        )
    figure.add_hline(y=1, line=line(EVENT, dash="dash"))
    ticks = log_ticks(LOWEST, 1.2 * top)
    ends = np.log10([LOWEST / 1.2, 1.2 * top]).tolist()
    figure.update_yaxes(
        type="log", range=ends, title_text="times the limit", **ticks,
    )  # fmt: skip
    for detection in detections.values():
        time_axis(figure, detection.series)
    return figure
