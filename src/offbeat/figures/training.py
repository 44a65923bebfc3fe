"""How the training went."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from offbeat.figures.canvas import EVENT, NUMBER, PALETTE, VALUE, line, stack

if TYPE_CHECKING:
    from offbeat.detection import Detection

__all__ = ["training_figure"]


def training_figure(detection: Detection) -> go.Figure:
    """Loss per epoch in training and in validation; the best epoch is marked."""
    log = detection.training_log
    epoch = [each.epoch for each in log]
    validation = np.array([each.validation_loss for each in log], dtype=float)
    curves = {"training": (np.array([each.train_loss for each in log]), VALUE)}
    if np.isfinite(validation).any():
        curves["validation"] = (validation, PALETTE["orange"])
    figure = stack([("", "", 220)])
    mode = "lines+markers" if len(log) < 40 else "lines"  # noqa: PLR2004 - marks would touch
    for name, (loss, colour) in curves.items():
        figure.add_scatter(
            x=epoch, y=loss, name=name, mode=mode, line=line(colour), hovertemplate=NUMBER
        )
    if "validation" in curves:
        best = int(np.nanargmin(validation))
        ring = {"size": 13, "symbol": "circle-open", "color": EVENT, "line": {"width": 2.5}}
        figure.add_scatter(
            x=[epoch[best]],
            y=[validation[best]],
            name="best",
            mode="markers",
            marker=ring,
            hoverinfo="skip",
        )
    figure.update_xaxes(title_text="epoch", tickformat="d")
    figure.update_yaxes(title_text="loss")
    return figure
