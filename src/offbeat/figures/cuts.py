"""Figures that help to choose the cut: the training scores, and precision and recall."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
from scipy.stats import gaussian_kde

from offbeat.errors import DataError
from offbeat.figures.canvas import PALETTE, lane_middle, line, log_ticks, safe, short, stack
from offbeat.metrics import precision_recall_curve
from offbeat.series import FloatArray, IntArray

if TYPE_CHECKING:
    from offbeat.detection import Detection
    from offbeat.thresholds import ThresholdRow

__all__ = [
    "bar_edges",
    "draw_histogram",
    "histogram_figure",
    "precision_recall_figure",
    "training_scores",
]

BAR_FILL = "rgba(0,114,178,0.25)"
CUT = PALETTE["vermillion"]
N_BINS = 60
MAX_DENSITY = 5_000  # scores the density is estimated from; more change nothing that can be seen
WIDE = 12  # from this ratio of the largest to the middle cut on, the axis is logarithmic
ROW_PX = 21  # height of one candidate's line of text


class _Cut(NamedTuple):
    title: str
    value: float
    current: bool


def histogram_figure(detection: Detection, rows: Sequence[ThresholdRow] | None = None) -> go.Figure:
    """Histogram and density of the training scores, and where every candidate would cut.

    Each candidate has a line of its own, which starts below the histogram beside its name, so
    names never overlap however close the cuts are.

    Parameters
    ----------
    detection
        What to show.
    rows
        What `detection.threshold_table()` gave, where it is at hand.

    Raises
    ------
    DataError
        If fewer than two training scores are finite.
    """
    score = training_scores(detection)
    cuts = _cuts(detection, detection.threshold_table() if rows is None else rows)
    edges, log = bar_edges(score, np.array([cut.value for cut in cuts]))
    figure = stack([("", "", 230), ("Where each cuts", "", ROW_PX * len(cuts))])
    draw_histogram(figure, score, edges, log=log)
    _draw_cuts(figure, cuts)
    figure.update_xaxes(title_text="score")
    if log:
        figure.update_xaxes(type="log", **log_ticks(edges[0], edges[-1]))
    figure.update_layout(
        hovermode="closest", yaxis={"title": {"text": "% of training rows"}, "rangemode": "tozero"}
    )
    return figure


def training_scores(detection: Detection) -> FloatArray:
    """The finite scores that cuts are taken from.

    Raises
    ------
    DataError
        If there are fewer than two.
    """
    score = detection.calibration.score
    score = score[np.isfinite(score)]
    if len(score) < 2:  # noqa: PLR2004
        raise DataError(f"a histogram needs two finite training scores at least, {len(score)} came")
    return score


def _cuts(detection: Detection, rows: Sequence[ThresholdRow]) -> list[_Cut]:
    """Every candidate from the lowest cut to the highest; the one in force is among them."""
    now = detection.threshold.title
    cuts = [_Cut(row.method, float(row.cut), row.method == now) for row in rows]
    if not any(cut.current for cut in cuts):
        cuts.append(_Cut(now, float(np.nanmedian(detection.cut)), True))
    return sorted(cuts, key=lambda cut: cut.value)


def bar_edges(score: FloatArray, cuts: FloatArray) -> tuple[FloatArray, bool]:
    """Edges of the bars, and whether they are spaced by ratio."""
    top = 1.04 * max(float(score.max()), float(cuts.max()))
    positive = score[score > 0]
    if not len(positive) or top <= WIDE * float(np.median(cuts)):
        return np.linspace(min(0.0, float(score.min())), top, N_BINS + 1), False
    bottom = min(float(np.quantile(positive, 0.005)), float(cuts.min()))
    return np.geomspace(bottom, top, N_BINS + 1), True


def draw_histogram(figure: go.Figure, score: FloatArray, edges: FloatArray, *, log: bool) -> None:
    """Bars as one outline, and the density in the same unit: % of rows a bar."""
    inside = np.clip(score, edges[0], edges[-1])
    counts, _ = np.histogram(inside, bins=edges)
    figure.add_scatter(
        x=edges,
        y=100 * np.append(counts, 0) / len(score),
        name="histogram",
        mode="lines",
        line={"shape": "hv", "width": 1, "color": PALETTE["blue"]},
        fill="tozeroy",
        fillcolor=BAR_FILL,
        hovertemplate="%{y:.3~g} % of rows",
    )
    scale = np.log if log else np.asarray
    picked = inside[np.linspace(0, len(inside) - 1, min(len(inside), MAX_DENSITY)).astype(int)]
    places = scale(picked)
    if places.std() < 1e-9 * max(1.0, float(np.abs(places).max())):
        return  # all scores are one value: there is no density
    grid = np.linspace(scale(edges[0]), scale(edges[-1]), 4 * N_BINS + 1)
    width = (grid[-1] - grid[0]) / N_BINS
    figure.add_scatter(
        x=np.exp(grid) if log else grid,
        y=100 * width * gaussian_kde(places)(grid),
        name="density",
        mode="lines",
        line=line(PALETTE["blue"], width=2),
        hoverinfo="skip",
    )


def _draw_cuts(figure: go.Figure, cuts: Sequence[_Cut]) -> None:
    """A point a candidate beside its name, and a line from it up through the histogram."""
    names = [short(cut.title, 22) for cut in cuts]
    figure.add_scatter(
        x=[cut.value for cut in cuts],
        y=list(range(len(cuts))),
        yaxis="y2",
        mode="markers",
        marker={
            "size": [11 if cut.current else 8 for cut in cuts],
            "color": [CUT if cut.current else PALETTE["grey"] for cut in cuts],
            "symbol": ["diamond" if cut.current else "circle" for cut in cuts],
        },
        text=[safe(cut.title) + (" (in force)" if cut.current else "") for cut in cuts],
        hovertemplate="%{text}<br>cut at %{x:.5~g}<extra></extra>",
        showlegend=False,
    )
    labels = [
        f"<b>{name}</b>" if cut.current else name for name, cut in zip(names, cuts, strict=True)
    ]
    figure.update_layout(
        yaxis2={
            "tickvals": list(range(len(cuts))),
            "ticktext": labels,
            "range": [len(cuts) - 0.5, -0.5],
            "fixedrange": True,
            "showgrid": True,
        },
        shapes=[_rule(figure, cut, i, len(cuts)) for i, cut in enumerate(cuts)],
    )


def _rule(figure: go.Figure, cut: _Cut, place: int, n_cuts: int) -> dict[str, Any]:
    """The line of one candidate, from its own row to the top of the histogram."""
    look = line(CUT, width=2) if cut.current else line(PALETTE["grey"], width=1, dash="dot")
    low = lane_middle(figure, 2, 1 - (place + 0.5) / n_cuts)
    ends: dict[str, Any] = {"x0": cut.value, "x1": cut.value, "y0": low, "y1": 1}
    rule: dict[str, Any] = {
        "type": "line",
        "xref": "x",
        "yref": "paper",
        "line": look,
        "layer": "below",
    }
    return rule | ends


def precision_recall_figure(detection: Detection) -> go.Figure:
    """Precision, recall and F1 of single rows against the cut.

    Raises
    ------
    DataError
        If no scored row is labelled as an anomaly.
    """
    label, scored = detection.series.label, np.isfinite(detection.score)
    if label is None or not label[scored].any():
        raise DataError(
            "precision and recall need labels, and no scored row is marked as an anomaly: "
            "give a label column that has 1 where something was wrong"
        )
    curve = precision_recall_curve(label[scored], detection.score[scored])
    rows = _spread(curve.threshold)
    cut, precision, recall = curve.threshold[rows], curve.precision[rows], curve.recall[rows]
    both = precision + recall
    f1 = np.divide(2 * precision * recall, both, out=np.zeros_like(both), where=both > 0)
    figure = stack([("", "", 260)])
    for name, values, look in (
        ("precision", precision, line(PALETTE["blue"], width=2)),
        ("recall", recall, line(PALETTE["green"], width=2)),
        ("F1", f1, line(PALETTE["grey"], dash="dot")),
    ):
        figure.add_scatter(
            x=cut, y=values, name=name, line=look, mode="lines", hovertemplate="%{y:.2f}"
        )
    now = float(np.nanmedian(detection.cut))
    look = line(CUT, dash="dash")
    figure.add_scatter(
        x=[now, now], y=[0, 1], name="cut in force", mode="lines", line=look, hoverinfo="skip"
    )
    figure.update_xaxes(title_text="cut", hoverformat=".4~g")
    if cut[-1] > WIDE * now:
        low, high = now / WIDE, 1.05 * float(cut[-1])
        figure.update_xaxes(type="log", range=np.log10([low, high]), **log_ticks(low, high))
    figure.update_yaxes(range=[-0.02, 1.04])
    return figure


def _spread(cut: FloatArray, n_out: int = 1000) -> IntArray:
    """Places in an ascending curve, evenly by rank and evenly by value."""
    by_rank = np.linspace(0, len(cut) - 1, n_out // 2).astype(int)
    by_value = np.searchsorted(cut, np.linspace(cut[0], cut[-1], n_out // 2))
    return np.unique(np.clip(np.concatenate([by_rank, by_value]), 0, len(cut) - 1))
