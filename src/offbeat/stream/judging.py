"""The live score: one row each of many series through preparation, forecast, signals, joining."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

from offbeat.baselines import ARDetector
from offbeat.detector import Detector
from offbeat.ensemble import EnsembleDetector
from offbeat.judging import Foresight
from offbeat.lstm import LSTMDetector
from offbeat.scores import Joined, Smoothing, join
from offbeat.series import BoolArray, FloatArray, IntArray, TimeArray
from offbeat.stream.foreseeing import (
    LiveAutoregression,
    LiveForesight,
    LiveLSTM,
    LiveMemory,
    Said,
)
from offbeat.stream.perseries import PerSeries
from offbeat.stream.preparing import LivePreparation, Ready
from offbeat.stream.signalling import LiveSignals
from offbeat.stream.tail import LiveTail
from offbeat.windowed import ShapeMemoryDetector

__all__ = ["LiveJudge", "Verdict", "live_judge"]

MODE: Smoothing = "trailing"
"""What comes in live is looked at so, whatever a detector does looking back."""


@dataclass(frozen=True, eq=False)
class Verdict:
    """What is said of one row each of B series, in the data's units.

    Parameters
    ----------
    joined
        Scores (B,), and the shares of the channels that are judged, (B, C_targets).
    filled, imputed
        The row with missing values filled, and which were, (B, C).
    expected, lower, upper
        Shape (B, C); NaN where nothing is foreseen.
    """

    joined: Joined
    filled: FloatArray
    imputed: BoolArray
    expected: FloatArray
    lower: FloatArray
    upper: FloatArray


class LiveJudge(PerSeries):
    """A fitted detector, one row at a time."""

    @abstractmethod
    def step(self, rows: IntArray, time: TimeArray, values: FloatArray) -> Verdict:
        """Judge the next row of some series, then read it.

        Parameters
        ----------
        rows
            Which series, shape (B,), no one twice.
        time
            Shape (B,).
        values
            Shape (B, C) in the data's units; NaN where nothing was measured.
        """


class LiveDetector(LiveJudge):
    """One detector that is no ensemble."""

    def __init__(self, detector: Detector) -> None:
        super().__init__()
        self._scoring, self._standard = detector.scoring, detector.standards_[MODE]
        self._band, self._scaler = detector.band_, detector.prepared_by_.scaler
        self._over_all_channels = detector.origin_.over_all_channels
        self.preparation = LivePreparation(detector.prepared_by_, len(detector.channels_))
        self.foresight = _live_foresight(detector)
        self.signals = LiveSignals(detector.look(MODE), detector.targets_, detector.warm_up_)

    def step(self, rows: IntArray, time: TimeArray, values: FloatArray) -> Verdict:
        """As `LiveJudge.step`."""
        return self.verdict(*self.judge(rows, time, values))

    def judge(
        self, rows: IntArray, time: TimeArray, values: FloatArray
    ) -> tuple[Joined, Ready, Said]:
        """The score, and what it came of."""
        ready = self.preparation.step(rows, values)
        said = self.foresight.step(rows, ready, time)
        signals = self.signals.step(rows, ready, said.error)
        return join(self._scoring, self.signals.tracks, signals, self._standard), ready, said

    def verdict(self, joined: Joined, ready: Ready, said: Said) -> Verdict:
        """A score with what was expected, in the data's units."""
        band = Foresight(said.error, said.expected, said.scale).band(self._band)
        expected, lower, upper = (
            self._scaler.inverse(self._over_all_channels(each)) + ready.base for each in band
        )
        return Verdict(joined, ready.filled, ready.imputed, expected, lower, upper)


class LiveEnsemble(LiveJudge):
    """The members and witnesses of an ensemble, each with its own preparation."""

    def __init__(self, ensemble: EnsembleDetector) -> None:
        super().__init__()
        everyone = (*ensemble.members_, *ensemble.witnesses_)
        self.everyone = tuple(LiveDetector(each) for each in everyone)
        self._joint = ensemble.joint(MODE)

    def step(self, rows: IntArray, time: TimeArray, values: FloatArray) -> Verdict:
        """As `LiveJudge.step`; what is expected is the first member's word."""
        judged = [each.judge(rows, time, values) for each in self.everyone]
        joined = self._joint.joined([each for each, _, _ in judged])
        return self.everyone[0].verdict(joined, *judged[0][1:])


def live_judge(detector: Detector) -> LiveJudge:
    """The incremental twin of a fitted detector.

    Raises
    ------
    ConfigError
        If its score of a row cannot be told from a bounded look back.
    """
    return (
        LiveEnsemble(detector) if isinstance(detector, EnsembleDetector) else LiveDetector(detector)
    )


def _live_foresight(detector: Detector) -> LiveForesight:
    if isinstance(detector, LSTMDetector):
        return LiveLSTM(detector)
    if isinstance(detector, ARDetector):
        return LiveAutoregression(detector)
    if isinstance(detector, ShapeMemoryDetector):
        return LiveMemory(detector)
    return LiveTail(detector)
