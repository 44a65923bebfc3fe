"""Thinning: few rows of a long series that still draw it, peaks and gaps included."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from tsdownsample import MinMaxDownsampler

from offbeat.series import FloatArray, IntArray, TimeArray

__all__ = ["downsample", "shown_rows"]

# A share of the points is kept for the spans that a person will zoom into.
DETAIL_SHARE = 0.5
MIN_DETAIL = 8  # points a span at least: its outline
MAX_GAPS = 200  # gaps drawn as gaps; on a screen of some 1,000 pixels more cannot be told apart


def downsample(
    time: TimeArray, values: FloatArray, max_points: int
) -> tuple[TimeArray, FloatArray]:
    """Fewer points that draw the same picture.

    The smallest and the largest value of every bin are kept, so no peak is lost however short it
    is; the longest gaps stay gaps.

    Parameters
    ----------
    time, values
        Shape (T,); NaN in `values` is a gap.
    max_points
        About how many points come back. A series that has no more comes back as it is.

    Returns
    -------
    Time and values of the rows that are kept, in order.
    """
    rows = shown_rows(values, max_points)
    return time[rows], values[rows]


def shown_rows(
    values: FloatArray, max_points: int, spans: Iterable[tuple[int, int]] = ()
) -> IntArray:
    """Rows that draw `values` well: every bin's extremes, gap borders, more detail in the spans.

    Parameters
    ----------
    values
        Shape (T,), NaN in gaps.
    max_points
        About how many rows come back (gap borders and outlines of many spans come on top).
    spans
        Half-open row ranges in which half of the points are spent, such as events.

    Returns
    -------
    Row numbers, ascending.
    """
    n_rows = len(values)
    if n_rows <= max_points:
        return np.arange(n_rows)
    wide = [_widened(start, stop, n_rows) for start, stop in spans]
    detail = int(max_points * DETAIL_SHARE) if wide else 0
    each = max(MIN_DETAIL, detail // max(1, len(wide)))
    parts = [np.array([0, n_rows - 1]), _extremes(values, max_points - detail), _gaps(values)]
    parts += [start + _extremes(values[start:stop], each) for start, stop in wide]
    return np.unique(np.concatenate(parts))


def _widened(start: int, stop: int, n_rows: int) -> tuple[int, int]:
    """A span with as much again on either side: what the screen shows after zooming in."""
    margin = max(20, stop - start)
    return max(0, start - margin), min(n_rows, stop + margin)


def _extremes(values: FloatArray, n_out: int) -> IntArray:
    """Rows of the smallest and largest value in each of n_out / 2 bins; NaN is skipped."""
    finite = np.flatnonzero(np.isfinite(values))
    n_out -= n_out % 2
    if len(finite) <= n_out:
        return finite
    dense = np.ascontiguousarray(values[finite], dtype=np.float64)
    thinner = MinMaxDownsampler()  # type: ignore[no-untyped-call]
    picked: IntArray = finite[thinner.downsample(dense, n_out=n_out).astype(np.int64)]
    return picked


def _gaps(values: FloatArray) -> IntArray:
    """Rows just before, in and just after the longest gaps."""
    edges = np.diff(np.isnan(values).astype(np.int8), prepend=0, append=0)
    starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    longest = np.argsort(starts - stops, kind="stable")[:MAX_GAPS]
    starts, stops = starts[longest], stops[longest]
    rows = np.concatenate([starts - 1, starts, stops])
    return rows[(rows >= 0) & (rows < len(values))]
