"""Figures whose cut can be taken with the mouse: a line of the name `CUT_LINE` that is editable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from offbeat.figures.canvas import EVENT, axis_name, line, log_ticks, stack
from offbeat.figures.cuts import WIDE, bar_edges, draw_histogram, training_scores
from offbeat.figures.lanes import overview_figure
from offbeat.series import FloatArray

if TYPE_CHECKING:
    from offbeat.detection import Detection

__all__ = ["CUT_LINE", "cut_figure", "cut_histogram_figure", "cut_range"]

CUT_LINE = "cut"
FAINT = 0.02  # share of the scores that may lie below a logarithmic axis


def cut_figure(
    detection: Detection, channels: Sequence[str] | None = None, max_points: int = 4000
) -> go.Figure:
    """`overview_figure` with a line for the cut that can be dragged up and down.

    A cut that changes with time stays a curve; the line then stands at its median, and dragging it
    fixes the cut.

    Parameters
    ----------
    detection
        What to show.
    channels
        Which channels, one lane each; None shows the most involved.
    max_points
        About how many points a line has.
    """
    figure = overview_figure(detection, channels, max_points)
    axis = next(trace.yaxis for trace in figure.data if trace.name == "score") or "y"
    fixed = bool(np.ptp(detection.cut) == 0)
    gone = {"peak of an event"} | ({"cut"} if fixed else set())
    figure.data = tuple(trace for trace in figure.data if trace.name not in gone)
    number = int(axis[1:] or 1)
    _scale(figure, detection, axis_name("yaxis", number))
    ends: dict[str, Any] = {"xref": "paper", "x0": 0, "x1": 1, "yref": axis}
    figure.add_shape(_cut_line(_middle(detection), **ends, y=True))
    return figure


def cut_histogram_figure(detection: Detection) -> go.Figure:
    """Histogram and density of the training scores, with a cut that can be dragged sideways.

    Raises
    ------
    DataError
        If fewer than two training scores are finite.
    """
    score, low_high = training_scores(detection), np.array(cut_range(detection))
    edges, log = bar_edges(score, low_high[1:] / 1.04)
    figure = stack([("", "", 170)])
    draw_histogram(figure, score, edges, log=log)
    figure.update_xaxes(title_text="score of the training part")
    if log:
        figure.update_xaxes(type="log", **log_ticks(edges[0], edges[-1]))
    figure.update_layout(
        hovermode="closest", yaxis={"title": {"text": "% of rows"}, "rangemode": "tozero"}
    )
    ends: dict[str, Any] = {"yref": "paper", "y0": 0, "y1": 1, "xref": "x"}
    figure.add_shape(_cut_line(_middle(detection), **ends, y=False))
    return figure


def cut_range(detection: Detection) -> tuple[float, float]:
    """Lowest and highest cut worth trying: from the training scores' middle to above the peak."""
    score = training_scores(detection)
    low = float(np.quantile(score[score > 0], 0.25)) if (score > 0).any() else 1e-6
    seen = detection.score[np.isfinite(detection.score)]
    peaks = [float(score.max()), _middle(detection), *([float(seen.max())] if len(seen) else [])]
    return low, 1.15 * max(*peaks, 2 * low)


def _middle(detection: Detection) -> float:
    return float(np.nanmedian(detection.cut))


def _cut_line(at: float, *, y: bool, **ends: Any) -> dict[str, Any]:
    """A line across the figure that a person may move."""
    place = {"y0": at, "y1": at} if y else {"x0": at, "x1": at}
    look = {"line": line(EVENT, width=2.4), "layer": "above", "name": CUT_LINE}
    return {"type": "line", "editable": True} | look | ends | place


def _scale(figure: go.Figure, detection: Detection, axis: str) -> None:
    """The score's axis: logarithmic where peaks would press the cut to the ground."""
    score = detection.score[np.isfinite(detection.score)]
    positive: FloatArray = score[score > 0]
    low, high = cut_range(detection)
    if not len(positive) or high <= WIDE * _middle(detection):
        figure.update_layout({axis: {"range": [0, high], "rangemode": "tozero"}})
        return
    low = max(min(low, float(np.quantile(positive, FAINT))), high / 1e5)
    ticks = log_ticks(low, high)
    figure.update_layout({axis: {"type": "log", "range": np.log10([low, high]).tolist(), **ticks}})
