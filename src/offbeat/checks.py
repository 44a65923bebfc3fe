"""The data check: what is in a series, before anything is trained."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

import numpy as np

from offbeat.grid import Grid, Step, regularise
from offbeat.outliers import hampel
from offbeat.runs import drop_short, label_runs
from offbeat.season import Season, common_period
from offbeat.series import BoolArray, FloatArray, IntArray, Series
from offbeat.stamps import step_text, time_text

__all__ = ["ChannelCheck", "CheckReport", "Finding", "Level", "check"]

Level = Literal["ok", "note", "warning", "error"]

MIN_STUCK_ROWS, STUCK_RATIO = 20, 10
"""A channel stood still where one value lasts so many rows, and so many times longer than usual."""
MAX_COMMAND_VALUES, MIN_COMMAND_ROWS = 8, 50
"""A channel with so few different values in so many rows looks like a command or a state."""
SPIKE_SIGMAS = 10.0
PERIODS_WANTED = 3
"""Periods that the training part should hold, so that the usual can be told from the chance."""
MANY_MISSING = 0.05
SHOWN_STRETCHES = 3
HOUR_NS = 3_600_000_000_000
SUNDAY = 6


@dataclass(frozen=True)
class Finding:
    """One thing that a person should know.

    Parameters
    ----------
    level
        "ok", "note" (good to know), "warning" (look at it first), "error" (cannot be trained).
    topic
        "step", "gaps", "missing", "constant", "stuck", "spikes", "commands", "period", "history",
        "daylight saving" or "order".
    text
        One sentence, with the remedy where there is one.
    channel
        The channel that it is about; None for the whole series.
    rows
        [start, end) on the regular grid; None where it is about no single stretch.
    """

    level: Level
    topic: str
    text: str
    channel: str | None = None
    rows: tuple[int, int] | None = None


@dataclass(frozen=True)
class ChannelCheck:
    """One channel in figures; numbers are None where the channel has no value."""

    channel: str
    missing: float
    """Share of the rows of the regular grid without a value."""
    minimum: float | None
    maximum: float | None
    mean: float | None
    n_distinct: int
    n_spikes: int
    stuck: tuple[tuple[int, int], ...]
    """Stretches [start, end) in which the channel stood still."""
    looks_like_command: bool


@dataclass(frozen=True)
class CheckReport:
    """What the data check found.

    Parameters
    ----------
    name, rows, step, start, end
        The series; rows as they came, step and time stamps as text.
    grid_rows
        Rows of the regular grid.
    gaps
        Stretches [start, end) of the grid in which nothing was measured.
    season
        The pattern that repeats, or None.
    rows_needed
        Rows that training needs at least.
    rows_wanted
        Rows that it should have: three periods, six windows.
    channels, findings
        One entry a channel; what a person should know, errors first.
    """

    name: str
    rows: int
    step: str
    start: str
    end: str
    grid_rows: int
    gaps: tuple[tuple[int, int], ...]
    season: Season | None
    rows_needed: int
    rows_wanted: int
    channels: tuple[ChannelCheck, ...]
    findings: tuple[Finding, ...]

    @property
    def is_trainable(self) -> bool:
        """Whether nothing forbids training."""
        return all(finding.level != "error" for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return asdict(self)

    def to_text(self) -> str:
        """Lines for a terminal."""
        head = (
            f"{self.name}: {self.rows} rows, {len(self.channels)} channels, "
            f"{self.start} to {self.end}"
        )
        lines = [head, ""]
        lines += [f"  {finding.level:8} {finding.text}" for finding in self.findings]
        width = max(len(channel.channel) for channel in self.channels)
        lines += ["", f"  {'channel':{width}} {'missing':>8} {'min':>11} {'mean':>11} {'max':>11}"]
        for channel in self.channels:
            shown = (channel.minimum, channel.mean, channel.maximum)
            cells = " ".join("-".rjust(11) if x is None else f"{x:11.5g}" for x in shown)
            lines.append(f"  {channel.channel:{width}} {channel.missing:8.1%} {cells}")
        return "\n".join(lines)


def check(
    series: Series, *, step: Step | None = None, window: int = 64, horizon: int = 8
) -> CheckReport:
    """Look at a series before anything is trained.

    Parameters
    ----------
    series
        As it came.
    step
        Regular step; None infers it.
    window, horizon
        What will be trained, for the history that is needed.

    Raises
    ------
    DataError
        If there is no regular step to be had: no row, one row, one time stamp for all.
    """
    grid = regularise(series, step)
    values = grid.series.values
    spikes = hampel(values, n_sigmas=SPIKE_SIGMAS)
    channels = tuple(
        _check_channel(name, values[:, column], int(spikes[:, column].sum()))
        for column, name in enumerate(series.channels)
    )
    season = common_period(values)
    needed = window + horizon + 1
    wanted = max(6 * window, PERIODS_WANTED * season.period if season else 0)
    gaps = _pairs(label_runs(~grid.measured))
    findings = [
        *_about_time(series, grid, gaps),
        *(finding for each in channels for finding in _about_channel(each, grid)),
        _about_period(season, grid),
        _about_history(len(grid.series), needed, wanted),
    ]
    order = ("error", "warning", "note", "ok")
    return CheckReport(
        name=series.name,
        rows=len(series),
        step=step_text(grid.step) if series.has_clock else f"{grid.step} row",
        start=time_text(grid.series.time[0], series.zone),
        end=time_text(grid.series.time[-1], series.zone),
        grid_rows=len(grid.series),
        gaps=gaps,
        season=season,
        rows_needed=needed,
        rows_wanted=wanted,
        channels=channels,
        findings=tuple(sorted(findings, key=lambda finding: order.index(finding.level))),
    )


# ---------------------------------------------------------------- one channel


def _check_channel(name: str, column: FloatArray, n_spikes: int) -> ChannelCheck:
    seen = column[~np.isnan(column)]
    distinct = len(np.unique(seen))
    is_command = 1 < distinct <= MAX_COMMAND_VALUES and len(seen) >= MIN_COMMAND_ROWS
    is_still = distinct <= 1 or is_command
    return ChannelCheck(
        channel=name,
        missing=1 - len(seen) / len(column),
        minimum=float(seen.min()) if len(seen) else None,
        maximum=float(seen.max()) if len(seen) else None,
        mean=float((seen / len(seen)).sum()) if len(seen) else None,
        n_distinct=distinct,
        n_spikes=0 if is_still else n_spikes,
        stuck=() if is_still else _stuck(column),
        looks_like_command=is_command,
    )


def _stuck(column: FloatArray) -> tuple[tuple[int, int], ...]:
    """Stretches in which a channel that moves otherwise stood still."""
    same: BoolArray = np.concatenate([column[1:] == column[:-1], [False]])
    runs = label_runs(same)
    if not len(runs):
        return ()
    runs[:, 1] += 1  # the last row of a stretch has the same value too
    lengths = runs[:, 1] - runs[:, 0]
    single = np.ones(len(column) - int(lengths.sum()))
    usual = float(np.median(np.concatenate([lengths, single])))
    return _pairs(drop_short(runs, max(MIN_STUCK_ROWS, int(STUCK_RATIO * usual))))


def _about_channel(found: ChannelCheck, grid: Grid) -> Iterator[Finding]:
    name = found.channel
    if found.minimum is None:
        yield Finding("error", "missing", f"{name!r} has no value: leave it out", name)
        return
    if found.missing > MANY_MISSING:
        share = f"{found.missing:.1%}"
        yield Finding("warning", "missing", f"{name!r} lacks {share} of its values", name)
    if found.n_distinct == 1:
        text = f"{name!r} is {found.minimum:g} throughout: a change will be judged by its level"
        yield Finding("note", "constant", text, name)
    if found.looks_like_command:
        text = (
            f"{name!r} takes {found.n_distinct} values only, like a command or a state: read it "
            f"without judging it with --covariates {name}"
        )
        yield Finding("note", "commands", text, name)
    if len(found.stuck) > SHOWN_STRETCHES:
        longest = max(end - start for start, end in found.stuck)
        text = f"{name!r} often stands still ({len(found.stuck)} times, up to {longest} rows)"
        yield Finding("note", "stuck", text, name)
    else:
        for start, end in found.stuck:
            when = time_text(grid.series.time[start], grid.series.zone)
            text = f"{name!r} stands still for {end - start} rows from {when}"
            yield Finding("warning", "stuck", text, name, (start, end))
    if found.n_spikes:
        text = (
            f"{name!r} has {found.n_spikes} spike(s), values far off their neighbours; "
            f"--set preparation.outliers=apply keeps them out of what is learned"
        )
        yield Finding("note", "spikes", text, name)


# ---------------------------------------------------------------- the time axis, the history


def _about_time(series: Series, grid: Grid, gaps: tuple[tuple[int, int], ...]) -> Iterator[Finding]:
    if not series.has_clock:
        yield Finding("note", "step", "no time column: rows are numbered, no rate a day is known")
        return
    yield Finding("ok", "step", f"one row every {step_text(grid.step)}")
    for note in grid.notes:
        if "gap(s)" not in note:
            yield Finding("note", "order", note)
    if gaps:
        longest = max(gaps, key=lambda gap: gap[1] - gap[0])
        empty = sum(end - start for start, end in gaps)
        when = time_text(grid.series.time[longest[0]], series.zone)
        text = (
            f"{len(gaps)} gap(s), {empty} rows in all; the longest has "
            f"{longest[1] - longest[0]} rows from {when}"
        )
        yield Finding("warning", "gaps", text, rows=longest)
    yield from _about_daylight_saving(series, grid)


def _about_daylight_saving(series: Series, grid: Grid) -> Iterator[Finding]:
    first, last = grid.series.time[0], grid.series.time[-1]
    if series.zone is not None:
        hours = {_offset(moment, series.zone) for moment in (first, last)}
        middle = first + (last - first) // 2
        hours.add(_offset(middle, series.zone))
        if len(hours) > 1:
            text = f"{series.zone} changes its clocks in this span: counted in UTC, no row is lost"
            yield Finding("ok", "daylight saving", text)
        return
    step_ns = int(np.timedelta64(grid.step, "ns").astype(np.int64))
    jumps = np.diff(series.time.astype("datetime64[ns]").astype(np.int64))
    for row in np.flatnonzero((jumps == step_ns + HOUR_NS) | (jumps == step_ns - HOUR_NS)):
        moment = datetime.fromtimestamp(
            int(series.time[row + 1].astype("datetime64[s]").astype(np.int64)), UTC
        )
        if moment.weekday() == SUNDAY and moment.hour <= 3 and jumps[row] != 0:  # noqa: PLR2004
            text = (
                f"the clock jumps by an hour at {moment:%Y-%m-%d %H:%M}, a Sunday: local time? "
                f"name its zone with --zone, else that night is wrong"
            )
            yield Finding("warning", "daylight saving", text)


def _offset(moment: np.datetime64, zone: str) -> timedelta | None:
    seconds = int(moment.astype("datetime64[s]").astype(np.int64))
    return datetime.fromtimestamp(seconds, ZoneInfo(zone)).utcoffset()


def _about_period(season: Season | None, grid: Grid) -> Finding:
    if season is None:
        return Finding("note", "period", "nothing repeats clearly")
    length = f"{season.period} rows"
    if not isinstance(grid.step, int):
        length += f" ({step_text(grid.step * season.period)})"
    text = f"repeats every {length}, correlation {season.strength:.2f}"
    return Finding("ok", "period", text)


def _about_history(n_rows: int, needed: int, wanted: int) -> Finding:
    if n_rows < needed:
        text = f"{n_rows} rows are there, {needed} are needed to train (window + horizon + 1)"
        return Finding("error", "history", text)
    if n_rows < wanted:
        text = f"{n_rows} rows are there, enough to train; {wanted} or more would be better"
        return Finding("warning", "history", text)
    return Finding("ok", "history", f"{n_rows} rows are there, at least {wanted} are wanted")


def _pairs(runs: IntArray) -> tuple[tuple[int, int], ...]:
    return tuple((int(start), int(end)) for start, end in runs)
