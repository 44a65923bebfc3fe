"""What happened: one lane a channel, with band, imputed points and events, and the score."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import plotly.graph_objects as go

from offbeat.errors import one_of
from offbeat.figures.canvas import (
    EVENT,
    EXPECTED,
    MARGIN_PX,
    NUMBER,
    PALETTE,
    VALUE,
    axis_name,
    line,
    safe,
    short,
    shown_time,
    stack,
    time_axis,
)
from offbeat.figures.shading import (
    event_boxes,
    hide_axis,
    strip_boxes,
    strips_of,
    unscored_boxes,
    worst_events,
)
from offbeat.figures.thinning import shown_rows
from offbeat.runs import label_runs
from offbeat.series import FloatArray

if TYPE_CHECKING:
    from offbeat.detection import Detection

__all__ = [
    "draw_course",
    "leading_channels",
    "overview_figure",
    "score_figure",
    "series_figure",
]

BAND_FILL = "rgba(0,158,115,0.22)"
MAX_CHANNELS = 6  # lanes, unless channels are asked for
MAX_IMPUTED = 500  # marks a channel
LANE_PX = {1: 300, 2: 210}  # by number of lanes; more lanes are lower
LOW_LANE_PX, STRIP_PX = 150, 10

_Thinning = tuple[int, list[tuple[int, int]]]
"""About how many points a line has, and the spans that get half of them."""


def series_figure(
    detection: Detection, channels: Sequence[str] | None = None, max_points: int = 4000
) -> go.Figure:
    """Measured values with the expected band, imputed points and events.

    Parameters
    ----------
    detection
        What to show.
    channels
        Which channels, one lane each. None shows the (at most 6) that had most to do with the
        events, the most involved first, and names the others.
    max_points
        About how many points a line has; peaks, gaps and events are kept.

    Raises
    ------
    DataError
        If a channel is not there.
    """
    return _lanes_figure(detection, channels, max_points, with_score=False)


def overview_figure(
    detection: Detection,
    channels: Sequence[str] | None = None,
    max_points: int = 4000,
    focus: tuple[int, int] | None = None,
) -> go.Figure:
    """`series_figure` with the score and the cut in one more lane.

    Parameters
    ----------
    detection, channels, max_points
        As there.
    focus
        Rows [start, end) that a person looks at: half of the points are spent there, not in all
        events.
    """
    return _lanes_figure(detection, channels, max_points, focus, with_score=True)


def score_figure(
    detection: Detection, axis: Literal["linear", "log"] = "linear", max_points: int = 4000
) -> go.Figure:
    """The anomaly score with the cut; stretches without a score are grey.

    Parameters
    ----------
    detection
        What to show.
    axis
        "log" shows small and huge scores together.
    max_points
        About how many points a line has; peaks are kept.
    """
    one_of("axis", axis, ("linear", "log"))
    figure = stack([("", "", 260)])
    _draw_score(figure, detection, 1, (max_points, _detailed(detection)))
    figure.update_layout(shapes=event_boxes(detection) + unscored_boxes(detection))
    time_axis(figure, detection.series)
    figure.update_yaxes(title_text="score", rangemode="tozero")
    if axis == "log":
        figure.update_yaxes(type="log", dtick=1, tickformat="~g")
    return figure


# ---------------------------------------------------------------- channels


def _lanes_figure(
    detection: Detection,
    channels: Sequence[str] | None,
    max_points: int,
    focus: tuple[int, int] | None = None,
    *,
    with_score: bool,
) -> go.Figure:
    spans = _detailed(detection) if focus is None else [focus]
    shown, others = _chosen(detection, channels)
    height = LANE_PX.get(len(shown) + with_score, LOW_LANE_PX)
    lanes = [(short(channel, 36), channel, height) for channel in shown]
    lanes += [("score", "", height)] if with_score else []
    strips = strips_of(detection)
    figure = stack(lanes + [(title, "", STRIP_PX) for title, _, _ in strips])
    for lane, channel in enumerate(shown, 1):
        _draw_channel(figure, detection, channel, lane, (max_points, spans))
    if with_score:
        _draw_score(figure, detection, len(lanes), (max_points, spans))
    boxes = event_boxes(detection)
    for lane, (title, mask, colour) in enumerate(strips, len(lanes) + 1):
        boxes += strip_boxes(figure, detection, mask, colour, lane)
        hide_axis(figure, detection, title, lane)
    figure.update_layout(shapes=boxes)
    time_axis(figure, detection.series)
    if others:
        _name_others(figure, others)
    return figure


def _chosen(
    detection: Detection, channels: Sequence[str] | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Channels to show and, where nobody chose, the ones left out; the most involved first."""
    if channels is not None:
        return detection.series.select(tuple(channels)).channels, ()
    ranked = leading_channels(detection)
    return ranked[:MAX_CHANNELS], ranked[MAX_CHANNELS:]


def _detailed(detection: Detection) -> list[tuple[int, int]]:
    return [(event.start, event.end) for event in detection.events]


def leading_channels(detection: Detection) -> tuple[str, ...]:
    """All channels, those that had most to do with the events first."""
    names = detection.series.channels
    weight = dict.fromkeys(names, 0.0)
    for event in detection.events:
        for channel, share in event.channels:
            weight[channel] += share * event.severity
    return tuple(sorted(names, key=lambda name: -weight[name]))  # stable: ties stay in order


def _draw_channel(
    figure: go.Figure, detection: Detection, channel: str, lane: int, thinning: _Thinning
) -> None:
    """One lane: band, expected line, measured line, imputed points, peaks of its events."""
    column = detection.series.channels.index(channel)
    values = detection.series.values[:, column]
    rows = shown_rows(values, *thinning)
    time = shown_time(detection.time[rows], detection.series.zone)
    at: dict[str, Any] = {"yaxis": axis_name("y", lane), "hovertemplate": NUMBER}
    at |= {"meta": [channel], "showlegend": lane == 1}
    parts = (detection.expected, detection.lower, detection.upper)
    foreseen = [each[rows, column] for each in parts]
    draw_course(figure, time, values[rows], foreseen, at)
    _mark_imputed(figure, detection, column, at)


def draw_course(
    figure: go.Figure,
    time: Any,
    measured: FloatArray,
    foreseen: Sequence[FloatArray],
    at: dict[str, Any],
) -> None:
    """Lines of a channel over the band of what was expected.

    Parameters
    ----------
    figure, time
        Where to, and the moments of the rows.
    measured
        Values, shape (T,).
    foreseen
        Expected values and the lower and upper end of the band, shape (T,) each.
    at
        Lane and legend, as traces take them.
    """
    expected, lower, upper = foreseen
    if np.isfinite(expected).any():
        fill = {"fill": "toself", "fillcolor": BAND_FILL, "line": {"width": 0}, "mode": "lines"}
        still = at | {"hovertemplate": None, "hoverinfo": "skip"}
        outline = _band(time, lower, upper)
        figure.add_scatter(
            **outline, **fill, name="expected band", legendgroup="band", legendrank=30, **still
        )
        look = line(EXPECTED, width=1.3, dash="dot")
        figure.add_scatter(
            x=time,
            y=expected,
            name="expected",
            line=look,
            mode="lines",
            legendgroup="expected",
            legendrank=20,
            **at,
        )
    figure.add_scatter(
        x=time, y=measured, name="measured", line=line(VALUE), mode="lines", **at,
        legendgroup="measured", legendrank=10,
    )  # fmt: skip


def _mark_imputed(figure: go.Figure, detection: Detection, column: int, at: dict[str, Any]) -> None:
    """Open circles on values that were filled, not measured."""
    rows = np.flatnonzero(detection.imputed[:, column])
    if not len(rows) and not (at["showlegend"] and detection.imputed.any()):
        return
    if len(rows) > MAX_IMPUTED:
        rows = rows[np.linspace(0, len(rows) - 1, MAX_IMPUTED).astype(int)]
    values = detection.series.values[rows, column]
    figure.add_scatter(
        x=shown_time(detection.time[rows], detection.series.zone) if len(rows) else [None],
        y=values if len(rows) else [None],
        name="filled in",
        mode="markers",
        marker={"size": 6, "symbol": "circle-open", "color": PALETTE["orange"]},
        legendgroup="imputed",
        **at,
    )


def _band(time: Any, lower: FloatArray, upper: FloatArray) -> dict[str, list[Any]]:
    """Outline of the band, one closed piece for each stretch without a gap."""
    x: list[Any] = []
    y: list[float | None] = []
    for start, stop in label_runs(np.isfinite(lower) & np.isfinite(upper)):
        there = time[start:stop].tolist()
        x += [*there, *there[::-1], None]
        y += [*upper[start:stop].tolist(), *lower[start:stop].tolist()[::-1], None]
    return {"x": x[:-1], "y": y[:-1]}


# ---------------------------------------------------------------- score


def _draw_score(figure: go.Figure, detection: Detection, lane: int, thinning: _Thinning) -> None:
    """Score, cut and the peak of each event."""
    score, zone = detection.score, detection.series.zone
    rows = shown_rows(score, *thinning)
    time, at = shown_time(detection.time[rows], zone), axis_name("y", lane)
    cut = line(EVENT, dash="dash")
    for name, values, look in (("score", score, line(VALUE)), ("cut", detection.cut, cut)):
        figure.add_scatter(
            x=time, y=values[rows], name=name, line=look, mode="lines", yaxis=at,
            hovertemplate=NUMBER,
        )  # fmt: skip
    worst = worst_events(detection)
    if worst:
        figure.add_scatter(
            x=shown_time(np.array([event.peak_time for event in worst]), zone),
            y=[event.score for event in worst],
            text=[f"{e.severity:.3g} times the limit, {short(e.channel, 40)}" for e in worst],
            name="peak of an event",
            mode="markers",
            marker={"size": 8, "color": EVENT, "symbol": "diamond"},
            hovertemplate="%{text}",
            yaxis=at,
        )


def _name_others(figure: go.Figure, others: Sequence[str]) -> None:
    """Which channels are not shown, in small lines below the axis."""
    named = ", ".join(short(name, 22) for name in others[:8])
    more = f" and {len(others) - 8} more" if len(others) > 8 else ""  # noqa: PLR2004
    lines = textwrap.wrap(f"Not shown: {named}{more}", 52)
    room = 24 + 16 * len(lines)
    margin = MARGIN_PX | {"b": MARGIN_PX["b"] + room}
    figure.update_layout(margin=margin, height=figure.layout.height + room)
    figure.add_annotation(
        text="<br>".join(lines),
        hovertext=safe(", ".join(others)),
        x=0,
        y=0,
        xref="paper",
        yref="paper",
        xanchor="left",
        yanchor="top",
        yshift=-62,
        align="left",
        showarrow=False,
        font={"size": 11},
    )
