"""Sparkline: how far a series was off, in the height of a line of text."""

from __future__ import annotations

import numpy as np

from offbeat.runs import label_runs
from offbeat.series import FloatArray

__all__ = ["sparkline"]

WIDTH, HEIGHT = 240, 38
BEND = 3.0
"""How strongly high values are pressed, so that the limit stays visible below a high peak."""


def sparkline(course: FloatArray) -> str:
    """SVG of the severity over time with the limit; what is over it has a colour of its own.

    Parameters
    ----------
    course
        Severity, 1 is the limit; NaN leaves a gap.
    """
    known = course[np.isfinite(course)]
    if not len(known):
        return ""
    top = np.log1p(BEND * max(1.5, float(known.max())))
    x = np.linspace(0, WIDTH, len(course)) if len(course) > 1 else np.array([WIDTH / 2])
    y = HEIGHT - 1 - (HEIGHT - 3) * np.log1p(BEND * course) / top
    limit = HEIGHT - 1 - (HEIGHT - 3) * np.log1p(BEND) / top
    line = "".join(_path(x, y, a, b) for a, b in label_runs(np.isfinite(course)).tolist())
    over = "".join(_path(x, y, a, b) for a, b in label_runs(course >= 1).tolist())
    area = "".join(
        f"{_path(x, y, a, b)}L{x[b - 1]:.1f} {HEIGHT}L{x[a]:.1f} {HEIGHT}Z"
        for a, b in label_runs(np.isfinite(course)).tolist()
    )
    return (
        f'<svg class="spark" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" '
        f'aria-hidden="true"><path class="area" d="{area}"/>'
        f'<path class="limit" d="M0 {limit:.1f}H{WIDTH}"/><path d="{line}"/>'
        f'<path class="over" d="{over}"/></svg>'
    )


def _path(x: FloatArray, y: FloatArray, start: int, stop: int) -> str:
    points = [f"{x[i]:.1f} {y[i]:.1f}" for i in range(start, stop)]
    if len(points) == 1:
        points.append(f"{x[start] + 0.6:.1f} {y[start]:.1f}")
    return "M" + "L".join(points)
