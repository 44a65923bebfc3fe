"""Chart: one of the library's figures on the page."""

from __future__ import annotations

from base64 import b64decode
from math import isfinite
from pathlib import Path
from typing import Any

import nicegui
import numpy as np
import plotly.graph_objects as go
from nicegui import ui

from offbeat.figures.canvas import CONFIG, NIGHT

__all__ = ["Chart"]

PLOTLY = Path(nicegui.__file__).parent / "elements" / "plotly" / "dist"


class Chart(ui.element, component="chart.js", esm={"nicegui-plotly": str(PLOTLY)}):
    """A figure; it says "cut" while its line is dragged, "span" when a span was marked, and "view"
    when it was zoomed.

    Parameters
    ----------
    figure
        From `offbeat.figures`.
    label
        What it shows, for those who do not see it.
    mode
        What dragging over it does: "zoom" or "select".
    look
        Which stretch of the x axis is shown at first; None shows all.
    fit
        Whether each lane is as high as what is seen of it.
    """

    def __init__(
        self,
        figure: go.Figure,
        label: str,
        *,
        mode: str | None = None,
        look: tuple[Any, Any] | None = None,
        fit: bool = False,
    ) -> None:
        super().__init__()
        self.props["figure"] = _plain(figure, mode)
        self.props["night"] = NIGHT
        self.props["config"] = CONFIG
        self.props["look"] = None if look is None else list(look)
        self.props["fit"] = fit
        self.props["aria-label"] = label

    def show(self, figure: go.Figure, mode: str | None = None) -> None:
        """Another figure in its place."""
        self.props["figure"] = _plain(figure, mode)
        self.update()

    def set_boxes(self, boxes: list[dict[str, Any]]) -> None:
        """Other events are shaded."""
        self.run_method("setBoxes", boxes)

    def set_mode(self, mode: str) -> None:
        """Dragging zooms ("zoom") or marks ("select")."""
        self.run_method("setMode", mode)

    def zoom(self, start: Any, end: Any) -> None:
        """Show one stretch of time; None shows all."""
        self.run_method("zoom", None if start is None else [start, end])


def _plain(figure: go.Figure, mode: str | None) -> dict[str, Any]:
    plain: dict[str, Any] = _listed(figure.to_plotly_json())
    if mode == "select":
        plain["layout"] |= {"dragmode": "select", "selectdirection": "h"}
    else:
        plain["layout"]["selectdirection"] = "h"
    return plain


def _listed(value: Any) -> Any:
    """Arrays as lists, and what is no number as nothing: the page reads them too."""
    if isinstance(value, np.ndarray):
        if value.dtype.kind == "f":
            return [each if isfinite(each) else None for each in value.tolist()]
        return value.tolist()
    if isinstance(value, dict) and "bdata" in value:
        return _listed(np.frombuffer(b64decode(value["bdata"]), dtype=value["dtype"]))
    if isinstance(value, dict):
        return {name: _listed(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_listed(each) for each in value]
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return value.item() if isinstance(value, np.generic) else value
