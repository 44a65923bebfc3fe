"""Methods without an incremental twin: the last rows are judged anew with every row.

Exact for whatever looks back over a bounded number of rows; a Python call a series and row.
"""

from __future__ import annotations

import numpy as np

from offbeat.autoencoders import ReconstructionDetector
from offbeat.baselines import (
    ARIMADetector,
    PersistenceDetector,
    RandomDetector,
    SeasonalNaiveDetector,
    SmoothedZDetector,
)
from offbeat.detector import Detector
from offbeat.errors import ConfigError
from offbeat.grid import Grid
from offbeat.judging import Foresight
from offbeat.preparation import Prepared
from offbeat.series import IntArray, Series, TimeArray
from offbeat.stream.arrival import as_time, step_units
from offbeat.stream.foreseeing import LiveForesight, Said
from offbeat.stream.perseries import Recent
from offbeat.stream.preparing import Ready
from offbeat.windowed import WindowDetector

__all__ = ["LiveTail"]


class LiveTail(LiveForesight):
    """Runs `_foresee` over the last rows of a segment and takes what it says of the last one.

    Raises
    ------
    ConfigError
        If no bounded number of rows makes the score.
    """

    first: IntArray  # (S,): row number in steps of all time, for what depends on it
    n_rows: IntArray

    def __init__(self, detector: Detector) -> None:
        super().__init__()
        self._detector, self._hop = detector, getattr(detector, "hop_", 1)
        self._reach, self._step = rows_looked_back(detector), step_units(detector)
        n_channels = len(detector.channels_)
        self.scaled = Recent(self._reach, (n_channels,))
        self.hollow = Recent(self._reach, (n_channels,), False)
        self._remember("first", 0, np.int64)
        self._remember("n_rows", 0, np.int64)

    def step(self, rows: IntArray, ready: Ready, time: TimeArray) -> Said:
        """As `LiveForesight.step`."""
        self.scaled.push(rows, ready.scaled)
        self.hollow.push(rows, ready.hollow)
        new = rows[self.n_rows[rows] == 0]
        self.first[new] = self._steps(time)[self.n_rows[rows] == 0]
        self.n_rows[rows] += 1
        said = np.full((3, len(rows), len(self._detector.targets_)), np.nan)
        for i in np.flatnonzero(ready.place >= 0):
            foresight = self._foresight(rows[i : i + 1], int(ready.place[i]))
            each = (foresight.error, foresight.expected, foresight.scale)
            said[:, i] = [numbers[-1] for numbers in each]
        return Said(*said)

    def skip(self, rows: IntArray, n_rows: IntArray) -> None:
        """As `PerSeries.skip`; rows are counted."""
        self.n_rows[rows] += n_rows

    def _foresight(self, row: IntArray, place: int) -> Foresight:
        """What is said of the last rows of one series, of which the last stands at `place`."""
        length = min(place + 1, self._reach)
        if self._hop > 1:  # windows begin every so many rows of a segment: stay in step with them
            window = self._reach - self._hop + 1
            begin = max(0, place - window + 1) // self._hop * self._hop
            length = place - begin + 1
        scaled = self.scaled.window(row)[0, -length:]
        hollow = self.hollow.window(row)[0, -length:]
        base = np.zeros_like(scaled)
        last = int(self.first[row[0]] + self.n_rows[row[0]]) - 1
        time = (last + np.arange(1 - length, 1)) * self._step
        series = Series(scaled, as_time(time, self._detector.has_clock_), self._detector.channels_)
        grid = Grid(series, self._detector.step_, np.arange(length))
        tail = Prepared(grid, scaled, hollow, scaled, base, hollow, ((0, length),))
        return self._detector._foresee(tail)

    def _steps(self, time: TimeArray) -> IntArray:
        moments = time.astype("datetime64[ns]") if time.dtype.kind == "M" else time
        return np.asarray(moments.astype(np.int64) // self._step)


def rows_looked_back(detector: Detector) -> int:
    """Rows of a segment, the last one included, that what is said of the last one rests on."""
    if isinstance(detector, ReconstructionDetector):
        return detector.window_ + detector.hop_ - 1
    if isinstance(detector, WindowDetector):
        return detector.window_
    if isinstance(detector, SeasonalNaiveDetector):
        return detector.period_ + 1
    if isinstance(detector, PersistenceDetector):
        return 2
    if isinstance(detector, SmoothedZDetector | RandomDetector):
        return 1
    if isinstance(detector, ARIMADetector) and detector.ma_.shape[1] == 1:
        return int(detector.warm_up_ + detector.ar_.shape[1])
    name = type(detector).__name__
    raise ConfigError(
        f"{name} cannot be streamed: its score of a row rests on all rows before it; take an "
        f"LSTMDetector, or an ARIMADetector with q=0"
    )
