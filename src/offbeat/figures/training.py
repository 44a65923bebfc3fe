"""How the training went."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from offbeat.figures.canvas import EVENT, NUMBER, PALETTE, VALUE, line, stack
from offbeat.training import EpochLog

if TYPE_CHECKING:
    from offbeat.detection import Detection

__all__ = ["loss_figure", "training_figure"]


MOST_TICKS = 10


def training_figure(detection: Detection) -> go.Figure:
    """Loss per epoch in training and in validation; the best epoch is marked."""
    return loss_figure(detection.training_log)


def loss_figure(log: Sequence[EpochLog], max_epochs: int | None = None) -> go.Figure:
    """The same of any diary, such as that of a training that still runs.

    Parameters
    ----------
    log
        One epoch at least.
    max_epochs
        How far the axis reaches; None takes the epochs there are.
    """
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
    last = max_epochs or epoch[-1]
    figure.update_xaxes(title_text="epoch", tickformat="d", dtick=max(1, round(last / MOST_TICKS)))
    if max_epochs is not None:
        figure.update_xaxes(range=[0.5, max_epochs + 0.5])
    figure.update_yaxes(title_text="loss")
    return figure
