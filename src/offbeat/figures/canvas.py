"""What all figures share: colours, template, lanes over one axis, times and names as shown.

Colours are those of Okabe and Ito (2008), which colour-blind eyes can tell apart. Backgrounds are
transparent and text is a middle grey, so a figure sits on light and on dark ground alike.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from offbeat.series import Series, TimeArray
from offbeat.stamps import local_time
from offbeat.wording import cut_middle

__all__ = [
    "CONFIG",
    "EVENT",
    "EXPECTED",
    "MARGIN_PX",
    "NIGHT",
    "NUMBER",
    "PALETTE",
    "TEMPLATE",
    "VALUE",
    "axis_name",
    "lane_middle",
    "line",
    "log_ticks",
    "safe",
    "short",
    "shown_time",
    "stack",
    "time_axis",
]

PALETTE = {
    "blue": "#0072B2",
    "orange": "#E69F00",
    "green": "#009E73",
    "purple": "#CC79A7",
    "sky": "#56B4E9",
    "vermillion": "#D55E00",
    "yellow": "#F0E442",
    "grey": "#868D97",
}
VALUE, EXPECTED, EVENT = PALETTE["blue"], PALETTE["green"], PALETTE["vermillion"]
NUMBER = "%{y:.5~g}"
"""How a value reads under the pointer."""

NIGHT = {
    "#0072B2": "#3D9BDC",
    "rgba(0,114,178,": "rgba(61,155,220,",
    "#D55E00": "#F0782E",
    "#009E73": "#1DB88C",
    "rgba(0,158,115,0.22)": "rgba(29,184,140,0.34)",
    "rgba(213,94,0,": "rgba(240,120,46,",
}
"""Lighter twins for dark ground, for whoever knows the ground: the report and the page."""

TITLE_PX = 28  # room for the title of a lane
MARGIN_PX = {"l": 52, "r": 14, "t": 40, "b": 48}

CONFIG: dict[str, Any] = {
    "displaylogo": False,
    "responsive": True,
    "modeBarButtonsToRemove": ["lasso2d", "select2d", "autoScale2d"],
}
"""Options of the Plotly window, for `figure.show(config=CONFIG)`, the report and the page."""

_AXIS = {
    "gridcolor": "rgba(134,141,151,0.22)",
    "linecolor": "rgba(134,141,151,0.5)",
    "zeroline": False,
    "automargin": True,
}
TEMPLATE = go.layout.Template(
    layout={
        "font": {
            "family": "system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif",
            "size": 12,
            "color": "#727780",
        },
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "colorway": list(PALETTE.values()),
        "xaxis": _AXIS,
        "yaxis": _AXIS,
        "margin": MARGIN_PX,
        "hovermode": "x unified",
        "hoverlabel": {"bgcolor": "#24292F", "font": {"color": "#F2F4F6"}, "namelength": 60},
        "legend": {
            "orientation": "h",
            "x": 0,
            "y": 1,
            "yanchor": "top",
            "yref": "container",
            "traceorder": "normal",
        },
        "dragmode": "zoom",
    }
)


def stack(lanes: Sequence[tuple[str, str, int]]) -> go.Figure:
    """An empty figure of lanes under one another over one x axis.

    Parameters
    ----------
    lanes
        Title, what the mouse shows on the title, and height in pixels; the first is on top.
    """
    figure = go.Figure()
    total = sum(height + TITLE_PX * bool(title) for title, _, height in lanes)
    top = total
    for number, (title, full, height) in enumerate(lanes, 1):
        top -= TITLE_PX * bool(title)
        domain = [max(0.0, (top - height) / total), min(1.0, top / total)]
        figure.update_layout({axis_name("yaxis", number): {"domain": domain, "anchor": "x"}})
        if title:
            _add_title(figure, title, full, domain[1])
        top -= height
    figure.update_layout(
        template=TEMPLATE,
        height=total + MARGIN_PX["t"] + MARGIN_PX["b"],
        xaxis={"anchor": axis_name("y", len(lanes))},
    )
    return figure


def _add_title(figure: go.Figure, title: str, full: str, y: float) -> None:
    """The title of a lane, above its left end."""
    figure.add_annotation(
        text=f"<b>{title}</b>",
        hovertext=safe(full) if full else None,
        x=0,
        y=y,
        xref="paper",
        yref="paper",
        xanchor="left",
        yanchor="bottom",
        showarrow=False,
        font={"size": 12.5},
    )


def lane_middle(figure: go.Figure, lane: int, share: float) -> float:
    """Height on the whole figure (0 to 1) of a point that lies at `share` of a lane's height."""
    low, high = figure.layout[axis_name("yaxis", lane)].domain
    return float(low + share * (high - low))


def axis_name(kind: str, number: int) -> str:
    """Plotly's names: y, y2, y3 ... and yaxis, yaxis2, yaxis3 ..."""
    return kind if number == 1 else f"{kind}{number}"


def log_ticks(low: float, high: float) -> dict[str, list[Any]]:
    """Places and texts of the ticks of a logarithmic axis: 1, 2, 5, 10 ... or powers of ten."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    steps = (1, 2, 5) if last - first <= 3 else (1,)  # noqa: PLR2004 - more would not fit
    places = [step * 10.0**power for power in range(first, last + 1) for step in steps]
    places = [place for place in places if 0.999 * low <= place <= 1.001 * high]
    return {"tickvals": places, "ticktext": [f"{place:g}" for place in places]}


def line(colour: str, *, width: float = 1.6, dash: str = "solid") -> dict[str, Any]:
    """The look of a line."""
    return {"color": colour, "width": width, "dash": dash}


def safe(name: str) -> str:
    """A name as text that Plotly shows as it is: no tags, no templates."""
    return html.escape(name, quote=False).replace("%{", "%\u200b{").replace("\n", " ")


def short(name: str, length: int) -> str:
    """`cut_middle`, safe for Plotly."""
    return safe(cut_middle(name, length))


def shown_time(time: TimeArray, zone: str | None) -> Any:
    """Time stamps as ISO text on the clock of `zone`; row numbers stay as they are."""
    if time.dtype.kind != "M":
        return time
    stamps = local_time(time, zone)
    for unit in ("s", "ms"):
        coarse = stamps.astype(f"datetime64[{unit}]")
        if (coarse == stamps).all():
            return np.datetime_as_string(coarse)
    return np.datetime_as_string(stamps)


def time_axis(figure: go.Figure, series: Series) -> None:
    """The axis runs over the whole series; its title names the zone."""
    ends = shown_time(series.time[[0, -1]], series.zone).tolist()
    title = "row" if not series.has_clock else f"time ({series.zone})" if series.zone else "time"
    kind = "date" if series.has_clock else "linear"
    figure.update_xaxes(type=kind, range=ends, title_text=safe(title))
