"""Detector: the template behind every method, from any data to scores, labels and events.

    fit:    data -> Series -> regular grid -> prepared -> [learn] -> [foresee] -> standard, cuts
    score:  data -> Series -> regular grid -> prepared -> [foresee] -> signals -> score
    detect: score -> threshold -> labels -> events -> Detection

A method fills the two steps in brackets, `_learn` and `_foresee`, and nothing else.
"""

from __future__ import annotations

import platform
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self, get_args

import numpy as np
from sklearn.base import BaseEstimator

from offbeat.commands import find_commands
from offbeat.contamination import contaminated_rows
from offbeat.detection import Detection, TrainingRecord
from offbeat.errors import ConfigError, DataError, NotFittedError, one_of
from offbeat.grid import Grid, regularise
from offbeat.io import as_series, like_input
from offbeat.mutes import Mute
from offbeat.preparation import (
    FittedPreparation,
    Preparation,
    Prepared,
    Span,
    confirmed_first,
    span_rows,
)
from offbeat.rules import EventRules, rules_from_plain
from offbeat.runs import label_runs
from offbeat.scores import (
    Joined,
    Scoring,
    Smoothing,
    Standard,
    Track,
    find_wild,
    join,
    measure_standard,
    raw_signals,
    smooth,
    tracks_of,
)
from offbeat.season import Season, common_period
from offbeat.series import BoolArray, FloatArray, Series
from offbeat.similarity import Precedent
from offbeat.stamps import step_text, time_text
from offbeat.thresholds import Calibration, Threshold, default_threshold, threshold_from_dict
from offbeat.training import EpochLog, ProgressHook, Training

__all__ = ["MODES", "Choice", "Detector", "Foresight", "Judged"]

BAND_QUANTILE = 0.99
"""Share of the training values that lies inside the band."""
MODES: tuple[Smoothing, ...] = get_args(Smoothing)
MIN_MOMENT_ROWS = 30
DEFAULT_SMOOTHING = 128
"""Taken for the period in smoothing where none was found."""
MAX_SMOOTHING_PERIOD = 400
"""Longer periods are not smoothed over: a day's mean at one row a second would hide everything."""
SMOOTHING_SCALES: Mapping[Smoothing, tuple[float, ...]] = {
    "trailing": (0.25, 0.5, 1.0),
    "centred": (0.5, 1.0, 2.0),
}
"""Windows of the moving means in periods; a longer look comes late when nothing ahead is known."""


@dataclass(frozen=True, eq=False)
class Foresight:
    """What a method says of each row of a prepared series, per target channel, in scaled units.

    Parameters
    ----------
    error
        Shape (T, C_targets), >= 0, in the unit of `Scoring.error`; NaN where nothing is said.
    expected, scale
        Shape (T, C_targets): the value foreseen and its usual deviation; NaN where none.
    reach
        Rows that an error speaks of: its own and those before it. Looking back, it is put in their
        middle.
    """

    error: FloatArray
    expected: FloatArray
    scale: FloatArray
    reach: int = 1


@dataclass(frozen=True)
class Choice:
    """Something that was chosen from the training part.

    Parameters
    ----------
    name, value
        What, JSON-able; of a member of an ensemble, "Member: name".
    reason
        Why.
    """

    name: str
    value: object
    reason: str


@dataclass(frozen=True, eq=False)
class Judged:
    """A regular series, what was foreseen of it and what came of that."""

    joined: Joined
    prepared: Prepared
    foresight: Foresight


class Detector(BaseEstimator, ABC):  # type: ignore[misc]
    """Base of all detectors; see `offbeat.LSTMDetector` for the parameters.

    Parameters that every detector stores: `smoothing`, `random_state`, `covariates`,
    `preparation`, `scoring`, `threshold`, `rules`.
    """

    smoothing: Smoothing
    random_state: int
    covariates: tuple[str, ...] | None
    preparation: Preparation
    scoring: Scoring
    threshold: Threshold | None
    rules: EventRules

    # ------------------------------------------------------------ what a method fills in

    @abstractmethod
    def _check_options(self) -> None:
        """Raise a `ConfigError` for options that no data can satisfy."""

    @abstractmethod
    def _configure(self, n_rows: int) -> None:
        """Choose what was left open, from the `n_rows` of the training part; set `warm_up_`."""

    @abstractmethod
    def _learn(
        self, prepared: Prepared, learned: BoolArray, progress: ProgressHook | None
    ) -> tuple[EpochLog, ...]:
        """Learn from the training part, the rows `learned` (T,)."""

    @abstractmethod
    def _foresee(self, prepared: Prepared, *, training: bool = False) -> Foresight:
        """Say what was expected of each row, looking at earlier rows only.

        With `training` these are the rows that were learned from, and what is known of a row by
        heart must not count.
        """

    @abstractmethod
    def _chosen(self) -> dict[str, object]:
        """What was chosen from the data, for the report; JSON-able."""

    def _reasons(self) -> dict[str, str]:
        """Why the choices of `_chosen` were made, by their names."""
        return {}

    # ------------------------------------------------------------ the contract

    def fit(
        self,
        X: object,
        y: object = None,  # noqa: ARG002 - scikit-learn's place for labels; learning needs none
        *,
        normal: Sequence[Span] = (),
        exclude: Sequence[Span] = (),
        expected: Sequence[Span] = (),
        progress: ProgressHook | None = None,
    ) -> Self:
        """Learn what is usual.

        Parameters
        ----------
        X
            Data frame (pandas, Polars, Arrow), array of shape (T,) or (T, C), or `Series`.
        y
            Not used.
        normal
            Spans [start, end) that a person confirmed: only these are learned.
        exclude
            Spans that are never learned.
        expected
            Spans that look odd and are as they should be, such as maintenance: they are learned
            as well, first of all, and nothing in them is left out.
        progress
            Called with an `EpochLog` after every epoch.

        Raises
        ------
        DataError
            If the data cannot be learned from: too few rows, a channel without a value.
        ConfigError
            If an option has a value that it cannot have.
        """
        self._check_shared_options()
        self._check_options()
        grid = regularise(as_series(X), self.preparation.step)
        learned = np.ones(len(grid.series), dtype=bool)
        if normal:
            learned = span_rows(grid.series, normal)
        confirmed = span_rows(grid.series, expected) if expected else ~learned & False
        learned |= confirmed
        if exclude:
            learned &= ~span_rows(grid.series, exclude)
        if not learned.any():
            raise DataError("no row is left to learn from: the excluded spans cover them all")
        self.confirmed_ = confirmed & learned
        return self._fit_grid(grid, learned, progress)

    def _fit_grid(self, grid: Grid, learned: BoolArray, progress: ProgressHook | None) -> Self:
        """Everything after the rows are regular and it is known which are learned.

        What turns out to be off in the training part is left out in a second pass.
        """
        self.left_out_: list[tuple[int, int]] = []
        log = self._fit_rows(grid, learned, progress)
        odd = self.odd_rows_ & ~self.confirmed_
        wanted = self.preparation.contamination == "auto" and odd.any()
        if wanted and (learned & ~odd).sum() >= self.min_rows_:
            outliers = self.prepared_by_.outliers  # the second pass no longer sees them
            self.left_out_ = [(int(start), int(end)) for start, end in label_runs(odd)]
            log = self._fit_rows(grid, learned & ~odd, progress)
            self.prepared_by_.outliers = outliers
        self.threshold_ = self.threshold or default_threshold(self.rows_per_day_, self.n_learned_)
        self.threshold_.cut(self.calibrations_[self.smoothing], np.zeros(1))
        self.record_ = self._make_record(log, grid.series)
        return self

    def _fit_rows(
        self, grid: Grid, learned: BoolArray, progress: ProgressHook | None
    ) -> tuple[EpochLog, ...]:
        """Learn from these rows and measure what is usual on them."""
        self._remember(grid, learned)
        self.prepared_by_ = FittedPreparation(self.preparation, self.targets_)
        training_part = confirmed_first(self.prepared_by_.fit(grid, learned), self.confirmed_)
        self.season_ = common_period(training_part.filled[:, self.targets_])
        self.n_learned_ = int(learned.sum())
        self._configure(self.n_learned_)
        self._require_rows(self.n_learned_, "the training part")
        self.windows_ = {mode: self._smoothing_windows(mode) for mode in MODES}
        log = self._learn(training_part, learned, progress)
        self.calibrations_ = self._calibrate(grid, learned)
        return log

    def anomaly_score(self, X: object) -> Any:
        """How off each row is.

        Parameters
        ----------
        X
            As in `fit`, with the same channels and step.

        Returns
        -------
        Shape (T,), >= 0, high = anomalous; NaN in the warm-up and in long gaps. A frame comes back
        as the same kind of frame with the same index and one column `score`.
        """
        series, grid = self._scored_grid(X)
        score = self._judge(grid, self.smoothing).joined.score
        return like_input(X, series, {"score": score[grid.slot]})

    def predict(self, X: object) -> Any:
        """1 where a row belongs to an event, else 0; shape (T,), or a frame with column `label`."""
        series, grid = self._scored_grid(X)
        label = self._detect(series, grid).label[grid.slot]
        return like_input(X, series, {"label": label})

    def detect(self, X: object) -> Detection:
        """Scores, labels, events, expected values and bands of the whole series."""
        series, grid = self._scored_grid(X)
        return self._detect(series, grid)

    def set_threshold(self, threshold: Threshold, X: object = None, y_true: object = None) -> Self:
        """Cut elsewhere from now on. Nothing is trained again.

        Parameters
        ----------
        threshold
            Any method of `offbeat.thresholds`.
        X
            Data to take the cut from; None takes the training scores.
        y_true
            Labels of `X`, shape (T,), for methods that learn from labels; None takes the label
            column of `X`.
        """
        calibration = self._fitted().calibrations_[self.smoothing]
        if X is not None:
            series, grid = self._scored_grid(X)
            truth = series.label if y_true is None else np.asarray(y_true).astype(np.int8)
            if truth is not None and truth.shape != (len(series),):
                raise DataError(f"{len(series)} labels were expected, {truth.shape} came")
            score = self._judge(grid, self.smoothing).joined.score[grid.slot]
            calibration = Calibration(
                score, self.rows_per_day_, truth, self._merge_gap(self.smoothing)
            )
        elif y_true is not None:
            raise ConfigError(
                "y_true needs the data it belongs to: set_threshold(method, X, y_true)"
            )
        threshold.cut(calibration, calibration.score)  # refuses now what could not be cut later
        self.threshold_ = threshold
        self.calibrations_ = {**self.calibrations_, self.smoothing: calibration}
        return self

    # ------------------------------------------------------------ fitting

    def _check_shared_options(self) -> None:
        one_of("smoothing", self.smoothing, MODES)
        self.preparation.check()
        self.scoring.check()
        if not isinstance(self.random_state, int | np.integer):
            raise ConfigError(f"random_state must be a whole number, {self.random_state!r} came")

    def _remember(self, grid: Grid, learned: BoolArray) -> None:
        """What later data are held against."""
        series = grid.series
        self.channels_ = series.channels
        covariates = self._find_covariates(series, learned)
        self.targets_ = [i for i, name in enumerate(self.channels_) if name not in covariates]
        if not self.targets_:
            raise ConfigError("every channel is a covariate: at least one must be left to watch")
        values = grid.series.values[learned]
        for column, channel in enumerate(self.channels_):
            if np.isnan(values[:, column]).all():
                raise DataError(
                    f"channel {channel!r} has no value in the training part: leave it out with "
                    f"channels=..., or train on a span where it was measured"
                )
        spread = np.nanmax(values, axis=0) - np.nanmin(values, axis=0)
        self.still_ = tuple(name for name, s in zip(self.channels_, spread, strict=True) if s == 0)
        self.step_ = grid.step
        self.has_clock_ = series.has_clock
        self.rows_per_day_ = grid.rows_per_day
        rows = np.flatnonzero(learned)
        self.span_ = (grid.series.time[rows[0]], grid.series.time[rows[-1]])
        self.fingerprint_ = _fingerprint(grid.series.values[rows[0] : rows[-1] + 1])

    def _find_covariates(self, series: Series, learned: BoolArray) -> tuple[str, ...]:
        if self.covariates is None:
            switches = find_commands(series.values[learned])
            return tuple(n for n, is_one in zip(series.channels, switches, strict=True) if is_one)
        return series.select(tuple(self.covariates)).channels if self.covariates else ()

    def _require_rows(self, n_rows: int, what: str) -> None:
        if n_rows < self.min_rows_:
            raise DataError(
                f"{what} has {n_rows} rows; at least {self.min_rows_} are needed (window, horizon "
                f"and a few to learn from): give more history or a smaller window"
            )

    def _calibrate(self, grid: Grid, learned: BoolArray) -> dict[Smoothing, Calibration]:
        """Measure what is usual on the training part, for both ways of looking."""
        self.standards_: dict[Smoothing, Standard] = {}
        self.wild_: dict[Smoothing, BoolArray] = {}
        calibrations: dict[Smoothing, Calibration] = {}
        for mode in MODES:
            judged = self._judge(grid, mode, learned)
            if mode == MODES[0]:
                self.band_ = self._measure_band(judged.prepared, judged.foresight, learned)
                self.odd_rows_ = contaminated_rows(judged.foresight.error, learned)
            calibrations[mode] = Calibration(
                np.where(learned, judged.joined.score, np.nan),
                self.rows_per_day_,
                merge_gap=self._merge_gap(mode),
            )
        return calibrations

    def _measure_band(
        self, prepared: Prepared, foresight: Foresight, learned: BoolArray
    ) -> FloatArray:
        """Half-width of the band in forecast scales, per target, from the training part."""
        residual = np.abs(prepared.observed[:, self.targets_] - foresight.expected)
        ratio = (residual / foresight.scale)[learned]
        columns = (column[~np.isnan(column)] for column in ratio.T)
        return np.array([np.quantile(c, BAND_QUANTILE) if len(c) else 3.0 for c in columns])

    def _make_record(self, log: tuple[EpochLog, ...], series: Series) -> TrainingRecord:
        options = {name: _plain(value) for name, value in self.get_params(deep=False).items()}
        settings = {
            "detector": type(self).__name__,
            "options": options,
            "chosen": {**self._shared_choices(), **self._chosen()},
            "left_out": [
                f"{time_text(series.time[start])} to {time_text(series.time[end - 1])}"
                for start, end in self.left_out_
            ],
            "reasons": {**self._shared_reasons(), **self._reasons()},
            "trained_on": f"{self.span_[0]} to {self.span_[1]}",
            "versions": {
                "offbeat": version("offbeat"),
                "torch": version("torch"),
                "python": platform.python_version(),
            },
        }
        return TrainingRecord(settings, log, self.prepared_by_.outliers)

    def _shared_choices(self) -> dict[str, object]:
        season: Season | None = self.season_
        return {
            "period": season.period if season else None,
            "smoothing_windows": {mode: list(self.windows_[mode]) for mode in MODES},
            "learned_by_changes": [
                name
                for name, wanders in zip(self.channels_, self.prepared_by_.wanders, strict=True)
                if wanders
            ],
            "threshold": self.threshold_.title,
            "stood_still": list(self.still_),
            "covariates": [n for i, n in enumerate(self.channels_) if i not in self.targets_],
            "step": step_text(self.step_) if self.has_clock_ else f"{self.step_} row",
        }

    def _shared_reasons(self) -> dict[str, str]:
        season = self.season_
        strength = (
            f"the training part repeats so, with strength {season.strength:.2f}" if season else ""
        )
        return {
            "period": strength or "nothing repeats clearly enough in the training part",
            "smoothing_windows": "as given"
            if self.scoring.smoothing_window
            else "shares and multiples of the period"
            if season
            else f"no period: as if it were {DEFAULT_SMOOTHING} rows",
            "learned_by_changes": "channels whose level wanders slowly in the training part",
            "threshold": "as given"
            if self.threshold
            else "the rarest alarms that so long a training part can vouch for",
            "stood_still": "channels that never moved in the training part",
            "covariates": "read, not judged: as given"
            if self.covariates is not None
            else "read, not judged: channels of 0 and 1 that look like switches",
            "step": "the usual distance of rows" if self.preparation.step is None else "as given",
        }

    @property
    def config_report_(self) -> list[Choice]:
        """What was chosen from the training part, and why."""
        settings = self._fitted().record_.settings
        reasons = settings.get("reasons", {})
        return [
            Choice(name, value, reasons.get(name, "")) for name, value in _flat(settings["chosen"])
        ]

    # ------------------------------------------------------------ scoring

    def _fitted(self) -> Self:
        if not hasattr(self, "calibrations_"):
            raise NotFittedError(f"this {type(self).__name__} knows nothing yet: call fit first")
        return self

    def _scored_grid(self, X: object) -> tuple[Series, Grid]:
        """Data to score, held against what was learned."""
        self._fitted()
        series = as_series(X)
        if isinstance(X, np.ndarray) and series.n_channels != len(self.channels_):
            raise DataError(
                f"{len(self.channels_)} channel(s) were trained on, {series.n_channels} came"
            )
        if not isinstance(X, np.ndarray | list | tuple):
            series = series.select(self.channels_)
        step = self.preparation.step
        grid = regularise(series, self.step_ if step is None and not series.has_clock else step)
        if series.has_clock and self.has_clock_ and not _same_step(grid.step, self.step_):
            raise DataError(
                f"the detector was trained on a step of {step_text(self.step_)}, these data have "
                f"{step_text(grid.step)}: resample them (step=...) or train on such data"
            )
        self._require_rows(len(grid.series), "the series")
        return series, grid

    def _judge(self, grid: Grid, mode: Smoothing, learned: BoolArray | None = None) -> Judged:
        """Scores of a regular series; with `learned` (T,) it is the training part itself, and what
        is usual is measured on these rows first."""
        prepared = self.prepared_by_.prepare(grid, causal=mode == "trailing")
        foresight = self._foresee(prepared, training=learned is not None)
        tracks = self._tracks(mode)
        if learned is not None:
            self.wild_[mode] = self._find_wild(foresight, learned)
        signals = self._signals(prepared, foresight, mode, tracks)
        if learned is not None:
            self.standards_[mode] = measure_standard(self.scoring, tracks, signals, learned)
        return Judged(
            join(self.scoring, tracks, signals, self.standards_[mode]), prepared, foresight
        )

    def _find_wild(self, foresight: Foresight, learned: BoolArray) -> BoolArray:
        """Channels whose single errors say little; an error that speaks of many rows says much."""
        if foresight.reach > 1:
            return np.zeros(foresight.error.shape[1], dtype=bool)
        return find_wild(foresight.error, self.scoring.error, learned)

    def _tracks(self, mode: Smoothing) -> tuple[Track, ...]:
        windows = self.windows_[mode]
        return tracks_of(self.scoring, windows, windows[len(windows) // 2])

    def _signals(
        self,
        prepared: Prepared,
        foresight: Foresight,
        mode: Smoothing,
        tracks: Sequence[Track],
    ) -> list[FloatArray]:
        """Every track, smoothed; NaN in the warm-up and in long gaps."""
        scaled = prepared.scaled[:, self.targets_]
        raw = raw_signals(
            self.scoring,
            foresight.error,
            scaled,
            moment_window=self._moment_window(),
            wild=self.wild_[mode],
        )
        cold = self._cold_rows(prepared)
        back = (foresight.reach - 1) // 2 if mode == "centred" else 0
        ready = {name: _moved_back(_blank(signal, cold), back) for name, signal in raw.items()}
        return [
            self._held(smooth(ready[track.signal], track.window, mode), prepared, cold)
            for track in tracks
        ]

    def _cold_rows(self, prepared: Prepared) -> BoolArray:
        """Rows outside the segments, and the warm-up of each segment, shape (T,)."""
        cold = np.ones(prepared.n_rows, dtype=bool)
        for start, end in prepared.segments:
            cold[start + self.warm_up_ : end] = False
        return cold

    def _held(self, signal: FloatArray, prepared: Prepared, cold: BoolArray) -> FloatArray:
        """An imputed value brings no error of its own: the last score before it holds."""
        hollow = np.isnan(signal) & ~np.isnan(prepared.scaled[:, self.targets_])
        hollow[cold] = False
        if hollow.any():
            last = np.where(hollow, 0, np.arange(len(signal))[:, None])
            last = np.maximum.accumulate(last, axis=0)
            signal = np.where(hollow, np.take_along_axis(signal, last, axis=0), signal)
            signal = np.where(hollow & np.isnan(signal), 0.0, signal)
        return _blank(signal, cold)

    @property
    def signal_names(self) -> tuple[str, ...]:
        """What the score is made of."""
        return tuple(self.scoring.weights)

    def _smoothing_windows(self, mode: Smoothing) -> tuple[int, ...]:
        given = self.scoring.smoothing_window
        if given is not None:
            return given if isinstance(given, tuple) else (given,)
        period = self.season_.period if self.season_ else DEFAULT_SMOOTHING
        rows = (
            round(scale * min(period, MAX_SMOOTHING_PERIOD)) for scale in SMOOTHING_SCALES[mode]
        )
        return tuple(max(1, n) for n in rows)

    def _merge_gap(self, mode: Smoothing) -> int:
        given = self.rules.merge_gap
        return min(self.windows_[mode]) if given is None else given

    def _moment_window(self) -> int:
        if self.scoring.moment_window is not None:
            return self.scoring.moment_window
        period = self.season_.period if self.season_ else 0
        return max(MIN_MOMENT_ROWS, min(period, MAX_SMOOTHING_PERIOD))

    def _detect(self, series: Series, grid: Grid) -> Detection:
        judged = self._judge(grid, self.smoothing)
        joined, prepared, foresight = judged.joined, judged.prepared, judged.foresight
        expected, lower, upper = self._in_data_units(foresight, prepared.base)
        calibration = self.calibrations_[self.smoothing]
        return Detection(
            source=series,
            series=_with_values(grid.series, prepared.filled),
            score=joined.score,
            cut=self.threshold_.cut(calibration, joined.score),
            expected=expected,
            lower=lower,
            upper=upper,
            imputed=prepared.imputed,
            learned=self._learned_rows(grid.series),
            channel_shares=self._over_all_channels(joined.channel_shares),
            signal_shares=joined.signal_shares,
            signals=self.signal_names,
            calibration=calibration,
            threshold=self.threshold_,
            rules=replace(self.rules, merge_gap=self._merge_gap(self.smoothing)),
            slot=grid.slot,
            rows_per_day=grid.rows_per_day,
            record=self.record_,
        )

    def _in_data_units(
        self, foresight: Foresight, base: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Expected value and band of all channels; NaN for covariates."""
        half = foresight.scale * self.band_
        scaler = self.prepared_by_.scaler
        scaled = (foresight.expected, foresight.expected - half, foresight.expected + half)
        expected, lower, upper = (
            scaler.inverse(self._over_all_channels(part)) + base for part in scaled
        )
        return expected, lower, upper

    def _over_all_channels(self, of_targets: FloatArray) -> FloatArray:
        """(T, targets) -> (T, C), NaN for covariates."""
        wide = np.full((len(of_targets), len(self.channels_)), np.nan)
        wide[:, self.targets_] = of_targets
        return wide

    def _learned_rows(self, series: Series) -> BoolArray:
        """Which rows of these data are the training part itself, by time and by content."""
        time, (first, last) = series.time, self.span_
        inside = np.zeros(len(series), dtype=bool)
        if (time.dtype.kind == "M") != self.has_clock_:
            return inside
        start = int(np.searchsorted(time, first))
        end = int(np.searchsorted(time, last, side="right"))
        if end > start and _fingerprint(series.values[start:end]) == self.fingerprint_:
            inside[start:end] = True
        return inside

    # ------------------------------------------------------------ keeping

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Everything that was learned: JSON-able values, and arrays by name."""
        self._fitted()
        state = {
            "options": {k: _plain(v) for k, v in self.get_params(deep=False).items()},
            "channels": list(self.channels_),
            "targets": self.targets_,
            "has_clock": self.has_clock_,
            "step": _integer(self.step_),
            "rows_per_day": self.rows_per_day_,
            "span": [_integer(edge) for edge in self.span_],
            "fingerprint": self.fingerprint_,
            "season": asdict(self.season_) if self.season_ else None,
            "n_learned": self.n_learned_,
            "smoothing_windows": {mode: list(rows) for mode, rows in self.windows_.items()},
            "threshold": self.threshold_.to_dict(),
            "record": self.record_.to_dict(),
        }
        arrays: dict[str, np.ndarray] = {"band": self.band_}
        arrays |= {f"preparation.{k}": v for k, v in self.prepared_by_.state().items()}
        for mode in MODES:
            calibration = self.calibrations_[mode]
            if mode in self.standards_:
                standard = self.standards_[mode]
                arrays[f"{mode}.location"] = standard.location
                arrays[f"{mode}.unit"] = standard.unit
                arrays[f"{mode}.wild"] = self.wild_[mode]
            arrays[f"{mode}.score"] = calibration.score
            if calibration.y_true is not None:
                arrays[f"{mode}.y_true"] = calibration.y_true
        return state, arrays

    @classmethod
    def from_state(cls, state: dict[str, Any], arrays: dict[str, np.ndarray]) -> Self:
        """A fitted detector from what `state` gave."""
        detector = cls(**options_from_plain(state["options"]))
        detector._check_shared_options()
        detector._check_options()
        detector._restore(state, arrays)
        return detector

    def _restore(self, state: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        self.channels_ = tuple(state["channels"])
        self.targets_ = [int(column) for column in state["targets"]]
        self.has_clock_ = bool(state["has_clock"])
        self.rows_per_day_ = state["rows_per_day"]
        first, last = state["span"]
        self.step_, self.span_ = state["step"], (first, last)
        if self.has_clock_:
            self.step_ = np.timedelta64(state["step"], "ns")
            self.span_ = (np.datetime64(first, "ns"), np.datetime64(last, "ns"))
        self.fingerprint_ = state["fingerprint"]
        self.season_ = Season(**state["season"]) if state["season"] else None
        self.threshold_ = threshold_from_dict(state["threshold"])
        self.record_ = TrainingRecord.from_dict(state["record"])
        self.band_ = arrays["band"]
        self.prepared_by_ = FittedPreparation(self.preparation, self.targets_).restore(
            {k.removeprefix("preparation."): v for k, v in arrays.items() if k.startswith("prep")}
        )
        self.n_learned_ = int(state["n_learned"])
        self._configure(self.n_learned_)
        kept: Mapping[Smoothing, list[int]] = state["smoothing_windows"]
        self.windows_ = {mode: tuple(kept[mode]) for mode in MODES}
        self.wild_ = {
            mode: arrays[f"{mode}.wild"].astype(bool) for mode in MODES if f"{mode}.wild" in arrays
        }
        self.standards_ = {
            mode: Standard(arrays[f"{mode}.location"], arrays[f"{mode}.unit"])
            for mode in MODES
            if f"{mode}.location" in arrays
        }
        self.calibrations_ = {
            mode: Calibration(
                arrays[f"{mode}.score"],
                self.rows_per_day_,
                arrays.get(f"{mode}.y_true"),
                self._merge_gap(mode),
            )
            for mode in MODES
        }

    def save(self, path: str | Path) -> Path:
        """Write the fitted detector to one file; `offbeat.load` reads it back. See `persist`."""
        from offbeat.persist import save  # the door upwards, see docs/decisions

        return save(self, path)


def _flat(chosen: Mapping[str, Any]) -> list[tuple[str, object]]:
    """Choices by name; those of members as "Member: name"."""
    flat = list[tuple[str, object]]()
    for name, value in chosen.items():
        inner = value.items() if isinstance(value, Mapping) and name[:1].isupper() else None
        flat += [(name, value)] if inner is None else [(f"{name}: {k}", v) for k, v in inner]
    return flat


def _blank(signal: FloatArray, rows: BoolArray) -> FloatArray:
    """The signal with NaN in these rows."""
    return np.where(rows[:, None], np.nan, signal)


def _moved_back(signal: FloatArray, n_rows: int) -> FloatArray:
    """Row t + n_rows in row t, shape (T, C); NaN at the end."""
    if n_rows == 0:
        return signal
    end = np.full((min(n_rows, len(signal)), signal.shape[1]), np.nan)
    return np.concatenate([signal[n_rows:], end])


def _with_values(series: Series, values: FloatArray) -> Series:
    return Series(values, series.time, series.channels, series.label, series.zone, series.name)


def _fingerprint(values: FloatArray) -> int:
    return zlib.crc32(np.ascontiguousarray(values).tobytes())


def _same_step(one: np.timedelta64 | int, other: np.timedelta64 | int) -> bool:
    return bool(abs(np.timedelta64(one, "ns") / np.timedelta64(other, "ns") - 1) < 0.01)  # noqa: PLR2004


def _integer(moment: np.datetime64 | np.timedelta64 | int) -> int:
    """A time stamp or step as a whole number (nanoseconds, or rows)."""
    if isinstance(moment, np.datetime64):
        return int(moment.astype("datetime64[ns]").astype(np.int64))
    if isinstance(moment, np.timedelta64):
        return int(moment.astype("timedelta64[ns]").astype(np.int64))
    return int(moment)


def options_from_plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """Constructor options from their JSON; a key that no group knows raises `TypeError`."""
    groups: dict[str, Callable[..., object]] = {
        "preparation": Preparation,
        "training": Training,
        "scoring": Scoring,
        "rules": rules_from_plain,
    }
    made = dict(options)
    for name, group in groups.items():
        if name in made:
            plain = made[name].items()  # JSON knows no tuples
            made[name] = group(**{k: tuple(v) if isinstance(v, list) else v for k, v in plain})
    if made.get("threshold") is not None:
        made["threshold"] = threshold_from_dict(made["threshold"])
    if made.get("covariates") is not None:
        made["covariates"] = tuple(made["covariates"])
    return made


def _plain(value: object) -> object:
    """A value as JSON knows it."""
    if isinstance(value, Threshold):
        return value.to_dict()
    if isinstance(value, Mute | Precedent):
        return value.to_dict()
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
