"""Results in plain words: numbers, times, lengths and the sentence that sums a detection up."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from offbeat.stamps import local_time

if TYPE_CHECKING:
    from offbeat.detection import Detection
    from offbeat.events import Event

__all__ = [
    "cut_middle",
    "duration",
    "lasted",
    "moment",
    "number",
    "percent",
    "plural",
    "rate",
    "summary",
]

DAY_S = 86_400.0
NOTHING = "\N{EN DASH}"
UNITS = (("day", DAY_S), ("h", 3_600.0), ("min", 60.0), ("s", 1.0))
DIRECTIONS = {"above": "above", "below": "below", "mixed": "above and below"}


def number(value: float | None, digits: int = 4) -> str:
    """`1,234`, `0.0123`, `6.2e+12`: as many digits as a person reads."""
    if value is None or not math.isfinite(value):
        return NOTHING
    if value == 0:
        return "0"
    size = math.floor(math.log10(abs(value)))
    if not -4 <= size <= 8:  # noqa: PLR2004 - longer rows of zeros are not read
        return f"{value:.{digits - 1}g}"
    text = f"{value:,.{max(0, digits - 1 - size)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(share: float) -> str:
    """`12 %`, `0.3 %`, `< 0.1 %`; never rounded to 0 or 100 where it is neither."""
    value = 100 * share
    if value in (0, 100):
        return f"{value:.0f} %"
    if value < 0.1:  # noqa: PLR2004
        return "< 0.1 %"
    if value > 99.9:  # noqa: PLR2004
        return "> 99.9 %"
    return f"{value:.0f} %" if 10 <= value <= 99 else f"{value:.1f} %"  # noqa: PLR2004


def plural(count: int, noun: str) -> str:
    """`1 event`, `2 events`, `no event`."""
    if count == 0:
        return f"no {noun}"
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def duration(seconds: float, n_units: int = 2) -> str:
    """`25 s`, `2 h 10 min`, `3 days 4 h`: two units at most."""
    if seconds < 10:  # noqa: PLR2004
        return f"{number(seconds, 2)} s"
    left, parts = round(seconds), []
    for name, size in UNITS:
        count, left = divmod(left, int(size))
        if count:
            parts.append(f"{count:,} {name}" + ("s" if name == "day" and count > 1 else ""))
        elif parts:
            break
    return " ".join(parts[:n_units])


def lasted(n_rows: int, rows_per_day: float | None) -> str:
    """How long so many rows are; in rows where there is no clock."""
    if rows_per_day is None:
        return plural(n_rows, "row")
    return duration(n_rows * DAY_S / rows_per_day)


def moment(detection: Detection, time: object) -> str:
    """A time stamp on the clock of the series, as exact as its step; or `row 120`."""
    if not detection.series.has_clock or detection.rows_per_day is None:
        return f"row {time}"
    step = DAY_S / detection.rows_per_day
    unit = "m" if step >= 60 else "s" if step >= 1 else "ms"  # noqa: PLR2004
    stamp = local_time(np.array([time], dtype="datetime64[ns]"), detection.series.zone)
    return str(np.datetime_as_string(stamp.astype(f"datetime64[{unit}]"))[0]).replace("T", " ")


def rate(detection: Detection) -> tuple[str, str]:
    """How often it alarms, and in what: a day, or 1,000 rows where there is no clock."""
    rows_per_day = detection.rows_per_day
    n_scored = int(np.isfinite(detection.score).sum())
    in_what = "in 1,000 rows" if rows_per_day is None else "a day"
    if not n_scored:
        return NOTHING, in_what
    return number(len(detection.events) * (rows_per_day or 1000) / n_scored, 2), in_what


def summary(detection: Detection) -> str:
    """What was found, in two to four sentences: how many events, the worst, how often, where."""
    n_rows = len(detection.series)
    span = lasted(n_rows, detection.rows_per_day)
    scored = np.isfinite(detection.score)
    if not scored.any():
        return f"Nothing could be scored in {span} of data: every row is warm-up or gap."
    if not detection.events:
        return _calm(detection, span)
    worst = max(detection.events, key=lambda event: event.severity)
    found = f"{plural(len(detection.events), 'event')} in {span} of data."
    return f"{found} {_worst(detection, worst)} {_pace(detection, int(scored.sum()))}"


def _calm(detection: Detection, span: str) -> str:
    severity = detection.score / detection.cut
    row = int(np.nanargmax(severity))
    return (
        f"No event in {span} of data. The score came nearest to the limit at "
        f"{moment(detection, detection.time[row])}: {percent(severity[row])} of it."
    )


def _worst(detection: Detection, event: Event) -> str:
    only = len(detection.events) == 1
    text = (
        f"{'It' if only else 'The worst'} began at {moment(detection, event.start_time)}, lasted "
        f"{lasted(event.end - event.start, detection.rows_per_day)} and reached "
        f"{number(event.severity, 3)} times the limit"
    )
    if not np.isfinite(event.expected) or not np.isfinite(event.actual):
        return f"{text}; {cut_middle(event.channel, 60)} had most to do with it."
    channel, side = cut_middle(event.channel, 60), DIRECTIONS[event.direction]
    return (
        f"{text}: {channel} was {side} what was expected "
        f"({number(event.actual)} instead of {number(event.expected)})."
    )


def _pace(detection: Detection, n_scored: int) -> str:
    often, in_what = rate(detection)
    if detection.rows_per_day is None:
        return f"That is {often} {in_what}."
    if n_scored < detection.rows_per_day:
        return f"At this pace a whole day would bring {often} alarms."
    per_day = len(detection.events) * detection.rows_per_day / n_scored
    one_in = "" if per_day >= 1 else f", or about one in {duration(DAY_S / per_day, 1)}"
    return f"That is {often} alarms a day{one_in}."


def cut_middle(name: str, length: int) -> str:
    """A name of at most `length` signs; it loses its middle, since its ends tell it from others."""
    if len(name) <= length:
        return name
    tail = (length - 1) // 2
    return f"{name[: length - 1 - tail]}…{name[len(name) - tail :]}"
