"""EnsembleDetector: several detectors look at the same rows, and their scores are joined."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal, Self, get_args

import numpy as np

from offbeat.detection import EventRules
from offbeat.detector import Detector
from offbeat.errors import ConfigError, ModelFileError, one_of
from offbeat.grid import Grid
from offbeat.judging import Foreseen, Foresight, Judged
from offbeat.lstm import LSTMDetector
from offbeat.preparation import Preparation, Prepared
from offbeat.registry import MEMBERS
from offbeat.scores import MODES, Joined, Scoring, Smoothing
from offbeat.series import BoolArray, FloatArray
from offbeat.storable import part, under
from offbeat.thresholds import Calibration, Threshold
from offbeat.training import EpochLog, ProgressHook
from offbeat.windowed import ShapeMemoryDetector

__all__ = ["Combine", "EnsembleDetector"]

Combine = Literal["log", "mean", "rank"]
QUANTILE = 0.99
"""A member's score is measured in units of this quantile of its training scores."""
MIN_UNIT = 1e-3


class EnsembleDetector(Detector):
    """Joins the scores of its members, each measured against its own training scores.

    Parameters
    ----------
    members
        Detectors, not fitted; the first leads: expected values and bands are its own. They take
        over the ensemble's `smoothing`, `random_state`, `covariates` and `preparation`, of which
        they keep their own `difference`. None takes an `LSTMDetector` and a
        `ShapeMemoryDetector`.
    combine
        "log": mean of log(1 + score), so that no single member shouts the others down; "mean" of
        the scores; "rank": mean of the share of training scores that lie below.
    weights
        One a member, >= 0; None weighs them alike.
    smoothing, random_state, covariates, preparation, threshold, rules
        As in `LSTMDetector`.

    Attributes
    ----------
    members_
        The fitted members.
    """

    scoring = Scoring()

    def __init__(
        self,
        *,
        members: tuple[Detector, ...] | None = None,
        combine: Combine = "log",
        weights: tuple[float, ...] | None = None,
        smoothing: Smoothing = "trailing",
        random_state: int = 0,
        covariates: tuple[str, ...] | None = None,
        preparation: Preparation = Preparation(),
        threshold: Threshold | None = None,
        rules: EventRules = EventRules(),
    ) -> None:
        self.members = members
        self.combine = combine
        self.weights = weights
        self.smoothing = smoothing
        self.random_state = random_state
        self.covariates = covariates
        self.preparation = preparation
        self.threshold = threshold
        self.rules = rules

    # ------------------------------------------------------------ what a method fills in

    def _check_options(self) -> None:
        one_of("combine", self.combine, get_args(Combine))
        given = self._given_members()
        if not given or not all(isinstance(member, Detector) for member in given):
            raise ConfigError(f"members must be one or more detectors, {self.members!r} came")
        if any(isinstance(member, EnsembleDetector) for member in given):
            raise ConfigError("an ensemble cannot be a member: give its members")
        made, weights = self._fresh_members(), self._weights(len(given))
        if len(weights) != len(made) or min(weights) < 0 or not 0 < weights.sum() < np.inf:
            raise ConfigError(
                f"weights must be {len(made)} numbers >= 0 and not all 0, {self.weights!r} came"
            )
        for member in made:
            member._check_options()

    def _configure(self, n_rows: int) -> None:
        if not self._second_pass:
            self.members_ = self._fresh_members()
        for member in self.members_:
            member.season_, member.origin_ = self.season_, self.origin_
            member._configure(n_rows)
        self.warm_up_ = max(member.warm_up_ for member in self.members_)
        self.min_rows_ = max(member.min_rows_ for member in self.members_)

    def _learn(
        self, prepared: Prepared, learned: BoolArray, progress: ProgressHook | None
    ) -> tuple[EpochLog, ...]:
        for member in self.members_:
            member.confirmed_ = self.confirmed_
        leader = self.members_[0]
        leader.left_out_ = []  # the ensemble leaves out for all
        leader._second_pass = self._second_pass
        log = leader._fit_rows(prepared.grid, learned, progress)
        self.prepared_by_ = leader.prepared_by_  # what is expected is in the leader's units
        return log

    def _learn_rest(self, grid: Grid, learned: BoolArray, progress: ProgressHook | None) -> None:
        for member in self.members_[1:]:
            member._fit_grid(grid, learned, progress)

    def _settle(
        self, grid: Grid, learned: BoolArray, live: Foreseen, log: tuple[EpochLog, ...]
    ) -> Self:
        self.members_[0]._settle(grid, learned, live, log)
        return super()._settle(grid, learned, live, log)

    def _foresee(self, prepared: Prepared, *, training: bool = False) -> Foresight:
        return self.members_[0]._foresee(prepared, training=training)

    def _chosen(self) -> dict[str, object]:
        return {type(member).__name__: member._chosen() for member in self.members_}

    def _reasons(self) -> dict[str, str]:
        return {
            f"{type(member).__name__}: {name}": reason
            for member in self.members_
            for name, reason in member._reasons().items()
        }

    # ------------------------------------------------------------ joining

    @property
    def signal_names(self) -> tuple[str, ...]:
        """The members."""
        return tuple(type(member).__name__ for member in self.members_)

    def _given_members(self) -> tuple[Detector, ...]:
        return (LSTMDetector(), ShapeMemoryDetector()) if self.members is None else self.members

    def _fresh_members(self) -> tuple[Detector, ...]:
        made = tuple(member.fresh() for member in self._given_members())
        for member in made:
            member.set_params(
                smoothing=self.smoothing,
                random_state=self.random_state,
                covariates=self.covariates,
                preparation=replace(
                    self.preparation,
                    difference=member.preparation.difference,
                    contamination="off",  # the ensemble decides for all
                ),
            )
        return made

    def _weights(self, n_members: int) -> FloatArray:
        if self.weights is not None:
            return np.array(self.weights, dtype=float)
        return np.ones(n_members)

    def _calibrate(
        self, grid: Grid, learned: BoolArray, live: Foreseen
    ) -> dict[Smoothing, Calibration]:
        """The members have scored the training part already."""
        del grid, learned, live
        self.band_ = self.members_[0].band_
        self.standards_ = {}
        made: dict[Smoothing, Calibration] = {}
        for mode in MODES:
            scores = [member.calibrations_[mode].score for member in self.members_]
            usual, merge_gap = self._joined(scores, mode)[0], self._merge_gap(mode)
            made[mode] = Calibration(usual, self.rows_per_day_, merge_gap=merge_gap)
        return made

    def _judge(self, grid: Grid, mode: Smoothing) -> Judged:
        judged = [member._judge(grid, mode) for member in self.members_]
        score, parts = self._joined([each.joined.score for each in judged], mode)
        total = np.maximum(parts.sum(axis=0), np.finfo(np.float64).tiny)
        member_shares = np.where(np.isnan(score), np.nan, parts / total)  # (M, T)
        shares = np.zeros_like(judged[0].joined.channel_shares)
        for share, each in zip(member_shares, judged, strict=True):
            shares += share[:, None] * np.nan_to_num(each.joined.channel_shares)
        joined = Joined(score, np.where(np.isnan(score)[:, None], np.nan, shares), member_shares.T)
        return replace(judged[0], joined=joined)

    def _joined(self, scores: list[FloatArray], mode: Smoothing) -> tuple[FloatArray, FloatArray]:
        """The joined score (T,), NaN until every member has one, and each member's part (M, T)."""
        weights = self._weights(len(scores))
        weights = weights / weights.sum()
        measured = [
            self._measured(score, member.calibrations_[mode].score)
            for score, member in zip(scores, self.members_, strict=True)
        ]
        parts = np.stack(measured) * weights[:, None]
        total = parts.sum(axis=0)
        return (np.expm1(total) if self.combine == "log" else total), np.nan_to_num(parts)

    def _measured(self, score: FloatArray, usual: FloatArray) -> FloatArray:
        """A member's score against its training scores, >= 0."""
        known = np.sort(usual[~np.isnan(usual)])
        if self.combine == "rank":
            below = np.searchsorted(known, np.nan_to_num(score)) / max(1, len(known))
            return np.where(np.isnan(score), np.nan, below + _beyond(score, known))
        unit = float(np.quantile(known, QUANTILE)) if len(known) else 1.0
        far: FloatArray = score / max(unit, MIN_UNIT)
        return np.log1p(far) if self.combine == "log" else far

    # ------------------------------------------------------------ keeping

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """As `Detector.state`, with the members' states."""
        state, arrays = super().state()
        state["options"]["members"] = None
        state["members"] = []
        for number, member in enumerate(self.members_):
            inner, own = member.state()
            state["members"].append({"detector": type(member).__name__, "state": inner})
            arrays |= under(f"member{number}", own)
        return state, arrays

    @classmethod
    def from_state(cls, state: dict[str, Any], arrays: dict[str, np.ndarray]) -> Self:
        """A fitted ensemble from what `state` gave."""
        members = []
        for number, entry in enumerate(state["members"]):
            kind = MEMBERS.get(entry["detector"])
            if kind is None:
                raise ModelFileError(f"a member {entry['detector']!r} is not known here")
            members.append(kind.from_state(entry["state"], part(f"member{number}", arrays)))
        options = {**state["options"], "members": tuple(members)}
        return super().from_state({**state, "options": options, "fitted": members}, arrays)

    def _restore(self, state: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        super()._restore(state, arrays)
        self.members_ = tuple(state["fitted"])


def _beyond(score: FloatArray, known: FloatArray) -> FloatArray:
    """How far a score lies above all training scores, as a rank goes no further than 1."""
    top = known[-1] if len(known) else 0.0
    return np.log1p(np.maximum(score - top, 0.0))
