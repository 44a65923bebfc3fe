"""Who makes the score, over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import plotly.graph_objects as go

from offbeat.errors import one_of
from offbeat.figures.canvas import EVENT, PALETTE, line, short, shown_time, stack, time_axis
from offbeat.series import FloatArray, IntArray

if TYPE_CHECKING:
    from offbeat.detection import Detection

__all__ = ["share_figure"]

REST = "#B9BEC6"  # the last area of a stack: everything else
MAX_BINS = 300  # steps of the areas
MAX_AREAS = 8


def share_figure(
    detection: Detection,
    of: Literal["channels", "signals"] = "channels",
    height: Literal["share", "score"] = "share",
) -> go.Figure:
    """Who makes the score, as areas over time: the 8 largest and the rest.

    Parameters
    ----------
    detection
        What to show.
    of
        "channels" of the data, or "signals" of the score (forecast error, rate of change ...).
    height
        "share": areas add up to 100 %. "score": they add up to the score in multiples of the cut
        (1 is the limit), so calm stretches are low.
    """
    one_of("of", of, ("channels", "signals"))
    one_of("height", height, ("share", "score"))
    by_channel = of == "channels"
    names = detection.series.channels if by_channel else detection.signals
    shares = detection.channel_shares if by_channel else detection.signal_shares
    starts, binned, peak = _binned(shares, detection.score / detection.cut)
    scored = binned * peak[:, None]
    areas = scored if height == "score" else 100 * binned
    order = np.argsort(-scored.sum(axis=0), kind="stable")
    figure = stack([("", "", 240)])
    time = shown_time(detection.time[starts], detection.series.zone)
    for colour, column in zip(PALETTE.values(), order, strict=False):
        _add_area(figure, time, areas[:, column], names[column], colour)
    rest = order[MAX_AREAS:]
    if len(rest):
        _add_area(figure, time, areas[:, rest].sum(axis=1), f"{len(rest)} others", REST)
    time_axis(figure, detection.series)
    if height == "share":
        figure.update_yaxes(title_text="share (%)", range=[0, 100])
    else:
        figure.update_yaxes(title_text="times the limit", rangemode="tozero")
        figure.add_hline(y=1, line=line(EVENT, dash="dash"))
    return figure


def _binned(shares: FloatArray, severity: FloatArray) -> tuple[IntArray, FloatArray, FloatArray]:
    """Shares in at most 300 steps of time, weighted by the score so that events stand out.

    Returns
    -------
    First row, shares (sum 1, or 0 where nothing was scored) and highest severity of each step.
    """
    n_rows = len(shares)
    starts = np.unique(np.linspace(0, n_rows, min(n_rows, MAX_BINS), endpoint=False).astype(int))
    weight = np.nan_to_num(severity)
    mass = np.add.reduceat(np.nan_to_num(shares) * weight[:, None], starts, axis=0)
    total = mass.sum(axis=1, keepdims=True)
    binned = np.divide(mass, total, out=np.zeros_like(mass), where=total > 0)
    return starts, binned, np.maximum.reduceat(weight, starts)


def _add_area(figure: go.Figure, time: Any, values: FloatArray, name: str, colour: str) -> None:
    figure.add_scatter(
        x=time,
        y=np.round(values, 3),
        name=short(name, 24),
        mode="lines",
        line={"width": 0, "color": colour, "shape": "hv"},
        fillcolor=colour,
        stackgroup="shares",
        hovertemplate="%{y:.3~g}",
        meta=[name],
    )
