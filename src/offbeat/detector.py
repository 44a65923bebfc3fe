"""Detector: the template behind every method, from any data to scores, labels and events.

    fit:    data -> Series -> regular grid -> prepared -> [learn] -> [foresee] -> standard, cuts
    score:  data -> Series -> regular grid -> prepared -> [foresee] -> signals -> score
    detect: score -> threshold -> labels -> events -> Detection

A method fills the two steps in brackets, `_learn` and `_foresee`. What comes after them is in
`judging` and `scores`, what is remembered in `origin` and `choices`, a model file in `keeping`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from offbeat.choices import Choice, choices_in, training_record
from offbeat.contamination import Taught, contaminated_rows
from offbeat.detection import Detection, EventRules
from offbeat.errors import ConfigError, DataError, NotFittedError, one_of, whole_number
from offbeat.grid import Grid, regularise
from offbeat.io import as_series, like_input
from offbeat.judging import (
    Foreseen,
    Foresight,
    Judged,
    Look,
    band_width,
    smoothing_windows,
    wild_channels,
)
from offbeat.keeping import Arrays, State, options_from_plain, restore, state_of
from offbeat.origin import HasOrigin, Origin
from offbeat.parameters import HasParameters
from offbeat.preparation import (
    FittedPreparation,
    Preparation,
    Prepared,
    Span,
    confirmed_first,
    span_rows,
    taught_rows,
)
from offbeat.runs import label_runs
from offbeat.scores import MODES, Scoring, Smoothing, Standard, Track, join, measure_standard
from offbeat.season import common_period
from offbeat.series import BoolArray, FloatArray, Series
from offbeat.thresholds import Calibration, Threshold, default_threshold
from offbeat.training import EpochLog, ProgressHook

__all__ = ["Detector"]


class Detector(HasOrigin, HasParameters, ABC):
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
    calibrations_: dict[Smoothing, Calibration]  # this and the next are learned or chosen
    warm_up_: int
    min_rows_: int

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

    def _learns_anew(self) -> bool:
        """Whether to learn a second time without the rows of the training part that are odd."""
        return True

    def _reasons(self) -> dict[str, str]:
        """Why the choices of `_chosen` were made, by their names."""
        return {}

    def _smoothing_windows(self, mode: Smoothing) -> tuple[int, ...]:
        """Rows that the forecast error is smoothed over."""
        return smoothing_windows(self.scoring, self.season_, mode)

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
        self._check_every_option()
        grid = regularise(as_series(X), self.preparation.step)
        learned = taught_rows(grid.series, normal, exclude, expected)
        self.confirmed_ = learned & span_rows(grid.series, expected)
        return self._fit_grid(grid, learned, progress)

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
        detection = self.detect(X)
        return like_input(X, detection.source, {"label": detection.label[detection.slot]})

    def detect(self, X: object) -> Detection:
        """Scores, labels, events, expected values and bands of the whole series."""
        series, grid = self._scored_grid(X)
        return self._detection(series, grid, self._judge(grid, self.smoothing))

    def _detection(self, series: Series, grid: Grid, judged: Judged) -> Detection:
        """What `detect` gives, of a series that was judged."""
        origin, joined, prepared = self.origin_, judged.joined, judged.prepared
        expected, lower, upper = (
            self.prepared_by_.in_data_units(origin.over_all_channels(each), prepared)
            for each in judged.foresight.band(self.band_)
        )
        calibration = self.calibrations_[self.smoothing]
        return Detection(
            source=series,
            series=replace(grid.series, values=prepared.filled),
            score=joined.score,
            cut=self.threshold_.cut(calibration, joined.score),
            expected=expected,
            lower=lower,
            upper=upper,
            imputed=prepared.imputed,
            learned=origin.rows_in(grid.series),
            channel_shares=origin.over_all_channels(joined.channel_shares),
            signal_shares=joined.signal_shares,
            signals=self.signal_names,
            calibration=calibration,
            threshold=self.threshold_,
            rules=self.event_rules(self.smoothing),
            slot=grid.slot,
            rows_per_day=grid.rows_per_day,
            record=self.record_,
        )

    def set_threshold(self, threshold: Threshold, X: object = None, y_true: object = None) -> Self:
        """Cut elsewhere from now on. Nothing is trained again.

        Parameters
        ----------
        threshold
            Any method of `offbeat.thresholds`.
        X
            Data to take the cut from, or a `Detection` of them by this detector; None takes the
            training scores.
        y_true
            Labels of `X`, shape (T,), for methods that learn from labels; None takes the label
            column of `X`.
        """
        calibration = self._fitted().calibrations_[self.smoothing]
        if X is not None:
            calibration = self._calibration_on(X, y_true)
        elif y_true is not None:
            raise ConfigError(
                "y_true needs the data it belongs to: set_threshold(method, X, y_true)"
            )
        threshold.cut(calibration, calibration.score)  # refuses now what could not be cut later
        self.threshold_ = threshold
        self.calibrations_ = {**self.calibrations_, self.smoothing: calibration}
        return self

    def save(self, path: str | Path) -> Path:
        """Write the fitted detector to one file; `offbeat.load` reads it back. See `persist`."""
        from offbeat.persist import save  # the door upwards, see docs/decisions

        return save(self, path)

    @property
    def config_report_(self) -> list[Choice]:
        """What was chosen from the training part, and why."""
        return choices_in(self._fitted().record_)

    @property
    def signal_names(self) -> tuple[str, ...]:
        """What the score is made of."""
        return tuple(self.scoring.weights)

    # ------------------------------------------------------------ fitting

    def _check_every_option(self) -> None:
        one_of("smoothing", self.smoothing, MODES)
        self.preparation.check()
        self.scoring.check()
        whole_number("random_state", self.random_state, least=0)
        self._check_options()

    def _fit_grid(
        self,
        grid: Grid,
        learned: BoolArray,
        progress: ProgressHook | None,
        known_odd: BoolArray | None = None,
    ) -> Self:
        """Everything after the rows are regular and it is known which are learned.

        What turns out to be off in the training part is left out of what is usual, and of what is
        learned by a method that learns anew. `known_odd` are rows left out already.
        """
        log = self._fit_rows(grid, learned, progress)
        live = self._foreseen(grid, MODES[0], training=True)
        odd = self._odd_rows(live, learned)
        learned = learned & ~odd
        if odd.any() and self._learns_anew():
            del live  # large
            outliers = self.prepared_by_.outliers
            log = self._fit_rows(grid, learned, progress)  # sees these outliers no longer
            self.prepared_by_.outliers = outliers
            live = self._foreseen(grid, MODES[0], training=True)
        taught = Taught(learned, odd if known_odd is None else odd | known_odd)
        self._learn_rest(grid, taught, progress)
        return self._settle(grid, taught, live, log)

    def _fit_rows(
        self, grid: Grid, learned: BoolArray, progress: ProgressHook | None
    ) -> tuple[EpochLog, ...]:
        """Choose what is open and learn, from these rows."""
        return self._learn(self._opened(grid, learned), learned, progress)

    def _opened(self, grid: Grid, learned: BoolArray) -> Prepared:
        """Choose what is open from these rows; the training part, ready to be learned."""
        self.origin_ = Origin.of(grid, learned, self.covariates)
        self.prepared_by_ = FittedPreparation(self.preparation, self.targets_)
        training_part = confirmed_first(self.prepared_by_.fit(grid, learned), self.confirmed_)
        self.season_ = common_period(training_part.filled[:, self.targets_])
        self.n_learned_ = int(learned.sum())
        self._configure(self.n_learned_)
        self._require_rows(self.n_learned_, "the training part")
        self.windows_ = {mode: self._smoothing_windows(mode) for mode in MODES}
        return training_part

    def _odd_rows(self, live: Foreseen, learned: BoolArray) -> BoolArray:
        """Learned rows (T,) that turned out to be off, and are left out of what is usual."""
        odd = np.zeros_like(learned)
        if self.preparation.contamination == "auto":
            odd = contaminated_rows(live.foresight.error, learned, least=self.min_rows_)
            odd &= ~self.confirmed_
        self.left_out_ = [(int(start), int(end)) for start, end in label_runs(odd)]
        return odd

    def _learn_rest(self, grid: Grid, taught: Taught, progress: ProgressHook | None) -> None:
        """Learn what does not say which rows are odd, and can wait until they are left out."""

    def _settle(
        self, grid: Grid, taught: Taught, live: Foreseen, log: tuple[EpochLog, ...]
    ) -> Self:
        """After all is learned: what is usual, where the cut lies, and what is remembered."""
        self.calibrations_ = self._calibrate(grid, taught, live)
        self.threshold_ = self.threshold or default_threshold(self.rows_per_day_, self.n_learned_)
        self.threshold_.cut(self.calibrations_[self.smoothing], np.zeros(1))
        self.record_ = training_record(self, log, grid.series)
        return self

    def _require_rows(self, n_rows: int, what: str) -> None:
        if n_rows < self.min_rows_:
            raise DataError(
                f"{what} has {n_rows} rows; at least {self.min_rows_} are needed (window, horizon "
                f"and a few to learn from): give more history or a smaller window"
            )

    def _calibrate(
        self, grid: Grid, taught: Taught, live: Foreseen
    ) -> dict[Smoothing, Calibration]:
        """Measure what is usual on the training part, both live and looking back."""
        measured = taught.measured(min(self.windows_[MODES[0]]))
        self.band_ = band_width(live, self.targets_, measured)
        self.standards_: dict[Smoothing, Standard] = {}
        self.wild_: dict[Smoothing, BoolArray] = {}
        made: dict[Smoothing, Calibration] = {}
        for mode in MODES:
            seen = live if mode == MODES[0] else self._foreseen(grid, mode, training=live)
            self.wild_[mode] = wild_channels(seen.foresight, self.scoring.error, measured)
            tracks, signals = self._signals(seen, mode)
            self.standards_[mode] = measure_standard(self.scoring, tracks, signals, measured)
            score = join(self.scoring, tracks, signals, self.standards_[mode]).score
            usual, gap = taught.usual(score, measured), self._merge_gap(mode)
            made[mode] = Calibration(usual, self.rows_per_day_, merge_gap=gap)
        return made

    # ------------------------------------------------------------ scoring

    def _fitted(self) -> Self:
        if not hasattr(self, "calibrations_"):
            raise NotFittedError(f"this {type(self).__name__} knows nothing yet: call fit first")
        return self

    def _scored_grid(self, X: object) -> tuple[Series, Grid]:
        """Data to score, held against what was learned."""
        series, grid = self._fitted().origin_.regular(X, self.preparation.step)
        self._require_rows(len(grid.series), "the series")
        return series, grid

    def _foreseen(self, grid: Grid, mode: Smoothing, training: Foreseen | bool = False) -> Foreseen:
        """What is said of a grid; of the training part not again if it is known already."""
        prepared = self.prepared_by_.prepare(grid, causal=mode == "trailing")
        if isinstance(training, Foreseen) and training.speaks_of(prepared):
            return Foreseen(prepared, training.foresight)
        return Foreseen(prepared, self._foresee(prepared, training=bool(training)))

    def look(self, mode: Smoothing) -> Look:
        """How a series is looked at, as it comes in or looking back."""
        period = self.season_.period if self.season_ else None
        return Look(mode, self.scoring, self.windows_[mode], period, self.wild_[mode])

    def event_rules(self, mode: Smoothing) -> EventRules:
        """The rules in force, with the gap that is taken where none was given."""
        return replace(self.rules, merge_gap=self._merge_gap(mode))

    def _signals(
        self, seen: Foreseen, mode: Smoothing
    ) -> tuple[tuple[Track, ...], list[FloatArray]]:
        """What the score is made of."""
        look = self.look(mode)
        return look.tracks, look.signals(seen, self.targets_, self.warm_up_)

    def _judge(self, grid: Grid, mode: Smoothing) -> Judged:
        """Scores of a regular series."""
        return self._judged(self._foreseen(grid, mode), mode)

    def _judged(self, seen: Foreseen, mode: Smoothing) -> Judged:
        """Scores of a series of which it is said what was foreseen."""
        joined = join(self.scoring, *self._signals(seen, mode), self.standards_[mode])
        return Judged(seen.prepared, seen.foresight, joined)

    def _merge_gap(self, mode: Smoothing) -> int:
        given = self.rules.merge_gap
        return min(self.windows_[mode]) if given is None else given

    def _calibration_on(self, X: object, y_true: object) -> Calibration:
        """Scores of other data, and their labels, to take a cut from."""
        if isinstance(X, Detection):
            series, score = X.source, X.score[X.slot]
        else:
            series, grid = self._scored_grid(X)
            score = self._judge(grid, self.smoothing).joined.score[grid.slot]
        truth = series.label if y_true is None else np.asarray(y_true).astype(np.int8)
        return Calibration(score, self.rows_per_day_, truth, self._merge_gap(self.smoothing))

    # ------------------------------------------------------------ keeping

    def state(self) -> tuple[State, Arrays]:
        """Everything that was learned: JSON-able values, and arrays by name."""
        return state_of(self._fitted())

    @classmethod
    def from_state(cls, state: State, arrays: Arrays) -> Self:
        """A fitted detector from what `state` gave."""
        detector = cls(**options_from_plain(state["options"]))
        detector._check_every_option()
        detector._restore(state, arrays)
        return detector

    def _restore(self, state: State, arrays: Arrays) -> None:
        restore(self, state, arrays)
