"""Another detector in the place of the one in use, between two rows: labels act on a stream."""

from __future__ import annotations

from offbeat.detector import Detector
from offbeat.errors import ConfigError
from offbeat.storable import part, under
from offbeat.stream.arrival import step_units
from offbeat.stream.detector import StreamDetector
from offbeat.stream.line import Line
from offbeat.thresholds import Threshold
from offbeat.thresholds.scaled import ScaledThreshold

__all__ = ["exchange"]

CUT = "engine.cut"
"""Where a line keeps what a moving cut has learned."""


def exchange(stream: StreamDetector, detector: Detector, *, same_model: bool) -> None:
    """Judge with another detector from the next row on; no row is without a score in between.

    Row numbers, counts, open events and what waits go on.

    Parameters
    ----------
    stream
        What goes on.
    detector
        Fitted, of the same channels and step.
    same_model
        Whether only cut, mutes and precedents are others, as after `recalibrate`: then all that the
        model remembers stays, and a rolling cut where it is, unless it is of another kind. Another
        model goes through the kept history of each series first.

    Raises
    ------
    ConfigError
        If it reads other rows, cannot be told row by row, or is another model and no history is
        kept; nothing is changed then.
    """
    _refuse_other_rows(stream.detector, detector._fitted())
    if not same_model and not stream.options.history:
        raise ConfigError("another model needs rows to begin on: give StreamOptions(history=rows)")
    line = _remembering(stream, detector) if same_model else stream._after_history(detector)
    stream._swap(detector, line, is_given=True)


def _remembering(stream: StreamDetector, detector: Detector) -> Line:
    """A line on which the same model remembers all, under a cut that is perhaps another."""
    n_series = len(stream.series)
    line = Line(detector, stream.options, stream._intake.capacity)
    arrays = stream._line.state(n_series)
    if _base(detector.threshold_) != _base(stream.detector.threshold_):
        arrays |= under(CUT, part(CUT, line.state(n_series)))
    line.restore(arrays, n_series)
    return line


def _refuse_other_rows(old: Detector, new: Detector) -> None:
    for what, mine, theirs in (
        ("channels", old.channels_, new.channels_),
        ("clock", old.has_clock_, new.has_clock_),
        ("step", step_units(old), step_units(new)),
    ):
        if mine != theirs:
            raise ConfigError(f"this model has another {what} than the one in use: {theirs!r}")


def _base(threshold: Threshold) -> Threshold:
    return threshold.base if isinstance(threshold, ScaledThreshold) else threshold
