"""Origin: what is remembered of the training part, and later data held against it."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from offbeat.commands import find_commands
from offbeat.errors import ConfigError, DataError
from offbeat.grid import Grid, Step, regularise
from offbeat.io import as_series
from offbeat.runs import label_runs
from offbeat.series import BoolArray, FloatArray, Series
from offbeat.stamps import step_text

__all__ = ["HasOrigin", "Origin"]

SAME_STEP = 0.01
"""Steps that differ by less than this share are one."""


@dataclass(frozen=True)
class Origin:
    """Where a detector comes from.

    Parameters
    ----------
    channels
        Names of all channels.
    targets
        Columns that are judged; the others are covariates.
    has_clock, step, rows_per_day
        Its time axis; a step is a number of rows, and `rows_per_day` None, where there is no clock.
    span
        First and last time stamp learned, or row.
    fingerprint
        Checksum of the values between them.
    still
        Channels that never moved; empty in a detector that was loaded.
    held
        Most rows on end in which each channel kept one value; empty where a model file does not
        know yet.
    """

    channels: tuple[str, ...]
    targets: list[int]
    has_clock: bool
    step: np.timedelta64 | int
    rows_per_day: float | None
    span: tuple[Any, Any]
    fingerprint: int
    still: tuple[str, ...] = ()
    held: tuple[int, ...] = ()

    @classmethod
    def of(cls, grid: Grid, learned: BoolArray, covariates: tuple[str, ...] | None) -> Origin:
        """What is to be remembered of the rows `learned` (T,) of a grid.

        Raises
        ------
        DataError
            If a channel has no value there, or a covariate is no channel.
        ConfigError
            If every channel is a covariate.
        """
        series = grid.series
        spared = _covariates(series, learned, covariates)
        targets = [column for column, name in enumerate(series.channels) if name not in spared]
        if not targets:
            raise ConfigError("every channel is a covariate: at least one must be left to watch")
        _refuse_empty(series, learned)
        rows = np.flatnonzero(learned)
        return cls(
            channels=series.channels,
            targets=targets,
            has_clock=series.has_clock,
            step=grid.step,
            rows_per_day=grid.rows_per_day,
            span=(series.time[rows[0]], series.time[rows[-1]]),
            still=_still_channels(series, learned),
            held=tuple(_longest_hold(column) for column in series.values[learned].T),
            fingerprint=_fingerprint(series.values[rows[0] : rows[-1] + 1]),
        )

    def regular(self, X: object, step: Step | None) -> tuple[Series, Grid]:
        """Data to score, as they came and on the regular grid of the training part.

        Parameters
        ----------
        X
            As in `fit`.
        step
            What the detector was told; None infers it.

        Raises
        ------
        DataError
            If channels or step are not those of the training part.
        """
        series = as_series(X)
        if isinstance(X, np.ndarray) and series.n_channels != len(self.channels):
            raise DataError(
                f"{len(self.channels)} channel(s) were trained on, {series.n_channels} came"
            )
        if not isinstance(X, np.ndarray | list | tuple):
            series = series.select(self.channels)
        grid = regularise(series, self.step if step is None and not series.has_clock else step)
        if series.has_clock and self.has_clock and not _same_step(grid.step, self.step):
            raise DataError(
                f"the detector was trained on a step of {step_text(self.step)}, these data have "
                f"{step_text(grid.step)}: resample them (step=...) or train on such data"
            )
        return series, grid

    def rows_in(self, series: Series) -> BoolArray:
        """Which rows of these data are the training part itself, by time and by content, (T,)."""
        time, (first, last) = series.time, self.span
        inside = np.zeros(len(series), dtype=bool)
        if (time.dtype.kind == "M") != self.has_clock:
            return inside
        start = int(np.searchsorted(time, first))
        end = int(np.searchsorted(time, last, side="right"))
        if end > start and _fingerprint(series.values[start:end]) == self.fingerprint:
            inside[start:end] = True
        return inside

    def over_all_channels(self, of_targets: FloatArray) -> FloatArray:
        """(T, targets) -> (T, C), NaN for covariates."""
        wide = np.full((len(of_targets), len(self.channels)), np.nan)
        wide[:, self.targets] = of_targets
        return wide

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "channels": list(self.channels),
            "targets": self.targets,
            "has_clock": self.has_clock,
            "step": _integer(self.step),
            "rows_per_day": self.rows_per_day,
            "span": [_integer(edge) for edge in self.span],
            "fingerprint": self.fingerprint,
            "held": list(self.held),
        }

    @classmethod
    def from_dict(cls, origin: Mapping[str, Any]) -> Origin:
        """What `to_dict` gave."""
        step, (first, last) = origin["step"], origin["span"]
        has_clock = bool(origin["has_clock"])
        if has_clock:
            step = np.timedelta64(step, "ns")
            first, last = np.datetime64(first, "ns"), np.datetime64(last, "ns")
        return cls(
            channels=tuple(origin["channels"]),
            targets=[int(column) for column in origin["targets"]],
            has_clock=has_clock,
            step=step,
            rows_per_day=origin["rows_per_day"],
            span=(first, last),
            fingerprint=origin["fingerprint"],
            held=tuple(origin.get("held", ())),
        )


class HasOrigin:
    """What remembers where it comes from, and can be asked."""

    origin_: Origin

    @property
    def channels_(self) -> tuple[str, ...]:
        return self.origin_.channels

    @property
    def targets_(self) -> list[int]:
        return self.origin_.targets

    @property
    def has_clock_(self) -> bool:
        return self.origin_.has_clock

    @property
    def step_(self) -> np.timedelta64 | int:
        return self.origin_.step

    @property
    def span_(self) -> tuple[Any, Any]:
        return self.origin_.span

    @property
    def rows_per_day_(self) -> float | None:
        return self.origin_.rows_per_day


def _covariates(
    series: Series, learned: BoolArray, named: tuple[str, ...] | None
) -> tuple[str, ...]:
    """Channels that are not judged: those named, or those that look like switches."""
    if named is None:
        switches = find_commands(series.values[learned])
        return tuple(n for n, is_one in zip(series.channels, switches, strict=True) if is_one)
    return series.select(tuple(named)).channels if named else ()


def _refuse_empty(series: Series, learned: BoolArray) -> None:
    empty = np.isnan(series.values[learned]).all(axis=0)
    if empty.any():
        raise DataError(
            f"channel {series.channels[int(np.argmax(empty))]!r} has no value in the training "
            f"part: leave it out with channels=..., or train on a span where it was measured"
        )


def _still_channels(series: Series, learned: BoolArray) -> tuple[str, ...]:
    values = series.values[learned]
    spread = np.nanmax(values, axis=0) - np.nanmin(values, axis=0)
    return tuple(name for name, s in zip(series.channels, spread, strict=True) if s == 0)


def _longest_hold(column: FloatArray) -> int:
    """Most rows on end with one and the same value, missing ones left out."""
    seen = column[~np.isnan(column)]
    runs = label_runs(seen[1:] == seen[:-1])
    return 1 + int((runs[:, 1] - runs[:, 0]).max(initial=0))


def _fingerprint(values: FloatArray) -> int:
    return zlib.crc32(np.ascontiguousarray(values).tobytes())


def _same_step(one: np.timedelta64 | int, other: np.timedelta64 | int) -> bool:
    ratio = np.timedelta64(one, "ns") / np.timedelta64(other, "ns")
    return bool(abs(ratio - 1) < SAME_STEP)


def _integer(moment: np.datetime64 | np.timedelta64 | int) -> int:
    """A time stamp or step as a whole number (nanoseconds, or rows)."""
    if isinstance(moment, np.datetime64):
        return int(moment.astype("datetime64[ns]").astype(np.int64))
    if isinstance(moment, np.timedelta64):
        return int(moment.astype("timedelta64[ns]").astype(np.int64))
    return int(moment)
