"""What else moved? Every series and channel, ranked by how off it was in one stretch of time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from offbeat.detection import Detection
from offbeat.errors import ConfigError, DataError
from offbeat.grid import row_at

__all__ = ["ChannelRank", "Ranking", "SeriesRank", "rank_span"]

Moment = np.datetime64 | datetime | int | str


@dataclass(frozen=True)
class SeriesRank:
    """How off a series was.

    Parameters
    ----------
    series
        Its name.
    severity
        Largest score over threshold in the stretch; 1 is the limit.
    mean_severity
        Its mean over the rows that have a score.
    peak_time
        Where it was largest: `datetime64` in UTC, or a row number.
    events
        How many events reach into the stretch.
    """

    series: str
    severity: float
    mean_severity: float
    peak_time: np.datetime64 | int
    events: int


@dataclass(frozen=True)
class ChannelRank:
    """How off a channel was.

    Parameters
    ----------
    series, channel
        Whose.
    severity
        Largest part that the channel had in the severity of its series.
    share
        Of the series' score in the stretch.
    peak_time
        Where its part was largest.
    """

    series: str
    channel: str
    severity: float
    share: float
    peak_time: np.datetime64 | int


@dataclass(frozen=True)
class Ranking:
    """Series and channels, the most off first; and series without a score in the stretch."""

    series: tuple[SeriesRank, ...]
    channels: tuple[ChannelRank, ...]
    unknown: tuple[str, ...] = ()

    def to_frame(self) -> pl.DataFrame:
        """One row a channel."""
        columns = ("series", "channel", "severity", "share", "peak_time")
        return pl.DataFrame(
            {name: [getattr(each, name) for each in self.channels] for name in columns}
        )


def rank_span(
    detections: Mapping[str, Detection] | Sequence[Detection],
    start: Moment,
    end: Moment,
) -> Ranking:
    """Rank every series and channel by how off it was in [start, end).

    Parameters
    ----------
    detections
        By name, or in a row under the names of their series.
    start, end
        Row numbers, or time stamps; text without a zone is read in that of each series.

    Raises
    ------
    ConfigError
        If a time stamp is given for data without a clock, or it is none.
    DataError
        If there is no detection, or the stretch ends before it starts.
    """
    named = _named(detections)
    series, channels, unknown = list[SeriesRank](), list[ChannelRank](), list[str]()
    for name, detection in named.items():
        first, last = _rows(detection, (start, end))
        known = np.isfinite(detection.score[first:last])
        if not known.any():
            unknown.append(name)
            continue
        series.append(_series_rank(name, detection, first, last))
        channels += _channel_ranks(name, detection, first, last)
    return Ranking(
        tuple(sorted(series, key=lambda each: -each.severity)),
        tuple(sorted(channels, key=lambda each: -each.severity)),
        tuple(unknown),
    )


def _named(detections: Mapping[str, Detection] | Sequence[Detection]) -> dict[str, Detection]:
    if not len(detections):
        raise DataError("there is nothing to rank: give at least one detection")
    if isinstance(detections, Mapping):
        return dict(detections)
    named = {detection.series.name: detection for detection in detections}
    if len(named) < len(detections):
        raise ConfigError("two series have the same name: give detections by name, {name: ...}")
    return named


def _rows(detection: Detection, span: tuple[Moment, Moment]) -> tuple[int, int]:
    first, last = (row_at(detection.time, at, zone=detection.series.zone) for at in span)
    if last < first:
        raise DataError(f"a stretch must end after its start, {span[0]} to {span[1]} came")
    return first, last


def _series_rank(name: str, detection: Detection, first: int, last: int) -> SeriesRank:
    severity = detection.score[first:last] / detection.cut[first:last]
    peak = int(np.nanargmax(severity))
    n_events = sum(e.start < last and first < e.end for e in detection.events)
    moment = _moment(detection, first + peak)
    return SeriesRank(name, float(severity[peak]), float(np.nanmean(severity)), moment, n_events)


def _channel_ranks(name: str, detection: Detection, first: int, last: int) -> list[ChannelRank]:
    """Those that were judged: a covariate has no share in the score."""
    severity = np.nan_to_num(detection.score[first:last] / detection.cut[first:last])
    parts = severity[:, None] * np.nan_to_num(detection.channel_shares[first:last])  # (rows, C)
    total = max(float(parts.sum()), np.finfo(float).tiny)
    judged = np.asarray(np.isfinite(detection.channel_shares[first:last]).any(axis=0))
    return [
        ChannelRank(
            name,
            channel,
            float(parts[:, column].max()),
            float(parts[:, column].sum()) / total,
            _moment(detection, first + int(parts[:, column].argmax())),
        )
        for column, channel in enumerate(detection.series.channels)
        if judged[column]
    ]


def _moment(detection: Detection, row: int) -> np.datetime64 | int:
    time = detection.time[row]
    return time if isinstance(time, np.datetime64) else int(time)
