"""Lesson: which part of the data is learned, so that what is judged lies after it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from offbeat.errors import ConfigError
from offbeat.io import split_time
from offbeat.preparation import Span
from offbeat.series import Series

__all__ = ["Lesson", "parse_span", "parse_split"]

DEFAULT_TRAIN = 0.4
"""Where nobody says which part is normal, the first 40 % of the rows are taken for it."""


@dataclass(frozen=True)
class Lesson:
    """What is learned from: the first part of the data, and spans that a person named.

    Parameters
    ----------
    train
        Where the training part ends: fraction, row or time stamp; None takes `DEFAULT_TRAIN`.
    normal
        Spans that are known to be normal: only these are learned, wherever they lie.
    exclude
        Spans never learned.
    whole
        Whether all rows are the training part.
    """

    train: float | int | str | None = None
    normal: tuple[Span, ...] = ()
    exclude: tuple[Span, ...] = ()
    whole: bool = False

    def part(self, series: Series) -> Series:
        """The rows that training may see."""
        if self.whole or (self.normal and self.train is None):
            return series
        before: Series
        at = DEFAULT_TRAIN if self.train is None else self.train
        before, _ = split_time(_in_time_order(series), at)
        return before


def parse_split(text: str) -> float | int | str:
    """`0.4` is a fraction, `5000` a row, anything else a time stamp."""
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text


def parse_span(text: str) -> Span:
    """`START..END`, two rows or two time stamps."""
    start, dots, end = text.partition("..")
    if not dots or not start.strip() or not end.strip():
        raise ConfigError(f"a span is START..END (two rows or time stamps), {text!r} came")
    edges = (start.strip(), end.strip())
    first, last = (int(edge) if edge.isdigit() else edge for edge in edges)
    return first, last


def _in_time_order(series: Series) -> Series:
    """The rows sorted by time, so that what is learned lies before what is not."""
    if not series.has_clock or bool((np.diff(series.time.astype(np.int64)) >= 0).all()):
        return series
    order = np.argsort(series.time, kind="stable")
    label = None if series.label is None else series.label[order]
    return replace(series, values=series.values[order], time=series.time[order], label=label)
