"""A series as it came, before anything was learned."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from offbeat.figures.canvas import (
    MARGIN_PX,
    NUMBER,
    VALUE,
    axis_name,
    line,
    short,
    shown_time,
    stack,
    time_axis,
)
from offbeat.figures.thinning import shown_rows
from offbeat.series import Series

__all__ = ["values_figure"]

MAX_CHANNELS = 4
LANE_PX, TOP_PX = 110, 8


def values_figure(
    series: Series, channels: Sequence[str] | None = None, max_points: int = 3000
) -> go.Figure:
    """The measured values, one lane a channel.

    Parameters
    ----------
    series
        What to show.
    channels
        Which channels; None shows the first 4.
    max_points
        About how many points a line has.

    Raises
    ------
    DataError
        If a channel is not there.
    """
    shown = series.channels[:MAX_CHANNELS] if channels is None else tuple(channels)
    picked = series.select(shown)
    figure = stack([(short(name, 40), name, LANE_PX) for name in shown])
    for lane, name in enumerate(shown, 1):
        values = picked.values[:, lane - 1]
        rows = shown_rows(values, max_points)
        figure.add_scatter(
            x=shown_time(series.time[rows], series.zone),
            y=values[rows],
            name=short(name, 24),
            mode="lines",
            line=line(VALUE, width=1.3),
            yaxis=axis_name("y", lane),
            hovertemplate=NUMBER,
            showlegend=False,
        )
    time_axis(figure, series)
    spare = MARGIN_PX["t"] - TOP_PX  # there is no legend
    figure.update_layout(margin={"t": TOP_PX}, height=figure.layout.height - spare)
    return figure
